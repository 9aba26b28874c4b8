"""The only formatter of numbers: a column is scaled as a whole, so that its figures can be compared by eye."""

from collections.abc import Iterable
from dataclasses import dataclass

SCALES = {
    "seconds": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB")),
    "joules": ((1.0, "J"), (1e-3, "mJ")),
    "Hz": ((1e9, "GHz"), (1e6, "MHz")),
    "": ((1e9, "G"), (1e6, "M"), (1e3, "k")),
}
# What papers print a figure in, however great it is.
FIXED = {
    "parameters": (1e6, "M"),
    "elements": (1e6, "M"),
    "MACs": (1e9, "GMACs"),
    "share": (0.01, "%"),
    "watts": (1.0, "W"),
}


# What an amount of memory may be written in, in small letters: thousands, or 1024s where an i stands in the unit.
BYTES: dict[str, int] = {
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", start=1)},
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", start=1)},
}


@dataclass(frozen=True, slots=True)
class Scale:
    """A factor and the unit it gives: `value / factor` is in `label`."""

    factor: float
    label: str

    def format(self, value: float | None) -> str:
        """The value in this unit with about four significant digits; a dash where it is unknown."""
        return "–" if value is None else format_number(value / self.factor)


def column_scale(values: Iterable[float | None], unit: str) -> Scale:
    """The unit in FIXED, else the largest in SCALES in which the smallest known value is at least one."""
    if unit in FIXED:
        return Scale(*FIXED[unit])
    known = [abs(value) for value in values if value]
    scales = SCALES.get(unit, ((1.0, unit),))
    for factor, label in scales:
        if known and min(known) >= factor:
            return Scale(factor, label)
    return Scale(*scales[-1])


def format_number(value: float) -> str:
    """Two decimals below 100, one below 1,000, whole numbers above; below 0.1 three significant digits."""
    size = abs(value)
    if size and size < 0.1:
        return f"{value:.3g}"
    return f"{value:.2f}" if size < 100 else f"{value:.1f}" if size < 1000 else f"{value:,.0f}"


def format_duration(seconds: float) -> str:
    """How long something takes, as a reader thinks of it: `40 s`, `12 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_count(count: int, noun: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def format_days(times: Iterable[str]) -> str:
    """The first and the last day (UTC) of these ISO times, `2026-11-20 to 2026-11-21`; one if they are the same."""
    days = sorted(time[:10] for time in times)
    return " to ".join(dict.fromkeys((days[0], days[-1])))


def format_tolerance(share: float) -> str:
    """How far a figure may be off, as a share of it: `±0.8%`."""
    return f"±{100 * share:.2g}%" if share < 0.1 else f"±{100 * share:,.0f}%"


def format_signed(value: float) -> str:
    """A difference with its sign in thousands, millions or, from 0.1 of them on, billions: `+0.16 G`."""
    scale = column_scale([10 * value], "")
    return f"{'-' if value < 0 else '+'}{scale.format(abs(value))} {scale.label}"


def format_figure(value: float | tuple[float, float] | None, unit: str) -> str:
    """One figure, or bounds, with its unit, such as `12.34 ms`; what is counted to its last digit."""
    if value is None:
        return "–"
    if isinstance(value, tuple):
        return " to ".join(format_figure(bound, unit) for bound in value)
    if unit not in SCALES and value == int(value):
        return f"{value:,.0f}"
    scale = column_scale([value], unit) if unit in SCALES else Scale(1.0, unit)
    return f"{scale.format(value)} {scale.label}"
