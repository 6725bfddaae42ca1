"""ERP orders: what the lines make and when it is due, what was bought and when it arrives."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from copilot_tools.display import format_number, format_time, format_value
from copilot_tools.facts import Column, Fact, Findings, Source, Table, Value
from copilot_tools.plant import Plant
from copilot_tools.records import OrderStatus, ProductionOrder, PurchaseOrder
from copilot_tools.tool import Risk, Text, tool
from copilot_tools.wordsearch import Described, WordSearch

SHOWN = 20
DETAILED = 5
NAMED = 3

Kind: TypeAlias = Literal["production", "purchase"]
Status: TypeAlias = Literal["open", "late", "done", "all"]


@tool(risk=Risk.READ, purpose="ERP orders")
async def list_orders(
    plant: Plant,
    kind: Kind,
    status: Status | None = None,
    item: Text | None = None,
    line: Text | None = None,
) -> Findings:
    """Orders of one kind: running ones, unfinished ones as they come up, the newest finished ones.

    Late means due and not finished. Without a status the unfinished orders are meant, or all
    orders when an item (order number, product, batch or part) is named.
    """
    now = plant.now()
    place = plant.resolver.line(line) if line and kind == "production" else None
    if kind == "purchase":
        known = [_purchase(order, now) for order in await plant.erp.purchase_orders()]
    else:
        orders = await plant.erp.production_orders()
        held = {hold.batch for hold in await plant.erp.batch_holds()}
        known = [
            _production(order, order.batch in held, now)
            for order in orders
            if place is None or order.line == place.id
        ]
    wanted = status or ("all" if item else "open")
    named = _named(known, item) if item else known
    chosen = sorted((entry for entry in named if entry.has(wanted)), key=_Entry.rank)
    title = _title(kind, wanted, item, place.name if place else "", len(chosen))
    if not chosen:
        return _nothing(title, known, item if not named else None, now)
    ignored = ("Purchase orders belong to no line.",) if line and kind == "purchase" else ()
    return _report(title, chosen, plant.site.time_zone, now, ignored)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An order of either kind; `fields` are its facts and its row: name, value, unit."""

    number: str
    item: str
    status: OrderStatus
    late: bool
    next_at: datetime
    due: datetime
    finished: datetime | None
    progress: str
    table: str
    searched: tuple[str, ...]
    fields: tuple[tuple[str, Value, str], ...]

    def has(self, status: Status) -> bool:
        match status:
            case "open":
                return self.status is not OrderStatus.DONE
            case "late":
                return self.late
            case "done":
                return self.status is OrderStatus.DONE
        return True

    def rank(self) -> tuple[int, float]:
        if self.status is OrderStatus.DONE:
            return 2, -(self.finished or self.due).timestamp()
        return (0 if self.status is OrderStatus.RUNNING else 1), self.next_at.timestamp()


def _production(order: ProductionOrder, held: bool, now: datetime) -> _Entry:
    late = order.status is not OrderStatus.DONE and order.due < now
    return _Entry(
        number=order.number,
        item=order.product,
        status=order.status,
        late=late,
        next_at=order.start,
        due=order.due,
        finished=order.finished,
        progress=f"on {order.line}, {format_number(order.produced)} of "
        f"{format_value(order.quantity, 'units')} made"
        f"{f', batch {order.batch} on hold' if held else ''}",
        table="production_orders",
        searched=(order.product, order.batch),
        fields=(
            ("product", order.product, ""),
            ("line", order.line, ""),
            ("batch", order.batch, ""),
            ("on hold", held, ""),
            ("status", order.status.value, ""),
            ("late", late, ""),
            ("quantity", order.quantity, "units"),
            ("produced", order.produced, "units"),
            ("start", order.start, ""),
            ("due", order.due, ""),
            ("finished", order.finished, ""),
        ),
    )


