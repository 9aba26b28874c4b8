"""Budgets and fronts, against definitions that try every pair."""

import random

import pytest

from vidbench.query.choose import Budget, choose, find_front, merge_alike
from vidbench.query.columns import find_column

LATENCY = Budget(find_column("latency"), 0.02, "20ms")
THROUGHPUT = Budget(find_column("throughput"), 100, "100")
MEMORY = Budget(find_column("peak_memory"), 4e9, "4GB", find_column("predicted_memory"))


def row(model: str, top1: float | None = 70.0, **figures) -> dict:
    unknown = dict.fromkeys(("latency", "throughput", "peak_memory", "predicted_memory", "macs", "params", "failure"))
    return {**unknown, "model": model, "top1": top1, **figures}


def names(rows) -> list[str]:
    return [one["model"] for one in rows]


def test_highest_accuracy_within_the_budget():
    """Accuracy decides, latency between equals; the next best is of another net."""
    rows = [
        row("slow", 90.0, latency=0.05), row("fast", 60.0, latency=0.001), row("tie", 75.0, latency=0.015),
        row("best", 75.0, latency=0.02), row("tie", 75.0, latency=0.018),
    ]  # fmt: skip
    choice = choose(rows, [LATENCY])
    assert names([choice.taken, choice.runner_up]) == ["tie", "best"]
    assert choice.taken["latency"] == 0.015
    assert names(choice.within) == ["tie", "tie", "best", "fast"]
    assert [(one.row["model"], one.over) for one in choice.beyond] == [("slow", {"latency": pytest.approx(2.5)})]


def test_more_is_better():
    """A throughput must be reached."""
    choice = choose([row("a", 80.0, throughput=40.0), row("b", throughput=100.0)], [THROUGHPUT])
    assert choice.taken["model"] == "b"
    assert choice.beyond[0].over == {"throughput": 2.5}


def test_beyond():
    """Better nets come nearest first, each at its least excess; less accurate ones do not come."""
    rows = [
        row("ok", latency=0.01), row("far", 90.0, latency=0.2), row("near", 80.0, latency=0.5),
        row("near", 80.0, latency=0.03), row("worse", 60.0, latency=0.021),
    ]  # fmt: skip
    choice = choose(rows, [LATENCY])
    assert [(one.row["model"], one.excess) for one in choice.beyond] == [("near", 1.5), ("far", 10.0)]


def test_nothing_fits():
    """The closest is the one whose worst excess is least."""
    rows = [row("a", 90.0, latency=0.06, throughput=100.0), row("b", 50.0, latency=0.03, throughput=20.0)]
    choice = choose(rows, [LATENCY, THROUGHPUT])
    assert (choice.taken, choice.runner_up, choice.within) == (None, None, ())
    assert [(one.row["model"], one.excess) for one in choice.beyond] == [("a", 3.0), ("b", 5.0)]


def test_unknown_and_failed():
    """What is not known within a budget is no candidate, and predicted memory stands in for measured."""
    rows = [
        row("unknown", 99.0), row("failed", failure="oom"), row("unpublished", None, peak_memory=1.0),
        row("predicted", 60.0, predicted_memory=3e9), row("measured", 50.0, peak_memory=1e9, predicted_memory=9e9),
    ]  # fmt: skip
    choice = choose(rows, [MEMORY])
    assert names(choice.within) == ["predicted", "measured"]
    assert names(choice.unknown) == ["unknown", "unpublished"]
    assert names(choice.failed) == ["failed"]


@pytest.mark.parametrize("seed", range(20))
def test_front(seed):
    """A row is on the front if none is as good in both figures and better in one."""
    draw = random.Random(seed)  # noqa: S311  # no secret
    rows = [row("net", draw.randrange(5), latency=draw.randrange(5)) for _ in range(12)]

    def beats(one, other) -> bool:
        gains = (one["top1"] - other["top1"], other["latency"] - one["latency"])
        return min(gains) >= 0 and max(gains) > 0

    expected = [not any(beats(other, one) for other in rows) for one in rows]
    assert find_front(rows, find_column("top1"), find_column("latency")) == expected
    assert find_front(rows, find_column("latency"), find_column("top1")) == expected


def test_alike():
    """Exact figures of one net and clip are one row, whatever the batch; measured ones stay apart."""
    setting = {"classes": 400, "frames": 8, "size": 224, "task": "inference", "weights": "random"}
    rows = [row("a", macs=1, batch=1, **setting), row("a", macs=1, batch=8, **setting), row("b", macs=1, **setting)]
    assert merge_alike(rows, [find_column("top1"), find_column("macs")]) == [rows[0], rows[2]]
    assert merge_alike(rows, [find_column("top1"), find_column("latency")]) == rows
