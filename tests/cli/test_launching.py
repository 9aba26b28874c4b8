"""`vidbench run --launcher slurm` without a cluster: what is refused, and what is planned."""

import sys

import pytest


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["smoke", "--launcher", "condor"], "--launcher is local or slurm"),
        (["smoke", "--partition", "gpu"], "--partition is for a cluster; give --launcher slurm"),
        (["smoke", "--slurm", "qos=high"], "--slurm is for a cluster"),
        (["smoke", "--follow"], "--follow is of a run on a cluster"),
        (["smoke", "--cancel"], "name it by --attach ID"),
        (["--attach", "nothing"], "no run 'nothing'"),
        (["smoke", "--launcher", "slurm", "--time", "soon"], "'soon' is no time; give minutes"),
        (["smoke", "--launcher", "slurm", "--slurm", "=5"], "has no name; give key=value"),
        (["smoke", "--launcher", "slurm", "--slurm", "array=5"], "'array' is vidbench's own to set"),
        (["smoke", "--launcher", "slurm", "--job-time", "0"], "--job-time is 0.0; give a value greater than 0"),
        (["smoke", "--launcher", "slurm", "--time", "0"], "--time is '0'; give a value greater than or equal to 1"),
        (["smoke", "--each-gpu-kind"], "--each-gpu-kind is for a cluster; give --launcher slurm"),
        (["smoke", "--launcher", "slurm", "--each-gpu-kind", "--gres", "gpu:2"], "leave out either"),
        (["smoke", "--launcher", "slurm", "--each-gpu-kind", "--slurm", "gpus=2"], "gpus does not go with"),
        (["smoke", "--launcher", "slurm", "--dry-run", "--device", "tpu"], "there are auto, cpu, cuda"),
        (["smoke", "--attach", "nothing"], "leave out the suite and --dry-run"),
        (["--attach", "nothing", "--gres", "gpu:1"], "--attach takes it as it was, leave it out"),
        (["--attach", "nothing", "--resume", "--cancel"], "leave out either"),
    ],
)
def test_refused(vidbench, folder, arguments, fix):
    """Bad input ends with code 2 and one message, before anything is written."""
    done = vidbench("run", *arguments)
    assert done.code == 2
    assert fix in done.err
    assert not list(folder.iterdir())


def test_without_submitit(vidbench, folder, monkeypatch):
    """What is missing is said, with how it is had."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "submitit", None)
        done = vidbench("run", "smoke", "--launcher", "slurm")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "pip install 'vidbench[slurm]'" in done.err
    assert not list(folder.iterdir())


def test_without_slurm(vidbench, folder, monkeypatch):
    """And which of Slurm's commands."""
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(folder))
    done = vidbench("run", "smoke", "--launcher", "slurm")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "there is no sbatch, squeue, scancel, scontrol, srun, sinfo here" in done.err
    done = vidbench("run", "smoke", "--launcher", "slurm", "--each-gpu-kind", "--dry-run")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert not list(folder.iterdir())


def test_metrics_that_no_case_has(vidbench, folder):
    """They are refused as a run here refuses them, and not left out in the jobs."""
    (folder / "mine.toml").write_text('metrics = ["energy", "compile_time"]\n[[cases]]\nmodels = "x3d-xs"\n')
    here, there = (vidbench("run", "mine.toml", "--dry-run", *more) for more in ((), ("--launcher", "slurm")))
    assert (here.code, there.code) == (2, 2)
    assert here.err == there.err
    assert "compile_time: it is of what a mode prepares" in there.err


def test_planned(vidbench, folder, monkeypatch):
    """--dry-run shows the cases with their memory and how many jobs they make, and needs no cluster."""
    done = vidbench("run", "smoke", "--launcher", "slurm", "--dry-run")
    assert done.code == 0
    assert "1 job, at most 7 cases each" in done.out
    here = vidbench("run", "smoke", "--dry-run")
    assert done.out.splitlines()[:10] == here.out.splitlines()[:10]
    assert done.err == ""
    monkeypatch.setattr("vidbench.run.worker.PREDICTING", -1.0)  # of the jobs alone
    done = vidbench("run", "smoke", "--launcher", "slurm", "--dry-run", "--job-time", "1")
    assert "7 jobs, at most 1 case each" in done.out
    done = vidbench("run", "smoke", "--launcher", "slurm", "--dry-run", "--resume")
    assert "what earlier runs have is not measured again" in done.err
    assert not list(folder.iterdir())
