"""The answer of `choose` in sentences: what to take, what the next best is like, what a better one would need."""

from collections.abc import Sequence

from vidbench.query.accuracy import name_other_clip
from vidbench.query.choose import BY, Budget, Candidate, Choice
from vidbench.query.columns import Column, find_column
from vidbench.table import Row
from vidbench.units import format_number

FIGURES = ("latency", "throughput", "peak_memory", "predicted_memory", "macs", "params")
WORDS = {"peak_memory": "memory", "macs": "MACs", "predicted_memory": "predicted memory", "params": "parameters"}
OFFERS = 3  # better nets beyond the budgets that are told of
SAME = 0.005  # a share below which two figures are called the same


def write_advice(choice: Choice, budgets: Sequence[Budget], axes: Sequence[str]) -> list[str]:
    """Sentences; `axes` are those that tell a net's rows apart."""
    if choice.taken is None:
        return [*_none_fits(choice, axes), *_left_out(choice, budgets)]
    taken = choice.taken
    *first, last = ["", *map(describe_budget, budgets)]
    limits = f"{', '.join(first[1:])} and {last}" if first[1:] else last
    why = f"is the highest with {limits}" if budgets else "is the highest of all, as no budget was given"
    lines = [
        f"Take {name_row(taken, axes)}: its top-1 of {_accuracy(taken)} {why}.",
        f"It costs {describe_costs(taken)}.",
    ]
    if choice.runner_up:
        other = choice.runner_up
        lines.append(f"Next best is {name_row(other, axes)}: {_step(other, taken)}, {_ratios(other, taken)}.")
    elif budgets:
        lines.append("No other net is within the budgets.")
    lines += [
        f"Better is {name_row(one.row, axes)}: {_step(one.row, taken)}, {_ratios(one.row, taken)}; but {_needs(one)}."
        for one in choice.beyond[:OFFERS]
    ]
    if budgets and not choice.beyond:
        lines.append("No net here is more accurate, whatever it may cost.")
    return [*lines, *_left_out(choice, budgets)]


def describe_budget(budget: Budget) -> str:
    """Such as `latency of at most 20ms`."""
    bound = "at least" if budget.column.better == "higher" else "at most"
    return f"{_word(budget.column.name)} of {bound} {budget.told}"


def name_row(row: Row, axes: Sequence[str]) -> str:
    """The net and its setting: `x3d-m 16x224`, and what else tells it apart."""
    others = [f"{axis} {row[axis]}" for axis in axes if axis not in ("model", "frames", "size")]
    return " ".join([row["model"], f"{row['frames']}x{row['size']}", *([f"({', '.join(others)})"] if others else [])])


def describe_costs(row: Row) -> str:
    """What is known of a row, such as `latency 296.2 ms, 9.31 GMACs, 6.30 M parameters`."""
    known = [find_column(name) for name in FIGURES if row.get(name) is not None]
    known = [column for column in known if column.name != "predicted_memory" or row["peak_memory"] is None]
    return ", ".join(_cost(column, row[column.name]) for column in known)


def _none_fits(choice: Choice, axes: Sequence[str]) -> list[str]:
    if not choice.beyond:
        return ["There is nothing to choose from."]
    first, *others = choice.beyond
    lines = [
        f"Nothing fits. The closest is {name_row(first.row, axes)}, with a top-1 of {_accuracy(first.row)}: "
        f"{_needs(first)}."
    ]
    more = [one for one in others if one.row[BY] > first.row[BY]][:OFFERS]
    return lines + [f"With {_step(one.row, first.row)}, {name_row(one.row, axes)}: {_needs(one)}." for one in more]


def _left_out(choice: Choice, budgets: Sequence[Budget]) -> list[str]:
    lines = [
        f"Left out, as no {_word(budget.column.name)} was measured: {', '.join(missing)}."
        for budget in budgets
        if (missing := dict.fromkeys(row["model"] for row in choice.unknown if budget.read(row) is None))
    ]
    if choice.failed:
        failed = dict.fromkeys(f"{row['model']} {row['frames']}x{row['size']}" for row in choice.failed)
        lines.append(f"Left out, as it could not be measured: {', '.join(failed)}.")
    return lines


def _needs(candidate: Candidate) -> str:
    """Which budgets it is beyond, and by how much."""
    parts = []
    for name, factor in candidate.over.items():
        column = find_column(name)
        if column.better == "higher":
            beyond = f"{format_number(100 / factor)}% of what is asked"
        else:
            beyond = f"{100 * (factor - 1):.1f}% above" if factor < 2 else f"{format_number(factor)} times"
            beyond += " the budget"
        amount = _amount(column, candidate.row[name])
        plural = {"params": f"its {amount} parameters are", "macs": f"its {amount} are"}
        parts.append(f"{plural.get(name, f'its {_word(name)} of {amount} is')} {beyond}")
    return " and ".join(parts)


def _accuracy(row: Row) -> str:
    clip = name_other_clip(row["frames"], row["top1_size"], row["size"])
    return f"{row[BY]:g}%" + (f" (published at {clip})" if clip else "")


def _step(row: Row, taken: Row) -> str:
    """The difference in accuracy, in points."""
    step = row[BY] - taken[BY]
    if abs(step) < 0.005:
        return "the same top-1"
    return f"{abs(step):.4g} points {'more' if step > 0 else 'less'} top-1"


def _ratios(row: Row, taken: Row) -> str:
    """How its costs compare, such as `1.56 times the latency, the same parameters`."""
    parts = []
    for name in FIGURES:
        one, other = row.get(name), taken.get(name)
        if one is None or not other or (name == "predicted_memory" and row["peak_memory"] is not None):
            continue
        ratio = one / other
        same = abs(ratio - 1) < SAME
        parts.append(f"the same {_word(name)}" if same else f"{format_number(ratio)} times the {_word(name)}")
    return ", ".join(parts) or "its costs are not known"


def _word(name: str) -> str:
    return WORDS.get(name, name)


def _cost(column: Column, value: float) -> str:
    amount = _amount(column, value)
    return {"macs": amount, "params": f"{amount} parameters"}.get(column.name, f"{_word(column.name)} {amount}")


def _amount(column: Column, value: float) -> str:
    scale = column.scale([value])
    return f"{scale.format(value)} {scale.label}".strip()
