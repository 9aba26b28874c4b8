"""Memory: a bar a case, split into weights, inputs and activations, with a line at the measured peak."""

from collections.abc import Sequence

from vidbench.pictures.drawn import PARTS, Bar
from vidbench.pictures.scales import make_axis
from vidbench.report.charts import WIDTH, Chart, Line, Shape, Text, box, shorten
from vidbench.report.labels import measure
from vidbench.units import Scale

THICK, STEP, TOP = 17, 25, 34


def draw_bars(bars: Sequence[Bar], key: str, title: str, scale: Scale) -> Chart:
    """The chart of these bars, from the top down."""
    bottom = TOP + STEP * len(bars)
    chart = Chart(key, title, _describe(bars, scale), bottom + 46)
    left = 12 + max(measure(shorten(bar.name)) for bar in bars)
    ends = [max(bar.total, bar.measured or 0) / scale.factor for bar in bars]
    x = make_axis(ends, left, WIDTH - 70, zero=True)
    for tick in x.ticks:
        chart.lines.append(Line(f"M{x.place(tick):.1f} {TOP - 4}V{bottom}", "grid"))
        chart.texts.append(Text(x.place(tick), bottom + 16, f"{tick:,g}", "middle", "tick"))
    chart.texts.append(Text((left + x.end) / 2, bottom + 36, f"memory of a call, {scale.label}", "middle", "axis"))
    _draw_legend(chart, left, measured=any(bar.measured for bar in bars))
    for index, bar in enumerate(bars):
        top = TOP + STEP * index
        chart.texts.append(Text(left - 8, top + THICK - 4, shorten(bar.name), "end"))
        start = 0.0
        for number, part in enumerate(PARTS):
            begin, end = (x.place((start + size) / scale.factor) for size in (0.0, bar.parts[part]))
            told = f"{bar.name}: {scale.format(bar.parts[part])} {scale.label} of {part}"
            chart.shapes.append(Shape(box(begin, top, end - begin, THICK), number, told, "part"))
            start += bar.parts[part]
        if bar.measured:
            chart.lines.append(Line(f"M{x.place(bar.measured / scale.factor):.1f} {top - 3}v{THICK + 6}", "measured"))
        chart.texts.append(Text(x.place(ends[index]) + 6, top + THICK - 4, scale.format(bar.measured or bar.total)))
    return chart


def _draw_legend(chart: Chart, left: float, *, measured: bool) -> None:
    at = left
    for number, part in enumerate(PARTS):
        chart.shapes.append(Shape(box(at, 8, 12, 12), number, part, "part"))
        chart.texts.append(Text(at + 17, 18, part))
        at += 36 + measure(part)
    if measured:
        chart.lines.append(Line(f"M{at:.1f} 6v16", "measured"))
        chart.texts.append(Text(at + 7, 18, "measured peak"))


def _describe(bars: Sequence[Bar], scale: Scale) -> str:
    first = bars[0]
    return (
        f"{len(bars)} bars, the largest first: {first.name} with {scale.format(first.measured or first.total)} "
        f"{scale.label}. All figures stand in the table below it."
    )
