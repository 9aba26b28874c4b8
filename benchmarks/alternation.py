"""How often `vidbench compare --run` finds a forward that is slower by a known share, and takes equal ones for equal.

The slower net is X3D-XS that after each forward spins for a share of the time which that forward took. It spins on one
thread: with more of them (--threads) the rest is idle meanwhile, and a machine that shares its processors out by the
time they were used slows it by less than that share.

Run: python benchmarks/alternation.py [--tries N] [--alike N] [--slower SHARE]; about a minute a try.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

NETS = """
import time
import vidbench

def slower(frames, size):
    net = vidbench.build("x3d-xs", frames=frames, size=size)
    forward = net.forward

    def spin(clip):
        begun = time.perf_counter()
        logits = forward(clip)
        until = begun + (time.perf_counter() - begun) * (1 + SLOWER)
        while time.perf_counter() < until:
            pass
        return logits

    net.forward = spin
    return net

def same(frames, size):
    return vidbench.build("x3d-xs", frames=frames, size=size)
"""
VIDBENCH = "from vidbench.cli import main; main()"


def compare(folder: Path, new: str, options: list[str]) -> dict[str, Any]:
    """The verdict on that net against nets:same, with ratio and interval."""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), str(folder)])
    asked = ("compare", "--run", "nets:same", f"nets:{new}", *options, "--json", "-")
    done = subprocess.run(
        [sys.executable, "-P", "-c", VIDBENCH, *asked],
        env={**os.environ, "PYTHONPATH": paths}, cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    change: dict[str, Any] = json.loads(done.stdout)["changes"][0]
    return change


def main() -> None:
    """A line a try, then how many had which verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--alike", type=int, default=10)
    parser.add_argument("--slower", type=float, default=0.05)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    options = [f"--{name}={getattr(arguments, name)}" for name in ("frames", "size", "threads")]
    print(f"slower by {arguments.slower:.1%}; {' '.join(options)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nets.py").write_text(f"SLOWER = {arguments.slower}\n{NETS}")
        for new, tries in (("slower", arguments.tries), ("same", arguments.alike)):
            verdicts: Counter[str] = Counter()
            for _ in range(tries):
                change = compare(folder, new, options)
                verdicts[change["verdict"]] += 1
                low, high = change["interval"]
                rounds = change["runs"][0]
                print(
                    f"{new}: {change['verdict']}, x{change['ratio']:.4f} ({low:.4f} to {high:.4f}), {rounds} rounds",
                    flush=True,
                )
            print(f"{new}, of {tries}: {dict(verdicts)}", flush=True)


if __name__ == "__main__":
    main()
