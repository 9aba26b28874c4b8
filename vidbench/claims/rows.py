"""Every published row beside our own count; where they differ, the reason, found by trying."""

from collections.abc import Iterable
from dataclasses import dataclass

from vidbench.catalog import DATASET_CLASSES, Family, Published, Variant
from vidbench.claims.costs import Counting, Setting
from vidbench.claims.knobs import Row, explain_gmacs, explain_params
from vidbench.claims.printed import rounds_to

UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A published row, our figures at its setting, and why they differ; None where a side has no figure.

    Attributes:
        params_difference: how much more we count than is printed, in percent; likewise `macs_difference`.
        reasons: for `params` and `macs`, where ours do not round to what is printed, why; or "unexplained".
        note: what else there is to know of a figure that agrees.
    """

    family: str
    setting: Setting
    published: Published
    params: int | None
    macs: int | None
    params_difference: float | None
    macs_difference: float | None
    reasons: dict[str, str]
    note: str | None


def check_rows(families: Iterable[Family], counting: Counting) -> list[Finding]:
    """Each published row of these families, in their order."""
    return [
        _check(variant, published, counting)
        for family in families
        for variant in family.variants.values()
        for published in variant.published
    ]


def _check(variant: Variant, published: Published, counting: Counting) -> Finding:
    setting = Setting(
        variant=variant.name,
        classes=DATASET_CLASSES.get(published.dataset.partition("/")[0], variant.classes),
        frames=published.frames,
        size=published.size or variant.size,
    )
    if variant.adaptive:
        return Finding(
            family=variant.family, setting=setting, published=published, params=variant.params, macs=None,
            params_difference=_percent(variant.params / 1e6, published.params_m), macs_difference=None, reasons={},
            note="its work depends on what the clips hold",
        )  # fmt: skip
    row = Row(variant, published, setting, counting)
    cost = counting.cost(setting)
    reasons = {}
    if published.params_m is not None and not rounds_to(cost.params / 1e6, published.params_m):
        reasons["params"] = explain_params(row) or UNEXPLAINED
    if published.gmacs is not None and not rounds_to(cost.macs / 1e9, published.gmacs):
        reasons["macs"] = explain_gmacs(row) or UNEXPLAINED
    return Finding(
        family=variant.family,
        setting=setting,
        published=published,
        params=cost.params,
        macs=cost.macs,
        params_difference=_percent(cost.params / 1e6, published.params_m),
        macs_difference=_percent(cost.macs / 1e9, published.gmacs),
        reasons=reasons,
        note=row.note_crop(),
    )


def _percent(ours: float, published: float | None) -> float | None:
    return None if published is None else (ours / published - 1) * 100
