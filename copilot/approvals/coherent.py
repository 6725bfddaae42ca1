"""Whether a change says the truth about the plant it was observed in, before it is filed."""

from copilot_tools.changes import Change, Precondition
from copilot_tools.display import format_value
from copilot_tools.errors import Denied, Retry
from copilot_tools.facts import Value
from copilot_tools.plant_state import Observation, preconditions
from copilot_tools.site.model import Site


def check_coherent(site: Site, change: Change, observed: Observation) -> None:
    """Pass when the change is bound to the plant as observed and starts from its present value.

    Raises Denied for other preconditions than the plant model asks for, Retry when the value has
    moved since it was read. That the arguments agree with the rest is checked with the policy.
    """
    expected = preconditions(site, observed)
    bound = {_key(shown): shown for shown in change.preconditions}
    complete = len(bound) == len(change.preconditions) == len(expected)
    if not complete or not all(_same(bound.get(_key(seen)), seen) for seen in expected):
        raise Denied(f"{change.target.key} is not bound to the plant as it is seen now")
    setpoint = site.setpoint(change.target.key) if change.target.kind == "setpoint" else None
    live = observed.live.value if observed.live else None
    if setpoint is None or not _is_number(live):  # then policy says what cannot be seen
        return
    if not _near(change.old, live, setpoint.tolerance):
        old, now = (format_value(value, setpoint.unit) for value in (change.old, live))
        raise Retry(f"{setpoint.id} was {old} and is {now} now; please ask for it again")


def _key(shown: Precondition) -> tuple[str, str, str]:
    return shown.kind, shown.subject, shown.name


def _same(shown: Precondition | None, seen: Precondition) -> bool:
    if shown is None or (shown.unit, shown.tolerance) != (seen.unit, seen.tolerance):
        return False
    if shown.quality != seen.quality:
        return False
    if _is_number(seen.shown):
        return _near(shown.shown, seen.shown, seen.tolerance)
    return type(shown.shown) is type(seen.shown) and shown.shown == seen.shown


def _near(one: Value, other: Value, tolerance: float) -> bool:
    if not _is_number(one):
        return False
    return abs(float(str(one)) - float(str(other))) <= tolerance + 1e-9


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
