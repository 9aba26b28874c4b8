"""The catalog as one JSON array, an object a variant."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from vidbench.catalog import Family


def write_catalog(families: Sequence[Family]) -> str:
    """The variants of these families, with what their family says of them; unknown figures are null."""
    rows = []
    for family in families:
        shared = {"paper": family.paper, "code": family.code}
        rows += [
            {**asdict(variant), **shared, "default": variant.name == family.default}
            for variant in family.variants.values()
        ]
    return json.dumps(rows, indent=2, ensure_ascii=False)
