"""The plant as tools see it: its model, its sources and the time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from copilot_knowledge.library import Library
from copilot_tools.failure_modes import FailureMode, failure_modes
from copilot_tools.models.registry.registry import Registry
from copilot_tools.predictions import Predictions
from copilot_tools.site.model import Site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.protocols import (
    AlarmJournal,
    Alarms,
    Erp,
    History,
    Inspections,
    Telemetry,
)
from copilot_tools.watched import LiveWatch


@dataclass(frozen=True, slots=True)
class Plant:
    """Everything a tool may use; `now` gives the plant's time in UTC.

    `reader` is the role of who asks: some manuals are only for some roles. None may read all.
    `modes` are the failure modes that root causes are sought among. `watch` knows which machines
    are unlike themselves right now, where the live readings are watched.
    """

    site: Site
    resolver: Resolver
    telemetry: Telemetry
    history: History
    alarms: Alarms
    journal: AlarmJournal
    erp: Erp
    inspections: Inspections
    library: Library
    now: Callable[[], datetime]
    reader: str | None = None
    models: Registry | None = None
    predictions: Predictions | None = None
    modes: tuple[FailureMode, ...] = field(default_factory=failure_modes)
    watch: LiveWatch | None = None

    @property
    def manuals(self) -> Library:
        """The manuals that who asks may read."""
        return self.library if self.reader is None else self.library.seen_by(self.reader)

    def read_by(self, role: str) -> "Plant":
        """The same plant, asked by somebody with a role."""
        return replace(self, reader=role)
