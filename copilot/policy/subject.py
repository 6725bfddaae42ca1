"""What a request is about: its target looked up in the plant model, its numbers in whole counts."""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from functools import cached_property
from math import isfinite

from copilot.policy.request import Request
from copilot_tools.changes import TargetKind
from copilot_tools.facts import Value
from copilot_tools.site.model import AlarmDefinition, Asset, Command, Node, Setpoint, Site
from copilot_tools.site.resolution import begun_counts, exact

TARGETS: dict[str, TargetKind] = {
    "write_setpoint": "setpoint",
    "send_command": "command",
    "create_work_order": "asset",
    "reserve_part": "part",
    "request_purchase": "part",
    "hold_batch": "batch",
    "acknowledge_alarm": "alarm",
}

LARGEST = 1_000_000_000  # counts: the product of two such numbers still fits a Cedar Long


def number(value: Value) -> float | None:
    """A value as a number; None for anything else, NaN, infinities and what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and abs(value) > 2**63:
        return None
    return float(value) if isfinite(value) else None


@dataclass(frozen=True)
class Subject:
    """A request beside the site it is made at; `live_age` is how old a live value may be."""

    request: Request
    site: Site
    live_age: timedelta

    @property
    def tool(self) -> str:
        """The propose tool."""
        return self.request.change.tool

    @property
    def key(self) -> str:
        """What people call the target: "K-7.speed"."""
        return self.request.change.target.key

    @cached_property
    def setpoint(self) -> Setpoint | None:
        """The setpoint to be written."""
        return self.site.setpoint(self.key) if self.tool == "write_setpoint" else None

    @cached_property
    def command(self) -> Command | None:
        """The command to be sent."""
        return self.site.command(self.key) if self.tool == "send_command" else None

    @cached_property
    def alarm(self) -> AlarmDefinition | None:
        """The alarm to be acknowledged."""
        asset = self.site.assets.get(self.request.change.target.asset)
        if self.tool != "acknowledge_alarm" or asset is None:
            return None
        return next((alarm for alarm in asset.alarms if alarm.id == self.key), None)

    @cached_property
    def asset(self) -> Asset | None:
        """The machine of the target; None for records and for what the plant model lacks."""
        return self.site.assets.get(self.request.change.target.asset)

    @property
    def known(self) -> tuple[str, Node | None, Node | None] | None:
        """Asset, node and command block of the target in the plant model; None if not there."""
        if self.tool == "create_work_order":
            return (self.asset.id, None, None) if self.asset else None
        if TARGETS[self.tool] in ("part", "batch"):
            return "", None, None
        found = self.setpoint or self.command or self.alarm
        block = self.setpoint.handshake if self.setpoint else None
        return (found.asset, found.node, block) if found else None

    @cached_property
    def new(self) -> float | None:
        """The value wanted, where it is a number."""
        return number(self.request.change.new)

    @cached_property
    def live(self) -> float | None:
        """The present value of the setpoint, where a number could be read."""
        reading = self.request.observed.live
        return number(reading.value) if reading else None

    @property
    def resolution(self) -> float:
        """The resolution of the setpoint, in its unit."""
        return self.setpoint.resolution if self.setpoint else 1.0

    def counts(self, value: float) -> int:
        """A value of the setpoint in whole counts of its resolution, cut to `LARGEST`."""
        return round(max(-LARGEST, min(LARGEST, value / self.resolution)))

    @property
    def distance(self) -> Fraction | None:
        """How far the setpoint would move from its present value, exactly, in its unit."""
        if self.new is None or self.live is None:
            return None
        return abs(exact(self.new) - exact(self.live))

    @property
    def step(self) -> int | None:
        """The same in counts, begun ones counted, cut to twice `LARGEST`."""
        if self.distance is None:
            return None
        return min(2 * LARGEST, begun_counts(self.distance, self.resolution))

    @property
    def moved(self) -> int:
        """How far it was moved within the last hour, in counts, begun ones counted, cut alike."""
        return min(2 * LARGEST, begun_counts(self.request.moved, self.resolution))

    def say(self, value: float | Fraction) -> str:
        """A value of the setpoint with its unit."""
        unit = self.setpoint.unit if self.setpoint else ""
        return f"{float(value):.10g} {unit}".rstrip()
