"""What a printed figure says by its digits: 9.3 stands for anything from 9.25 to 9.35."""

import math

SLACK = 1e-9  # of the last digit: binary fractions do not hold 9.35 exactly


def decimals(printed: float) -> int:
    """Digits behind the point: 106 has none, 11.0 has one."""
    return len(str(printed).partition(".")[2])


def unit(printed: float) -> float:
    """What one step of the last digit is worth."""
    return float(10.0 ** -decimals(printed))


def rounds_to(value: float, printed: float) -> bool:
    """Whether the value, rounded to as many digits, is what is printed."""
    return abs(value - printed) <= (0.5 + SLACK) * unit(printed)


def cut_to(value: float, printed: float) -> bool:
    """Whether the value is what is printed once the digits behind are cut off, not rounded."""
    return not rounds_to(value, printed) and math.floor(value / unit(printed) + SLACK) == round(printed / unit(printed))


def as_printed(value: float, printed: float) -> float:
    """The value rounded to as many digits as that figure has."""
    return round(value, decimals(printed))


def show(value: float, printed: float, *, more: int = 1) -> str:
    """The value with so many digits more than the printed figure: one is enough to see how it rounds."""
    return f"{value:.{decimals(printed) + more}f}"
