"""What a watch over the live readings knows of a machine, without asking weeks of history."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from copilot_tools.site.model import Signal


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a signal is from its usual level, in its unit, at the time of the newest score."""

    signal: Signal
    shift: float


@dataclass(frozen=True, slots=True)
class Unlike:
    """That a machine is unlike itself, since when, by which score, last seen when.

    A score of 1 is the limit of usual behaviour. The signals that make it up come largest first.
    """

    since: datetime
    seen: datetime
    score: float
    shifts: tuple[Shift, ...]


LiveWatch: TypeAlias = Callable[[str], Unlike | None]
"""Asks by the id of an asset; None while it is like itself, stands still or is not known yet."""
