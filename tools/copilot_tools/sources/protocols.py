"""What a source of plant data must answer; one contract suite tests all adapters of a protocol.

Every method raises Unavailable when its system does not answer in time. All times are aware UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from copilot_tools.facts import Quality, Value
from copilot_tools.records import (
    AlarmEvent,
    BatchHold,
    Downtime,
    Inspection,
    InspectionModel,
    Part,
    ProductionCount,
    ProductionOrder,
    PurchaseOrder,
    WorkOrder,
)
from copilot_tools.site.model import AlarmDefinition, Node


@dataclass(frozen=True, slots=True)
class Reading:
    """A live value of one node; `value` is None when the server gives none. Times are UTC."""

    node: Node
    value: Value
    quality: Quality
    time: datetime
    status: str


class Telemetry(Protocol):
    """Live values by node."""

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        """The latest reading of each node, in the order asked."""

    async def close(self) -> None:
        """Release the connection."""


@dataclass(frozen=True, slots=True)
class Samples:
    """History of one signal in time order; bad-quality samples carry value None."""

    signal: str
    times: tuple[datetime, ...]
    values: tuple[float | None, ...]


class History(Protocol):
    """Stored values by signal id ("K-7.flow")."""

    def append(self, samples: Iterable[Samples]) -> None:
        """Store samples; what has been acknowledged survives a crash."""

    async def read(
        self, signals: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, Samples]:
        """All samples of each signal in [start, end); a signal without data has empty samples."""

    async def last(self, signal: str) -> datetime | None:
        """The time of the newest sample of a signal."""


@dataclass(frozen=True, slots=True)
class AlarmState:
    """A standing alarm as the server reports it; `since` is when it was raised (UTC)."""

    definition: AlarmDefinition
    active: bool
    acknowledged: bool
    since: datetime


class Alarms(Protocol):
    """Standing alarms, live."""

    async def standing(self) -> list[AlarmState]:
        """All alarms that are active, or cleared but not yet acknowledged."""


class AlarmJournal(Protocol):
    """Past alarm events."""

    async def events(
        self, start: datetime, end: datetime, assets: Sequence[str] | None = None
    ) -> list[AlarmEvent]:
        """Events in [start, end), oldest first; only of `assets` when given."""


class Erp(Protocol):
    """ERP and CMMS look-ups; each is a complete answer for its arguments, unsorted limits apart."""

    async def parts(self) -> list[Part]:
        """The spare-part catalogue with stock."""

    async def work_orders(
        self, assets: Sequence[str] | None, start: datetime | None, end: datetime | None
    ) -> list[WorkOrder]:
        """Work orders of `assets` (None = all) that were created or finished in [start, end)."""

    async def production_orders(self) -> list[ProductionOrder]:
        """All production orders."""

    async def purchase_orders(self) -> list[PurchaseOrder]:
        """All purchase orders."""

    async def batch_holds(self) -> list[BatchHold]:
        """All quality holds in force."""

    async def downtimes(self, line: str, start: datetime, end: datetime) -> list[Downtime]:
        """Stops of a line that overlap [start, end)."""

    async def counts(self, line: str, start: datetime, end: datetime) -> list[ProductionCount]:
        """Production counts of a line whose interval overlaps [start, end)."""


class Inspections(Protocol):
    """Results of vision quality control."""

    async def results(
        self,
        start: datetime,
        end: datetime,
        line: str | None = None,
        product: str | None = None,
        batch: str | None = None,
    ) -> list[Inspection]:
        """Inspected units in [start, end) that match, oldest first."""

    async def find(self, id_: int) -> Inspection | None:
        """The inspection with that id."""

    async def models(self) -> list[InspectionModel]:
        """The models that inspections were made with, newest first."""
