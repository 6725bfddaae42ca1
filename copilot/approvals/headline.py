"""The one line a change is called by, built from what is sent and not from anybody's words."""

from copilot_tools.changes import Change
from copilot_tools.display import format_value
from copilot_tools.facts import Value


def headline(change: Change) -> str:
    """The change in one line: "K-7 speed 1000 rpm -> 1050 rpm"; numbers in full, as they are sent.

    What a tool wrote (`says`) is used only for a change of a kind that is not known here.
    """
    key, of = change.target.key, change.arguments.get
    match change.tool:
        case "write_setpoint":
            old, new = (_in_full(value, change.unit) for value in (change.old, of("value")))
            return f"{of('asset')} {of('setpoint')} {old} -> {new}"
        case "send_command":
            return f"{of('command')} {of('asset')}, seen {change.old or 'in no known state'}"
        case "create_work_order":
            place = change.target.asset
            return f"work order for {place}, {of('priority')} priority: {of('title')}"
        case "reserve_part":
            return f"reserve {_in_full(of('quantity'), change.unit)} of {key}"
        case "request_purchase":
            return _purchase(change)
        case "hold_batch":
            return f"quality hold on batch {key}"
        case "acknowledge_alarm":
            return f"acknowledge {key} on {change.target.asset}"
    return change.says


def _purchase(change: Change) -> str:
    key, of = change.target.key, change.arguments.get
    quantity, price = of("quantity"), of("unit_price")
    line = f"buy {_in_full(quantity, change.unit)} of {key} from {of('supplier')}"
    if not isinstance(quantity, int) or not isinstance(price, int | float):
        return line
    total = _in_full(round(price * quantity, 2), str(of("currency")))
    return f"{line} for {total}"


def _in_full(value: Value, unit: str) -> str:
    """A value with its unit, not rounded for reading."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.15g} {unit}".rstrip()
    return format_value(value, unit)
