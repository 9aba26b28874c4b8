"""The picture of explanations: a roofline on the left, bars of shares on the right, words above and below."""

from collections.abc import Iterator, Sequence
from textwrap import fill

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vidbench.explain.explanation import Explanation
from vidbench.explain.findings import percent
from vidbench.plots.roofline import SHOWN, draw_roofline, label_roofline, points
from vidbench.plots.roofs import roofs
from vidbench.plots.shares import bars, draw_shares

WIDE, NARROW = 7.16, 3.5  # inches: a page's two columns, and one
LETTERS_AN_INCH = 21  # of a caption
CONVENTION = "FLOPs = 2 x MACs.".replace(" ", "\u00a0")  # kept on one line


def draw(explanations: Sequence[Explanation]) -> tuple[Figure, str]:
    """The figure and its title; where there is nothing for a roofline, the bars alone, as wide as a column."""
    has_roofline = bool(points(explanations))
    rows = sum(len(bars(explanation)) + 1.2 * (len(explanations) > 1) for explanation in explanations)
    kinds = len({kind.name for explanation in explanations for kind in explanation.kinds})
    width = WIDE if has_roofline else NARROW
    height = max(3.6 if has_roofline else 0, 1.3 + 0.33 * rows + 0.08 * kinds)
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)  # tells how large texts are
    names, common = describe(explanations)
    title = f"{' against '.join(names)}\n{common}"
    figure.suptitle(fill_lines(title, width * 14), x=0.01, ha="left")
    caption = "\n".join(_caption(explanations, has_roofline=has_roofline))
    figure.supxlabel(fill_lines(caption, width * LETTERS_AN_INCH), x=0.01, ha="left", fontsize=6.5, color="0.25")
    panels = figure.subfigures(1, 1 + has_roofline, width_ratios=[1.15, 1][-1 - has_roofline :], squeeze=False)[0]
    draw_shares(panels[-1], explanations, names)
    if has_roofline:
        axes = panels[0].subplots()
        draw_roofline(axes, explanations, names)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        label_roofline(axes, explanations)
    return figure, title.replace("\n", ", ")


def fill_lines(text: str, width: float) -> str:
    """Each line of the text broken at that many letters."""
    return "\n".join(fill(line, int(width), break_long_words=False) for line in text.split("\n"))


def describe(explanations: Sequence[Explanation]) -> tuple[list[str], str]:
    """A name for each net, with what it does not have in common with the others, and what they do."""
    settings = [_setting(explanation) for explanation in explanations]
    common = [one for one in settings[0] if all(one in setting for setting in settings)]
    names = [
        " ".join([e.case.model, f"{e.case.frames}x{e.case.size}", *(one for one in setting if one not in common)])
        for e, setting in zip(explanations, settings, strict=True)
    ]
    return names, ", ".join(common)


def _setting(explanation: Explanation) -> list[str]:
    case = explanation.case
    unusual = [value for value, usual in ((case.task, "inference"), (case.mode, "eager")) if value != usual]
    threads = [f"{case.threads} threads"] if case.threads and case.device == "cpu" else []
    peaks = explanation.peaks
    how = "counted on " if explanation.total is None else "estimated for " if peaks and peaks.estimate else ""
    return [f"batch {case.batch}", case.dtype, *unusual, f"{how}{explanation.device}", *threads]


def _caption(explanations: Sequence[Explanation], *, has_roofline: bool) -> Iterator[str]:
    if has_roofline:
        area = f"Left: contractions from {percent(SHOWN)} of the time on; area: share of the time"
        yield f"{area}{_left_out(explanations)}."
    limits = roofs(explanations) if has_roofline else []
    methods = dict.fromkeys(f"Roof {roof.peaks.method}." for roof in limits)
    yield " ".join([*methods, CONVENTION])


def _left_out(explanations: Sequence[Explanation]) -> str:
    """What can have no place in a roofline, with its share of the time."""
    shares = [(e.case.model, share) for e in explanations if (share := e.share_of_time(e.uncounted))]
    if not shares:
        return ""
    if len(explanations) == 1:
        told = f"{percent(shares[0][1])} of it"
    else:
        told = ", ".join(f"{percent(share)} of {model}" for model, share in shares)
    return f"; what contracts nothing ({told}) is left out"
