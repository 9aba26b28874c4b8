"""What Slurm is handed: arrays no longer than it takes, of jobs that ask for the same."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from vidbench.cluster.folder import Manifest, create
from vidbench.cluster.queue import longest_array
from vidbench.errors import VidbenchError
from vidbench.records import Case, Footage

pytest.importorskip("submitit")
CASE = Case(model="x3d-xs", classes=400, frames=4, size=32)
SBATCH = """#!/bin/sh
count=$(ls {place}/handed* 2>/dev/null | wc -l)
[ "$count" -lt {most} ] || {{ echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; }}
cp "$1" {place}/handed$count
echo "Submitted batch job 7$count"
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Commands that note what is handed over, as a Slurm would that takes so many arrays."""

    def write(most: int, longest: int = 4) -> None:
        scripts = {"sbatch": SBATCH.format(place=tmp_path, most=most), "srun": "#!/bin/sh\n"}
        scripts["scontrol"] = f"#!/bin/sh\necho 'MaxArraySize            = {longest}'\n"
        for name, text in scripts.items():
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        longest_array.cache_clear()

    yield write
    longest_array.cache_clear()


def make_sweep(tmp_path, *kinds):
    """A run with a job of one case for each of these."""
    cases = [replace(CASE, size=32 + number) for number in range(len(kinds))]
    manifest = Manifest(
        suite="mine", metrics=None, precision=0.01, timeout=600, sizes=(1,) * len(kinds), minutes=30,
        place=str(tmp_path), kinds=kinds, options={"partition": "gpu", "setup": ["module load cuda"]},
    )  # fmt: skip
    jobs = [[(case, Footage())] for case in cases]
    return create(tmp_path / "results", manifest, jobs, datetime(2026, 1, 2, tzinfo=UTC))


def read_option(path, name):
    return re.search(rf"^#SBATCH --{name}=(.*)$", path.read_text(), re.M)[1]


def test_arrays(tmp_path, slurm):
    """Jobs of each kind are arrays of their own, cut to what Slurm takes; a single job is none."""
    from vidbench.run.slurm import submit

    slurm(most=10)
    sweep = make_sweep(tmp_path, *["a100"] * 4, *["v100"] * 2)
    assert list(submit(sweep, range(6))) == [("70", 3), ("71", 1), ("72", 2)]
    handed = [tmp_path / f"handed{number}" for number in range(3)]
    assert [read_option(path, "gres") for path in handed] == ["gpu:a100:1", "gpu:a100:1", "gpu:v100:1"]
    assert [read_option(handed[number], "array") for number in (0, 2)] == ["0-2%3", "0-1%2"]
    assert "--array" not in handed[1].read_text()
    assert [read_option(path, "job-name") for path in handed] == [f"{sweep.name}.{number}" for number in range(3)]
    assert [one.jobs for one in sweep.submissions()] == [(0, 1, 2), (3,), (4, 5)]
    text = handed[0].read_text()
    assert text.index(f"cd {tmp_path}") < text.index("module load cuda") < text.index("srun")
    assert read_option(handed[0], "time") == "30"


def test_refused_halfway(tmp_path, slurm):
    """What Slurm took is kept, and it is said how the rest is handed over; where it took nothing, nothing is left."""
    from vidbench.cli.launching import _submit

    slurm(most=1)
    sweep = make_sweep(tmp_path, *["a100"] * 4)
    with pytest.raises(VidbenchError, match=rf"3 of 4 jobs were handed over.*--attach {sweep.name} --resume"):
        _submit(sweep, range(4))
    assert sweep.path.exists()
    other = make_sweep(tmp_path, "a100")
    with pytest.raises(VidbenchError, match="QOSMaxSubmitJobPerUserLimit"):
        _submit(other, range(1))
    assert not other.path.exists()


def test_longest_array(slurm):
    """Slurm's own limit, one job where it allows no arrays."""
    for limit, most in ((1001, 1000), (1, 1), (0, 1)):
        slurm(most=1, longest=limit)
        assert longest_array() == most
