"""The architectures as a table: every variant, or all that is published of one family."""

import sys
from collections.abc import Sequence

from vidbench.catalog import Family, Published
from vidbench.terminal.screen import UNKNOWN, make_table, open_console, print_table, write_notes
from vidbench.units import format_number


def print_families(families: Sequence[Family]) -> None:
    """Every variant with its default clip and a published figure; one family alone with all that is published."""
    in_full = len(families) == 1
    table = make_table()
    table.add_column("variant", no_wrap=True)
    table.add_column("family", no_wrap=True)
    for head in ("params\nM", "default\nclip", "GMACs", "top-1\n%"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("published for", no_wrap=True)
    for head in ("source", *(("top-5\n%", "views") if in_full else ())):
        table.add_column(head, justify="right", no_wrap=True)
    sources: dict[str, int] = {}
    for family in families:
        lines = []
        for variant in family.variants.values():
            cells = [
                variant.name + ("*" if variant.name == family.default else ""),
                family.title,
                format_number(variant.params / 1e6) + ("^" if variant.params_follow else ""),
                f"{variant.frames}x{variant.size}",
            ]
            for published in (variant.published if in_full else [variant.headline()]) or [None]:
                lines.append([*cells, *_published_cells(published, sources)[: len(table.columns) - len(cells)]])
                cells = [""] * len(cells)
        # One row a family: rich's time goes by cells, and `list` has to be as quick as help.
        table.add_row(*("\n".join(column) for column in zip(*lines, strict=True)), end_section=True)
    console = open_console(sys.stdout)
    print_table(console, table)
    following = any(variant.params_follow for family in families for variant in family.variants.values())
    papers = [f"{family.title} ({family.name}): {family.paper}; code: {family.code}" for family in families]
    notes = [
        *(f"[{number}] {source}" for source, number in sources.items()),
        *(papers if in_full else []),
        *(["^ depends on the clip: of the net for its default one."] if following else []),
        "* stands for its family. GMACs (which papers print as GFLOPs) and accuracies are as printed by their source.",
        "`vidbench profile NAME` measures one; `vidbench list FAMILY` shows all that is published, --json everything.",
    ]
    write_notes(console, notes)


def _published_cells(published: Published | None, sources: dict[str, int]) -> list[str]:
    if published is None:
        return [UNKNOWN] * 6
    gmacs, top1, top5 = (
        UNKNOWN if number is None else f"{number:g}" for number in (published.gmacs, published.top1, published.top5)
    )
    setting = f"{published.dataset} {published.frames}" + (f"x{published.size}" if published.size else "")
    source = f"[{sources.setdefault(published.source, len(sources) + 1)}]"
    return [gmacs, top1, setting, source, top5, UNKNOWN if published.views is None else str(published.views)]
