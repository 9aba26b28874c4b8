"""Suite files: what to measure, and how much of a change is too much, as TOML; all faults of a file at once, by line.

A suite's `[[cases]]` are grids: every combination of models and axes is a case, but for what `exclude` names.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator

from vidbench.catalog import DATASET_CLASSES, Net, Variant, find_nets, find_variants, is_pattern
from vidbench.errors import InputError
from vidbench.metrics import METRICS
from vidbench.modes import MODES, PRECISIONS
from vidbench.records import RANDOM, TASKS, Case, Footage
from vidbench.suites.grid import expand_grid, find_refusals, list_left_out
from vidbench.suites.launchers import STRICT, Launchers, Slurm

SHIPPED = (Path(__file__).parent / "shipped", Path(__file__).parents[2] / "suites")  # in a wheel, in a checkout


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _share(value: object) -> object:
    """`"5%"` as 0.05."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d+(\.\d*)?\s*%\s*", value):
        return float(value.strip().removesuffix("%")) / 100
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


Count = Annotated[int, Field(ge=1)]
Counts = Annotated[list[Count], BeforeValidator(_listed)]
Names = Annotated[list[str], BeforeValidator(_listed)]
Share = Annotated[float, BeforeValidator(_share), Field(ge=0, lt=1)]


class Table(BaseModel):
    """A table of the file, whose keys are known and whose values have their types."""

    model_config = STRICT


class Selection(Table):
    """Cases by what they have in common: of each key that is given, one of its values; models also by pattern."""

    model: Names = []
    frames: Counts = []
    size: Counts = []
    batch: Counts = []
    dtype: Names = []
    mode: Names = []
    task: Names = []

    def matches(self, case: Case) -> bool:
        """Whether the case is one of them."""
        axes = {name: getattr(self, name) for name in Selection.model_fields}
        patterns = axes.pop("model")
        fits = not patterns or any(fnmatchcase(case.model, pattern) for pattern in patterns)
        return fits and all(not values or getattr(case, name) in values for name, values in axes.items())


class Grid(Table):
    """Every combination of these; axes that are left out have the net's own clip, batch 1, fp32, eager, inference."""

    models: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]
    exclude: list[Selection] = []
    published: bool = False  # each net at the clips and classes that its published rows are of
    frames: Counts = []
    size: Counts = []
    batch: Counts = [1]
    dtype: Names = ["fp32"]
    mode: Names = ["eager"]
    task: str = "inference"
    device: str = "auto"
    classes: Count | None = None
    threads: Count | None = None
    clip: Names = []
    weights: str = RANDOM

    @field_validator("dtype", "mode", "task")
    @classmethod
    def _check_names(cls, value: Any, info: Any) -> Any:
        known = {"dtype": tuple(PRECISIONS), "mode": tuple(MODES), "task": TASKS}[info.field_name]
        for name in [value] if isinstance(value, str) else value:
            if name not in known:
                raise ValueError(f"{name!r} is none; there are {', '.join(known)}")
        return value


class Limit(Selection):
    """How much worse each metric may become for these cases, as shares; 0 for what must not change."""

    limits: dict[str, Share]

    @field_validator("limits")
    @classmethod
    def _check_names_of_metrics(cls, value: dict[str, float]) -> dict[str, float]:
        _check_metrics(value)
        return value


class SuiteFile(Table):
    """A whole file."""

    description: str = ""
    metrics: list[str] | None = None
    precision: Annotated[float, BeforeValidator(_share), Field(gt=0, lt=1)] = 0.01
    repeats: Count = 1
    timeout: Annotated[float, Field(gt=0), BeforeValidator(_share)] = 600.0
    cases: Annotated[list[Grid], Field(min_length=1)]
    limits: dict[str, Share] = {}
    limit: list[Limit] = []
    launcher: Launchers = Launchers()

    @field_validator("metrics")
    @classmethod
    def _check_names_of_metrics(cls, value: list[str] | None) -> list[str] | None:
        _check_metrics(value or ())
        return value

    @field_validator("limits")
    @classmethod
    def _check_limits(cls, value: dict[str, float]) -> dict[str, float]:
        _check_metrics(value)
        return value


