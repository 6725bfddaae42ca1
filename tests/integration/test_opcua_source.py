"""The OPC UA source against a real server in a process of its own: values, outages, restarts."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asyncua import Server as UaServer
from opcua_server import RAISED

from copilot_tools.errors import Failed, Unavailable
from copilot_tools.facts import Quality
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Node, SafetyClass
from copilot_tools.sources.opcua import OpcUaTelemetry
from copilot_tools.sources.opcua_alarms import OpcUaAlarms
from copilot_tools.sources.opcua_browse import discover
from copilot_tools.sources.protocols import Reading

SCRIPT = Path(__file__).with_name("opcua_server.py")
FLOW = Node("urn:small", "s=flow")
TIMEOUT_S = 0.5

ALARMS = """\
[[asset.alarm]]
id = "ALM-1"
message = "too hot"
severity = "high"
node = "s=hot"
[[asset.alarm]]
id = "ALM-2"
message = "too quiet"
severity = "low"
node = "s=quiet"
[[asset.alarm]]
id = "ALM-3"
message = "lost"
severity = "low"
node = "s=nowhere"
"""
SITE = """\
[site]
id = "small"
name = "Small"
time_zone = "UTC"
namespace = "urn:small"
[[shift]]
name = "day"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "P-1"
name = "Pump"
kind = "pump"
area = "A"
"""


class Server:
    """The test server's process on one port, to be started, frozen and killed."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"opc.tcp://127.0.0.1:{self.port}/"
        self.process: subprocess.Popen[str] | None = None

    def start(self, extra_namespaces: int = 0) -> None:
        command = [sys.executable, str(SCRIPT), str(self.port), str(extra_namespaces)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def steady() -> Iterator[Server]:
    """A server that no test disturbs."""
    server = Server()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of one test's own."""
    server = Server()
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def telemetry(steady: Server):
    telemetry = OpcUaTelemetry(steady.url)
    yield telemetry
    await telemetry.close()


@pytest.fixture
async def impatient(server: Server):
    telemetry = OpcUaTelemetry(server.url, timeout_s=TIMEOUT_S)
    yield telemetry
    await telemetry.close()


async def read(telemetry: OpcUaTelemetry, *names: str) -> list[Reading]:
    return await telemetry.read([Node("urn:small", f"s={name}") for name in names])


async def test_values_come_with_quality_status_and_source_time(telemetry: OpcUaTelemetry):
    flow, level, state = await read(telemetry, "flow", "level", "state")
    assert (flow.value, flow.quality, flow.status) == (50.0, Quality.GOOD, "Good")
    assert abs(datetime.now(UTC) - flow.time).total_seconds() < 60
    assert (level.value, level.quality) == (61.5, Quality.UNCERTAIN)
    assert level.status == "UncertainLastUsableValue"
    assert state.value == "running"


async def test_an_old_number_is_stale_and_an_old_text_is_not(telemetry: OpcUaTelemetry):
    temperature, state = await read(telemetry, "temperature", "state")
    assert (temperature.value, temperature.quality) == (70.0, Quality.STALE)
    assert state.quality is Quality.GOOD


@pytest.mark.parametrize(
    ("name", "says"),
    [("pressure", "BadSensorFailure"), ("nan", "no usable value"), ("list", "no usable value")],
)
async def test_a_value_that_cannot_be_used_is_none(telemetry: OpcUaTelemetry, name: str, says: str):
    (reading,) = await read(telemetry, name)
    assert (reading.value, reading.quality) == (None, Quality.BAD)
    assert says in reading.status


async def test_an_unknown_node_spoils_nothing_else(telemetry: OpcUaTelemetry):
    nodes = [Node("urn:other", "s=flow"), Node("urn:small", "s=gone"), Node("urn:small", "?"), FLOW]
    readings = await telemetry.read(nodes)
    assert [reading.node for reading in readings] == nodes
    assert [reading.quality for reading in readings] == [Quality.BAD] * 3 + [Quality.GOOD]
    assert "namespace" in readings[0].status
    assert readings[1].status == "BadNodeIdUnknown"


async def test_nothing_asked_is_nothing_answered(telemetry: OpcUaTelemetry):
    assert await telemetry.read([]) == []


async def test_concurrent_calls_share_one_connection(telemetry: OpcUaTelemetry):
    answers = await asyncio.gather(*(telemetry.read([FLOW]) for _ in range(20)))
    assert [answer[0].value for answer in answers] == [50.0] * 20


async def test_a_restart_with_other_namespace_indices_reads_the_same_node(
    impatient: OpcUaTelemetry, server: Server
):
    await impatient.read([FLOW])
    server.kill()
    server.start(extra_namespaces=3)
    (flow,) = await impatient.read([FLOW])
    assert flow.value == 50.0


async def test_a_killed_server_is_unavailable_since_its_last_answer(
    impatient: OpcUaTelemetry, server: Server
):
    before = datetime.now(UTC)
    await impatient.read([FLOW])
    server.kill()
    with pytest.raises(Unavailable, match="OPC UA server is not reachable") as caught:
        await impatient.read([FLOW])
    assert caught.value.since is not None
    assert before <= caught.value.since <= datetime.now(UTC)
    server.start()
    (flow,) = await impatient.read([FLOW])
    assert flow.value == 50.0


async def test_a_frozen_server_is_unavailable_within_the_timeout_and_then_works_again(
    impatient: OpcUaTelemetry, server: Server
):
    await impatient.read([FLOW])
    server.send(signal.SIGSTOP)
    for _ in range(2):
        async with asyncio.timeout(10 * TIMEOUT_S):
            with pytest.raises(Unavailable, match="does not answer in time"):
                await impatient.read([FLOW])
    server.send(signal.SIGCONT)
    (flow,) = await impatient.read([FLOW])
    assert flow.value == 50.0


async def test_a_server_that_never_was_is_unavailable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        telemetry = OpcUaTelemetry(f"opc.tcp://127.0.0.1:{taken.getsockname()[1]}/", timeout_s=1)
        with pytest.raises(Unavailable, match="nothing listens") as caught:
            await telemetry.read([FLOW])
        assert caught.value.since is None
        await telemetry.close()


async def test_standing_alarms_and_a_missing_condition(
    impatient: OpcUaTelemetry, server: Server, caplog: pytest.LogCaptureFixture
):
    alarms = OpcUaAlarms(impatient, parse_site(SITE + ALARMS))
    for _ in range(2):
        (hot,) = await alarms.standing()
        assert (hot.definition.id, hot.active, hot.acknowledged) == ("ALM-1", True, False)
        assert hot.since == RAISED
        server.kill()
        server.start(extra_namespaces=1)
    assert "ALM-3" in caplog.text


async def test_a_server_without_any_configured_alarm_is_not_a_quiet_plant(
    telemetry: OpcUaTelemetry,
):
    alarms = OpcUaAlarms(telemetry, parse_site(SITE + ALARMS.replace('"s=', '"s=not-')))
    with pytest.raises(Unavailable, match="none of the configured alarms"):
        await alarms.standing()
    assert await OpcUaAlarms(telemetry, parse_site(SITE)).standing() == []


async def test_discovery_drafts_a_plant_model_that_loads(steady: Server):
    site = parse_site(await discover(steady.url))
    pump = site.assets["P-1"]
    assert site.areas[pump.area].name == "Pump house"
    speed = next(s for s in pump.signals if s.name == "motor speed")
    assert (speed.unit, speed.range and speed.range.high) == ("rpm", 3000.0)
    assert "list" not in {s.name for s in pump.signals}
    (setpoint,) = pump.setpoints
    assert (setpoint.name, setpoint.bounds.low, setpoint.safety) == (
        "speed",
        600.0,
        SafetyClass.PROCESS,
    )
    assert [command.name for command in pump.commands] == ["start"]
    assert pump.state_node == Node("urn:small", "s=state")
    assert {alarm.message for alarm in pump.alarms} == {"hot", "quiet"}


async def test_discovery_of_nothing_says_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="nothing listens"):
            await discover(f"opc.tcp://127.0.0.1:{taken.getsockname()[1]}/")


async def test_discovery_of_a_server_without_machines_fails_clearly(bare_server: str):
    with pytest.raises(Failed, match="no machine with measured values"):
        await discover(bare_server)


@pytest.fixture
async def bare_server():
    server = UaServer()
    await server.init()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"opc.tcp://127.0.0.1:{free.getsockname()[1]}/"
    server.set_endpoint(url)
    async with server:
        yield url
