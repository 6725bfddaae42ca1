"""A small OPC UA server to be started as its own process, killed and frozen by the tests.

    python opcua_server.py PORT [EXTRA_NAMESPACES]

It prints "ready" once it listens. The flow starts at 50.0 and its node is `nsu=urn:small;s=flow`.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from asyncua import Server, ua

URI = "urn:small"
RAISED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


async def serve(port: int, extra_namespaces: int) -> None:
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    for number in range(extra_namespaces):
        await server.register_namespace(f"urn:filler:{number}")
    index = await server.register_namespace(URI)
    area = await server.nodes.objects.add_folder(ua.NodeId("area", index), f"{index}:Pump house")
    pump = await area.add_object(ua.NodeId("P-1", index), f"{index}:P-1")
    await _add_values(server, pump, index)
    await _add_alarm(pump, index, "hot", active=True, acknowledged=False)
    await _add_alarm(pump, index, "quiet", active=False, acknowledged=True)
    async with server:
        print("ready", flush=True)
        await asyncio.Event().wait()


async def _add_values(server: Server, pump: object, index: int) -> None:
    now = datetime.now(UTC)
    old = now - timedelta(minutes=10)
    good, uncertain, bad = (
        ua.StatusCode(code)
        for code in (
            ua.StatusCodes.Good,
            ua.StatusCodes.UncertainLastUsableValue,
            ua.StatusCodes.BadSensorFailure,
        )
    )
    values = (
        ("flow", ua.Variant(50.0), good, now),
        ("level", ua.Variant(61.5), uncertain, now),
        ("pressure", ua.Variant(1.0), bad, now),
        ("temperature", ua.Variant(70.0), good, old),
        ("state", ua.Variant("running"), good, old),
        ("nan", ua.Variant(float("nan")), good, now),
        ("list", ua.Variant([1.0, 2.0]), good, now),
    )
    for name, variant, status, time in values:
        node = await pump.add_variable(ua.NodeId(name, index), f"{index}:{name}", variant.Value)
        # Set first, so that `now` is not older than the reader's limit when a test is slow.
        await server.write_attribute_value(
            node.nodeid,
            ua.DataValue(variant, status, SourceTimestamp=time, ServerTimestamp=time),
        )
    await _add_analog(pump, index)


async def _add_analog(pump: object, index: int) -> None:
    """What `plant discover` looks for: ranges, units, a writable setpoint, a method."""
    speed = await pump.add_variable(ua.NodeId("speed", index), f"{index}:motor_speed", 1450.0)
    await _describe(speed, 0.0, 3000.0, "rpm")
    wanted = await pump.add_variable(ua.NodeId("wanted", index), f"{index}:speed_setpoint", 1450.0)
    await _describe(wanted, 600.0, 2950.0, "rpm")
    await wanted.set_writable()
    await pump.add_method(ua.NodeId("start", index), f"{index}:Start", _start)


async def _describe(node: object, low: float, high: float, unit: str) -> None:
    await node.add_property(0, "EURange", ua.Range(low, high))
    await node.add_property(
        0, "EngineeringUnits", ua.EUInformation(DisplayName=ua.LocalizedText(unit))
    )


async def _start(parent: ua.NodeId) -> list[ua.Variant]:
    return []


async def _add_alarm(
    pump: object, index: int, name: str, *, active: bool, acknowledged: bool
) -> None:
    condition = await pump.add_object(ua.NodeId(name, index), f"{index}:{name}")
    for state, value in (("ActiveState", active), ("AckedState", acknowledged)):
        part = await condition.add_variable(
            ua.NodeId(f"{name}.{state}", index), f"0:{state}", ua.LocalizedText(str(value))
        )
        await part.add_property(ua.NodeId(f"{name}.{state}.Id", index), "0:Id", value)
    await condition.add_property(ua.NodeId(f"{name}.Time", index), "0:Time", RAISED)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
