import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

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

from copilot.demo.home import DemoError, DemoHome, discard, lock_home, prepare
from copilot.demo.site import demo_settings
from copilot.plant import open_plant
from copilot_tools.changes import Target
from copilot_tools.plant_state import differences, observe, preconditions
from copilot_tools.site.load import load_site
from copilot_tools.sources import tables
from copilot_tools.sources.history_parquet import ParquetHistory

NOW = datetime(2026, 11, 21, 7, 30, 20, tzinfo=UTC)
NAMESPACE = "urn:riverbend:plant"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoHome:
    root = tmp_path_factory.mktemp("made") / "home"
    told: list[tuple[str, float]] = []
    home = prepare(
        root, 5, datetime.now(UTC), days=2, progress=lambda name, share: told.append((name, share))
    )
    assert {name for name, share in told if share == 1.0} == {name for name, _ in told}
    return home


@pytest.fixture
def home(made: DemoHome, tmp_path: Path) -> DemoHome:
    return copied(made, tmp_path / "home")


def copied(home: DemoHome, root: Path) -> DemoHome:
    shutil.copytree(home.root, root)
    return DemoHome(root, home.seed, home.anchor)


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
    last = await history.last(signal)
    assert last is not None
    assert home.anchor - timedelta(minutes=15) < last <= home.anchor
    samples = (await history.read([signal], home.anchor - timedelta(hours=3), home.anchor))[signal]
    assert 150 < len(samples.times) < 260
    assert count(home, "production_counts") == 2 * 2 * 24 * 60
    assert count(home, "alarm_events") > 0
    assert count(home, "downtimes") > 10
    assert len(list(home.manuals.iterdir())) >= 8
    assert len(list(home.images.iterdir())) > 20
    assert len(home.executor_password) > 16


def test_a_later_start_catches_up(home: DemoHome) -> None:
    password, before = home.executor_password, count(home, "production_counts")
    later = home.anchor.replace(second=0) + timedelta(hours=3, seconds=25)
    again = prepare(home.root, 5, later)
    assert (again.seed, again.anchor) == (5, home.anchor)
    assert again.executor_password == password
    assert count(home, "production_counts") == before + 2 * 180
    assert again.simulation().now == later


def test_catching_up_twice_after_a_crash_tells_nothing_twice(home: DemoHome) -> None:
    state = (home.root / "state.json").read_text(encoding="utf-8")
    later = home.anchor + timedelta(hours=2)
    prepare(home.root, None, later)
    counted = {name: count(home, name) for name in ("production_counts", "downtimes")}
    (home.root / "state.json").write_text(state, encoding="utf-8")
    prepare(home.root, None, later)
    assert {name: count(home, name) for name in counted} == counted


class Killed(Exception):
    pass


def die(name: str, share: float) -> None:
    raise Killed(name)


@pytest.mark.parametrize("harm", ["unfinished", "torn", "other seed", "other code", "too old"])
def test_an_unusable_home_is_begun_anew(home: DemoHome, harm: str) -> None:
    marker, state = home.root / "marker.json", home.root / "state.json"
    seed, now = 5, home.anchor + timedelta(hours=1)
    match harm:
        case "unfinished":
            marker.unlink()
        case "torn":
            state.write_text(state.read_text(encoding="utf-8")[:500], encoding="utf-8")
        case "other seed":
            seed = 6
        case "other code":
            known = json.loads(marker.read_text(encoding="utf-8"))
            marker.write_text(json.dumps({**known, "made_from": "older"}), encoding="utf-8")
        case "too old":
            now = home.anchor + timedelta(days=9)
    with pytest.raises(Killed, match="Simulating"):
        prepare(home.root, seed, now, days=1, progress=die)
    assert not marker.exists()


def test_a_home_whose_making_was_killed_is_made_in_full(home: DemoHome) -> None:
    (home.root / "copilot.db").write_text("conversations of the user", encoding="utf-8")
    with pytest.raises(Killed):
        prepare(home.root, 6, home.anchor, days=1, progress=die)
    again = prepare(home.root, 6, home.anchor, days=1)
    assert again.seed == 6
    assert count(again, "production_counts") == 2 * 24 * 60
    assert (home.root / "copilot.db").exists()


def test_a_home_in_use_is_left_alone(home: DemoHome) -> None:
    with lock_home(home.root):
        with pytest.raises(DemoError, match="another demo plant"):
            prepare(home.root, 5, home.anchor)
        with pytest.raises(DemoError, match="another demo plant"):
            discard(home.root)
    discard(home.root)
    assert {path.name for path in home.root.iterdir()} == {"lock", "executor"}


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


def run_to_its_end(root: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "copilot.demo", "--home", str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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

    async def wait(self, name: str, *wanted: object) -> None:
        for _ in range(200):
            if await self.read(name) in wanted:
                return
            await asyncio.sleep(0.2)
        pytest.fail(f"{name} never became {wanted}")


@asynccontextmanager
async def connected(url: str, user: str = "", password: str = "") -> AsyncIterator[Session]:
    client = Client(url)
    if user:
        client.set_user(user)
        client.set_password(password)
    async with client:
        yield Session(client, await client.get_namespace_index(NAMESPACE))


@pytest.fixture(scope="module")
def served(
    made: DemoHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DemoHome, str]]:
    home = copied(made, tmp_path_factory.mktemp("served") / "home")
    with running(home.root) as (_, url):
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
        await session.wait("CAP-23.state", "running", "idle")


