"""`vidbench results`: files listed, merged without doubles, and pruned of what was measured again."""

from dataclasses import replace

import pytest
from examples import environment, latency, macs, record

from vidbench.records import Failure
from vidbench.store import Writer, read_results

FELL = Failure(kind="timeout", message="too long")
OLD = replace(record(macs()), id="old", time="2026-11-20T10:00:00+00:00")
NEW = replace(record(macs()), id="new", time="2026-11-21T10:00:00+00:00")
FAILED = replace(record(frames=8, failure=FELL), id="failed", time="2026-11-21T11:00:00+00:00")
OVERCOME = replace(record(latency(), frames=8), id="overcome", time="2026-11-21T10:30:00+00:00")
OTHER = replace(record(macs(), environment="k2"), id="other")


@pytest.fixture
def files(folder):
    """Two files: the second measures a case of the first again, and a case that fails in it had been measured."""
    place = folder / "results" / "machine"
    place.mkdir(parents=True)
    where = {"k1": environment(), "k2": environment(threads=1)}
    for name, records in (("a", (OLD, FAILED, OTHER)), ("b", (NEW, OVERCOME))):
        with (place / f"{name}.jsonl").open("w") as file:
            writer = Writer(file)
            for one in records:
                writer.append(one, where[one.environment])
    return place


def ids(path):
    return [one.id for one in read_results(path).records]


def test_list(vidbench, files):
    """A row a file, of the folder `results` by default."""
    done = vidbench("results", "list")
    assert done.code == 0
    first, second = done.out.splitlines()[2:4]
    assert first.split()[:4] == ["results/machine/a.jsonl", "3", "1", "1"]
    assert second.split()[:4] == ["results/machine/b.jsonl", "2", "0", "1"]
    assert "2026-11-20 10:00" in first
    assert "NVIDIA H100" in first


def test_merge(vidbench, files, folder):
    """Every record once, whatever files hold it; a file that is there is not replaced."""
    done = vidbench("results", "merge", str(files), str(files / "a.jsonl"), "-o", "all.jsonl")
    assert (done.code, done.out) == (0, "5 records in all.jsonl\n")
    assert ids(folder / "all.jsonl") == ["old", "failed", "other", "new", "overcome"]
    assert set(read_results(folder / "all.jsonl").environments) == {"k1", "k2"}
    again = vidbench("results", "merge", str(files), "-o", "all.jsonl")
    assert again.code == 2
    assert "give another name" in again.err


def test_prune(vidbench, files):
    """Later records stand, and measured ones before failures; without --yes nothing is changed."""
    before = (files / "a.jsonl").read_bytes()
    done = vidbench("results", "prune")
    assert "a.jsonl: 2 of 3 records are superseded" in done.out
    assert "--yes takes them away" in done.out
    assert (files / "a.jsonl").read_bytes() == before
    vidbench("results", "prune", "--yes")
    assert ids(files / "a.jsonl") == ["other"]
    assert ids(files / "b.jsonl") == ["new", "overcome"]
    assert "no record is superseded" in vidbench("results", "prune").out


def test_kinds_of_gpus_are_kept(vidbench, folder):
    """What was measured on another kind of GPU is not superseded, even where the devices have one name."""
    with (folder / "kinds.jsonl").open("w") as file:
        writer = Writer(file)
        for kind, one in (("a100", OLD), ("v100", NEW)):
            writer.append(replace(one, conditions={"gpu_kind": kind}), environment())
    assert "no record is superseded" in vidbench("results", "prune", "kinds.jsonl").out


def test_nothing_there(vidbench, folder):
    """Without results there is one message."""
    done = vidbench("results", "list")
    assert done.code == 2
    assert "results" in done.err
