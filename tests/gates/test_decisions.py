"""What runs say about a limit: how often it is right, and when nothing is said."""

import math
import random

import pytest
from runs import around

from vidbench.gates import Rules
from vidbench.gates.decisions import decide, is_unsteady

RULES = Rules()
SHAPES = {
    "normal": lambda rng: rng.gauss(0, 1),
    "heavy tail": lambda rng: rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1, 1)),
    "two modes": lambda rng: rng.choice((-1, 1)) + rng.gauss(0, 0.2),
    "rarely slow": lambda rng: rng.gauss(5, 1) if rng.random() < 0.2 else rng.gauss(0, 1),
}


def answers(shape: str, width: float, slower: float, trials: int, *, count: int = 20) -> list[str]:
    rng = random.Random(7)  # noqa: S311  # trials, not secrets
    found = []
    for _ in range(trials):
        old, new = ([math.exp(width * SHAPES[shape](rng)) for _ in range(count)] for _ in range(2))
        found.append(decide(old, [(1 + slower) * run for run in new], 0.015, 0.0, RULES).answer)
    return found


@pytest.mark.parametrize("width", [0.003, 0.03, 0.3])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_false_alarm(shape, width):
    """Two sides of one and the same thing differ by more than a limit in no trial of 100, whatever the noise."""
    assert "exceeded" not in answers(shape, width, 0.0, 100, count=10)


@pytest.mark.parametrize(("slower", "least"), [(0.05, 0.95), (0.03, 0.8)])
def test_slowdowns_are_found(slower, least):
    """Where runs spread by 1%, twenty and twenty of them show 5%, and nearly always 3%."""
    found = answers("normal", 0.01, slower, 60)
    assert found.count("exceeded") / 60 >= least
    assert "kept" not in found


def test_noise_never_passes_a_slowdown():
    """Where runs spread by 10%, a slowdown of 5% is neither found nor passed."""
    assert answers("normal", 0.1, 0.05, 60).count("unknown") >= 58


def test_what_is_told():
    """The change is the middle ratio of a new run to an old one, between bounds that hold it."""
    found = decide(around(1.0), around(1.05), 0.03, 0.0, RULES)
    assert found.answer == "exceeded"
    assert found.low < found.change < found.high
    assert found.change == pytest.approx(0.05, abs=1e-3)
    assert found.widened == 0.03


def test_limit_between_the_bounds():
    """A limit that lies between the bounds is neither exceeded nor kept."""
    found = decide(around(1.0), around(1.05), 0.05, 0.0, RULES)
    assert (found.answer, found.reason) == ("unknown", "the runs lie too far apart to tell")
    assert found.low < 0.05 < found.high


@pytest.mark.parametrize("limit", [0.0, 0.01])
def test_least_effect(limit):
    """What has changed by less than anybody needs to know is no regression, however sure it is."""
    found = decide(around(1.0, step=1e-5), around(1.005, step=1e-5), limit, 0.0, RULES)
    assert found.low > 0
    assert (found.answer, found.widened) == ("kept", 0.01)


def test_noise_widens_limits_for_failing_alone():
    """A machine whose runs are known to lie 10% apart fails nothing for less, and passes nothing for it either."""
    found = decide(around(1.0), around(1.05), 0.03, 0.1, RULES)
    assert (found.answer, found.widened) == ("unknown", 0.1)
    assert found.reason == "above the limit, but runs of one side lie 10.0% apart"
    assert decide(around(1.0), around(1.0), 0.03, 0.1, RULES).answer == "kept"


@pytest.mark.parametrize(("old", "new"), [(1, 1), (1, 20), (3, 3), (4, 4)])
def test_too_few_runs(old, new):
    """With so few runs not even a doubling is told from chance, and nothing passes."""
    found = decide(around(1.0, old), around(2.0, new), 0.03, 0.0, RULES)
    assert (found.answer, found.low) == ("unknown", None)
    assert "too few" in found.reason


def test_five_runs_can_tell():
    """Five and five are the fewest."""
    assert decide(around(1.0, 5), around(2.0, 5), 0.03, 0.0, RULES).answer == "exceeded"


def test_unsteady_machine():
    """Runs whose later half lies apart from the earlier one were not taken in peace: nothing is told from them."""
    drifting = [1 + 0.01 * number for number in range(10)]
    assert is_unsteady(drifting, RULES)
    assert not is_unsteady(around(1.0), RULES)
    assert not is_unsteady([1.0], RULES)
    assert not is_unsteady([run**0.05 for run in drifting], RULES)  # by less than anybody needs to know
    for old, new, whose in ((drifting, around(2.0), "baseline's"), (around(1.0), drifting, "new")):
        found = decide(old, new, 0.03, 0.0, RULES)
        assert found.answer == "unknown"
        assert f"not steady: the {whose} later runs" in found.reason
