"""Turning option texts into values; a malformed one is refused with the form it should have."""

from vidbench.errors import InputError


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


def parse_names(option: str, text: str) -> list[str]:
    """`latency,macs` as names."""
    names = [part.strip() for part in text.split(",")]
    if not all(names):
        raise InputError(f"{option} takes names with commas between, not {text!r}")
    return list(dict.fromkeys(names))