def _purchase(order: PurchaseOrder, now: datetime) -> _Entry:
    done = order.received is not None or order.status is OrderStatus.DONE
    late = not done and order.due < now
    return _Entry(
        number=order.number,
        item=f"{order.part} {order.part_name}",
        status=OrderStatus.DONE if done else order.status,
        late=late,
        next_at=order.due,
        due=order.due,
        finished=order.received,
        progress=f"{format_value(order.quantity, order.unit)} from {order.supplier}",
        table="purchase_orders",
        searched=(order.part, order.part_name),
        fields=(
            ("part", order.part, ""),
            ("part name", order.part_name, ""),
            ("supplier", order.supplier, ""),
            ("status", "received" if done else order.status.value, ""),
            ("late", late, ""),
            ("quantity", order.quantity, order.unit),
            ("ordered", order.ordered, ""),
            ("due", order.due, ""),
            ("received", order.received, ""),
        ),
    )


def _named(entries: list[_Entry], item: str) -> list[_Entry]:
    return _search(entries).find(item)


def _search(entries: Iterable[_Entry]) -> WordSearch[_Entry]:
    return WordSearch(Described(entry, entry.number, entry.searched) for entry in entries)


def _title(kind: Kind, status: Status, item: str | None, line: str, count: int) -> str:
    state = "" if status == "all" else f"{status} "
    where = f" on {line}" if line else ""
    noun = "order" if count == 1 else "orders"
    return f"{state}{kind} {noun}{where}{f' for {item!r}' if item else ''}"


def _nothing(title: str, known: list[_Entry], unknown: str | None, now: datetime) -> Findings:
    near = dict.fromkeys(e.item for e in _search(known).near(unknown)) if unknown else {}
    return Findings(
        summary=f"There are no {title}.",
        facts=tuple(Fact("orders", "similar name", n, Source("ERP", "orders"), now) for n in near),
        notices=(f"Orders with a similar name are for {', '.join(near)}.",) if near else (),
    )


def _report(
    title: str, entries: list[_Entry], zone: ZoneInfo, now: datetime, notices: tuple[str, ...]
) -> Findings:
    source = Source("ERP", entries[0].table)
    late = sum(entry.late for entry in entries)
    facts = [
        Fact("orders", "matching", len(entries), source, now),
        Fact("orders", "late", late, source, now),
    ]
    facts += [fact for entry in entries[:DETAILED] for fact in _facts(entry, now)]
    facts.append(Fact("orders", "further", max(len(entries) - NAMED, 0), source, now))
    if len(entries) > SHOWN:
        notices += (f"{SHOWN} of {len(entries)} orders are shown.",)
    some_late = f", {late} late" if 0 < late < len(entries) else ""
    named = "; ".join(_one_line(entry, zone) for entry in entries[:NAMED])
    more = f"; and {len(entries) - NAMED} more" if len(entries) > NAMED else ""
    return Findings(
        summary=f"{len(entries)} {title}{some_late}: {named}{more}.",
        facts=tuple(facts),
        tables=(_table(title, entries, now),),
        mentions=tuple(f"{entry.number} {entry.item}" for entry in entries[:SHOWN]),
        notices=notices,
    )


def _facts(entry: _Entry, now: datetime) -> list[Fact]:
    source = Source("ERP", f"{entry.table}.number={entry.number}")
    return [
        Fact(entry.number, name, value, source, now, unit)
        for name, value, unit in entry.fields
        if value is not None
    ]


def _one_line(entry: _Entry, zone: ZoneInfo) -> str:
    if entry.finished:
        end = f"{'received' if entry.table == 'purchase_orders' else 'finished'} "
        end += format_time(entry.finished, zone)
    else:
        end = f"{entry.status.value}, due {format_time(entry.due, zone)}"
    return f"{entry.number} {entry.item} {entry.progress}, {end}{' (late)' if entry.late else ''}"


def _table(title: str, entries: list[_Entry], now: datetime) -> Table:
    names = [name for name, _, _ in entries[0].fields]
    return Table(
        title=title[0].upper() + title[1:],
        columns=(Column("number"), *(Column(name) for name in names), Column("unit")),
        rows=tuple(
            (
                entry.number,
                *(value for _, value, _ in entry.fields),
                next(unit for name, _, unit in entry.fields if name == "quantity"),
            )
            for entry in entries[:SHOWN]
        ),
        total=len(entries),
        source=Source("ERP", entries[0].table),
        time=now,
    )
