"""Values in whole counts of a setpoint's resolution, exact as people write decimal numbers."""

from decimal import Decimal
from fractions import Fraction


def is_whole_count(value: float, resolution: float) -> bool:
    """Whether a finite value is a whole number of times the resolution: 3.2 of 0.01, not 3.205."""
    counts = Fraction(repr(float(value))) / Fraction(repr(float(resolution)))
    return counts.denominator == 1


def format_count(value: float, resolution: float) -> str:
    """A value rounded to the decimals of its resolution: 3.204 of 0.01 is "3.2"."""
    exponent = Decimal(repr(float(resolution))).normalize().as_tuple().exponent
    decimals = max(-exponent, 0) if isinstance(exponent, int) else 0
    return f"{round(value, decimals):.12g}"
