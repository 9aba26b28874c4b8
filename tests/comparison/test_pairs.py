"""Which runs of two results belong together, and what their stacks differ in."""

from dataclasses import replace

from examples import case, environment
from runs import fallen, results, timed

from vidbench.comparison.pairs import label, list_differences, list_figures, pair_cases
from vidbench.store import Results


def joined(*sides: Results) -> Results:
    environments = {key: place for side in sides for key, place in side.environments.items()}
    return Results(tuple(record for side in sides for record in side.records), environments)


def test_runs_of_a_case_belong_together():
    """All runs of a case are one pair, in the order they were taken; other cases stand alone."""
    early, late = timed([1.0, 2.0]), timed([3.0])
    old = results(*late, *early, *timed([9.0], frames=8))
    found = pair_cases(old, results(*timed([4.0]), *timed([9.0], batch=2)))
    (pair,) = found.pairs
    assert list_figures(pair.old, "latency") == [1.0, 2.0, 3.0]
    assert list_figures(pair.new, "latency") == [4.0]
    assert (pair.case, pair.differ) == (case(), ())
    assert (found.only_old, found.only_new) == ((case(frames=8),), (case(batch=2),))


def test_places_stay_apart():
    """Runs are paired within an environment that both sides have; where there is none, the latest say what differs."""
    here, there = environment(), environment(driver="560.1", threads=4)
    old = joined(results(*timed([1.0])), results(*timed([2.0]), place=there, key="k2"))
    (pair,) = pair_cases(old, results(*timed([3.0]), place=here)).pairs
    assert list_figures(pair.old, "latency") == [1.0]
    newer = results(*timed([3.0]), place=environment(threads=1), key="k3")
    (pair,) = pair_cases(old, newer).pairs
    assert list_figures(pair.old, "latency") == [2.0]
    assert pair.differ == ("driver 560.1 / 550.54", "CPU threads 4 / 1")


def test_two_common_places():
    """A case that both sides have in two places is two pairs."""
    sides = [
        joined(results(*timed([1.0])), results(*timed([2.0]), place=environment(threads=1), key="k2")) for _ in range(2)
    ]
    assert len(pair_cases(*sides).pairs) == 2


def test_what_fell_elsewhere_is_kept():
    """A run that failed before it could tell where it ran is not lost."""
    new = joined(results(*timed([1.0])), results(fallen(), place=environment(threads=1), key="k9"))
    (pair,) = pair_cases(results(*timed([1.0])), new).pairs
    assert [record.failure is None for record in pair.new] == [True, False]


def test_across_devices():
    """Across devices a case is one, whatever it ran on."""
    old, new = results(*timed([1.0])), results(*timed([2.0], device="cpu"), place=environment(device="CPU"), key="k2")
    assert pair_cases(old, new).pairs == ()
    (pair,) = pair_cases(old, new, across=True).pairs
    assert pair.differ == ("device NVIDIA H100 / CPU",)
    assert label(pair.case) == "x3d-m 16x224"


def test_unknown_environment():
    """Where a file does not have the environment that its records name, their keys differ at least."""
    old = replace(results(*timed([1.0])), environments={})
    (pair,) = pair_cases(old, results(*timed([1.0]), key="k2")).pairs
    assert pair.differ == ("environment k1 / k2",)


def test_differences():
    """Each part of a stack and each flag by its name."""
    old, new = environment(), environment(stack={"python": "3.12.1", "cudnn": "9"}, flags={}, driver=None)
    assert list_differences(old, new) == [
        "driver 550.54 / none",
        "torch 2.13.0 / none",
        "cudnn none / 9",
        "cudnn_benchmark False / none",
        "matmul_fp32_precision ieee / none",
    ]
    assert list_differences(old, old) == []


def test_figures():
    """A figure a run, of those that have one."""
    assert list_figures([*timed([1.0, float("nan"), float("inf"), 2.0]), fallen()], "latency") == [1.0, 2.0]


def test_labels():
    """A case is named by its net and clip, and by what else is not as usual."""
    assert label(case(device="cpu")) == "x3d-m 16x224"
    assert label(case(batch=8, dtype="bf16", task="train", weights="a.pt", threads=2)) == (
        "x3d-m 16x224 batch 8 cuda:0 bf16 train threads 2 a.pt"
    )
