"""How far a run is, told from journals and the queue; what brought attempts down; what is merged of them."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vidbench.cluster.folder import Manifest, create, find_sweep
from vidbench.cluster.following import LOOKS, Follower
from vidbench.cluster.journal import Fall, Journal, Reader, find_falls
from vidbench.cluster.merging import merge
from vidbench.cluster.queue import State
from vidbench.errors import InputError
from vidbench.records import Case, Environment, Failure, Footage, Record
from vidbench.store import Writer, read_results

CASE = Case(model="x3d-xs", classes=400, frames=4, size=32)
CASES = [replace(CASE, size=32 + number) for number in range(3)]
WHERE = Environment(device="Some CPU", driver=None, platform="Linux", stack={}, flags={}, threads=1)


@pytest.fixture
def sweep(tmp_path):
    """Two jobs, of two cases and of one, that Slurm has as one array."""
    manifest = Manifest(
        suite="mine", metrics=None, precision=0.01, timeout=600, sizes=(2, 1), minutes=60, place=str(tmp_path)
    )
    jobs = [[(case, Footage()) for case in part] for part in (CASES[:2], CASES[2:])]
    folder = create(tmp_path / "results", manifest, jobs, datetime(2026, 1, 2, tzinfo=UTC))
    folder.add_submission([0, 1])
    return folder


def begin(sweep, number, node="n1"):
    attempt = sweep.begin_attempt(number)
    return Journal(sweep.journal(number, attempt), node=node)


def write(sweep, number, attempt, *records):
    with sweep.records(number, attempt).open("w") as file:
        for record in records:
            Writer(file).append(record, WHERE)


def record(name, case, failure=None):
    return Record(id=name, time="2026-01-02T00:00:00+00:00", case=case, environment="abc", failure=failure)


def test_plan_is_read_back(sweep, tmp_path):
    """A run is found by its name or its end, with the cases that were written."""
    found = find_sweep(tmp_path / "results", sweep.name.rpartition("-")[2])
    assert found == sweep
    assert found.manifest().sizes == (2, 1)
    assert found.read_job(0) == [(CASES[0], Footage()), (CASES[1], Footage())]
    with pytest.raises(InputError, match=f"the last is {sweep.name}"):
        find_sweep(tmp_path / "results", "nothing")


class TestFollower:
    def test_progress(self, sweep):
        """What is measured, failed, runs and waits; then it is over, without asking for jobs that are done."""
        name = f"{sweep.name}.0"
        states = {(name, 0): State("RUNNING", "None"), (name, 1): State("PENDING", "Resources")}
        asked = []
        follower = Follower(sweep, lambda arrays: asked.append(arrays) or states)
        first = begin(sweep, 0)
        first.begin(0)
        first.end(0)
        standing = follower.look()
        assert (standing.measured, standing.running, standing.waiting) == (1, 1, Counter(Resources=1))
        first.begin(1)
        first.end(1, "oom")
        second = begin(sweep, 1)
        second.leave(0)
        standing = follower.look()
        assert (standing.measured, standing.failed, standing.left, standing.missing) == (2, 1, 1, 0)
        assert standing.over
        follower.look()
        assert asked == [[name], [name], []]

    def test_ended_too_early(self, sweep):
        """A job that left the queue without its end is missed, but not at the first look."""
        follower = Follower(sweep, lambda _: {(f"{sweep.name}.0", 0): State("CANCELLED", "None")})
        looks = [follower.look() for _ in range(LOOKS)]
        assert not looks[-2].over
        assert looks[-1].over
        assert looks[-1].ended == {0: "CANCELLED", 1: "not in the queue"}
        assert follower.find_idle() == [0, 1]

    def test_refused(self, sweep):
        """What cannot be measured is not waited for."""
        begin(sweep, 0).refuse("no GPU")
        begin(sweep, 1).leave(0)
        standing = Follower(sweep, lambda _: {}).look()
        assert (standing.over, standing.refused, standing.missing) == (True, {0: "no GPU"}, 2)


class TestHandedOverAgain:
    def test_what_was_in_its_way_may_be_mended(self, sweep):
        """A refusal counts until the job is handed to Slurm again, and so do falls before a case."""
        begin(sweep, 0).refuse("no GPU")
        begin(sweep, 1).end(0)
        assert Follower(sweep, lambda _: {}).find_idle() == [0]
        sweep.add_submission([0])
        assert sweep.first_attempts() == {0: 2, 1: 1}
        again = {(f"{sweep.name}.1", 0): State("RUNNING", "None")}
        follower = Follower(sweep, lambda _: again)
        standing = follower.look()
        assert (standing.running, standing.refused, standing.over) == (1, {}, False)
        begin(sweep, 0).refuse("still no GPU")
        assert follower.look().refused == {0: "still no GPU"}

    def test_names_in_slurm(self, tmp_path):
        """Whatever a suite is called, no command of Slurm takes its arrays for several."""
        manifest = Manifest(
            suite="x, ü|y", metrics=None, precision=0.01, timeout=600, sizes=(1,), minutes=60, place=str(tmp_path)
        )
        odd = create(tmp_path / "results", manifest, [[(CASE, Footage())]], datetime(2026, 1, 2, tzinfo=UTC))
        odd.add_submission([0])
        (one,) = odd.submissions()
        assert re.fullmatch(r"[\w.-]+", one.name, re.ASCII)
        assert one.name.endswith(f"{odd.name[-6:]}.0")


def test_looks_do_not_grow_with_what_is_done(tmp_path, monkeypatch):
    """Of a hundred jobs, a look reads those alone that are not done, and of these what is new."""
    manifest = Manifest(
        suite="mine", metrics=None, precision=0.01, timeout=600, sizes=(2,) * 100, minutes=60, place=str(tmp_path)
    )
    sweep = create(tmp_path / "results", manifest, [[]] * 100, datetime(2026, 1, 2, tzinfo=UTC))
    sweep.add_submission(range(100))
    journals = [begin(sweep, number) for number in range(100)]
    for journal in journals:
        journal.end(0)
    for journal in journals[3:]:
        journal.end(1)
    running = {(f"{sweep.name}.0", number): State("RUNNING", "None") for number in range(3)}
    asked, opened = [], []
    follower = Follower(sweep, lambda arrays: asked.extend(arrays) or running)
    assert follower.look().measured == 197
    open_file = Path.open
    monkeypatch.setattr(Path, "open", lambda path, *rest: opened.append(path.name) or open_file(path, *rest))
    offsets = [follower._jobs[number].reader.offset for number in range(3)]
    standing = follower.look()
    assert (standing.measured, standing.running) == (197, 3)
    assert opened == ["0000.1.journal", "0001.1.journal", "0002.1.journal"]
    assert [follower._jobs[number].reader.offset for number in range(3)] == offsets
    assert len(asked) == 2
    for journal in journals[:3]:
        journal.end(1)
    assert follower.look().over
    opened.clear()
    follower.look()
    assert opened == []
    assert len(asked) == 3


def test_journal_in_the_making(sweep):
    """A line that is not whole yet is left for the next look."""
    path = sweep.journal(0, 1)
    path.write_text('{"begin": 0}\n{"en')
    reader = Reader(path)
    assert list(reader.read()) == [{"begin": 0}]
    with path.open("a") as file:
        file.write('d": 0}\n')
    assert list(reader.read()) == [{"end": 0}]


@pytest.mark.parametrize(
    ("lines", "fall"),
    [
        (lambda one: one.begin(1), Fall(1, "n1", late=False)),
        (lambda one: (one.begin(1), one.end(1)), None),
        (lambda one: (one.begin(1), one.stop(1, fell=False)), None),
        (lambda one: (one.begin(1), one.stop(1, fell=True), one.stop(1, fell=False)), Fall(1, "n1", late=True)),
        (lambda _: None, Fall(None, "n1", late=False)),
        (lambda one: one.stop(None, fell=False), None),
    ],
)
def test_falls(sweep, lines, fall):
    """An attempt fell where it ended by itself in the middle of a case, or before any; or had too little time."""
    lines(begin(sweep, 0))
    assert find_falls(sweep, 0, [1]) == ([fall] if fall else [])


def test_merge(sweep):
    """Each case is there once, measured rather than failed; merging again changes nothing."""
    crash = Failure(kind="crash", message="it crashed")
    begin(sweep, 0)
    write(sweep, 0, 1, record("a", CASES[0]), record("b", CASES[1], crash))
    begin(sweep, 0)
    write(sweep, 0, 2, record("c", CASES[0]), record("d", CASES[1]))
    begin(sweep, 1)
    path = sweep.results / "some-cpu" / f"{sweep.name}.jsonl"
    for _ in range(2):
        assert merge(sweep) == {path: 2}
        assert [one.id for one in read_results(path).records] == ["a", "d"]
