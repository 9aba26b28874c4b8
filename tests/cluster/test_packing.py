"""Cases as jobs: none lost, none mixed with another device, none longer than it need be."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidbench.cluster.packing import pack, published_macs
from vidbench.errors import InputError
from vidbench.records import Case

CASE = Case(model="x3d-xs", classes=400, frames=4, size=32)


@given(st.lists(st.tuples(st.floats(0.1, 900), st.sampled_from(["auto", "cpu", "cuda:0"])), min_size=1, max_size=60))
def test_each_case_in_one_job(told):
    """Every case is in one job, of one device, in its order; only a single case is longer than a job is to be."""
    cases = [replace(CASE, size=32 + number, device=device) for number, (_, device) in enumerate(told)]
    seconds = [length for length, _ in told]
    jobs = pack(cases, seconds, 600)
    assert sorted(place for job in jobs for place in job) == list(range(len(cases)))
    for job in jobs:
        assert job == sorted(job)
        assert job
        assert len({cases[place].device for place in job}) == 1
        assert len(job) == 1 or sum(seconds[place] for place in job) <= 600 * (1 + 1e-9)


def test_short_ones_share():
    """A hundred cases of 6 s are one job of 10 minutes, and not a hundred."""
    cases = [replace(CASE, size=32 + number) for number in range(100)]
    assert pack(cases, [6.0] * 100, 600) == [list(range(100))]


def test_longest_first():
    """A long job begins before short ones, so that none waits for it at the end."""
    cases = [replace(CASE, size=32 + number) for number in range(3)]
    assert pack(cases, [5.0, 50.0, 20.0], 30) == [[1], [0, 2]]


def test_clip_lengths_of_a_compiled_net():
    """They stay together, for recompilations are counted over them."""
    cases = [replace(CASE, frames=frames, mode=mode) for mode in ("eager", "compile") for frames in (4, 8)]
    assert pack(cases, [10.0] * 4, 10) == [[2, 3], [0], [1]]


def test_published_macs_grow_with_the_clip():
    """MACs are in proportion to frames and area, three times as many in training; of own nets none are known."""
    small = published_macs(CASE)
    assert published_macs(replace(CASE, frames=8, size=64)) == pytest.approx(8 * small)
    assert published_macs(replace(CASE, task="train")) == pytest.approx(3 * small)
    assert published_macs(replace(CASE, model="own:net")) is None


def test_no_time():
    """A job of no time is refused."""
    with pytest.raises(InputError, match="--job-time above 0"):
        pack([CASE], [1.0], 0)
