"""The shift book of the demo plant: stops of the lines and what they made, minute by minute."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from copilot.demo.chronicle import LineMinute, Stop
from copilot.demo.crew import Crew
from copilot.demo.physics.line import Halt, Line

MINUTE = 60


class Logbook:
    """Follows one line; `stops` and `minutes` hold what was written since they were taken."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._halt: Halt | None = None
        self._stop: Stop | None = None
        self._count = int(line.filler.count)
        self.stops: list[Stop] = []
        self.minutes: list[LineMinute] = []

    def note(self, begin: float, end: float, crew: Crew) -> None:
        """Write down the step from `begin` to `end` (seconds since 1970)."""
        halt = self._line.halt
        if halt != self._halt:
            self._close(begin)
            if halt:
                self._open(halt, begin, crew)
            self._halt = halt
        if int(end) % MINUTE == 0:
            self._write_minute(end)

    def take(self) -> tuple[list[Stop], list[LineMinute]]:
        """What was written since the last time; a stop that still lasts is told again."""
        stops, minutes = self.stops, self.minutes
        self.stops, self.minutes = [], []
        return ([*stops, self._stop] if self._stop else stops), minutes

    def snapshot(self) -> dict[str, Any]:
        """The open stop and the counter as plain data."""
        stop = self._stop
        if stop is None:
            return {"count": self._count, "stop": None}
        start = stop.start.timestamp()
        facts = [stop.asset, start, stop.reason, stop.planned, stop.fault]
        return {"count": self._count, "stop": facts}

    def restore(self, stored: dict[str, Any]) -> None:
        """Take over a stored state."""
        self._count = stored["count"]
        if stored["stop"]:
            asset, start, reason, planned, fault = stored["stop"]
            self._halt = Halt(asset, reason, planned)
            self._stop = Stop(self._line.id, asset, _moment(start), None, reason, planned, fault)

    def _open(self, halt: Halt, begin: float, crew: Crew) -> None:
        # Only the fault behind a stop is of interest, not one that grows beside a jam.
        unrelated = halt in (self._line.planned, self._line.jam)
        fault = "" if unrelated else crew.source(halt)
        start = _moment(begin)
        self._stop = Stop(self._line.id, halt.asset, start, None, halt.reason, halt.planned, fault)

    def _close(self, end: float) -> None:
        if self._stop:
            self.stops.append(replace(self._stop, end=_moment(end)))
            self._stop = None

    def _write_minute(self, end: float) -> None:
        line = self._line
        count = int(line.filler.count)
        self.minutes.append(
            LineMinute(
                line=line.id,
                start=_moment(end - MINUTE),
                total=count - self._count,
                weight_error=round(line.filler.error, 3),
                weight_spread=round(line.filler.spread, 3),
                closing_torque=round(line.capper.torque, 3),
                label_error=round(line.labeller.error, 3),
                label_missing=round(line.labeller.missing, 6),
            )
        )
        self._count = count


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
