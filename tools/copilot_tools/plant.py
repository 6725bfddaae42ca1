"""The plant as tools see it: its model, its sources and the time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from copilot_knowledge.library import Library
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


@dataclass(frozen=True, slots=True)
class Plant:
    """Everything a tool may use; `now` gives the plant's time in UTC."""

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
