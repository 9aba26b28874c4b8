"""A figure by two sets of axes: whose a cell is, which are the best, and no picking among several."""

import pytest
from examples import latency, macs, record

from vidbench.errors import InputError
from vidbench.query.columns import find_column
from vidbench.query.pivot import BEST, SECOND, Cell, draw_growth, pivot
from vidbench.records import Failure, Measurement
from vidbench.table import rows


def throughput(value: float) -> Measurement:
    return Measurement(metric="throughput", value=value, unit="clips/s", method="windows")


def table(figures: dict[tuple[str, int], float], make=latency):
    return rows([record(make(value), model=model, frames=frames) for (model, frames), value in figures.items()], {})


SPEEDS = {("a", 16): 3.0, ("a", 8): 2.0, ("b", 16): 1.0, ("b", 8): 5.0, ("c", 8): 4.0}


def test_cells():
    """Lines come in the order of the rows, numbers at the head in theirs; what was not taken is empty."""
    grid = pivot(table(SPEEDS), ["model"], ["frames"], find_column("latency"))
    assert (grid.lines, grid.heads) == ((("a",), ("b",), ("c",)), ((8,), (16,)))
    assert [[cell.value for cell in line] for line in grid.cells] == [[2, 3], [5, 1], [4, None]]
    assert grid.cells[2][1].row is None


@pytest.mark.parametrize(
    ("make", "name", "ranks"),
    [
        (latency, "latency", [[BEST, 0], [0, BEST], [SECOND, 0]]),
        (throughput, "throughput", [[0, BEST], [BEST, 0], [SECOND, 0]]),
    ],
)
def test_ranks_down(make, name, ranks):
    """Models are compared at the same clip, whichever way is better; of two there is no second best."""
    grid = pivot(table(SPEEDS, make), ["model"], ["frames"], find_column(name))
    assert [[cell.rank for cell in line] for line in grid.cells] == ranks


def test_ranks_along():
    """Where models stand at the head, a line is what is compared."""
    grid = pivot(table(SPEEDS), ["frames"], ["model"], find_column("latency"))
    assert grid.along
    assert [[cell.rank for cell in line] for line in grid.cells] == [[0, BEST, 0], [BEST, 0, SECOND]]


def test_ties():
    """Equal figures share their rank; where all are equal none is best."""
    grid = pivot(table({("a", 8): 1, ("b", 8): 1, ("c", 8): 2}), ["model"], ["frames"], find_column("latency"))
    assert [line[0].rank for line in grid.cells] == [BEST, BEST, SECOND]
    grid = pivot(table({("a", 8): 1, ("b", 8): 1}), ["model"], ["frames"], find_column("latency"))
    assert not grid.ranked


def test_settings_have_no_best():
    """Neither more nor fewer samples are better."""
    grid = pivot(table(SPEEDS), ["model"], ["frames"], find_column("latency_count"))
    assert not grid.ranked


def test_failures_are_cells():
    """A case that failed has its cell, without figure or rank."""
    failed = record(failure=Failure(kind="oom", message="out"), frames=8)
    grid = pivot(rows([failed, record(latency())], {}), ["model"], ["frames"], find_column("latency"))
    assert [(cell.row and cell.row["failure"], cell.value) for cell in grid.cells[0]] == [("oom", None), (None, 0.02)]


def test_several_in_a_cell():
    """Nothing is picked: the axes that differ are named, with both ways out."""
    several = rows(
        [record(latency(b / 10), batch=b, device=d) for b in (1, 2, 4, 8, 16) for d in ("cpu", "cuda:0")], {}
    )
    with pytest.raises(InputError) as refused:
        pivot(several, ["model"], ["frames"], find_column("latency"))
    assert str(refused.value) == (
        "1 cell of latency by model, frames would hold several records, which differ in batch (1, 2, 4, 8, and 1 "
        "more), device (cpu, cuda:0); tell them apart with --rows model,batch,device, or keep some with "
        "--where 'batch == 1 and device == \"cpu\"'"
    )
    assert pivot(several, ["model", "batch", "device"], ["frames"], find_column("latency")).lines[1] == (
        "x3d-m",
        1,
        "cuda:0",
    )


def test_what_was_not_taken_is_no_rival():
    """Where one record has the figure and another, on meta tensors, cannot have it, there is nothing to pick."""
    several = rows([record(macs(), device="meta"), record(macs(), latency())], {})
    assert pivot(several, ["model"], ["frames"], find_column("latency")).cells[0][0].value == 0.02
    assert pivot(several[:1], ["model"], ["frames"], find_column("latency")).cells[0][0] == Cell(several[0])


def test_several_that_say_the_same():
    """An exact figure of several batches is one figure."""
    several = rows([record(macs(), batch=batch) for batch in (1, 2)], {})
    assert pivot(several, ["model"], ["frames"], find_column("macs")).cells[0][0].value == 4.73e9


def test_growth():
    """A bar's height is the figure's share of the greatest; what was not taken is a dot."""
    assert draw_growth([Cell(value=value) for value in (1, 2, 4, 8, None)]) == "▁▂▄█·"
    assert draw_growth([Cell(value=3), Cell(value=3)]) == "██"
    assert draw_growth([Cell(), Cell(value=0)]) == "··"