def _check_metrics(names: Iterable[str]) -> None:
    for name in names:
        if name not in METRICS:
            near = get_close_matches(name, METRICS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(METRICS)}"
            raise ValueError(f"{name!r} is no metric; {hint}")


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite that can be run: its cases with the footage of each, and how they are to be measured and judged.

    `left_out` says what nets that patterns stand for cannot take, a line each.
    """

    name: str
    description: str
    cases: tuple[tuple[Case, Footage], ...]
    metrics: tuple[str, ...] | None
    precision: float
    timeout: float
    limits: Mapping[str, float] = field(default_factory=dict)
    special: tuple[Limit, ...] = ()
    left_out: tuple[str, ...] = ()
    slurm: Slurm = field(default_factory=Slurm)

    def exceptions_of(self, case: Case) -> dict[str, float]:
        """Those of [[limit]] alone, later ones over earlier ones."""
        found: dict[str, float] = {}
        for one in self.special:
            found |= one.limits if one.matches(case) else {}
        return found


def read_suite(name: str) -> Suite:
    """The suite in a file, or the shipped one of that name.

    Raises:
        InputError: there is none, or the file has faults; the message has all of them, each with its line and fix.
    """
    path = find_suite(name)
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a suite: {error}") from error
    lines = _Lines(text)
    faults: list[tuple[tuple[str | int, ...], str]] = []
    try:
        whole = SuiteFile.model_validate(table)
    except ValidationError as error:
        faults = [(tuple(one["loc"]), _describe(one)) for one in error.errors(include_url=False)]
        raise InputError(_list_faults(path, lines, faults)) from error
    cases: list[tuple[Case, Footage]] = []
    left_out: dict[str, None] = {}
    for index, grid in enumerate(whole.cases):
        try:
            faults += [(("cases", index, *place), text) for place, text in _find_faults(grid)]
            if not faults:
                found, reasons = _expand(grid)
                cases += [(case, Footage(sources=tuple(grid.clip))) for case in found]
                left_out |= dict.fromkeys(reasons)
        except InputError as error:
            faults.append((("cases", index), str(error)))
    if faults:
        raise InputError(_list_faults(path, lines, faults))
    if not cases:
        if left_out:
            raise InputError("\n  ".join([f"{path}: no net takes its clips; give other frames or size:", *left_out]))
        raise InputError(f"{path}: its exclusions leave no case; take some of them away")
    ordered = [(replace(case, repeat=repeat), footage) for repeat in range(whole.repeats) for case, footage in cases]
    return Suite(
        name=path.stem,
        description=whole.description,
        cases=tuple(dict.fromkeys(ordered)),
        metrics=None if whole.metrics is None else tuple(whole.metrics),
        precision=whole.precision,
        timeout=whole.timeout,
        limits=whole.limits,
        special=tuple(whole.limit),
        left_out=tuple(left_out),
        slurm=whole.launcher.slurm,
    )


def find_suite(name: str) -> Path:
    """The file of that name, or of the shipped suite of that name.

    Raises:
        InputError: there is neither; the message has the shipped ones.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = shipped_suites()
    if name in shipped:
        return shipped[name]
    if name.endswith(".toml") or "/" in name:
        raise InputError(f"there is no suite file {name}; `vidbench run --list` shows those that come with vidbench")
    near = get_close_matches(name, shipped, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(shipped)}."
    raise InputError(f"unknown suite {name!r}; {hint} One of your own is given by its file, such as {name}.toml")


