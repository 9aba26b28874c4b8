"""The gate of docs/ci.md run for real: a net and its baseline; the same net, a slowed, a crashing, an erratic one.

Each is measured in processes of its own by the command line, and the gate has to end with the code that the page says.

Run: python benchmarks/gate_example.py; about five minutes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

NET = """
import os, random, time
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 10)
        self.pause = random.choice([0.01, 0.02]) if os.environ["NET"] == "erratic" else 0.01
        self.pause *= 1.3 if os.environ["NET"] == "slowed" else 1

    def forward(self, clip):
        if clip.device.type != "meta":
            if os.environ["NET"] == "crashing":
                os.abort()
            until = time.perf_counter() + self.pause
            while time.perf_counter() < until:
                pass
        return self.head(clip.mean(dim=(2, 3, 4)))
"""
VIDBENCH = "from vidbench.cli import main; main()"
PROFILE = (
    "profile", "nets:Net", "--frames", "4", "--size", "32", "--device", "cpu", "--only", "macs,latency",
    "--precision", "5%",
)  # fmt: skip
WANTED = {"no baseline": 5, "same": 0, "slowed": 1, "crashing": 3, "erratic": 4}


def call(folder: Path, net: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in that folder, with the net as it is to behave."""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), str(folder)])
    settings = {**os.environ, "PYTHONPATH": paths, "NET": net}
    command = [sys.executable, "-P", "-c", VIDBENCH, *arguments]
    return subprocess.run(command, env=settings, cwd=folder, capture_output=True, text=True, check=False)


def main() -> None:
    """A line a gate."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nets.py").write_text(NET)
        call(folder, "same", *PROFILE, "--repeats", "20", "--json", "main.jsonl")
        for net, code in WANTED.items():
            runs = "1" if net in ("crashing", "no baseline") else "10"
            call(folder, net, *PROFILE, "--repeats", runs, "--json", f"{net}.jsonl")
            done = call(folder, net, "gate", f"{net}.jsonl", "--baseline", "baseline.jsonl", "--remeasure")
            held = "as it should be" if done.returncode == code else f"NOT {code}"
            why = next((line for line in done.stdout.splitlines() if "nets:Net" in line), done.stderr.strip())
            print(f"{net}: exit code {done.returncode}, {held}: {' '.join(why.split())}", flush=True)
            if net == "no baseline":
                call(folder, "same", "baseline", "update", "main.jsonl")


if __name__ == "__main__":
    main()
