"""Arithmetic on stored samples: arrays, bucket medians, robust slopes, gaps, thinning for drawing.

Times are seconds since 1970 (UTC) here; a bad value is NaN.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from copilot_tools.sources.protocols import Samples

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

MOST_POINTS = 400
_MOST_GAPS = 40


def to_arrays(samples: Samples) -> tuple[Floats, Floats]:
    """Seconds and values of one signal."""
    return to_seconds(samples.times), np.array(samples.values, dtype=np.float64)


def to_seconds(times: Sequence[datetime]) -> Floats:
    """Aware times as seconds since 1970."""
    return np.array([time.timestamp() for time in times], dtype=np.float64)


def to_time(seconds: float) -> datetime:
    """Seconds since 1970 as an aware UTC time."""
    return datetime.fromtimestamp(float(seconds), UTC)


def bucket_medians(
    seconds: Floats, values: Floats, start: float, width: float, count: int
) -> Floats:
    """The median of the good values in each of `count` buckets of `width` s from `start` on."""
    medians = np.full(count, np.nan)
    number = np.floor((seconds - start) / width)
    used = np.isfinite(values) & (number >= 0) & (number < count)
    if not used.any():
        return medians
    bucket, good = number[used].astype(np.intp), values[used]
    order = np.lexsort((good, bucket))
    good = good[order]
    filled, first, held = np.unique(bucket[order], return_index=True, return_counts=True)
    low, high = first + (held - 1) // 2, first + held // 2
    medians[filled] = (good[low] + good[high]) / 2
    return medians


def theil_sen(x: Floats, y: Floats, most: int = 300) -> float:
    """The median slope between all pairs of points (Theil 1950, Sen 1968); NaN below two points.

    Above `most` points an evenly spread choice of them is used.
    """
    good = np.flatnonzero(np.isfinite(y))
    if len(good) > most:
        good = good[np.linspace(0, len(good) - 1, most).astype(np.intp)]
    first, second = np.triu_indices(len(good), 1)
    run = x[good][second] - x[good][first]
    if not (run > 0).any():
        return float("nan")
    rise = y[good][second] - y[good][first]
    return float(np.median(rise[run > 0] / run[run > 0]))


def robust_sd(values: Floats) -> float:
    """The standard deviation as the median absolute deviation tells it; 0 without values."""
    good = values[np.isfinite(values)]
    return float(1.4826 * np.median(np.abs(good - np.median(good)))) if len(good) else 0.0


def find_gaps(seconds: Floats, start: float, end: float) -> list[tuple[float, float]]:
    """Where [start, end] holds no samples for longer than five usual intervals: begin and end."""
    if len(seconds) < 2:
        return [(start, end)] if end > start and len(seconds) == 0 else []
    inner = np.diff(seconds)
    marks = np.concatenate(([start], seconds, [end]))
    steps = np.diff(marks)
    return [
        (float(marks[i]), float(marks[i + 1]))
        for i in np.flatnonzero(steps > max(5 * float(np.median(inner)), 1.0)).tolist()
        if steps[i] > 5 * _usual_near(inner, i - 1)
    ]


def _usual_near(steps: Floats, place: int, near: int = 5) -> float:
    """The longer of the median intervals just before and after one: sampling may change."""
    before = steps[max(place - near, 0) : max(place, 0)]
    after = steps[place + 1 : place + 1 + near]
    return max((float(np.median(side)) for side in (before, after) if len(side)), default=0.0)


def time_mean(seconds: Floats, values: Floats) -> float:
    """The mean over time of the good values, however unevenly they were sampled; NaN without any.

    Each value counts for half the time to its neighbours; across a gap only for a usual interval.
    """
    good = np.isfinite(values)
    seconds, values = seconds[good], values[good]
    if len(values) < 2:
        return float(values[0]) if len(values) else float("nan")
    steps = np.diff(seconds)
    usual = max(5 * float(np.median(steps)), 1.0)
    for i in np.flatnonzero(steps > usual).tolist():
        steps[i] = min(steps[i], max(_usual_near(steps, i), usual / 5))
    weights = np.concatenate((steps[:1], steps[:-1] + steps[1:], steps[-1:]))
    return float((values * weights).sum() / weights.sum())


def resting_since(seconds: Floats, values: Floats) -> float | None:
    """When a signal that used to move stopped doing so; None while it moves, or never did.

    It rests when its last run of equal values lasts over 30 min, ten samples and three times the
    longest run before, and the time before is at least as long and moved at least ten times.
    """
    good = np.isfinite(values)
    seconds, values = seconds[good], values[good]
    if len(values) < 20:
        return None
    starts = np.concatenate(([0], np.flatnonzero(np.diff(values) != 0) + 1))
    lengths = np.diff(np.append(starts, len(values)))
    last = seconds[-1] - seconds[starts[-1]]
    before = seconds[starts[-1]] - seconds[0]
    if len(starts) < 11 or lengths[-1] < 10 or last < 1800 or before < last:
        return None
    return float(seconds[starts[-1]]) if lengths[-1] > 3 * lengths[:-1].max() else None


def thin(
    times: Sequence[datetime], values: Sequence[float | None], most: int = MOST_POINTS
) -> tuple[tuple[datetime, ...], tuple[float | None, ...]]:
    """At most `most` points that keep every visible peak, dip and hole."""
    if len(times) <= most:
        return tuple(times), tuple(values)
    array = np.array(values, dtype=np.float64)
    bounds = np.linspace(0, len(array), most // 2 + 1).astype(np.intp)
    kept: set[int] = set()
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        piece = array[low:high]
        if np.isnan(piece).all():
            kept.add(low)
        else:
            kept |= {low + int(np.nanargmin(piece)), low + int(np.nanargmax(piece))}
    chosen = sorted(kept)
    return tuple(times[i] for i in chosen), tuple(values[i] for i in chosen)


def with_holes(samples: Samples, gaps: Sequence[tuple[float, float]]) -> Samples:
    """Samples with an empty point in each gap, so that a line drawn through them breaks there."""
    holes = [(to_time((begin + end) / 2), None) for begin, end in gaps[:_MOST_GAPS]]
    inner = [hole for hole in holes if samples.times[0] < hole[0] < samples.times[-1]]
    if not inner:
        return samples
    points = sorted([*zip(samples.times, samples.values, strict=True), *inner], key=lambda p: p[0])
    return Samples(samples.signal, tuple(t for t, _ in points), tuple(v for _, v in points))
