"""A suite in jobs: all of it on each kind of GPU, by how long cases take there."""

from dataclasses import replace
from pathlib import Path

import pytest
from examples import environment, record

from vidbench.cluster.planning import plan_spread
from vidbench.store import Writer
from vidbench.suites.files import read_suite
from vidbench.suites.launchers import Slurm


@pytest.fixture
def suite():
    return read_suite("smoke")


def write_run(results: Path, suite, kind: str | None, seconds: float):
    """What an earlier run of the suite measured, each case in so many seconds."""
    path = results / "machine" / f"smoke-20260102T000000Z-{kind}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    conditions = {"elapsed": seconds, **({"gpu_kind": kind} if kind else {})}
    with path.open("w") as file:
        writer = Writer(file)
        for number, (case, _) in enumerate(suite.cases):
            writer.append(replace(record(), id=f"{kind}{number}", case=case, conditions=conditions), environment())


def test_each_kind_has_all(suite, tmp_path):
    """Every case is in one job of each kind."""
    spread = plan_spread(suite, tmp_path, Slurm(each_gpu_kind=True, job_time=20), kinds=["a100", "v100"])
    for kind in ("a100", "v100"):
        jobs = [job.places for job in spread.jobs if job.kind == kind]
        assert len(jobs) > 1
        assert sorted(place for job in jobs for place in job) == list(range(7))
    manifest = spread.create(tmp_path / "results", None).manifest()
    assert [manifest.kind(number) for number in range(len(spread.jobs))] == [job.kind for job in spread.jobs]


def test_seconds_are_of_the_kind(suite, tmp_path):
    """Jobs are as long as cases took on GPUs of that kind; where there were none, on any."""
    write_run(tmp_path, suite, "a100", 10)
    write_run(tmp_path, suite, "v100", 100)
    spread = plan_spread(suite, tmp_path, Slurm(each_gpu_kind=True, job_time=70), kinds=["a100", "v100", "h100"])
    lengths = {kind: [job.seconds for job in spread.jobs if job.kind == kind] for kind in ("a100", "v100", "h100")}
    assert lengths["a100"] == [70]
    assert lengths["v100"] == [100] * 7
    assert sum(lengths["h100"]) in (70, 700)
    assert (spread.estimate.seconds, spread.estimate.known) == (700, 7)


def test_kind_of_a_typed_gpu(suite, tmp_path):
    """What a job asks for by its type is its kind."""
    assert {job.kind for job in plan_spread(suite, tmp_path, Slurm(gres="gpu:a100:1")).jobs} == {"a100"}
    assert {job.kind for job in plan_spread(suite, tmp_path, Slurm(gres="gpu:1")).jobs} == {None}


@pytest.mark.parametrize(
    ("asked", "device"),
    [
        ({"gres": "gpu:1"}, "cuda:0"),
        ({"each_gpu_kind": True}, "cuda:0"),
        ({"options": {"gpus-per-node": 1}}, "cuda:0"),
        ({"gres": "tmpdisk:100"}, "cpu"),
        ({}, "cpu"),
    ],
)
def test_placed(suite, tmp_path, asked, device):
    """For what is told beforehand, such as memory, `auto` is the device that jobs ask for; others stay."""
    assert {case.device for case in plan_spread(suite, tmp_path, Slurm(**asked)).placed} == {device}
    assert {case.device for case in plan_spread(suite, tmp_path, Slurm(**asked), "meta").placed} == {"meta"}
