"""How a suite's cases are handed to a cluster: its file's table [launcher.slurm], and the options of the same names."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from vidbench.errors import InputError

TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
OWN = (
    "job_name", "nodes", "ntasks", "ntasks_per_node", "array", "output", "error", "signal", "dependency", "parsable",
    "wait", "wrap",
)  # fmt: skip
OF_GPUS = ("gpus", "gpus_per_node", "gpus_per_socket", "gpus_per_task")  # beside gres, ways to ask sbatch for them

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


def parse_minutes(value: object) -> object:
    """`minutes`, `minutes:seconds`, `hours:minutes:seconds` or `days-hours[:minutes[:seconds]]`, as whole minutes."""
    if not isinstance(value, str):
        return value
    found = TIME.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"{value!r} is no time; give minutes, hours:minutes:seconds or days-hours:minutes")
    days, *parts = (int(part) if part else None for part in found.groups())
    first, second, third = parts
    if days is not None or third is not None:
        hours, minutes, seconds = first or 0, second or 0, third or 0
    else:
        hours, minutes, seconds = 0, first or 0, second or 0
    return ((days or 0) * 24 + hours) * 60 + minutes + -(-seconds // 60)


class Slurm(BaseModel):
    """What Slurm is asked for, for each job.

    Attributes:
        exclusive: whether a job has its node for itself; by default one has that asks for no GPU and no other `gres`.
        time: minutes that a job may take.
        array_parallelism: how many jobs of an array may run at once.
        job_time: seconds that a job is to take; cases are packed so.
        each_gpu_kind: whether all is measured on each kind of GPU that the partition has, with one GPU a job.
        options: any further ones of sbatch, by their names, and `setup`, commands that each job begins with.
    """

    model_config = STRICT

    partition: str | None = None
    gres: str | None = None
    constraint: str | None = None
    exclusive: bool | None = None
    time: Annotated[int, BeforeValidator(parse_minutes), Field(ge=1)] = 60
    array_parallelism: Annotated[int, Field(ge=1)] = 256
    job_time: Annotated[float, Field(gt=0)] = 600.0  # beside which the start of a job, some 15 s, is little
    each_gpu_kind: bool = False
    options: dict[str, str | int | bool | list[str]] = {}

    @field_validator("options")
    @classmethod
    def _check_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, given in value.items():
            plain = name.replace("-", "_")
            if plain in OWN:
                raise ValueError(f"{name!r} is vidbench's own to set; leave it out")
            if plain == "setup" and not isinstance(given, list):
                raise ValueError("'setup' is a list of commands, which is given in the suite's [launcher.slurm]")
            if plain in Slurm.model_fields:
                raise ValueError(f"{name!r} stands by itself, not among further options; --{plain.replace('_', '-')}")
        return value

    @model_validator(mode="after")
    def _check_gpus(self) -> "Slurm":
        if self.each_gpu_kind and (asked := self._ask_for_gpus()):
            raise ValueError(
                f"{asked} does not go with a run on each GPU kind, whose jobs ask for one GPU of theirs (gpu:KIND:1); "
                "leave out either"
            )
        return self

    @property
    def asks_for_gpus(self) -> bool:
        """Whether jobs ask for GPUs, in whichever way."""
        asked = self._ask_for_gpus()
        return self.each_gpu_kind or (asked is not None and (asked != "gres" or "gpu" in str(self.gres)))

    def _ask_for_gpus(self) -> str | None:
        """The option that asks for GPUs or what else a node has beside CPUs and memory; None where none does."""
        further = [name for name in self.options if name.replace("-", "_") in OF_GPUS]
        return "gres" if self.gres is not None else next(iter(further), None)

    def name_options(self) -> dict[str, Any]:
        """As submitit names them."""
        further = {name.replace("-", "_"): value for name, value in self.options.items() if value is not False}
        whole = not (self.each_gpu_kind or self._ask_for_gpus())
        named: dict[str, Any] = {
            "partition": self.partition,
            "gres": self.gres,
            "constraint": self.constraint,
            "exclusive": (whole if self.exclusive is None else self.exclusive) or None,
            "array_parallelism": self.array_parallelism,
            "setup": further.pop("setup", None),
            "additional_parameters": {**({} if "no_requeue" in further else {"requeue": True}), **further},
        }
        return {name: value for name, value in named.items() if value is not None}


class Launchers(BaseModel):
    """The tables of a file that are about clusters."""

    model_config = STRICT

    slurm: Slurm = Slurm()


def change_slurm(slurm: Slurm, given: Mapping[str, Any]) -> Slurm:
    """With these instead, as they were given on the command line; None leaves what there is.

    Of `gres` and `each_gpu_kind`, that which is given takes the place of the other one of the suite.

    Raises:
        InputError: one of them has no such value.
    """
    changed = {name: value for name, value in given.items() if value is not None}
    if "options" in changed:
        changed["options"] = {**slurm.options, **changed["options"]}
    if "gres" in changed:
        changed.setdefault("each_gpu_kind", False)
    elif "each_gpu_kind" in changed:
        changed["gres"] = None
    try:
        return Slurm.model_validate({**slurm.model_dump(), **changed})
    except ValidationError as error:
        raise InputError(_describe(error)) from error


def _describe(error: ValidationError) -> str:
    """The first fault, by its option."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "each_gpu_kind"
    option = "slurm" if name == "options" else name.replace("_", "-")
    if first["type"] == "value_error":
        return f"--{option}: {first['msg'].removeprefix('Value error, ')}"
    return f"--{option} is {first['input']!r}; {first['msg'].replace('Input should be', 'give a value')}"


def parse_options(pairs: list[str]) -> dict[str, str | int | bool]:
    """`["qos=high", "mem=8GB", "spread-job"]`, whole numbers as such and what has no value as True.

    Raises:
        InputError: one of them has no name.
    """
    options: dict[str, str | int | bool] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        name = name.strip().removeprefix("--")
        if not name:
            raise InputError(f"--slurm {pair!r} has no name; give key=value, such as --slurm qos=high")
        options[name] = (int(value) if value.isdecimal() else value) if sign else True
    return options
