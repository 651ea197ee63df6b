"""How numbers are written, on pages and in the terminal."""

from math import floor, log10
from typing import TypeAlias

Number: TypeAlias = int | float

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
NONE = "\N{EN DASH}"  # stands where there is no number


def count(number: int) -> str:
    """The number with its thousands set apart."""
    return f"{number:,}"


def share(part: Number, whole: Number = 1) -> str:
    """The part as a percentage of the whole, with as many digits as tell it from 0 % and from 100 %."""
    if whole == 0:
        return NONE
    percent = 100 * part / whole
    if percent in (0, 100):
        return f"{percent:.0f}{NO_BREAK_SPACE}%"
    digits = (2 if abs(percent) >= 1 else 1) - floor(log10(abs(percent)))
    remainder = abs(100 - percent)
    if remainder < 1:
        digits = 1 - floor(log10(remainder))
    return f"{percent:.{max(digits, 0)}f}{NO_BREAK_SPACE}%"


def probability(value: Number) -> str:
    """The probability to four places; what is not 0 or 1 is not written as 0 or 1."""
    if 0 < value < 0.00005:
        return "< 0.0001"
    if 0.99995 <= value < 1:
        return "> 0.9999"
    return f"{value:.4f}"
