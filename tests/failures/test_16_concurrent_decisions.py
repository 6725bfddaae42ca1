"""16: approve, reject, withdraw, expire and supersede in any order, and at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from threading import Barrier

import pytest
from desk_fixture import PEOPLE, SITE, START, Office
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from copilot.actor import Role
from copilot.approvals.desk import Desk
from copilot.approvals.states import BEFORE_EXECUTION, OPEN, UNDECIDED, State, may_become
from copilot.approvals.store import Record
from copilot.policy.policy import Policy
from copilot_tools.errors import Denied, Retry

VALUES = {"M-1.speed": (1050.0, 1100.0), "M-1.pressure": (3.5, 3.6), "P-2.speed": (950.0, 1000.0)}
NEEDED = {"M-1.speed": 1, "M-1.pressure": 2, "P-2.speed": 1}
AREA = {"M-1.speed": "N", "M-1.pressure": "N", "P-2.speed": "S"}
DECIDERS = ("sara", "sara.backup", "emil", "erna", "olga.boss", "sven", "otto", "root")


@dataclass
class Expected:
    """What the plainest possible bookkeeping says of a proposal."""

    record: Record
    target: str
    value: float
    by: str
    expires: datetime
    state: State = State.PENDING
    decided: set[str] = field(default_factory=set)
    agreed: set[str] = field(default_factory=set)

    def due(self, at: datetime) -> bool:
        return self.state in BEFORE_EXECUTION and at >= self.expires


def entitled(name: str, target: str, at: datetime, *, roles: tuple[Role, ...]) -> bool:
    role, areas, _, shifts = PEOPLE[name]
    early = 6 <= at.astimezone(SITE.time_zone).hour < 14
    on_shift = not shifts or early or Role.ADMIN in roles
    return role in roles and bool({"*", AREA[target]} & set(areas)) and on_shift


class Decisions(RuleBasedStateMachine):
    """Everything people can do at one office, one day after another."""

    def __init__(self, office: Office) -> None:
        super().__init__()
        self.office = office
        days = (self.office.clock() - START).days + 1
        self.office.clock.at = START + timedelta(days=days)
        self.office.desk.expire_due()
        self.known: list[Expected] = []

    @rule(
        by=st.sampled_from(("olga", "otto", "tina")),
        tag=st.sampled_from(tuple(VALUES)),
        choice=st.integers(0, 1),
    )
    def propose(self, by: str, tag: str, choice: int) -> None:
        value = VALUES[tag][choice]
        here = AREA[tag] in PEOPLE[by][1]
        there = [one for one in self.known if one.target == tag and one.state in OPEN]
        there = [one for one in there if not one.due(self.office.clock())]
        if there and (there[0].by, there[0].value) == (by, value):
            assert self.office.propose(tag, value, by).number == there[0].record.number
            return
        if there and (there[0].by != by or there[0].state is not State.PENDING):
            with pytest.raises(Retry, match=f"#{there[0].record.number} "):
                self.office.propose(tag, value, by)
            return
        record = self.office.propose(tag, value, by)
        for one in self.known:
            if one.target == tag and one.state in OPEN:
                one.state = State.EXPIRED if one.due(self.office.clock()) else State.SUPERSEDED
        new = Expected(record, tag, value, by, record.proposal.expires)
        new.state = State.PENDING if here else State.POLICY_DENIED
        self.known.append(new)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), name=st.sampled_from(DECIDERS), agree=st.booleans())
    def decide(self, data: st.DataObject, name: str, agree: bool) -> None:
        one = data.draw(st.sampled_from(self.known))
        person, at = PEOPLE[name][2], self.office.clock()
        roles = (Role.SUPERVISOR, Role.ENGINEER) + (() if agree else (Role.ADMIN,))
        may = (
            one.state in (UNDECIDED if agree else BEFORE_EXECUTION)
            and not one.due(at)
            and person not in one.decided | {PEOPLE[one.by][2]}
            and entitled(name, one.target, at, roles=roles)
        )
        act = self.office.approve if agree else self.office.reject
        self._attempt(one, may, lambda: act(one.record, name))
        if not may:
            return
        one.decided.add(person)
        one.agreed |= {person} if agree else set()
        enough = len(one.agreed) >= NEEDED[one.target]
        one.state = State.READY if enough else State.APPROVED
        if not agree:
            one.state = State.REJECTED

    @precondition(lambda self: self.known)
    @rule(data=st.data(), name=st.sampled_from(("olga", "otto", "tina", "olga.boss")))
    def withdraw(self, data: st.DataObject, name: str) -> None:
        one = data.draw(st.sampled_from(self.known))
        may = one.by == name and one.state in BEFORE_EXECUTION and not one.due(self.office.clock())
        number = one.record.number
        self._attempt(one, may, lambda: self.office.desk.withdraw(number, name, "no longer needed"))
        if may:
            one.state = State.WITHDRAWN

    @rule(minutes=st.sampled_from((1, 7, 16)))
    def wait(self, minutes: int) -> None:
        self.office.clock.advance(minutes=minutes)

    @rule()
    def expire(self) -> None:
        expired = {record.number for record in self.office.desk.expire_due()}
        due = [one for one in self.known if one.due(self.office.clock())]
        assert expired == {one.record.number for one in due}
        for one in due:
            one.state = State.EXPIRED

    @invariant()
    def states_agree(self) -> None:
        for one in self.known[-4:]:
            assert self.office.state(one.record) is one.state
        targets = [r.proposal.change.target.key for r in self.office.desk.list(tuple(OPEN))]
        assert len(targets) == len(set(targets))

    def _attempt(self, one: Expected, may: bool, act: Callable[[], Record]) -> None:
        if may:
            act()
            return
        with pytest.raises(Denied):
            act()
        if one.due(self.office.clock()):
            one.state = State.EXPIRED

    def teardown(self) -> None:
        assert self.office.verify().ok


def test_any_order_ends_where_plain_bookkeeping_says(office: Office):
    office.desk = patient(office)
    run_state_machine_as_test(
        lambda: Decisions(office),
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def patient(office: Office) -> Desk:
    """The same desk with a breaker that stays closed: it has tests of its own."""
    office.settings = office.settings.model_copy(update={"breaker_count": 100})
    return office.under(Policy.load(None, SITE))


ACTS: dict[str, Callable[[Office, Record], Record]] = {
    "approve by sara": lambda office, record: office.approve(record, "sara"),
    "approve by sara's other account": lambda office, record: office.approve(record, "sara.backup"),
    "approve by emil": lambda office, record: office.approve(record, "emil"),
    "reject by erna": lambda office, record: office.reject(record, "erna"),
    "withdraw": lambda office, record: office.desk.withdraw(record.number, "olga", "no longer"),
}


@pytest.mark.parametrize("seed", range(6))
def test_everybody_at_once(office: Office, seed: int):
    """Each act on its own thread and connection: one story comes out of it, told once."""
    record = office.propose("M-1.pressure", 3.5)
    acts = list(ACTS.values())
    Random(seed).shuffle(acts)
    barrier = Barrier(len(acts) + 1)

    def act(what: Callable[[Office, Record], Record]) -> State | None:
        barrier.wait()
        try:
            return what(office, record).state
        except (Denied, Retry):
            return None

    def supersede() -> State | None:
        barrier.wait()
        try:
            office.propose("M-1.pressure", 3.6)
        except Retry:
            return None
        return State.SUPERSEDED

    with ThreadPoolExecutor(len(acts) + 1) as pool:
        racing = [pool.submit(act, what) for what in acts] + [pool.submit(supersede)]
        outcomes = [future.result() for future in racing]
    story = [
        State(row["kind"].partition(".")[2])
        for row in office.audited_about(record)
        if row["kind"].startswith("proposal.")
    ]
    assert all(may_become(a, b) for a, b in pairwise(story))
    assert office.state(record) is story[-1]
    assert office.desk.get(record.number).version == len(story)
    given = office.desk.approvals(record.number)
    assert len({approval.person for approval in given}) == len(given)
    assert sum(state is State.READY for state in outcomes) == story.count(State.READY)
    assert (State.READY in story) <= (sum(a.meaning == "approve" for a in given) == 2)
    assert office.verify().ok


@pytest.mark.parametrize("turn", range(3))
def test_approval_and_expiry_at_the_same_moment(office: Office, turn: int):
    record = office.propose()
    nonce = office.nonce("sara", record)
    office.clock.advance(minutes=30)
    barrier = Barrier(3)

    def approve() -> None:
        barrier.wait()
        observed = office.seen(record.proposal.change.target)
        with pytest.raises(Denied):
            office.desk.approve(record.number, "sara", nonce, "just in time", observed)

    def expire() -> int:
        barrier.wait()
        return len(office.desk.expire_due())

    with ThreadPoolExecutor(3) as pool:
        approval, *expiries = [pool.submit(f) for f in (approve, expire, expire)]
        approval.result()
        assert sum(future.result() for future in expiries) <= 1
    assert office.state(record) is State.EXPIRED
    assert len(office.audited("proposal.expired")) == 1
    assert office.verify().ok
