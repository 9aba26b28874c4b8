"""What a suite of 10,000 cases costs the side that hands it to a cluster: planned and packed, followed, and merged.

Run: python benchmarks/cluster.py [CASES]. No cluster is asked: what its jobs would write is made of the committed
record of x3d-m, with 20 samples a figure. Each step is a process of its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from results import MODELS, SAMPLES, SOURCE, _scale
from vidbench.cluster.folder import SweepFolder, find_sweep
from vidbench.cluster.following import Follower
from vidbench.cluster.journal import Journal
from vidbench.cluster.merging import merge
from vidbench.cluster.planning import plan_spread
from vidbench.suites.files import read_suite

CASES = 10_000
SUITE = """
[[cases]]
models = {models}
frames = [4, 8, 16, 32, 64]
size = {sizes}
batch = [1, 2, 4, 8]
dtype = ["fp32", "bf16"]
"""


def plan(folder: Path) -> None:
    """A suite's file read, its cases packed, and the jobs written."""
    suite = read_suite(str(folder / "many.toml"))
    spread = plan_spread(suite, folder / "results", suite.slurm)
    spread.create(folder / "results", None)
    lengths = [job.seconds for job in spread.jobs]
    print(f"{len(spread.tasks):,} cases in {len(spread.jobs):,} jobs of {min(lengths):.0f} to {max(lengths):.0f} s")


def follow(folder: Path) -> None:
    """The first look at a run that is all but done, and the mean of further ones."""
    sweep = find_sweep(folder / "results", next((folder / "results" / "sweeps").iterdir()).name)
    follower = Follower(sweep, lambda _: {})
    first = time.perf_counter()
    standing = follower.look()
    then = time.perf_counter()
    for _ in range(100):
        follower.look()
    each = (time.perf_counter() - then) / 100
    print(
        f"{standing.measured:,} of {standing.total:,} cases: first look {then - first:.3f} s, "
        f"further ones {each * 1e3:.2f} ms"
    )


def join(folder: Path) -> None:
    """All records of a run in the folder of results."""
    sweep = find_sweep(folder / "results", next((folder / "results" / "sweeps").iterdir()).name)
    print(", ".join(f"{count:,} records in {path.name}" for path, count in merge(sweep).items()))


STEPS = {"plan": plan, "follow": follow, "join": join}


def write_records(sweep: SweepFolder) -> None:
    """What jobs would write, but for the last case of the last job."""
    environment, *lines = SOURCE.read_text().splitlines()
    (record,) = [one for one in map(json.loads, lines) if one["case"]["model"] == "x3d-m"]
    sizes = sweep.manifest().sizes
    for number, size in enumerate(sizes):
        sweep.begin_attempt(number)
        journal = Journal(sweep.journal(number, 1), node="n1")
        with sweep.records(number, 1).open("w", encoding="utf-8") as file:
            file.write(environment + "\n")
            for place, (case, _) in enumerate(sweep.read_job(number)):
                measurements = [_scale(measurement, case.frames / 16) for measurement in record["measurements"]]
                changed = {"id": f"{number:016x}{place:016x}", "case": asdict(case), "measurements": measurements}
                if number < len(sizes) - 1 or place < size - 1:
                    file.write(json.dumps(record | changed, ensure_ascii=False) + "\n")
                    journal.begin(place)
                    journal.end(place)
        journal.close()


def main() -> None:
    """A line a step, with its seconds and its greatest resident memory."""
    if len(sys.argv) == 3:
        begin = time.perf_counter()
        STEPS[sys.argv[1]](Path(sys.argv[2]))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {sys.argv[1]}: {time.perf_counter() - begin:.2f} s, {memory:.0f} MiB")
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    each = len(MODELS) * 5 * 4 * 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = list(range(32, 32 + 8 * -(-count // each), 8))
        (folder / "many.toml").write_text(SUITE.format(models=json.dumps(MODELS), sizes=sizes))
        print(f"{each * len(sizes):,} cases, {SAMPLES} samples a figure")
        for step in STEPS:
            if step == "follow":
                write_records(SweepFolder(next((folder / "results" / "sweeps").iterdir())))
            subprocess.run([sys.executable, __file__, step, name], check=True)


if __name__ == "__main__":
    main()
