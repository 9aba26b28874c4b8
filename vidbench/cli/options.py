"""Options that several commands have, and turning their texts into values; malformed ones are refused with the form."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from vidbench.errors import InputError

if TYPE_CHECKING:
    from vidbench.searches import Search

Results = Annotated[
    list[str],
    typer.Argument(
        metavar="RESULTS...", help="What `vidbench profile --json` wrote: files, and folders with *.jsonl files."
    ),
]


def parse_numbers(option: str, text: str | None) -> list[int]:
    """`8,16,32` as numbers; nothing where the option was not given."""
    if text is None:
        return []
    numbers = []
    for part in text.split(","):
        try:
            numbers.append(int(part))
        except ValueError:
            raise InputError(
                f"{option} takes whole numbers with commas between, such as 8,16,32, not {text!r}"
            ) from None
        if numbers[-1] < 1:
            raise InputError(f"{option} takes numbers of 1 or more, not {part.strip()}")
    return list(dict.fromkeys(numbers))


def parse_batches(option: str, text: str) -> "tuple[list[int], Search | None]":
    """`1,8` as numbers, or `best` or `max` as what to search for, from one clip on."""
    from vidbench.searches import SEARCHES

    words = {part.strip() for part in text.split(",")}
    for search in SEARCHES:
        if words == {search}:
            return [1], search
        if search in words:
            raise InputError(f"{option} {search} searches for one batch by itself; give it alone, not {text!r}")
    return parse_numbers(option, text), None


Classes = Annotated[int | None, typer.Option(help="Width of the logits; default is the variant's.", show_default=False)]
Device = Annotated[
    str, typer.Option(help="auto (the GPU where there is one), cpu, cuda, cuda:N, or meta: static figures alone.")
]
Dtype = Annotated[
    str, typer.Option(help="fp32 (TF32 off), tf32, fp16, bf16 (weights and input cast), amp (autocast to bf16).")
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="A checkpoint (torch.save's form, or .safetensors) to load into the net; default is random weights.",
        show_default=False,
    ),
]
Threads = Annotated[int | None, typer.Option(help="CPU threads; default is torch's.", show_default=False)]


def parse_bytes(option: str, text: str) -> int:
    """`24GB` or `24GiB` as bytes: thousands, or 1024s where an i stands in the unit."""
    from vidbench.units import BYTES

    number = text.rstrip("kKmMgGtTiIbB ")
    try:
        amount = float(number) * BYTES[text[len(number) :].strip().lower()]
        if not 0 < amount < float("inf"):
            raise ValueError
        return int(amount)
    except (KeyError, ValueError):
        raise InputError(f"{option} takes an amount of memory such as 24GB or 80GiB, not {text!r}") from None


def read_share(text: str) -> float:
    """`5%` or `0.05` as a number; none at all (NaN) where the text is of another form."""
    number = text.strip().removesuffix("%")
    try:
        return float(number) / (100 if number != text.strip() else 1)
    except ValueError:
        return math.nan


def parse_share(option: str, text: str) -> float:
    """`1%` or `0.01` as a share, above 0 and below 1."""
    share = read_share(text)
    if not 0 < share < 1:
        raise InputError(f"{option} takes a share such as 1% or 0.01, above 0 and below 1, not {text!r}")
    return share


def parse_names(option: str, text: str) -> list[str]:
    """`latency,macs` as names."""
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise InputError(f"{option} takes names with commas between, not {text!r}")
    return list(dict.fromkeys(names))
