"""A whole result against a baseline: every verdict, and measuring again before anything is called a regression."""

from dataclasses import replace

import pytest
from examples import environment, latency, macs
from runs import HERE, around, fallen, results, run, timed

from vidbench.errors import InputError
from vidbench.gates import EXIT_CODES, Limits, Rules, judge

LIMITS = Limits({"macs": 0.0, "latency": 0.03})
BASELINE = results(*timed(around(1.0)))


def verdicts(judgement):
    return {check.metric or "case": check.verdict for check in judgement.checks}


class Again:
    """Measures again what it is told to come out."""

    def __init__(self, *latencies, place=HERE, key="k1"):
        self.rounds = list(latencies)
        self.asked = []
        self.place, self.key = place, key

    def __call__(self, cases, rounds):
        self.asked.append((len(cases), rounds))
        middle = self.rounds.pop(0)
        taken = [fallen()] if middle is None else timed(around(middle, rounds))
        return [(replace(record, environment=self.key), self.place) for record in taken]


def test_pass():
    """The same again: everything passes, and nothing is measured for it."""
    again = Again()
    found = judge(BASELINE, results(*timed(around(1.0))), LIMITS, remeasure=again)
    assert verdicts(found) == {"macs": "pass", "latency": "pass"}
    assert (found.verdict, found.exit_code, again.asked) == ("pass", 0, [])


def test_regression_is_confirmed():
    """Slower, and slower again when measured again."""
    again = Again(1.1)
    found = judge(BASELINE, results(*timed(around(1.1))), LIMITS, remeasure=again)
    assert (verdicts(found)["latency"], found.exit_code, again.asked) == ("regression", 1, [(1, 5)])
    (check,) = [check for check in found.checks if check.metric == "latency"]
    assert check.runs == (10, 15)
    assert check.sentence.startswith("x3d-m 16x224 cuda:0 latency: regression: +10.0% (between +9.")
    assert check.sentence.endswith("limit 3.0%; 10 runs before, 15 now; above the limit")


def test_noise_is_of_times():
    """The noise of a machine widens the limits of times; memory is no noisier for it."""
    limits = Limits({"latency": 0.03, "peak_memory": 0.03})

    def runs(middle):
        memory = {"metric": "peak_memory", "unit": "bytes"}
        return results(*(run(latency(v), latency(v, **memory), repeat=n) for n, v in enumerate(around(middle))))

    found = judge(runs(1.0), runs(1.2), limits, noise=0.3)
    assert verdicts(found) == {"latency": "inconclusive", "peak_memory": "regression"}


def test_disturbance_is_no_regression():
    """Runs that were disturbed and are as ever when measured again are no regression."""
    again = Again(1.0, 1.0, 1.0, 1.0)
    found = judge(BASELINE, results(*timed(around(1.1, 5))), LIMITS, remeasure=again)
    assert verdicts(found)["latency"] in ("pass", "inconclusive")
    assert again.asked


def test_crash_while_measuring_again():
    """A case that cannot be measured again is no regression, but could not be measured."""
    found = judge(BASELINE, results(*timed(around(1.1))), LIMITS, remeasure=Again(None))
    assert (verdicts(found), found.exit_code) == ({"case": "could not measure"}, 3)


def test_files_confirm_themselves():
    """Without measuring again, the later half of the runs must say what all of them say."""
    assert judge(BASELINE, results(*timed(around(1.1))), LIMITS).verdict == "regression"
    mixed = results(*timed([1.1] * 7 + [1.0001] * 4))
    assert judge(BASELINE, mixed, LIMITS).verdict == "inconclusive"


def test_measured_until_decided():
    """Too few runs are added to until they tell, or until there are as many as allowed."""
    again = Again(1.0)
    found = judge(BASELINE, results(*timed([1.0])), LIMITS, remeasure=again)
    assert (found.verdict, again.asked) == ("pass", [(1, 5)])
    again = Again(1.03, 1.03)
    found = judge(BASELINE, results(*timed([1.03])), LIMITS, remeasure=again, rules=Rules(most=10))
    assert (found.verdict, found.exit_code, len(found.new.records)) == ("inconclusive", 4, 11)


def test_nothing_comes_of_measuring_again():
    """Where measuring again gives nothing, what is there is judged."""
    assert judge(BASELINE, results(*timed([1.0])), LIMITS, remeasure=lambda *_: []).verdict == "inconclusive"


def test_counted_figures():
    """One MAC more is a regression, for counting has no noise; fewer are none."""
    assert judge(BASELINE, results(*timed(around(1.0), count=4.73e9 + 1)), LIMITS).verdict == "regression"
    found = judge(BASELINE, results(*timed(around(1.0), count=4.7e9)), LIMITS)
    assert (found.verdict, found.checks[0].reason) == ("pass", "counted: it has shrunk")
    some = Limits({"macs": 0.01})
    assert judge(BASELINE, results(*timed([1.0], count=4.74e9)), some).verdict == "pass"


