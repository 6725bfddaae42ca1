"""Random requests to policy, ordinary and hostile ones, on the plant of the default cases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from copilot.actor import Actor, Role
from copilot.policy.cases import Case, build
from copilot.policy.request import Request
from copilot.policy.subject import TARGETS
from copilot_tools.changes import Target
from copilot_tools.facts import Quality
from copilot_tools.site.model import Node, Site

_AWKWARD: tuple[Any, ...] = (
    *(float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 5e-324, 1e16),
    *(2**31, 2**63 - 1, 2**63, -(2**63), 10**400, -0.0),
    *(True, False, None, "85", "", "NaN", datetime(2026, 1, 1, tzinfo=UTC)),
)
_SPEEDS = (99.5, 100.0, 100.5, 160.0, 200.0, 200.5, 220.0, 220.5, 240.0, 240.5, 500.0, 500.5)


def ordinary(random: Random, site: Site) -> Request:
    """A request as people make them, near the limits of the rules."""
    tool = random.choice(list(TARGETS))
    live, value, moved = _numbers(random)
    case = Case(
        name="random",
        verb=random.choice(("propose", "approve", "execute")),
        tool=tool,
        target=random.choice(_targets(site)[TARGETS[tool]]),
        allowed=False,
        role=random.choice(list(Role)),
        areas=random.choice(((), ("north",), ("south",), ("north", "south"), ("*",))),
        on_shift=random.random() < 0.7,
        signed_in=random.random() < 0.95,
        approvers=random.choice((0, 1, 1, 2, 2, 3)),
        confirmed=random.random() < 0.5,
        own=random.random() < 0.3,
        tainted=random.random() < 0.2,
        time=datetime(2026, random.randint(1, 12), random.randint(1, 28), random.randint(4, 23))
        + timedelta(seconds=random.choice((-1, 0, 1, 1800))),
        live=live,
        value=value,
        moved=moved,
        quality=random.choice((*(Quality.GOOD,) * 9, Quality.STALE)),
        age_s=random.choice((0.0, 1.0, 29.999, 30.0, 30.0, 30.001)),
        state=random.choice(("running", "running", "stopped", "")),
        lockout=random.choice((*("off",) * 8, "on", "unseen")),
        alarms=random.choice(((), (), ("MX-AL-1",), ("MX-AL-2",), ("MX-AL-1", "MX-AL-2"))),
        quantity=random.choice((0, 1, 2, 8, 10)),
        unit_price=random.choice((0.0, 99.99, 100.0, 100.01, 125.0, 500.0, 1000.0, 1000.01, 1e7)),
        currency=random.choice(("EUR", "EUR", "PLN", "")),
        priority=random.choice(("low", "medium", "high", "urgent", "asap")),
    )
    return build(case, site)


def hostile(random: Random, site: Site) -> Request:
    """A request in which one thing or several are as they must not be."""
    request = ordinary(random, site)
    for _ in range(random.randint(1, 3)):
        request = random.choice(_SPOILERS)(random, request)
    return request


def stream(random: Random, site: Site, hostile_share: float = 0.3) -> Iterator[Request]:
    """Ordinary and hostile requests without end."""
    while True:
        make = hostile if random.random() < hostile_share else ordinary
        yield make(random, site)


def _numbers(random: Random) -> tuple[float, float, float]:
    """Present value, value wanted, and what was moved before; mostly a step that may be taken."""
    if random.random() < 0.3:
        return -500.0, random.choice((-499.0, -450.0, -100.0, -99.0)), 0.0
    live = random.choice(_SPEEDS)
    value = random.choice(
        (*_SPEEDS, live + 0.5, live - 20.0, live + 20.5, live + 40.0, live, 200.25)
    )
    return live, value, random.choice((0.0, 0.0, 20.0, 40.0, 40.5))


def _targets(site: Site) -> dict[str, list[str]]:
    assets = site.assets.values()
    return {
        "setpoint": [s.id for asset in assets for s in asset.setpoints],
        "command": [c.id for asset in assets for c in asset.commands],
        "alarm": [alarm.id for alarm in site.alarms()],
        "asset": list(site.assets),
        "part": ["SEAL-2", 'a"b\\c', "ü" * 50],
        "batch": ["B-77", "'; DROP"],
    }


def _spoil_value(random: Random, request: Request) -> Request:
    value = random.choice(_AWKWARD)
    arguments = {**request.change.arguments, "value": value}
    return replace(request, change=replace(request.change, new=value, arguments=arguments))


def _spoil_argument(random: Random, request: Request) -> Request:
    name = random.choice([*request.change.arguments, "asset"])
    arguments = {**request.change.arguments, name: random.choice(_AWKWARD)}
    return replace(request, change=replace(request.change, arguments=arguments))


def _drop_argument(random: Random, request: Request) -> Request:
    name = random.choice([*request.change.arguments, "asset"])
    arguments = {key: value for key, value in request.change.arguments.items() if key != name}
    return replace(request, change=replace(request.change, arguments=arguments))


def _spoil_live(random: Random, request: Request) -> Request:
    if request.observed.live is None:
        return request
    live = replace(request.observed.live, value=random.choice(_AWKWARD))
    return replace(request, observed=replace(request.observed, live=live))


def _spoil_moved(random: Random, request: Request) -> Request:
    return replace(request, moved=random.choice((float("nan"), float("inf"), 1e308, -1.0, 1e12)))


def _spoil_approvers(random: Random, request: Request) -> Request:
    return replace(request, approvers=random.choice((-1, 2**31, 2**63, 10**30)))


def _spoil_target(random: Random, request: Request) -> Request:
    old = request.change.target
    target = random.choice(
        (
            Target(old.kind, "no such thing", old.asset, old.node),
            Target(old.kind, old.key, "NO-1", old.node),
            Target(old.kind, old.key, old.asset, Node("urn:elsewhere", "s=other")),
            Target(old.kind, old.key, old.asset, old.node, Node("urn:elsewhere", "s=block")),
            Target("batch", old.key, old.asset, old.node),
            Target(old.kind, "", old.asset, old.node),
        )
    )
    change = replace(request.change, target=target)
    observed = request.observed
    if random.random() < 0.8:
        observed = replace(observed, target=target)
    return replace(request, change=change, observed=observed)


def _spoil_tool(random: Random, request: Request) -> Request:
    tool = random.choice((*TARGETS, "shelve_alarm", "", "write_setpoint.execute"))
    return replace(request, change=replace(request.change, tool=tool))


def _blind(random: Random, request: Request) -> Request:
    seen = request.observed
    unseen = random.choice(
        (
            replace(seen, state=None),
            replace(seen, lockout=None),
            replace(seen, alarms=None),
            replace(seen, live=None),
            replace(seen, watched={}),
        )
    )
    return replace(request, observed=unseen)


def _shift_time(random: Random, request: Request) -> Request:
    away = timedelta(seconds=random.choice((-31, 31, 3600, -(10**9))))
    return replace(request, observed=replace(request.observed, at=request.observed.at + away))


def _impostor(random: Random, request: Request) -> Request:
    name = random.choice(("executor", "", 'x"}, {"', "policy"))
    role = random.choice(list(Role))
    return replace(request, actor=Actor(name, role, "P", ("*",), random.random() < 0.8))


_SPOILERS = (
    _spoil_value,
    _spoil_argument,
    _drop_argument,
    _spoil_live,
    _spoil_moved,
    _spoil_approvers,
    _spoil_target,
    _spoil_tool,
    _blind,
    _shift_time,
    _impostor,
)
