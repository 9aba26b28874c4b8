"""The README's tables of what was measured, made by `vidbench show` from the records under results/.

Run: python tests/measured.py, when records have changed. tests/test_readme.py holds the README to what it makes.
"""

import re
import shlex
import subprocess
import sys
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MADE = re.compile(r"(?<=<!-- made by: python tests/measured\.py -->\n\n).*?(?=<!-- end -->\n)", re.S)
DATED = re.compile(r" · \d{4}-\d\d-\d\d( to \d{4}-\d\d-\d\d)?$")
MARKS = ("*", "~", "!", "growth:")  # notes that say what marks in a table mean

RECORDS = "results/amd-epyc-2cpus"
TABLES = {
    "`vidbench run smoke`, a small clip of a net of each of the seven families": (
        f"{RECORDS}/smoke-*.jsonl --rows model --value macs,latency,throughput,peak_memory"
    ),
    "`vidbench run clip-length`, the seven families at 8 to 64 frames": (
        f"{RECORDS}/clip-length-*.jsonl --rows model --cols frames --value latency"
    ),
}


def make_tables() -> str:
    """A console block for each of TABLES of which there are records."""
    blocks = []
    for what, arguments in TABLES.items():
        pattern, *options = shlex.split(arguments)
        if files := sorted(str(file.relative_to(ROOT)) for file in ROOT.glob(pattern)):
            blocks.append(f"{what}:\n\n```console\n$ vidbench show {arguments}\n{_show(files, options)}```\n\n")
    return "".join(blocks)


def _show(files: list[str], options: list[str]) -> str:
    """The table as it is printed, and of the lines under it those of marks, of failures, and of machine and day."""
    command = [sys.executable, "-c", "from vidbench.cli import main; main()", "show", *files, *options]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    table, _, notes = printed.rpartition("\n\n")
    kept = [line for line in notes.splitlines() if line.startswith((*MARKS, "not measured:")) or DATED.search(line)]
    if not any(map(DATED.search, kept)):
        raise SystemExit(f"{files}: no line says where and when this was measured")
    lines = chain((line.rstrip() for line in table.splitlines()), [""], kept)
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    README.write_text(MADE.sub(lambda _: make_tables(), README.read_text()))
