"""Writes a setpoint as a plain tag: checked, written once, and read back until it holds still."""

import math
from dataclasses import dataclass
from datetime import datetime

from asyncua import ua

from copilot.executor.node import Variable, encode, examine
from copilot.executor.opcua_write import WriteConnection
from copilot.executor.outcome import NOT_SENT, Effect, LastLook, Seen, Sent, unasked
from copilot.executor.watch import Judge, watch
from copilot_tools.changes import Change
from copilot_tools.errors import Denied
from copilot_tools.facts import Quality, Value
from copilot_tools.site.model import SafetyClass, Setpoint, Site
from copilot_tools.sources.protocols import Reading

LOOKS = 4
_ROUNDING = 1e-6  # A 32-bit float holds seven digits.


@dataclass(frozen=True, slots=True)
class _Ready:
    change: Change
    variable: Variable
    value: ua.Variant


class SetpointActuator:
    """Setpoints that are written to the tag itself."""

    def __init__(self, site: Site, opcua: WriteConnection) -> None:
        self._site = site
        self._opcua = opcua
        self._ready: dict[str, _Ready] = {}
        self._written: dict[str, tuple[str, datetime]] = {}
        self._refused: dict[str, str] = {}

    async def prepare(self, change: Change) -> None:
        """Check node, type, access, bounds, published range and unit; raises Denied."""
        setpoint = permitted(self._site, change)
        variable = await self._opcua.read(lambda link: examine(link, setpoint.node, setpoint.id))
        value = fitting(variable, setpoint, change.new)
        check_tellable(variable, setpoint, change)
        self._ready[setpoint.id] = _Ready(change, variable, value)

    async def send(self, change: Change, key: str, last_look: LastLook = unasked) -> Sent:
        """Write the prepared value, once, on the session it was checked on."""
        ready = self._ready.pop(change.target.key, None)
        if ready is None or ready.change != change:
            raise Denied(f"{change.target.key}: the change was not prepared; nothing was sent")
        variable = ready.variable
        now = await self._opcua.server_time(variable.link)
        if now is None:
            self._refused[change.target.key] = key
            return NOT_SENT
        await last_look()
        self._written[change.target.key] = (key, now)
        (sent,) = await self._opcua.write(variable.link, (variable.node_id, ready.value))
        if sent.outcome == "refused":
            del self._written[change.target.key]  # A value from before is what there should be.
            self._refused[change.target.key] = key
        return sent

    async def read_back(self, change: Change, key: str) -> Seen:
        """The value after its settle time; a reading from before the write tells nothing.

        After a restart of the executor the time of the write is not known, and not judged.
        """
        setpoint = configured(self._site, change)
        written_by, written = self._written.get(setpoint.id, ("", None))
        return await watch_value(
            self._opcua,
            setpoint,
            change,
            written if written_by == key else None,
            refused=self._refused.get(setpoint.id) == key,
        )


async def watch_value(
    opcua: WriteConnection,
    setpoint: Setpoint,
    change: Change,
    written: datetime | None,
    *,
    refused: bool = False,
) -> Seen:
    """Whether the setpoint's own node comes to show the new value and keeps it."""

    async def look() -> Reading:
        (reading,) = await opcua.telemetry.read([setpoint.node])
        return reading

    return await watch(
        look,
        judge_value(setpoint, change, written, refused=refused),
        setpoint.unit,
        delay_s=setpoint.settle_s,
        pause_s=min(1.0, setpoint.settle_s / 2),
        looks=LOOKS,
    )


def judge_value(
    setpoint: Setpoint, change: Change, written: datetime | None, *, refused: bool = False
) -> Judge:
    """What a reading of the setpoint says of the change, sent at `written` by the server's clock.

    A number that has long not been refreshed is as good as any when it is not older than that. One
    that may be the old value as well as the new one proves nothing, unless the server `refused`.
    """

    def judge(reading: Reading) -> Effect:
        if reading.quality not in (Quality.GOOD, Quality.STALE):
            return "unclear"
        if written is not None and reading.time < written:
            return "unclear"
        is_new = _same(reading.value, change.new, setpoint.tolerance)
        if _same(reading.value, change.old, setpoint.tolerance):
            return "not_applied" if refused or not is_new else "unclear"
        return "applied" if is_new else "unclear"

    return judge


def configured(site: Site, change: Change) -> Setpoint:
    """The setpoint a change is for; raises Denied when the plant model means another node by it.

    The command block is a part of what was approved: so is that there is none.
    """
    target = change.target
    setpoint = site.setpoint(target.key)
    if setpoint is None or setpoint.node != target.node:
        raise Denied(f"{target.key} is not the node in the plant model that was approved")
    if setpoint.handshake != target.block:
        raise Denied(f"{target.key} is not written through the command block that was approved")
    return setpoint


def permitted(site: Site, change: Change) -> Setpoint:
    """The setpoint a change may write; raises Denied for a safety function or a read-only one."""
    setpoint = configured(site, change)
    if setpoint.safety is SafetyClass.SIS:
        raise Denied(f"{setpoint.id} belongs to the safety system and is never written")
    if not setpoint.writable:
        raise Denied(f"{setpoint.id} is not writable in the plant model")
    if change.unit != setpoint.unit:
        raise Denied(f"{setpoint.id} is in {setpoint.unit}, the change is in {change.unit}")
    return setpoint


def fitting(variable: Variable, setpoint: Setpoint, value: Value) -> ua.Variant:
    """The value as the node takes it; raises Denied outside the bounds of model or server."""
    encoded = encode(variable, value, setpoint.id)
    unit = setpoint.unit
    if variable.unit and variable.unit.casefold() != unit.casefold():
        raise Denied(
            f"{setpoint.id}: the server gives it in {variable.unit}, the plant model in {unit}"
        )
    for limits, whose in ((setpoint.bounds, "the plant model"), (variable.range, "the server")):
        if limits is not None and encoded.Value not in limits:
            raise Denied(
                f"{setpoint.id}: {encoded.Value:g} {unit} is outside {limits.low:g} to "
                f"{limits.high:g} {unit} that {whose} allows"
            )
    return encoded


def check_tellable(variable: Variable, setpoint: Setpoint, change: Change) -> None:
    """Raises Denied when the new value could not be told from the one that is, or was, there."""
    for before in (variable.value, change.old):
        if _same(before, change.new, setpoint.tolerance):
            raise Denied(
                f"{setpoint.id}: {change.new} {setpoint.unit} is within tolerance of {before}; its "
                "effect could not be told"
            )


def _same(seen: object, wanted: Value, tolerance: float) -> bool:
    numbers = (int, float)
    if not isinstance(seen, numbers) or not isinstance(wanted, numbers):
        return False
    return math.isclose(seen, wanted, rel_tol=_ROUNDING, abs_tol=tolerance)
