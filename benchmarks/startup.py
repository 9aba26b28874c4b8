"""What a command costs before it does anything, against `python -c "import typer, rich"`.

Run: python benchmarks/startup.py.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

from side_by_side import compare, show

VIDBENCH = str(Path(sys.executable).with_name("vidbench"))


def run(*command: str) -> None:
    """The command, its output thrown away."""
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def main() -> None:
    """A line a command, then time and memory of all static figures in one call."""
    for arguments in (["--help"], ["list"], ["list", "--json"]):
        *_, ratios = compare(
            lambda arguments=arguments: run(VIDBENCH, *arguments),
            lambda: run(sys.executable, "-c", "import typer, rich"),
            rounds=20,
        )
        show(f"vidbench {' '.join(arguments)} / import typer, rich", ratios, "at most 4")
    begin = time.perf_counter()
    run(VIDBENCH, "profile", "*", "--frames", "8,16,32,64", "--device", "meta")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"all variants at 8, 16, 32, 64 frames on meta: {time.perf_counter() - begin:.1f} s, {peak:.0f} MiB at the peak"
    )


if __name__ == "__main__":
    main()
