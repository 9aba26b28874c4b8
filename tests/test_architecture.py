"""The rooms of docs/architecture.md: who may import whom, and what the fast commands never load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "vidbench"
RECORDS = str(PACKAGE.parent / "results" / "amd-epyc-2cpus" / "families.jsonl")

# Each room and the rooms that it may import when it is loaded; all may import themselves.
ROOMS = {
    "errors": set(),
    "units": {"errors"},
    "heap": set(),
    "metrics": {"errors", "units"},
    "conditions": {"records", "statistics", "units"},
    "records": {"errors", "units"},
    "statistics": {"records"},
    "modes": {"errors"},
    "fields": {"errors"},
    "plugins": {"errors"},
    "catalog": {"errors", "fields", "plugins", "records"},
    "views": {"errors"},
    "suites": {"catalog", "errors", "metrics", "modes", "records", "views"},
    "searches": {"catalog", "errors", "records"},
    "details": {"records"},
    "store": {"details", "errors", "records"},
    "runs": {"records", "store"},
    "cluster": {"catalog", "errors", "modes", "records", "runs", "store", "suites"},
    "differences": {"records", "units"},
    "table": {"catalog", "differences", "metrics", "records", "store", "views"},
    "repeats": {"metrics", "statistics", "table"},
    "notes": {"catalog", "differences", "heap", "metrics", "modes", "records", "repeats", "table", "units"},
    "query": {"catalog", "errors", "metrics", "records", "repeats", "table", "units"},
    "pictures": {"catalog", "metrics", "query", "records", "repeats", "table"},
    "comparison": {"errors", "metrics", "records", "statistics", "store"},
    "alternation": {"catalog", "errors"},
    "gates": {"comparison", "errors", "metrics", "records", "statistics", "store"},
    "devices": {"errors"},
    "claims": {"catalog", "errors", "units"},
    "explain": {"devices", "errors", "records", "units"},
    "export": {
        "catalog", "claims", "comparison", "conditions", "errors", "explain", "gates", "metrics", "notes", "records",
        "query", "repeats", "table", "units", "views",
    },
    "terminal": {
        "catalog", "claims", "comparison", "conditions", "differences", "explain", "metrics", "notes", "query",
        "records", "repeats", "searches", "table", "units",
    },
    "plots": {"devices", "errors", "explain", "metrics", "pictures", "query", "units"},
    "report": {
        "errors", "metrics", "notes", "pictures", "query", "records", "repeats", "statistics", "units", "vidbench",
    },
    "models": {"catalog", "errors"},
    "clips": {"errors", "records"},
    "counting": {"clips", "errors", "records"},
    "environment": {"conditions", "errors", "heap", "records"},
    "measure": {
        "clips", "conditions", "counting", "devices", "environment", "errors", "modes", "records", "statistics",
        "units",
    },
    "run": {
        "alternation", "catalog", "claims", "clips", "cluster", "comparison", "conditions", "counting",
        "devices", "differences", "environment", "errors", "explain", "heap", "measure", "metrics", "models",
        "modes", "records", "runs", "searches", "statistics", "store", "suites", "units", "vidbench",
    },
    "cli": {"errors", "export", "heap", "records", "store", "table", "vidbench"},
    "pytest_plugin": set(),
    "vidbench": set(),
}  # fmt: skip

# Libraries that only one room may import at all.
KEEPERS = {
    "rich": "terminal",
    "av": "clips",
    "pydantic": "store suites",
    "pandas": "table",
    "psutil": "conditions environment run",
    "pynvml": "conditions environment measure",
    "submitit": "run",
    "typer": "cli",
    "safetensors": "models",
    "matplotlib": "plots",
    "pyarrow": "export",
    "jinja2": "report",
    "fvcore": "counting",
    "ptflops": "counting",
}
WITH_TORCH = {"models", "clips", "counting", "environment", "measure", "run"}


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return "vidbench" if first == "__init__.py" else first.removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    """Names of modules that importing this file imports, or (for a whole tree) that it imports anywhere."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
            if node.module == "vidbench":
                names |= {f"vidbench.{alias.name}" for alias in node.names}
    return names


