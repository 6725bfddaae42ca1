import asyncio
import contextlib
import hashlib
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from asyncua import Client, ua
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import (
    BadInvalidArgument,
    BadInvalidState,
    BadNotWritable,
    BadOutOfRange,
    BadTypeMismatch,
    BadUserAccessDenied,
)
from sqlalchemy import func, select

from copilot.demo.chronicle import Chronicle
from copilot.demo.home import DemoError, DemoHome, discard, lock_home, prepare
from copilot.demo.simulate import Recording, simulate
from copilot_tools.records import AlarmTransition
from copilot_tools.site.load import load_site
from copilot_tools.sources import tables
from copilot_tools.sources.history_parquet import ParquetHistory

NOW = datetime(2026, 11, 21, 7, 30, 20, tzinfo=UTC)
NAMESPACE = "urn:riverbend:plant"


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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    root = tmp_path_factory.mktemp("made") / "home"
    told: list[tuple[str, float]] = []
    home = prepare(root, 5, NOW, days=2, progress=lambda name, share: told.append((name, share)))
    assert {name for name, share in told if share == 1.0} == {name for name, _ in told}
    return home


@pytest.fixture
def home(made: DemoHome, tmp_path: Path) -> DemoHome:
    root = tmp_path / "home"
    shutil.copytree(made.root, root)
    return DemoHome(root, made.seed, made.anchor)


def count(home: DemoHome, table: str) -> int:
    engine = home.engine()
    with engine.connect() as connection:
        counted = connection.scalar(select(func.count()).select_from(tables.metadata.tables[table]))
    engine.dispose()
    return counted or 0


async def test_a_prepared_home_is_complete(home: DemoHome) -> None:
    site = load_site(home.plant_toml)
    history = ParquetHistory(home.history)
    signal = site.assets["P-101"].signals[0].id
    assert await history.last(signal) == NOW
    samples = (await history.read([signal], NOW - timedelta(hours=3), NOW))[signal]
    assert 150 < len(samples.times) < 220
    assert count(home, "production_counts") == 2 * 2 * 24 * 60
    assert count(home, "alarm_events") > 3
    assert count(home, "downtimes") > 10
    assert len(list(home.manuals.iterdir())) >= 8
    assert len(list(home.images.iterdir())) > 20
    assert len(home.executor_password) > 16


async def test_a_later_start_catches_up(home: DemoHome) -> None:
    password, before = home.executor_password, count(home, "production_counts")
    later = NOW + timedelta(hours=3, seconds=25)
    again = prepare(home.root, 5, later)
    assert (again.seed, again.anchor) == (5, home.anchor)
    assert again.executor_password == password
    assert count(home, "production_counts") == before + 2 * 180
    history = ParquetHistory(home.history)
    assert await history.last("P-101.flow") == later
    assert again.simulation().now == later


def test_catching_up_twice_after_a_crash_tells_nothing_twice(home: DemoHome) -> None:
    state = (home.root / "state.json").read_text(encoding="utf-8")
    later = NOW + timedelta(hours=2)
    prepare(home.root, None, later)
    counted = {name: count(home, name) for name in ("production_counts", "downtimes")}
    (home.root / "state.json").write_text(state, encoding="utf-8")
    prepare(home.root, None, later)
    assert {name: count(home, name) for name in counted} == counted


@pytest.mark.parametrize("harm", ["unfinished", "torn", "other seed", "too old"])
def test_an_unusable_home_is_made_anew(home: DemoHome, harm: str) -> None:
    password, seed, now = home.executor_password, 5, NOW
    (home.root / "copilot.db").write_text("conversations of the user", encoding="utf-8")
    match harm:
        case "unfinished":
            (home.root / "marker.json").unlink()
        case "torn":
            state = home.root / "state.json"
            state.write_text(state.read_text(encoding="utf-8")[:500], encoding="utf-8")
        case "other seed":
            seed = 6
        case "too old":
            now = NOW + timedelta(days=9)
    again = prepare(home.root, seed, now, days=1)
    assert again.executor_password != password
    assert again.anchor == now
    assert count(again, "production_counts") == 2 * 24 * 60
    assert (home.root / "copilot.db").exists()


