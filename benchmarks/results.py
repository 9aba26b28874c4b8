"""How long the commands that only read results take on 10,000 records of 20 samples each.

Run: python benchmarks/results.py [RECORDS]. The file is made of the committed record of x3d-m, under other ids and
settings.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "results" / "amd-epyc-2cpus" / "families.jsonl"
SAMPLES = 20
RECORDS = 10_000
ROUNDS = 3
FILE = "FILE"  # where a command takes the file twice
COMMANDS = {
    "show": ["show"],
    "show, filtered and sorted": ["show", "--where", "latency < 190ms or batch >= 4", "--sort", "-latency"],
    "show, pivoted": ["show", "--rows", "model,size,batch,dtype", "--cols", "frames", "--value", "throughput"],
    "show, with a front": ["show", "--pareto", "top1:latency"],
    "choose": ["choose", "--max-latency", "200ms"],
    "export as CSV": ["export", "--to", "csv"],
    "export as wide CSV": ["export", "--to", "csv", "--wide"],
    "export as JSON": ["export", "--to", "json"],
    "export as Markdown": ["export", "--to", "markdown"],
    "export as LaTeX": ["export", "--to", "latex"],
    "export as HTML": ["export", "--to", "html"],
    "compare with itself": ["compare", FILE],
    "report": ["report", "-o", "-"],
}


MODELS = (
    "x3d-xs", "x3d-s", "x3d-m", "x3d-l", "vov3d-m", "vov3d-l", "slow-8x8-r50", "i3d-8x8-r50", "tea-r50", "c2d-8x8-r50",
)  # fmt: skip


def write_records(path: Path, count: int) -> None:
    """A result file of that many records, each of a case of its own, its figures a little apart from the others'."""
    environment, *lines = SOURCE.read_text().splitlines()
    (record,) = [one for one in map(json.loads, lines) if one["case"]["model"] == "x3d-m"]
    axes = product(MODELS, range(32, 232, 8), (1, 2, 4, 8), ("fp32", "bf16"), (4, 8, 16, 32, 64))
    with path.open("w", encoding="utf-8") as file:
        file.write(environment + "\n")
        for number, (model, size, batch, dtype, frames) in zip(range(count), axes, strict=False):
            setting = {"model": model, "size": size, "batch": batch, "dtype": dtype, "frames": frames}
            factor = frames / 16 * (1 + number % 97 / 1e4)
            measurements = [_scale(measurement, factor) for measurement in record["measurements"]]
            line = record | {"id": f"{number:032x}", "case": record["case"] | setting, "measurements": measurements}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _scale(measurement: dict[str, Any], factor: float) -> dict[str, Any]:
    """A measurement with other figures; a sampled one with as many samples as there are to be."""
    if "samples" not in measurement:
        return measurement
    middle = measurement["value"] * (factor if measurement["metric"] == "latency" else 1 / factor)
    samples = [middle * (1 + (place - SAMPLES / 2) / 1e3) for place in range(SAMPLES)]
    details = measurement["details"] | {"count": SAMPLES}
    return measurement | {"value": middle, "samples": samples, "details": details}


def run(*arguments: str) -> tuple[float, float]:
    """Wall and processor seconds of a command in a process of its own, its output thrown away."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    entry = "from vidbench.cli import main; main()"
    subprocess.run([sys.executable, "-c", entry, *arguments], stdout=subprocess.DEVNULL, check=True)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begin
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """A line a command: the least of some rounds, start-up included."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.jsonl"
        write_records(path, count)
        print(f"{count:,} records of {SAMPLES} samples, {path.stat().st_size / 1e6:.0f} MB")
        for label, (command, *options) in COMMANDS.items():
            arguments = [str(path) if option == FILE else option for option in options]
            rounds = [run(command, str(path), *arguments) for _ in range(ROUNDS)]
            wall, busy = (min(times) for times in zip(*rounds, strict=True))
            print(f"{label}: {wall:.2f} s, of which the processor was busy {busy:.2f} s")


if __name__ == "__main__":
    main()
