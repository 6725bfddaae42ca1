"""Maintenance work orders and what was done to the machines."""

from datetime import datetime
from typing import Literal

from copilot_tools.chosen import choose_assets
from copilot_tools.display import format_time, format_value
from copilot_tools.facts import Column, Fact, Findings, Source, Table, Value
from copilot_tools.plant import Plant
from copilot_tools.records import WorkOrder, WorkOrderStatus
from copilot_tools.site.model import Asset, Site
from copilot_tools.tool import Risk, Text, Window, tool
from copilot_tools.windows import Period, parse_window

SHOWN = 20
DETAILED = 5

_PRIORITIES = ("urgent", "high", "medium", "low")
_STATUS_WORDS = {
    WorkOrderStatus.OPEN: "open",
    WorkOrderStatus.IN_PROGRESS: "in progress",
    WorkOrderStatus.DONE: "done",
}


@tool(risk=Risk.READ, purpose="maintenance jobs and history")
async def list_work_orders(
    plant: Plant,
    asset: Text | None = None,
    status: Literal["open", "in_progress", "done", "all"] | None = None,
    window: Window | None = None,
) -> Findings:
    """Work orders: unfinished ones first by priority and due date, then the newest finished ones.

    Open means not done. A window keeps those created or finished in it; for status done, those
    finished in it.
    """
    now = plant.now()
    machines = choose_assets(plant, asset) if asset else []
    period = parse_window(window, plant.site, now) if window else None
    orders = await plant.erp.work_orders(
        [machine.id for machine in machines] or None,
        period.start if period else None,
        period.end if period else None,
    )
    chosen = sorted((o for o in orders if _wanted(o, status, period)), key=_rank)
    return _report(plant.site, machines, chosen, _title(machines, status, period), now)


def _wanted(order: WorkOrder, status: str | None, period: Period | None) -> bool:
    unfinished = order.status is not WorkOrderStatus.DONE
    if status not in (None, "all", order.status) and not (status == "open" and unfinished):
        return False
    if status != WorkOrderStatus.DONE or period is None:
        return True
    return order.finished is not None and period.start <= order.finished < period.end


def _rank(order: WorkOrder) -> tuple[bool, int, float]:
    done = order.status is WorkOrderStatus.DONE
    if done:
        return True, 0, -(order.finished or order.created).timestamp()
    known = order.priority in _PRIORITIES
    priority = _PRIORITIES.index(order.priority) if known else len(_PRIORITIES)
    return False, priority, (order.due or order.created).timestamp()


def _title(machines: list[Asset], status: str | None, period: Period | None) -> str:
    kind = "" if status in (None, "all") else f"{_STATUS_WORDS[WorkOrderStatus(status)]} "
    where = f" for {', '.join(machine.id for machine in machines)}" if machines else ""
    return f"{kind}work orders{where}{f', {period.label}' if period else ''}"


def _report(
    site: Site, machines: list[Asset], orders: list[WorkOrder], title: str, now: datetime
) -> Findings:
    source = Source("CMMS", "work_orders")
    subject = machines[0].id if len(machines) == 1 else "work orders"
    scope = Fact(subject, "scope", title, source, now)
    if not orders:
        return Findings(f"There are no {title}.", (scope,))
    counts = {
        status: count
        for status in WorkOrderStatus
        if (count := sum(order.status is status for order in orders))
    }
    facts = [
        Fact(subject, f"work orders {_STATUS_WORDS[status]}", count, source, now)
        for status, count in counts.items()
    ]
    facts.append(scope)
    facts += [fact for order in orders[:DETAILED] for fact in _facts(order, now)]
    numbers = ", ".join(f"{count} {_STATUS_WORDS[status]}" for status, count in counts.items())
    numbers = numbers if len(counts) > 1 else str(len(orders))
    return Findings(
        summary=f"{_upper_first(title)}: {numbers}. {_one_line(orders[0], site, now)}.",
        facts=tuple(facts),
        tables=(_table(orders, title, now),),
        mentions=tuple(_mention(order, site) for order in orders[:SHOWN]),
        notices=_notices(orders),
    )


def _facts(order: WorkOrder, now: datetime) -> list[Fact]:
    source = Source("CMMS", f"work_orders.number={order.number}")
    overdue = "overdue" if _overdue(order, now) else ""
    values: tuple[tuple[str, Value, str, str], ...] = (
        ("asset", order.asset, "", ""),
        ("title", order.title, "", ""),
        ("description", order.description, "", ""),
        ("status", _STATUS_WORDS[order.status], "", overdue),
        ("priority", order.priority, "", ""),
        ("created", order.created, "", ""),
        ("due", order.due, "", overdue),
        ("finished", order.finished, "", ""),
        ("component", order.component, "", ""),
        ("cause", order.cause, "", ""),
        ("remedy", order.remedy, "", ""),
        ("hours worked", order.hours, "h", ""),
        ("parts used", ", ".join(order.parts), "", ""),
        ("assignee", order.assignee, "", ""),
    )
    return [
        Fact(order.number, name, value, source, now, unit, note=note)
        for name, value, unit, note in values
        if value not in (None, "", 0)
    ]


def _overdue(order: WorkOrder, now: datetime) -> bool:
    unfinished = order.status is not WorkOrderStatus.DONE
    return unfinished and order.due is not None and order.due < now


def _one_line(order: WorkOrder, site: Site, now: datetime) -> str:
    text = f"{order.number} {order.asset} {order.title}: {order.priority} priority"
    if order.status is WorkOrderStatus.DONE:
        done = format_time(order.finished, site.time_zone) if order.finished else "done"
        text = f"{order.number} {order.asset} {order.title}: finished {done}"
        return text + (f", {format_value(order.hours, 'h')}" if order.hours else "")
    text += f", {_STATUS_WORDS[order.status]}"
    if order.due:
        text += f", due {format_time(order.due, site.time_zone)}"
    return text + (" (overdue)" if _overdue(order, now) else "")


def _table(orders: list[WorkOrder], title: str, now: datetime) -> Table:
    headings = ("number", "asset", "title", "status", "priority", "created", "due", "finished")
    return Table(
        title=_upper_first(title),
        columns=(
            *(Column(heading) for heading in headings),
            *(Column("cause"), Column("remedy"), Column("hours", "h"), Column("assignee")),
        ),
        rows=tuple(
            (
                *(o.number, o.asset, o.title, _STATUS_WORDS[o.status], o.priority),
                *(o.created, o.due, o.finished, o.cause, o.remedy, o.hours, o.assignee),
            )
            for o in orders[:SHOWN]
        ),
        total=len(orders),
        source=Source("CMMS", "work_orders"),
        time=now,
    )


def _upper_first(text: str) -> str:
    return text[0].upper() + text[1:]


def _mention(order: WorkOrder, site: Site) -> str:
    """Number, component and machine, the latter two only as the plant model knows them.

    Titles are free text that anybody may have written; they must not reach the planner.
    """
    machine = site.assets.get(order.asset)
    if machine is None:
        return order.number
    known = {component.name for component in machine.components}
    component = f"{order.component} " if order.component in known else ""
    return f"{order.number} {component}{machine.id}"


def _notices(orders: list[WorkOrder]) -> tuple[str, ...]:
    if len(orders) <= SHOWN:
        return ()
    return (f"{SHOWN} of {len(orders)} work orders are shown.",)
