"""The few formulas every process group shares."""

from math import exp


def approach(value: float, target: float, dt: float, tau: float) -> float:
    """First-order lag: where `value` is after `dt` s on its way to `target` (tau in s)."""
    return target + (value - target) * exp(-dt / tau)


def clamp(value: float, low: float, high: float) -> float:
    """`value` kept inside [low, high]."""
    return low if value < low else high if value > high else value


def join_vibrations(*parts: float) -> float:
    """Root sum of squares: independent sources of vibration in mm/s r.m.s. seen together."""
    return float(sum(part * part for part in parts) ** 0.5)