def test_a_home_in_use_is_left_alone(home: DemoHome) -> None:
    with lock_home(home.root):
        with pytest.raises(DemoError, match="another demo plant"):
            prepare(home.root, 5, NOW)
        with pytest.raises(DemoError, match="another demo plant"):
            discard(home.root)
    discard(home.root)
    assert {path.name for path in home.root.iterdir()} == {"lock"}


@contextmanager
def running(root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server in a process of its own, and its URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "copilot.demo", "--home", str(root)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("ready opc.tcp://127.0.0.1:"), line
        yield process, line.split()[1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Session:
    """A connected client that speaks of nodes by their string ids."""

    def __init__(self, client: Client, index: int) -> None:
        self._client = client
        self._index = index

    def node(self, name: str) -> Node:
        return self._client.get_node(f"ns={self._index};s={name}")

    async def read(self, name: str) -> object:
        return await self.node(name).read_value()

    async def call(self, name: str, *arguments: object) -> object:
        return await self.node(name.rpartition(".")[0]).call_method(
            self.node(name).nodeid, *arguments
        )

    async def wait(self, name: str, wanted: object) -> None:
        async with asyncio.timeout(30):
            while await self.read(name) != wanted:
                await asyncio.sleep(0.2)


@asynccontextmanager
async def connected(url: str, user: str = "", password: str = "") -> AsyncIterator[Session]:
    client = Client(url)
    if user:
        client.set_user(user)
        client.set_password(password)
    async with client:
        yield Session(client, await client.get_namespace_index(NAMESPACE))


@pytest.fixture(scope="module")
def served(made: DemoHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DemoHome, str]]:
    root = tmp_path_factory.mktemp("served") / "home"
    home = prepare(root, 5, datetime.now(UTC), days=1)
    with running(root) as (_, url):
        yield home, url


async def test_values_carry_unit_range_and_time(served: tuple[DemoHome, str]) -> None:
    home, url = served
    site = load_site(home.plant_toml)
    async with connected(url) as session:
        for asset in site.assets.values():
            for signal in asset.signals:
                name = signal.node.identifier.removeprefix("s=")
                answer = await session.node(name).read_data_value(raise_on_bad_status=False)
                assert answer.SourceTimestamp is not None
                age = datetime.now(UTC) - answer.SourceTimestamp.replace(tzinfo=UTC)
                assert age < timedelta(seconds=30)
                span = await session.read(f"{name}.EURange")
                assert (span.Low, span.High) == (signal.range.low, signal.range.high)
                unit = await session.read(f"{name}.EngineeringUnits")
                assert (unit.DisplayName.Text or "") == signal.unit
            assert await session.read(f"{asset.id}.state") in (
                "running",
                "idle",
                "stopped",
                "fault",
            )


async def test_conditions_show_the_standing_alarms(served: tuple[DemoHome, str]) -> None:
    home, url = served
    standing = json.loads((home.root / "state.json").read_text(encoding="utf-8"))["alarms"]
    site = load_site(home.plant_toml)
    async with connected(url) as session:
        for alarm in site.alarms():
            name = alarm.node.identifier.removeprefix("s=")
            assert isinstance(await session.read(f"{name}.ActiveState.Id"), bool)
            assert isinstance(await session.read(f"{name}.Time"), datetime)
            assert (await session.read(f"{name}.Message")).Text == alarm.message
        name = "P-101.alarms.high_DE_bearing_vibration"
        assert await session.read(f"{name}.ActiveState.Id") is True
        assert await session.read(f"{name}.Severity") == 700
        since = await session.read(f"{name}.ActiveState.TransitionTime")
        stored = standing["standing"]["ALM-1012"]["since"]
        assert since.replace(tzinfo=UTC).timestamp() == stored


async def test_only_the_executor_may_write_and_only_within_bounds(
    served: tuple[DemoHome, str],
) -> None:
    home, url = served
    setpoint = "C-301.header_pressure_setpoint"
    for user, password in (("", ""), ("copilot", "copilot")):
        async with connected(url, user, password) as session:
            access = await session.node(setpoint).get_user_access_level()
            assert access == {ua.AccessLevel.CurrentRead}
            with pytest.raises(BadUserAccessDenied):
                await session.node(setpoint).write_value(6.9)
            with pytest.raises(BadUserAccessDenied):
                await session.call("CAP-23.stop")
    async with connected(url, "executor", home.executor_password) as session:
        node = session.node(setpoint)
        assert ua.AccessLevel.CurrentWrite in await node.get_user_access_level()
        await node.write_value(6.9)
        with pytest.raises(BadOutOfRange):
            await node.write_value(9.0)
        with pytest.raises(BadOutOfRange):
            await node.write_value(float("nan"))
        with pytest.raises(BadTypeMismatch):
            await node.write_value(7, ua.VariantType.Int32)
        for name in ("C-301.high_temperature_trip", "C-301.header_pressure"):
            with pytest.raises(BadNotWritable):
                await session.node(name).write_value(7.0)
        with pytest.raises(BadNotWritable):
            await node.write_attribute(
                AttributeIds.AccessLevel, ua.DataValue(ua.Variant(3, ua.VariantType.Byte))
            )
        assert await node.read_value() == 6.9
        span = await session.read("FIL-22.fill_weight_target.EURange")
        assert span.High - span.Low == 10.0


async def test_a_wrong_password_is_refused(served: tuple[DemoHome, str]) -> None:
    _, url = served
    for user in ("executor", "copilot", "admin"):
        with pytest.raises(BadUserAccessDenied):
            async with connected(url, user, "wrong"):
                pass


async def test_commands_act_on_the_machine_and_its_line(served: tuple[DemoHome, str]) -> None:
    home, url = served
    async with connected(url, "executor", home.executor_password) as session:
        await session.call("CAP-23.stop")
        await session.wait("CAP-23.state", "stopped")
        assert await session.read("FIL-22.state") == "idle"
        await session.call("CAP-23.start")
        async with asyncio.timeout(30):
            while await session.read("CAP-23.state") == "stopped":
                await asyncio.sleep(0.2)


async def test_an_injected_fault_shows_trips_and_is_taken_back(
    served: tuple[DemoHome, str],
) -> None:
    home, url = served
    async with connected(url, "executor", home.executor_password) as session:
        with pytest.raises(BadInvalidArgument):
            await session.call("Demo.inject_fault", "bearing_wear", "CAP-13", 0.5, 0.0)
        with pytest.raises(BadInvalidArgument):
            await session.call("Demo.inject_fault", "gremlins", "P-101", 0.5, 0.0)
        with pytest.raises(BadInvalidArgument):
            await session.call("Demo.inject_fault", "bearing_wear", "P-101", 1.5, 0.0)
        await session.call("Demo.inject_fault", "bearing_wear", "P-101", 1.0, 3.0)
        await session.wait("P-101.state", "fault")
        await session.wait("P-102.state", "running")
        alarm = "P-101.alarms.tripped"
        await session.wait(f"{alarm}.ActiveState.Id", True)
        with pytest.raises(BadInvalidState):
            await session.call("P-101.start")
        await session.call(f"{alarm}.Acknowledge", b"", ua.LocalizedText("seen"))
        await session.wait(f"{alarm}.AckedState.Id", True)
        await session.call("Demo.clear_faults")
        await session.call("P-101.reset")
        await session.wait("P-101.state", "stopped")
        await session.call("P-101.start")
        await session.wait("P-101.state", "running")


async def test_a_stopped_and_a_killed_plant_go_on_where_they_were(tmp_path: Path) -> None:
    root = tmp_path / "home"
    home = prepare(root, 5, datetime.now(UTC), days=1)
    with running(root) as (process, url):
        async with connected(url, "executor", home.executor_password) as session:
            await session.node("MX-201.agitator_speed_setpoint").write_value(80.0)
            hours = await session.read("C-301.running_hours")
        second = subprocess.run(
            [sys.executable, "-m", "copilot.demo", "--home", str(root)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert second.stderr.startswith("another demo plant is running")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert home.simulation().plant.syrup.mixer.speed_setpoint == 80.0
    with running(root) as (process, _):
        process.kill()
        process.wait()
    with running(root) as (_, url):
        async with connected(url) as session:
            assert await session.read("MX-201.agitator_speed_setpoint") == 80.0
            later = await session.read("C-301.running_hours")
            assert isinstance(hours, float)
            assert isinstance(later, float)
            assert later >= hours


def test_discarding_nothing_is_no_error(tmp_path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        discard(tmp_path / "never")
    assert not list((tmp_path / "never").glob("*.json"))
