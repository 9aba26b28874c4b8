"""How a suite's cases are handed to a cluster: its file's table [launcher.slurm], and the options of the same names."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from vidbench.errors import InputError

TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?")
OWN = (
    "job_name", "nodes", "ntasks", "ntasks_per_node", "array", "output", "error", "signal", "dependency", "parsable",
    "wait", "wrap",
)  # fmt: skip

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
        exclusive: whether a job has its node for itself; by default one has that asks for no `gres`.
        time: minutes that a job may take.
        array_parallelism: how many jobs may run at once.
        job_time: seconds that a job is to take; cases are packed so.
        options: any further ones of sbatch, by their names, and `setup`, commands that each job begins with.
    """

    model_config = STRICT

    partition: str | None = None
    gres: str | None = None
    constraint: str | None = None
    exclusive: bool | None = None
    time: Annotated[int, BeforeValidator(parse_minutes), Field(ge=1)] = 60
    array_parallelism: Annotated[int, Field(ge=1)] = 256
    job_time: Annotated[float, Field(gt=0)] = 600.0
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

    def name_options(self) -> dict[str, Any]:
        """As submitit names them."""
        further = {name.replace("-", "_"): value for name, value in self.options.items() if value is not False}
        named: dict[str, Any] = {
            "partition": self.partition,
            "gres": self.gres,
            "constraint": self.constraint,
            "exclusive": (self.gres is None if self.exclusive is None else self.exclusive) or None,
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

    Raises:
        InputError: one of them has no such value.
    """
    changed = {name: value for name, value in given.items() if value is not None}
    if "options" in changed:
        changed["options"] = {**slurm.options, **changed["options"]}
    try:
        return Slurm.model_validate({**slurm.model_dump(), **changed})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = "slurm" if first["loc"][0] == "options" else str(first["loc"][0]).replace("_", "-")
        raise InputError(f"--{option}: {first['msg'].removeprefix('Value error, ')}") from error


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
