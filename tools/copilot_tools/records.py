"""Records of the plant's other systems (ERP, CMMS, alarm journal, quality), one class each.

Money carries its currency, every time is aware UTC. Names follow ISA-95, ISA-18.2 and CMMS usage.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

GOOD = "good"
"""What a person decides of a unit without defect."""


@dataclass(frozen=True, slots=True)
class Part:
    """A spare part with its stock; `available` is stock less reservations."""

    number: str
    name: str
    unit: str
    stock: float
    reserved: float
    minimum: float
    bin: str
    price: float
    currency: str
    lead_time_days: int
    supplier: str
    fits: tuple[str, ...]

    @property
    def available(self) -> float:
        """Stock that is not reserved."""
        return self.stock - self.reserved


class WorkOrderStatus(StrEnum):
    """Where a work order stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A maintenance job (CMMS); `cause` and `remedy` are filled when it is done."""

    number: str
    asset: str
    title: str
    kind: str
    priority: str
    status: WorkOrderStatus
    created: datetime
    due: datetime | None
    finished: datetime | None
    component: str
    cause: str
    remedy: str
    assignee: str
    hours: float
    parts: tuple[str, ...]
    description: str = ""


class OrderStatus(StrEnum):
    """Where an ERP order stands; lateness is a matter of dates, not a status."""

    PLANNED = "planned"
    RUNNING = "running"
    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ProductionOrder:
    """An order to make `quantity` of `product` on `line`."""

    number: str
    line: str
    product: str
    batch: str
    quantity: int
    produced: int
    status: OrderStatus
    start: datetime
    due: datetime
    finished: datetime | None


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """An order to buy `quantity` of a part; `received` is None until it has arrived."""

    number: str
    part: str
    part_name: str
    supplier: str
    quantity: float
    unit: str
    status: OrderStatus
    ordered: datetime
    due: datetime
    received: datetime | None


@dataclass(frozen=True, slots=True)
class BatchHold:
    """A quality hold: the batch must not leave until it is released."""

    batch: str
    reason: str
    placed: datetime
    placed_by: str


@dataclass(frozen=True, slots=True)
class Downtime:
    """A stop of a line; `end` is None while it lasts; `planned` stops do not count against OEE."""

    line: str
    asset: str
    start: datetime
    end: datetime | None
    reason: str
    planned: bool


@dataclass(frozen=True, slots=True)
class ProductionCount:
    """Units made on a line in one interval: `total` made, of them `good`."""

    line: str
    start: datetime
    end: datetime
    total: int
    good: int


class AlarmTransition(StrEnum):
    """What happened to an alarm (ISA-18.2 state changes)."""

    RAISED = "raised"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One line of the alarm journal; `value` is the signal's value at that moment in `unit`."""

    alarm: str
    asset: str
    message: str
    severity: str
    transition: AlarmTransition
    time: datetime
    value: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """One inspected unit: its verdict, and where a defect was seen (pixels of the image).

    `distance` says how far it is from good parts (1 = the limit), None where nobody measured it;
    `review` why a person should look. `decision` is what a person said: `good` or a defect.
    """

    id: int
    line: str
    product: str
    batch: str
    time: datetime
    passed: bool
    defect: str
    score: float
    model: str
    image: str
    boxes: tuple[tuple[int, int, int, int], ...]
    distance: float | None = None
    review: str = ""
    decision: str = ""
    decided_by: str = ""
    decided: datetime | None = None

    @property
    def good_after_review(self) -> bool:
        """Whether the unit is good by a person's decision, or else by the camera's."""
        return self.decision == GOOD if self.decision else self.passed


@dataclass(frozen=True, slots=True)
class InspectionModel:
    """A model that inspections were made with: in use since when, its held-out accuracy (0..1).

    `distances` are those of good parts at 0, 10 .. 100 % when it was trained (1 = the limit).
    """

    model: str
    since: datetime
    accuracy: float
    distances: tuple[float, ...]