def shipped_suites() -> dict[str, Path]:
    """The suites that come with vidbench, by name."""
    folder = next((place for place in SHIPPED if place.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder else {}


def _find_faults(grid: Grid) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What of a grid cannot be measured, with its place in it."""
    nets: list[Net] = []
    for index, pattern in enumerate(grid.models):
        try:
            nets += [net for net in find_variants(pattern) if not is_pattern(pattern)]
        except InputError as error:
            yield ("models", index), str(error)
    for net in {net.name: net for net in nets}.values():
        for one in find_refusals(net, grid.frames, grid.size):
            if not any(_names(gone, net.name, one.axis, one.number) for gone in grid.exclude):
                index = getattr(grid, one.axis).index(one.number)
                without = f"exclude = [{{ model = '{net.name}', {one.axis} = {one.number} }}]"
                yield (one.axis, index), f"{one.reason}; or leave it out by {without}"
    if grid.published and (grid.frames or grid.size or grid.classes):
        yield ("published",), "published settings have frames, size and classes of their own; leave out either"


def _names(selection: Selection, model: str, axis: str, number: int) -> bool:
    """Whether a selection takes all cases of that model and number out."""
    given = selection.model_fields_set
    fits = not selection.model or any(fnmatchcase(model, pattern) for pattern in selection.model)
    return fits and given <= {"model", axis} and number in (getattr(selection, axis) or [number])


def _expand(grid: Grid) -> tuple[list[Case], list[str]]:
    """Its cases, and why nets that patterns stand for go without some."""
    nets, matched = find_nets(grid.models)
    axes: dict[str, Any] = {
        "batches": grid.batch,
        "dtypes": grid.dtype,
        "modes": grid.mode,
        "task": grid.task,
        "device": grid.device,
        "threads": grid.threads,
        "weights": grid.weights,
    }
    cases: list[Case] = []
    left_out: list[str] = []
    for net in nets:
        for frames, sizes, classes in _clips(net, grid):
            cases += expand_grid([net], matched=matched, frames=frames, sizes=sizes, classes=classes, **axes)
            left_out += list_left_out([net], matched, frames, sizes)
    return [case for case in cases if not any(one.matches(case) for one in grid.exclude)], left_out


def _clips(net: Net, grid: Grid) -> list[tuple[Sequence[int], Sequence[int], int | None]]:
    """Frames, sizes and classes of a net's cases: the grid's, or each at which something of it is published."""
    if not grid.published:
        gone = [one for one in grid.exclude if one.model_fields_set]
        frames, sizes = (
            [number for number in numbers if not any(_names(one, net.name, axis, number) for one in gone)]
            for axis, numbers in (("frames", grid.frames), ("size", grid.size))
        )
        emptied = (grid.frames and not frames) or (grid.size and not sizes)
        return [] if emptied else [(frames, sizes, grid.classes)]
    rows = net.published if isinstance(net, Variant) else ()
    found = dict.fromkeys(
        (row.frames, row.size, DATASET_CLASSES.get(row.dataset, net.classes)) for row in rows if row.frames and row.size
    )
    return [([frames], [size], classes) for frames, size, classes in found]


def _describe(error: Mapping[str, Any]) -> str:
    """A fault as pydantic found it, with its fix."""
    given = error.get("input")
    match error["type"]:
        case "extra_forbidden":
            tables: dict[str, type[BaseModel]] = {
                "cases": Grid, "exclude": Selection, "limit": Limit, "launcher": Launchers, "slurm": Slurm,
            }  # fmt: skip
            named = [part for part in error["loc"][:-1] if part in tables]
            known = [*(tables[str(named[-1])] if named else SuiteFile).model_fields]
            near = get_close_matches(str(error["loc"][-1]), known, n=1)
            return f"unknown key; did you mean {near[0]}?" if near else f"unknown key; there are {', '.join(known)}"
        case "missing":
            return "is missing; give it"
        case "greater_than_equal" | "greater_than" | "less_than":
            return f"is {given!r}; {error['msg'].replace('Input should be', 'give a number')}"
        case "value_error":
            return str(error["msg"]).removeprefix("Value error, ")
    return f"is {given!r}; {error['msg'].replace('Input should be', 'give')}"


def _list_faults(path: Path, lines: "_Lines", faults: Sequence[tuple[tuple[str | int, ...], str]]) -> str:
    """One message with a line a fault."""
    told = dict.fromkeys(f"line {lines.find(place)}, {_name(place)}: {text}" for place, text in faults)
    if len(told) == 1:
        return f"{path}, {next(iter(told))}"
    return "\n  ".join([f"{path} has {len(told)} faults:", *told])


def _name(place: Sequence[str | int]) -> str:
    """`("cases", 0, "frames", 1)` as `cases[0].frames[1]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "the file"


class _Lines:
    """The lines in which a TOML file's tables and keys begin, as far as its text shows them."""

    HEAD = re.compile(r"^\s*(\[\[?)\s*([\w.-]+)\s*\]")
    KEY = re.compile(r"^\s*([\w-]+)\s*=")

    def __init__(self, text: str) -> None:
        self._starts: dict[tuple[str | int, ...], int] = {(): 1}
        place: tuple[str | int, ...] = ()
        counts: dict[str, int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if head := self.HEAD.match(line):
                name = head[2]
                place = tuple(name.split("."))
                if head[1] == "[[":
                    counts[name] = counts.get(name, -1) + 1
                    place = (*place, counts[name])
                self._starts.setdefault(place, number)
            elif key := self.KEY.match(line):
                self._starts.setdefault((*place, key[1]), number)

    def find(self, place: tuple[str | int, ...]) -> int:
        """The line of that place, or of the nearest around it that has one."""
        while place not in self._starts:
            place = place[:-1]
        return self._starts[place]
