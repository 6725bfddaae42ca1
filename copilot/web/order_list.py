"""Orders of all kinds as one list: what is late, what comes next, what was done last."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from copilot_tools.records import (
    OrderStatus,
    ProductionOrder,
    PurchaseOrder,
    WorkOrder,
    WorkOrderStatus,
)

Status: TypeAlias = Literal["open", "late", "done", "all"]
Record: TypeAlias = ProductionOrder | PurchaseOrder | WorkOrder


@dataclass(frozen=True, slots=True)
class Entry:
    """An order in a list; late means due and not done. `words` are what it is found by."""

    record: Record
    done: bool
    late: bool
    begun: bool
    at: datetime
    words: str

    def has(self, status: Status, words: str) -> bool:
        """Whether it belongs to the list of a status, and holds all the words."""
        fits = {"open": not self.done, "late": self.late, "done": self.done, "all": True}
        return fits[status] and all(word in self.words for word in words.casefold().split())

    def rank(self) -> tuple[bool, bool, float]:
        """What is begun comes first, then what is due next; done ones end, the newest first."""
        time = self.at.timestamp()
        return self.done, not self.begun, -time if self.done else time


def choose_orders(entries: Iterable[Entry], status: Status, words: str) -> list[Entry]:
    """The orders of a status that hold all the words."""
    return sorted((e for e in entries if e.has(status, words)), key=Entry.rank)


def production_entry(order: ProductionOrder, now: datetime) -> Entry:
    """A production order."""
    done = order.status is OrderStatus.DONE
    return Entry(
        record=order,
        done=done,
        late=not done and order.due < now,
        begun=order.status is OrderStatus.RUNNING,
        at=(order.finished or order.due) if done else order.start,
        words=_words(order.number, order.product, order.batch, order.line),
    )


def purchase_entry(order: PurchaseOrder, now: datetime) -> Entry:
    """A purchase order; it is done once the goods are there."""
    done = order.received is not None or order.status is OrderStatus.DONE
    return Entry(
        record=order,
        done=done,
        late=not done and order.due < now,
        begun=False,
        at=(order.received or order.due) if done else order.due,
        words=_words(order.number, order.part, order.part_name, order.supplier),
    )


def work_entry(order: WorkOrder, now: datetime) -> Entry:
    """A work order."""
    done = order.status is WorkOrderStatus.DONE
    return Entry(
        record=order,
        done=done,
        late=not done and order.due is not None and order.due < now,
        begun=order.status is WorkOrderStatus.IN_PROGRESS,
        at=(order.finished or order.created) if done else (order.due or order.created),
        words=_words(order.number, order.asset, order.title, order.component, order.assignee),
    )


def _words(*texts: str) -> str:
    return " ".join(texts).casefold()
