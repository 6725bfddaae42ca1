"""Values in whole counts of a setpoint's resolution, exact as people write decimal numbers."""

from decimal import Decimal
from fractions import Fraction
from math import ceil


def is_whole_count(value: float, resolution: float) -> bool:
    """Whether a finite value is a whole number of times the resolution: 3.2 of 0.01, not 3.205."""
    return (exact(value) / exact(resolution)).denominator == 1


def can_be_told_apart(one: float, other: float, tolerance: float) -> bool:
    """Whether a reading tells two finite values apart; a 32-bit float holds six digits for sure."""
    rounding = exact(max(abs(one), abs(other))) / 10**6
    return abs(exact(one) - exact(other)) > max(exact(tolerance), rounding)


def begun_counts(distance: float | Fraction, resolution: float) -> int:
    """The counts of the resolution that a distance takes, begun ones counted.

    A thousandth of a count is the rounding of 32-bit floats and of sums, not begun.
    """
    return ceil(exact(distance) / exact(resolution) - Fraction(1, 1000))


def exact(value: float | Fraction) -> Fraction:
    """The decimal number that people see, exactly; Fractions are exact already."""
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))


def format_count(value: float, resolution: float) -> str:
    """A value rounded to the decimals of its resolution: 3.204 of 0.01 is "3.2"."""
    exponent = Decimal(repr(float(resolution))).normalize().as_tuple().exponent
    decimals = max(-exponent, 0) if isinstance(exponent, int) else 0
    return f"{round(value, decimals):.12g}"
