"""The papers' figures against ours, and their headline claims."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vidbench.terminal.screen import UNKNOWN, make_table, open_console, print_table, write_notes
from vidbench.units import Scale, column_scale, format_number

if TYPE_CHECKING:
    from vidbench.claims import Answer, Finding


def print_claims(findings: "Sequence[Finding]", answers: "Sequence[Answer]") -> None:
    """Every published row beside ours with the reason for a difference, then what can be told of the headlines."""
    table = make_table()
    for head in ("variant", "for"):
        table.add_column(head, no_wrap=True)
    for head in ("clip", "params M\nours", "\npaper", "\n%", "GMACs\nours", "\npaper", "\n%"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    sources: dict[str, int] = {}
    # Runs of one net that differ in accuracy alone are one line.
    for cells in dict.fromkeys(_finding_cells(finding, sources) for finding in findings):
        table.add_row(*cells)
    console = open_console(sys.stdout)
    if findings:
        print_table(console, table)
    notes = [f"[{number}] {source}" for source, number in sources.items()]
    counted = (
        "GMACs are counted on meta tensors at the row's own clip and classes; % is how much more than the paper's."
    )
    nothing = [] if findings or answers else ["nothing is published or claimed of its cost"]
    write_notes(console, [*notes, *([counted] if findings else nothing), *_headlines(answers)])


def _finding_cells(finding: "Finding", sources: dict[str, int]) -> tuple[str, ...]:
    published, setting = finding.published, finding.setting
    of = {"params": "params: ", "macs": "GMACs: " if "params" in finding.reasons else ""}
    reasons = [of[figure] + reason for figure, reason in finding.reasons.items()]
    reasons += [finding.note] if finding.note else []
    if published.gmacs is None and published.params_m is None:
        reasons.append("no cost published")
    else:
        reasons = [*(reasons or ["agrees"]), f"[{sources.setdefault(published.source, len(sources) + 1)}]"]
    return (
        setting.variant,
        published.dataset,
        f"{setting.frames}x{setting.size}",
        UNKNOWN if finding.params is None else f"{finding.params / 1e6:.2f}",
        UNKNOWN if published.params_m is None else str(published.params_m),
        _percent(finding.params_difference),
        UNKNOWN if finding.macs is None else format_number(finding.macs / 1e9),
        UNKNOWN if published.gmacs is None else str(published.gmacs),
        _percent(finding.macs_difference),
        "; ".join(reasons[:-1]) + f" {reasons[-1]}" if len(reasons) > 1 else reasons[0],
    )


def _percent(difference: float | None) -> str:
    return UNKNOWN if difference is None else f"{round(difference, 1) + 0.0:+.1f}"


def _headlines(answers: "Sequence[Answer]") -> Iterator[str]:
    """The claims, each with a line a pair and quantity that ends in what can be told and why."""
    from vidbench.claims import LABELS, sum_up

    for claim in dict.fromkeys(id(answer.claim) for answer in answers):
        lines = [answer for answer in answers if id(answer.claim) == claim]
        yield f"\n{lines[0].claim.family}: {lines[0].claim.text} ({lines[0].claim.source})"
        pair = None
        for answer in lines:
            if answer.pair != pair:
                pair = answer.pair
                rival = "itself without what calibrates it" if answer.claim.kind == "overhead" else pair.rival
                yield f"  {pair.ours} against {rival}"
            yield f"    {LABELS[answer.quantity]}: {_figures(answer)}{answer.verdict} ({answer.why})"
        yield from (f"  {line}" for line in sum_up(lines))


def _figures(answer: "Answer") -> str:
    if answer.ratio is None:
        return ""
    unit = {"memory": "bytes", "latency": "seconds"}.get(answer.quantity)
    scale = Scale(1e6, "M") if answer.quantity == "params" else Scale(1e9, "G")
    if unit:
        scale = column_scale((answer.ours, answer.rival), unit)
    return f"{scale.format(answer.rival)} / {scale.format(answer.ours)} {scale.label} = {answer.ratio:.2f}x, "
