"""What a request is about: its target looked up in the plant model, its numbers in whole counts."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import isfinite

from copilot.policy.request import Request
from copilot_tools.changes import TargetKind
from copilot_tools.facts import Value
from copilot_tools.site.model import AlarmDefinition, Asset, Command, Node, Setpoint, Site

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
    def known(self) -> tuple[str, Node | None] | None:
        """The asset and the node of the target in the plant model; None where it is not there."""
        if self.tool == "create_work_order":
            return (self.asset.id, None) if self.asset else None
        if TARGETS[self.tool] in ("part", "batch"):
            return "", None
        found = self.setpoint or self.command or self.alarm
        return (found.asset, found.node) if found else None

    @cached_property
    def new(self) -> float | None:
        """The value wanted, where it is a number."""
        return number(self.request.change.new)

    @cached_property
    def live(self) -> float | None:
        """The present value of the setpoint, where a number could be read."""
        reading = self.request.observed.live
        return number(reading.value) if reading else None

    def counts(self, value: float) -> int:
        """A value of the setpoint in whole counts of its resolution, cut to `LARGEST`."""
        resolution = self.setpoint.resolution if self.setpoint else 1.0
        return round(max(-LARGEST, min(LARGEST, value / resolution)))

    @property
    def step(self) -> int | None:
        """How far the setpoint would move from its present value, in counts."""
        if self.new is None or self.live is None:
            return None
        return abs(self.counts(self.new) - self.counts(self.live))

    def say(self, value: float) -> str:
        """A value of the setpoint with its unit."""
        unit = self.setpoint.unit if self.setpoint else ""
        return f"{value:.10g} {unit}".rstrip()

    def say_counts(self, counts: int) -> str:
        """A number of counts as a value with its unit."""
        return self.say(counts * self.setpoint.resolution if self.setpoint else counts)
