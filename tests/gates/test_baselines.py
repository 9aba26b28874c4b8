"""Baselines: what is written with its provenance, what of an older one is kept, and what is read from git."""

import subprocess
from dataclasses import replace

import pytest
from examples import environment
from runs import fallen, results, timed

from vidbench.errors import InputError, NoBaselineError
from vidbench.gates.baselines import read_baseline, tell_origins, write_baseline
from vidbench.store import read_results


@pytest.fixture
def repository(folder):
    """A git repository whose first commit has a baseline; gives a function that runs git in it."""

    def git(*arguments):
        settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        return subprocess.run(["git", *settings, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    write_baseline(results(*timed([1.0, 1.1])), folder / "baseline.jsonl", ["a.jsonl"])
    git("add", ".")
    git("commit", "-q", "-m", "one")
    return git


def test_provenance(repository, folder):
    """Each record tells where, when and from which files and revision the baseline was written; samples stay behind."""
    write_baseline(results(*timed([1.0])), folder / "base.jsonl", ["a.jsonl", "b.jsonl"])
    (record,) = read_results(folder / "base.jsonl").records
    origin = record.conditions["baseline"]
    assert origin["git"] == repository("rev-parse", "HEAD")
    assert origin["sources"] == ["a.jsonl", "b.jsonl"]
    assert set(origin) == {"host", "written", "vidbench", "git", "changed", "sources"}
    assert record.conditions["vidbench"] == "0.1.0"
    assert record.figure("latency") == 1.0
    assert not any(measurement.samples for measurement in record.measurements)
    assert read_results(folder / "base.jsonl").environments == {"k1": environment()}
    (line,) = tell_origins([record])
    assert f"git {origin['git'][:12]}" in line


def test_without_git(folder):
    """Outside of a repository the revision is unknown."""
    write_baseline(results(*timed([1.0])), folder / "b.jsonl", [])
    (record,) = read_results(folder / "b.jsonl").records
    assert (record.conditions["baseline"]["git"], record.conditions["baseline"]["changed"]) == (None, None)
    assert "no git revision" in tell_origins([record])[0]


def test_update(folder):
    """Cases that come replace their own runs of the same environment, and no others; failures stay out."""
    path = folder / "b.jsonl"
    write_baseline(results(*timed([1.0, 1.1]), *timed([5.0], frames=8)), path, [])
    done = write_baseline(results(*timed([2.0]), fallen(frames=4)), path, [])
    latencies = [record.figure("latency") for record in read_results(path).records]
    assert latencies == [5.0, 2.0]
    assert [case.frames for case in (*done.written, *done.kept, *done.failed)] == [16, 8, 4]
    write_baseline(results(*timed([3.0]), place=environment(threads=1), key="k2"), path, [])
    assert len(read_results(path).records) == 3
    write_baseline(results(*timed([4.0])), path, [], fresh=True)
    assert [record.figure("latency") for record in read_results(path).records] == [4.0]
    assert [file.name for file in folder.iterdir()] == ["b.jsonl"]


def test_nothing_to_write(folder):
    """A baseline of failures alone, or where nothing can be written, is refused, and the old one stays."""
    path = folder / "b.jsonl"
    write_baseline(results(*timed([1.0])), path, [])
    with pytest.raises(InputError, match="no case was measured"):
        write_baseline(results(fallen()), path, ["c.jsonl"])
    with pytest.raises(InputError, match="cannot be written"):
        write_baseline(results(*timed([1.0])), folder / "no" / "b.jsonl", [])
    with pytest.raises(InputError, match="environment that its file does not have"):
        write_baseline(replace(results(*timed([1.0])), environments={}), path, [], fresh=True)
    with pytest.raises(InputError, match="no number"):
        write_baseline(results(*timed([float("nan")])), path, [])
    assert len(read_results(path).records) == 1


def test_read(repository, folder):
    """A file, a folder of files, and a revision's file, by its own name or another."""
    assert len(read_baseline("baseline.jsonl").records) == 2
    assert len(read_baseline(".").records) == 2
    (folder / "baseline.jsonl").unlink()
    for name in ("git:HEAD", "git:HEAD:baseline.jsonl"):
        assert len(read_baseline(name).records) == 2


def test_no_baseline(repository, folder):
    """What is not there is no baseline, which is no wrong usage; a wrong revision is."""
    (folder / "empty.jsonl").touch()
    for name in ("nothing.jsonl", "git:HEAD:nothing.jsonl", "empty.jsonl"):
        with pytest.raises(NoBaselineError, match="baseline update"):
            read_baseline(name)
    for name in ("git:nothing", "git:--help", "git:"):
        with pytest.raises(InputError, match="no revision") as caught:
            read_baseline(name)
        assert not isinstance(caught.value, NoBaselineError)


def test_no_result_file_in_git(repository, folder):
    """A committed file of another kind is refused under the name it was asked for."""
    (folder / "b.txt").write_text("hello\n")
    repository("add", ".")
    repository("commit", "-q", "-m", "two")
    with pytest.raises(InputError, match=r"^git:HEAD:b\.txt, line 1: not a line"):
        read_baseline("git:HEAD:b.txt")
