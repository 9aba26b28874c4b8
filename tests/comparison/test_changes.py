"""Two results: counted figures are equal or changed, measured ones have a verdict from their runs."""

from dataclasses import replace

import pytest
from examples import environment, latency, macs
from runs import around, fallen, results, run, timed

from vidbench.comparison.changes import compare
from vidbench.errors import InputError

OLD = results(*timed(around(0.02)))


def changes(old, new, **how):
    return {change.metric or "case": change for change in compare(old, new, **how).changes}


def verdicts(old, new, **how):
    return {metric: change.verdict for metric, change in changes(old, new, **how).items()}


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, "same"), (1.05, "slower"), (0.95, "faster"), (1.009, "inconclusive")]
)
def test_verdicts(factor, verdict):
    """Slower and faster by more than the effect, the same within it, and what lies across its edge."""
    found = changes(OLD, results(*timed(around(0.02 * factor))))["latency"]
    assert found.verdict == verdict
    assert found.ratio == pytest.approx(factor, abs=1e-3)
    assert found.interval.low < found.ratio < found.interval.high
    assert found.runs == (10, 10)


def test_noise_is_inconclusive():
    """Runs that lie farther apart than the two sides do tell nothing."""
    old, new = (results(*timed(around(middle, step=0.03))) for middle in (0.02, 0.0204))
    found = changes(old, new)["latency"]
    assert (found.verdict, found.why) == ("inconclusive", "the runs lie too far apart")


def test_effect():
    """What is called the same is for the user to say."""
    new = results(*timed(around(0.021)))
    assert [verdicts(OLD, new, effect=effect)["latency"] for effect in (0.01, 0.1)] == ["slower", "same"]


def test_words():
    """More clips a second are faster; memory is neither fast nor slow."""
    old, new = (
        results(
            *(
                run(latency(value, metric="throughput", unit="clips/s"), latency(1e6 * value, metric="peak_memory"))
                for value in around(middle)
            )
        )
        for middle in (100.0, 110.0)
    )
    assert verdicts(old, new) == {"throughput": "faster", "peak_memory": "more"}
    assert verdicts(new, old) == {"throughput": "slower", "peak_memory": "less"}


def test_counted_figures():
    """Counted figures are equal to the last digit, or changed; one side alone is unknown."""
    new = results(*timed(around(0.02), count=4.73e9 + 1))
    assert (verdicts(OLD, OLD)["macs"], verdicts(OLD, new)["macs"]) == ("equal", "changed")
    assert changes(OLD, new)["macs"].new == 4.73e9 + 1
    assert verdicts(results(run(macs(None))), results(run(macs()))) == {"macs": "unknown"}
    odd = results(run(macs(1.0)), run(macs(2.0)))
    assert changes(odd, odd)["macs"].why == "runs of one side differ from one another"


def test_few_runs():
    """One run a side tells nothing, unless it differs by more than the machine's known noise explains."""
    old, near, far = (results(*timed([seconds])) for seconds in (0.02, 0.0204, 0.03))
    assert verdicts(old, far)["latency"] == "inconclusive"
    assert "--repeats" in changes(old, far)["latency"].why
    assert [verdicts(old, new, noise=0.01)["latency"] for new in (near, far)] == ["inconclusive", "slower"]
    assert verdicts(old, old, noise=0.002)["latency"] == "same"
    assert "noise, 1.00%" in changes(old, far, noise=0.01)["latency"].why
    assert changes(old, far)["latency"].interval is None


def test_noise_of_other_cases():
    """Cases that have several runs tell the noise for those that have not."""
    several = timed(around(0.1), frames=8)
    old, new = results(*several, *timed([0.02])), results(*timed([0.03]))
    assert verdicts(old, results(*timed(around(0.1), frames=8), *new.records))["latency"] == "slower"


def test_failures():
    """A case all of whose runs failed on one side is told with the reason; of others the rest count."""
    found = changes(OLD, results(fallen()))["case"]
    assert (found.verdict, found.why) == ("failed", "SIGABRT")
    assert verdicts(OLD, results(*timed(around(0.02)), fallen(repeat=10)))["latency"] == "same"


def test_different_stacks():
    """Other stacks are refused by name, or labelled."""
    new = results(*timed(around(0.01)), place=environment(driver="560"), key="k2")
    with pytest.raises(InputError, match=r"different stacks: driver 550\.54 / 560 .*--across"):
        compare(OLD, new)
    found = compare(OLD, new, across=True)
    assert found.notes[0].startswith("measured on different stacks, which may be all")
    assert "driver 550.54 / 560" in found.notes[0]


def test_nothing_in_common():
    """Two results without a case in common are refused, naming some of each."""
    with pytest.raises(InputError, match="no case in common: x3d-m 16x224 cuda:0 against x3d-m 8x224"):
        compare(OLD, results(*timed([1.0], frames=8)))


def test_notes():
    """Cases of one side alone, what is equal everywhere, and other versions of vidbench."""
    lone = results(*OLD.records, *timed([1.0], frames=8))
    notes = "\n".join(compare(lone, OLD).notes)
    assert "only in the old: x3d-m 8x224 cuda:0" in notes
    assert "equal in all cases: multiply-accumulates" in notes
    newer = results(*(replace(record, conditions={"vidbench": "0.2.0"}) for record in OLD.records))
    assert "vidbench itself differs: 0.1.0 / 0.2.0" in "\n".join(compare(OLD, newer).notes)
