import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from copilot.demo.chronicle import Chronicle
from copilot.demo.simulate import Recording, simulate
from copilot_tools.records import AlarmTransition

NOW = datetime(2026, 11, 21, 7, 30, 20, tzinfo=UTC)


def digest(recording: Recording, chronicle: Chronicle) -> str:
    found = hashlib.sha256(recording.times.tobytes())
    for name, column in recording.values.items():
        found.update(name.encode() + column.tobytes())
    found.update(repr(chronicle).encode())
    return found.hexdigest()


def test_the_same_seed_makes_the_same_plant() -> None:
    start = NOW - timedelta(days=2)
    first, second, other = (simulate(seed, start, NOW) for seed in (3, 3, 4))
    assert digest(first[1], first[0]) == digest(second[1], second[0])
    assert first[2] == second[2]
    assert digest(first[1], first[0]) != digest(other[1], other[0])


@pytest.fixture(scope="module")
def past() -> tuple[Chronicle, Recording]:
    chronicle, recording, _ = simulate(7, NOW - timedelta(days=60), NOW)
    return chronicle, recording


def test_sixty_days_hold_a_rich_story(past: tuple[Chronicle, Recording]) -> None:
    chronicle, _ = past
    done = [episode for episode in chronicle.episodes if episode.repaired]
    failed = [episode for episode in done if episode.failed]
    assert len(done) >= 14
    assert len({episode.fault for episode in done}) >= 10
    assert len(failed) >= 5
    for episode in done:
        assert episode.noticed is not None
        assert episode.repaired is not None
        assert episode.start < episode.noticed <= episode.repaired


def test_failures_stop_lines_and_repairs_end_the_stops(past: tuple[Chronicle, Recording]) -> None:
    chronicle, _ = past
    stops = [stop for stop in chronicle.stops if stop.fault and not stop.planned]
    assert len({stop.fault for stop in stops}) >= 5
    for stop in stops:
        assert any(
            episode.fault == stop.fault
            and episode.start < stop.start
            and (episode.repaired is None or stop.start < episode.repaired)
            for episode in chronicle.episodes
        )
    for line in ("L1", "L2"):
        mine = sorted((s for s in chronicle.stops if s.line == line), key=lambda s: s.start)
        ends = [stop.end or chronicle.end for stop in mine]
        assert all(end <= after.start for end, after in zip(ends, mine[1:], strict=False))


def test_minutes_without_gap_and_none_made_while_a_line_stands(
    past: tuple[Chronicle, Recording],
) -> None:
    chronicle, _ = past
    for line, ideal in (("L1", 300), ("L2", 360)):
        minutes = [minute for minute in chronicle.minutes if minute.line == line]
        starts = [minute.start for minute in minutes]
        assert len(starts) == 60 * 24 * 60
        assert set(np.diff(np.array(starts))) == {timedelta(minutes=1)}
        assert all(0 <= minute.total <= ideal * 1.02 for minute in minutes)
        utilisation = sum(minute.total for minute in minutes) / ideal / len(minutes)
        assert 0.75 < utilisation < 0.96
    longest = max(
        (s for s in chronicle.stops if s.line == "L1" and s.end), key=lambda s: s.end - s.start
    )
    made = [
        minute.total
        for minute in chronicle.minutes
        if minute.line == "L1" and longest.start < minute.start < longest.end - timedelta(minutes=2)
    ]
    assert len(made) > 60
    assert sum(made[1:]) == 0


def test_alarms_come_in_pairs_and_are_acknowledged(past: tuple[Chronicle, Recording]) -> None:
    chronicle, _ = past
    times = [event.time for event in chronicle.alarms]
    assert times == sorted(times)
    active: set[str] = set()
    for event in chronicle.alarms:
        if event.transition is AlarmTransition.RAISED:
            assert event.alarm not in active
            active.add(event.alarm)
        elif event.transition is AlarmTransition.CLEARED:
            active.remove(event.alarm)
    assert "ALM-1012" in active
    seen = sum(e.transition is AlarmTransition.ACKNOWLEDGED for e in chronicle.alarms)
    assert seen > 100


def test_the_present_is_interesting(past: tuple[Chronicle, Recording]) -> None:
    chronicle, recording = past
    values = recording.values
    open_faults = {(e.fault, e.asset) for e in chronicle.episodes if e.repaired is None}
    assert open_faults == {
        ("bearing_wear", "P-101"),
        ("filter_fouling", "FLT-103"),
        ("clutch_wear", "CAP-13"),
        ("cooler_fouling", "HX-204"),
        ("valve_wear", "FIL-12"),
    }

    def mean(signal: str, first_day: int, last_day: int) -> float:
        day = 24 * 60
        window = values[signal][-first_day * day : len(values[signal]) - last_day * day]
        return float(np.nanmean(window))

    vibration = "P-101.DE bearing vibration"
    assert mean(vibration, 1, 0) > 4.5
    assert mean(vibration, 1, 0) > mean(vibration, 4, 3) + 0.3
    assert 0.70 < mean("FLT-103.differential pressure", 1, 0) < 0.90
    torque = values["CAP-13.closing torque"]
    assert 1.7 < np.nanmedian(torque[-24 * 60 :]) < 1.9


def test_history_has_bad_samples_and_gaps_but_few(past: tuple[Chronicle, Recording]) -> None:
    _, recording = past
    table = np.array(list(recording.values.values()))
    bad = np.isnan(table)
    whole = bad.all(axis=0)
    assert 5 < whole.sum() < 600
    alone = bad & ~whole
    assert 20 < alone.sum() < 3000
    assert len({int(row) for row in np.nonzero(alone)[0]}) >= 8