def at_load(tree: ast.Module) -> ast.Module:
    """The file without functions' bodies and without what only type checkers read."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        and not isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return ast.Module(body, [])


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_import_direction(path):
    """A file imports, when it is loaded, only from the rooms below its own."""
    room = room_of(path)
    names = imported(at_load(ast.parse(path.read_text())))
    rooms = {name.split(".")[1] for name in names if name.startswith("vidbench.")}
    known = {name for name in rooms if name in ROOMS}
    assert known - {room} <= ROOMS[room]
    if room not in WITH_TORCH:
        assert not any(name.split(".")[0] == "torch" for name in names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_have_keepers(path):
    """Rich draws in terminal alone, PyAV decodes in clips alone, and so on."""
    libraries = {name.split(".")[0] for name in imported(ast.parse(path.read_text()))} & set(KEEPERS)
    assert all(room_of(path) in KEEPERS[library].split() for library in libraries)


def test_other_counters_are_loaded_where_they_count():
    """Only counting/crosscheck.py names fvcore and ptflops, and imports neither before it is asked to count."""
    named = {path: {name.split(".")[0] for name in imported(ast.parse(path.read_text()))} for path in FILES}
    (keeper,) = [path for path, names in named.items() if names & {"fvcore", "ptflops"}]
    assert keeper == PACKAGE / "counting" / "crosscheck.py"
    assert not {name.split(".")[0] for name in imported(at_load(ast.parse(keeper.read_text())))} & {"fvcore", "ptflops"}


def test_every_room_is_known():
    """A new file or folder has its place in this test and in docs/architecture.md."""
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    assert {room_of(path) for path in FILES} == set(ROOMS)
    assert all(room in page for room in ROOMS)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["profile", "--help"],
        ["list", "nothing"],
        ["claims", "--help"],
        ["env", "--help"],
        ["env", "--runs", "1"],
        ["claims", "nothing"],
        ["export", "--help"],
        *(["export", str(PACKAGE.parent / "results"), "--to", form] for form in ("csv", "json", "latex", "html")),
        ["show", RECORDS],
        ["show", RECORDS, "--pareto", "top1:latency"],
        ["choose", RECORDS, "--max-latency", "300ms"],
        ["report", RECORDS, "-o", "-"],
        ["plot", "nothing.jsonl", "-o", "nothing.gif"],
        ["compare", "--help"],
        ["gate", "--help"],
        ["results", "list", RECORDS],
        ["gate", "nothing.jsonl", "--baseline", "nothing.jsonl"],
        ["gate", "results/amd-epyc-2cpus/families.jsonl", "--baseline", "results/amd-epyc-2cpus/families.jsonl"],
        ["baseline", "update", "nothing.jsonl"],
    ],
)
def test_fast_commands_load_neither_torch_nor_pandas(arguments):
    """Help, list and refusals of names cost no import of torch or pandas."""
    code = (
        "import sys; from vidbench.cli import main\n"
        f"sys.argv = ['vidbench', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "loaded = {'torch', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr


def test_importing_vidbench_is_free():
    """`import vidbench` loads nothing heavy; its names do, when first asked for."""
    code = "import sys, vidbench; sys.exit('torch' in sys.modules or not {'build', 'count'} <= set(dir(vidbench)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_comparing_and_pytest_load_neither_torch_nor_pandas():
    """Comparing results costs numpy alone, and pytest's plugin nothing of either."""
    results = "results/amd-epyc-2cpus/families.jsonl"
    code = (
        "import sys, vidbench.pytest_plugin; from vidbench.cli import main\n"
        "assert 'numpy' not in sys.modules\n"
        f"sys.argv = ['vidbench', 'compare', {results!r}, {results!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "loaded = {'torch', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