def test_bounds():
    """Of a lower and an upper bound either may grow too far."""
    bounds = [macs((1e9, high), metric="macs_bounds") for high in (2e9, 2.1e9)]
    old, new = (results(run(one)) for one in bounds)
    assert judge(old, old, Limits({"macs_bounds": 0})).verdict == "pass"
    assert judge(old, new, Limits({"macs_bounds": 0})).checks[0].change == pytest.approx(0.05)
    odd = results(run(macs(2e9, metric="macs_bounds")))
    assert judge(old, odd, Limits({"macs_bounds": 0})).verdict == "could not measure"


def test_throughput_is_better_when_higher():
    """Fewer clips a second are worse by as much longer as a clip takes."""
    old, more, fewer = (
        results(*(run(latency(value, metric="throughput", unit="clips/s")) for value in around(middle)))
        for middle in (100.0, 110.0, 80.0)
    )
    limits = Limits({"throughput": 0.05})
    assert judge(old, more, limits).verdict == "pass"
    found = judge(old, fewer, limits)
    assert (found.verdict, found.checks[0].change) == ("regression", pytest.approx(0.25, abs=0.01))


def test_same_in_every_run():
    """What comes out alike in every run, such as memory, passes; a figure of 0 is no share of anything."""
    memory = [results(*(run(latency(value, metric="peak_memory")) for _ in range(5))) for value in (1e6, 1.1e6, 0.0)]
    limits = Limits({"peak_memory": 0.02})
    assert [judge(memory[0], new, limits).verdict for new in memory] == ["pass", "regression", "inconclusive"]
    assert judge(memory[2], memory[2], limits).verdict == "pass"


def test_could_not_measure():
    """A run that failed, a case that was left out, and a figure that is gone are no pass."""
    failed = judge(BASELINE, results(*timed(around(1.0)), fallen(repeat=10)), LIMITS)
    assert verdicts(failed) == {"case": "could not measure"}
    assert "1 of 11 runs failed: SIGABRT" in failed.checks[0].sentence
    gone = judge(BASELINE, results(*timed(around(1.0), frames=8)), LIMITS)
    assert {check.verdict for check in gone.checks} == {"could not measure", "no baseline"}
    assert gone.exit_code == 3
    for value in (None, float("nan")):
        unknown = judge(BASELINE, results(*(run(macs(value)) for _ in range(5))), LIMITS)
        assert set(verdicts(unknown).values()) == {"could not measure"}


def test_no_baseline():
    """A new case, a new figure, and runs of another stack have nothing to be held against; counted figures have."""
    found = judge(BASELINE, results(*timed(around(1.0)), *timed([1.0], frames=8)), LIMITS)
    assert (found.checks[-1].verdict, found.exit_code) == ("no baseline", 5)
    found = judge(results(run(macs())), results(*timed([1.0])), LIMITS)
    assert verdicts(found) == {"macs": "pass", "latency": "no baseline"}
    newer = environment(stack={"python": "3.12.1", "torch": "2.14.0"})
    found = judge(BASELINE, results(*timed(around(2.0)), place=newer, key="k2"), LIMITS)
    assert verdicts(found) == {"macs": "pass", "latency": "no baseline"}
    assert "of another stack: torch 2.13.0 / 2.14.0" in found.checks[-1].reason
    assert judge(BASELINE, BASELINE, Limits({})).verdict == "no baseline"


def test_new_case_that_failed():
    """A case that is new and failed could not be measured."""
    assert judge(BASELINE, results(*timed(around(1.0)), fallen(frames=8)), LIMITS).exit_code == 3


def test_gravest_verdict():
    """Of several verdicts the first of 1, 3, 5, 4 wins."""
    assert [code for code in EXIT_CODES.values()] == [1, 3, 5, 4, 0]  # noqa: C416
    slow, new = timed(around(2.0)), timed([1.0], frames=8)
    assert judge(BASELINE, results(*slow, *new, fallen(frames=4)), LIMITS).exit_code == 1
    assert judge(BASELINE, results(*timed([1.0]), *new), LIMITS).exit_code == 5


def test_other_place_when_measured_again():
    """Measuring again on another stack than the results are of is refused, naming what differs."""
    again = Again(1.1, place=environment(threads=2), key="k2")
    with pytest.raises(InputError, match="CPU threads 8 / 2"):
        judge(BASELINE, results(*timed(around(1.1))), LIMITS, remeasure=again)
