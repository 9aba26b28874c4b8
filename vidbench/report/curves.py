"""A cost against clip length: a line a net, named at its end, both axes logarithmic."""

from collections import Counter
from collections.abc import Mapping, Sequence

from vidbench.metrics import METRICS
from vidbench.pictures.drawn import Growth, Series
from vidbench.pictures.looks import Look
from vidbench.pictures.scales import make_axis
from vidbench.report.charts import WIDTH, Chart, Line, Shape, Text, draw_axes, marker, shorten, trace
from vidbench.report.labels import measure, spread
from vidbench.units import Scale

HEIGHT = 360
ROOM = 320  # at most, for names at the right
SPACE = 15  # between names
DASHES = 4  # patterns, that tell lines of one family apart


def draw_curves(
    picture: Growth, shown: Sequence[Series], key: str, title: str, *, scale: Scale, looks: Mapping[str, Look]
) -> Chart:
    """The chart of those of the picture's lines."""
    height = max(HEIGHT, 100 + SPACE * len(shown))
    metric = METRICS[picture.metric]
    chart = Chart(key, title, _describe(shown, scale), height)
    room = min(ROOM, 24 + max(measure(shorten(series.name)) for series in shown))
    frames = sorted({at for series in shown for at, _ in series.points})
    x = make_axis(frames, 60, WIDTH - room, log=True)
    y = make_axis([value / scale.factor for series in shown for _, value in series.points], height - 60, 30, log=True)
    better = "less is better" if metric.better == "lower" else "more is better"
    label = "GMACs" if metric.name == "macs" else f"{metric.label}, {scale.label}"
    ticks = {float(at): str(at) for at in _apart(frames, [x.place(at) for at in frames])}
    draw_axes(chart, x, y, ("frames of a clip", f"{label} ({better})"), ticks)
    ends = [y.place(series.points[-1][1] / scale.factor) for series in shown]
    families: Counter[str] = Counter()
    for series, end, beside in zip(shown, ends, spread(ends, SPACE, 20, height - 50), strict=True):
        look = looks[series.entry.family]
        path = [(x.place(at), y.place(value / scale.factor)) for at, value in series.points]
        chart.lines.append(Line(trace(path), f"curve c{look.colour} dash{families[series.entry.family] % DASHES}"))
        families[series.entry.family] += 1
        for (at, value), place in zip(series.points, path, strict=True):
            told = f"{series.name}, {at} frames: {scale.format(value)} {scale.label}"
            chart.shapes.append(Shape(marker(look, *place, 50), look.colour, told))
        right = WIDTH - room + 14
        chart.lines.append(Line(trace([(path[-1][0] + 5, end), (right - 3, beside)]), "leader"))
        chart.texts.append(Text(right, beside + 4, shorten(series.name)))
    return chart


def _apart(frames: Sequence[int], places: Sequence[float]) -> list[int]:
    """Those frame counts whose ticks do not touch."""
    found: list[int] = []
    last = -1e9
    for at, place in zip(frames, places, strict=True):
        if place - last >= 26:
            found.append(at)
            last = place
    return found


def _describe(shown: Sequence[Series], scale: Scale) -> str:
    told = "; ".join(
        f"{series.name} from {scale.format(series.points[0][1])} {scale.label} at {series.points[0][0]} frames "
        f"to {scale.format(series.points[-1][1])} at {series.points[-1][0]}"
        for series in shown
    )
    return f"{told}. All figures stand in the table below it."
