"""When a machine was running, and which of its signals set its operating point.

Both are told from the signals themselves: histories keep numbers, not states.
"""

import numpy as np

from copilot_tools.site.model import Asset, Signal
from copilot_tools.site.names import split_words
from copilot_tools.timeseries import Flags, Floats

_SETTING = ("speed", "flow", "inflow", "outflow", "load", "hour", "minute", "inlet")
_MOTION = ("speed", "flow", "inflow", "outflow", "load", "hour", "minute")
_AROUND = frozenset(("room", "ambient", "outdoor", "outside", "hall"))
_RUNNING_SHARE = 0.2
_MOST = 3


def measured_signals(asset: Asset) -> list[Signal]:
    """The signals whose level means something: no counters, no hour meters."""
    return [s for s in asset.signals if not s.counter and "running" not in split_words(s.name)]


def operating_signals(asset: Asset) -> list[Signal]:
    """At most three signals that say how hard the machine works, the most telling first."""
    ranked = [
        (_SETTING.index(word), position, signal)
        for position, signal in enumerate(measured_signals(asset))
        for word in split_words(signal.name)
        if word in _SETTING
    ]
    chosen = dict.fromkeys(signal for _, _, signal in sorted(ranked, key=lambda r: r[:2]))
    return list(chosen)[:_MOST]


def ambient_signals(asset: Asset) -> tuple[Signal, ...]:
    """The signals of a machine that tell how warm the air around it is."""
    words = ((signal, set(split_words(signal.name))) for signal in asset.signals)
    return tuple(s for s, w in words if "temperature" in w and w & _AROUND)


def motion_signal(asset: Asset) -> Signal | None:
    """The signal that tells whether the machine runs; None for one that always does."""
    first = operating_signals(asset)[:1]
    moving = [s for s in first if set(split_words(s.name)) & set(_MOTION)]
    return moving[0] if moving else None


def running_level(usual: Floats) -> float:
    """A fifth of what a motion signal reaches at full work; NaN where nothing is known of it."""
    good = usual[np.isfinite(usual)]
    return float(_RUNNING_SHARE * np.quantile(good, 0.95)) if len(good) else float("nan")


def is_running(motion: Floats, usual: Floats) -> Flags:
    """Where `motion` is above a fifth of what is usual at full work; unknown counts as not."""
    above = motion > running_level(usual)
    return np.asarray(np.isfinite(motion) & above, dtype=np.bool_)