async def test_a_machine_that_is_locked_out_stands_and_refuses_to_start(
    served: tuple[DemoHome, str],
) -> None:
    home, url = served
    async with connected(url, "copilot", "copilot") as session:
        with pytest.raises(BadUserAccessDenied):
            await session.call("Demo.lock_out", "PCK-25", True)
    async with connected(url, "executor", home.executor_password) as session:
        for asset in load_site(home.plant_toml).assets.values():
            if asset.lockout_node:
                assert await session.read(f"{asset.id}.locked_out") is False
        await session.call("Demo.lock_out", "PCK-25", True)
        assert await session.read("PCK-25.locked_out") is True
        await session.wait("PCK-25.state", "stopped")
        with pytest.raises(BadInvalidState):
            await session.call("PCK-25.start")
        with pytest.raises(BadNotWritable):
            await session.node("PCK-25.locked_out").write_value(False)
        with pytest.raises(BadInvalidArgument):
            await session.call("Demo.lock_out", "TK-101", True)
        await session.call("Demo.lock_out", "PCK-25", False)
        assert await session.read("PCK-25.state") == "stopped"
        await session.call("PCK-25.start")
        await session.wait("PCK-25.state", "running", "idle")


async def test_a_change_is_bound_to_the_plant_as_it_was_shown(
    served: tuple[DemoHome, str],
) -> None:
    home, url = served
    plant = open_plant(demo_settings(home.root, url, home.root / "cache"))
    setpoint = plant.site.setpoint("LBL-24.glue temperature")
    assert setpoint is not None
    target = Target("setpoint", setpoint.id, setpoint.asset, setpoint.node, setpoint.handshake)
    async with connected(url, "executor", home.executor_password) as session:
        seen = await observe(plant, target)
        assert seen.problems == ()
        shown = preconditions(plant.site, seen)
        assert [p.kind for p in shown] == ["state", "lockout", "alarms", "value"]
        assert differences(shown, await observe(plant, target)) == ()
        await session.call("Demo.lock_out", "LBL-24", True)
        await session.wait("LBL-24.state", "stopped")
        await session.node("LBL-24.glue_temperature_setpoint").write_value(151.0)
        found = differences(shown, await observe(plant, target))
        assert "LBL-24 lock-out was off, is on" in found
        assert "LBL-24.glue temperature set value was 150 degC, is 151 degC" in found
        await session.call("Demo.lock_out", "LBL-24", False)
        await session.call("LBL-24.start")
    await plant.telemetry.close()


async def test_the_boiler_takes_its_pressure_by_command_block_only(
    served: tuple[DemoHome, str],
) -> None:
    home, url = served
    block, setpoint = "B-303.steam_pressure_command", "B-303.steam_pressure_setpoint"

    async def command(session: Session, id_: str, value: float, valid_s: float) -> None:
        expires = datetime.now(UTC) + timedelta(seconds=valid_s)
        await session.node(f"{block}.value").write_value(value)
        await session.node(f"{block}.command_id").write_value(id_)
        await session.node(f"{block}.expires_at").write_value(expires)
        await session.node(f"{block}.strobe").write_value(True)
        await session.wait(f"{block}.strobe", False)

    async with connected(url, "copilot", "copilot") as session:
        with pytest.raises(BadUserAccessDenied):
            await session.node(f"{block}.strobe").write_value(True)
    async with connected(url, "executor", home.executor_password) as session:
        with pytest.raises(BadNotWritable):
            await session.node(setpoint).write_value(7.3)
        for name in ("echo_id", "result"):
            assert await session.node(f"{block}.{name}").get_user_access_level() == {
                ua.AccessLevel.CurrentRead
            }
        with pytest.raises(BadTypeMismatch):
            await session.node(f"{block}.strobe").write_value(1, ua.VariantType.Int32)
        await command(session, "one", 7.3, 20)
        assert await session.read(f"{block}.echo_id") == "one"
        assert await session.read(f"{block}.result") == 1
        await session.wait(setpoint, 7.3)
        await command(session, "two", 7.4, -1)
        assert await session.read(f"{block}.result") == 2
        await command(session, "three", 9.9, 20)
        assert await session.read(f"{block}.result") == 3
        await session.call("Demo.lock_out", "B-303", True)
        await command(session, "four", 7.4, 20)
        assert await session.read(f"{block}.result") == 4
        await session.call("Demo.lock_out", "B-303", False)
        await session.call("B-303.start")
        await command(session, "one", 7.5, 20)
        assert await session.read(f"{block}.echo_id") == "four"
        assert await session.read(setpoint) == 7.3


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


async def test_a_stopped_and_a_killed_plant_go_on_where_they_were(home: DemoHome) -> None:
    root = home.root
    with running(root) as (process, url):
        async with connected(url, "executor", home.executor_password) as session:
            await session.node("MX-201.agitator_speed_setpoint").write_value(80.0)
            hours = await session.read("C-301.running_hours")
        second = await asyncio.to_thread(run_to_its_end, root)
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


def test_a_torn_plant_model_in_the_home_does_not_stop_the_plant(home: DemoHome) -> None:
    home.plant_toml.write_text("[site", encoding="utf-8")
    assert home.simulation().now == home.anchor


def test_the_crew_keeps_its_hands_off_injected_faults(home: DemoHome) -> None:
    simulation = home.simulation()
    bearing = next(
        course
        for course in simulation.crew.courses
        if (course.growth.fault, course.growth.asset) == ("bearing_wear", "P-101") and course.active
    )
    simulation.inject("bearing_wear", "P-101", 1.0, 0.0)
    for _ in simulation.run(home.anchor + timedelta(hours=2), 60.0):
        pass
    assert simulation.plant.drives["P-101"].state == "fault"
    simulation.crew.clear(simulation.plant)
    for _ in simulation.run(home.anchor + timedelta(hours=3), 60.0):
        pass
    assert simulation.plant.drives["P-101"].state == "running"
    assert bearing.phase == "growing"
    assert simulation.plant.water.duty.bearing == pytest.approx(bearing.severity)
