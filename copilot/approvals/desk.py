"""The desk where proposals are filed and decided: every answer is one audited transaction.

All of it is sync and may be called from any thread; async callers use asyncio.to_thread.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from copilot import crash_points
from copilot.accounts.accounts import Accounts
from copilot.accounts.step_up import StepUps
from copilot.actor import Actor
from copilot.approvals import breaker, decide, refusals, sitting, store, switches
from copilot.approvals.decide import Word
from copilot.approvals.expiry import expire_some
from copilot.approvals.filing import fired_rules
from copilot.approvals.revalidate import revalidate
from copilot.approvals.sitting import Judgement, Sitting
from copilot.approvals.states import BEFORE_EXECUTION, State
from copilot.approvals.steps import Step, steps_of
from copilot.approvals.store import Approval, Conflict, Record
from copilot.approvals.submit import submit
from copilot.approvals.switches import Switch
from copilot.approvals.undo import reverse
from copilot.db import reading, writing
from copilot.policy.decision import Decision, Rule
from copilot.policy.policy import Policy
from copilot.proposal import Proposal
from copilot.settings import ChangeSettings
from copilot_tools.changes import Target
from copilot_tools.errors import Denied
from copilot_tools.plant_state import Observation
from copilot_tools.site.model import Site


class Desk:
    """Proposals of one site.

    Raises Denied for what is not allowed (and records that it was tried), Retry for what can be
    asked differently, Unavailable when the database fails; then nothing was done.
    """

    def __init__(
        self,
        engine: Engine,
        site: Site,
        policy: Policy,
        accounts: Accounts,
        step_ups: StepUps,
        settings: ChangeSettings,
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._site = site
        self._policy = policy
        self.accounts = accounts
        self.step_ups = step_ups
        self._settings = settings
        self._now = now

    def submit(self, actor: Actor, proposal: Proposal, key: str, observed: Observation) -> Record:
        """File a proposal; the same key, or the same change while it is open, is filed once.

        What the policy denies comes back in state `policy_denied`, its rules in `note`.
        """
        try:
            return self._submit(actor, proposal, key, observed)
        except IntegrityError:
            # Another writer, one that does not take the lock, was quicker: answer what is there.
            try:
                return self._submit(actor, proposal, key, observed)
            except IntegrityError:
                raise Conflict("a proposal of this id or target is there already") from None

    def _submit(self, actor: Actor, proposal: Proposal, key: str, observed: Observation) -> Record:
        try:
            with self._sitting() as now:
                record = submit(now, actor, proposal, key, observed)
                crash_points.reach("before proposed")
        except Denied as refusal:
            with self._sitting() as now:
                refusals.record_proposal(now, actor, proposal, refusal)
            raise
        crash_points.reach("after proposed")
        return record

    def approve(
        self, number: int, actor_name: str, nonce: str, reason: str, observed: Observation
    ) -> Record:
        """Agree as one person; `observed` is the plant as it is at this moment."""
        word = Word(actor_name, nonce, reason)
        with self._deciding(number, actor_name, "approve", nonce) as now:
            return decide.approve(now, number, word, observed)

    def confirm(
        self, number: int, actor_name: str, nonce: str, reason: str, observed: Observation
    ) -> Record:
        """The proposer's own yes, where the policy needs nobody else's."""
        word = Word(actor_name, nonce, reason)
        with self._deciding(number, actor_name, "confirm", nonce) as now:
            return decide.confirm(now, number, word, observed)

    def reject(self, number: int, actor_name: str, nonce: str, reason: str) -> Record:
        """End a proposal that has not been taken by the executor; one person is enough."""
        with self._deciding(number, actor_name, "reject", nonce) as now:
            return decide.reject(now, number, Word(actor_name, nonce, reason))

    def withdraw(self, number: int, actor_name: str, reason: str) -> Record:
        """Take back one's own proposal."""
        with self._deciding(number, actor_name, "withdraw") as now:
            return decide.withdraw(now, number, actor_name, reason)

    def resolve(
        self, number: int, actor_name: str, nonce: str, applied: bool, evidence: str
    ) -> Record:
        """Say whether an unknown change took effect, and how that was seen."""
        with self._deciding(number, actor_name, "resolve", nonce) as now:
            return decide.resolve(now, number, Word(actor_name, nonce, evidence), applied)

    def undo(
        self, number: int, actor: Actor, observed: Observation, conversation: str = ""
    ) -> Record:
        """Propose to set the value that was there before; it needs approvals of its own."""
        ttl = timedelta(minutes=self._settings.ttl_minutes)
        record = self.get(number)
        at = self._now()
        proposal = reverse(self._site, record, actor, observed, conversation, ttl, at)
        return self.submit(actor, proposal, f"undo:{record.proposal.id}:{uuid4().hex}", observed)

    def expire_due(self) -> list[Record]:
        """End every proposal whose time is up."""
        expired: list[Record] = []
        while True:
            with self._sitting() as now:
                some = expire_some(now.connection, now.at)
            if not some:
                return expired
            expired += some

    def reset_breaker(self, name: str, by: str, nonce: str) -> None:
        """Let an account's holder propose again; the step-up is for `reset_subject(name)`."""
        try:
            with self._sitting() as now:
                breaker.reset(now, name, by, nonce)
        except Denied as refusal:
            with self._sitting() as now:
                refusals.record_reset(now, name, by, nonce, refusal)
            raise

    def record_refused(self, actor: Actor, asked: str, refusal: Denied) -> None:
        """Put on record that a tool refused to propose what was `asked`; the breaker counts it."""
        with self._sitting() as now:
            refusals.record_call(now, actor, asked, refusal)

    def stopped(self) -> Switch | None:
        """The kill switch while it is on."""
        with reading(self._engine) as connection:
            return switches.stopped(connection)

    def get(self, reference: int | str) -> Record:
        """A proposal by its number or id; raises Retry when there is none."""
        with reading(self._engine) as connection:
            return store.get(connection, reference)

    def approvals(self, number: int) -> list[Approval]:
        """The decisions on a proposal, oldest first."""
        with reading(self._engine) as connection:
            return store.approvals_of(connection, store.get(connection, number).proposal.id)

    def rules(self, number: int) -> tuple[Rule, ...]:
        """The rules of the policy that decided when it was filed."""
        with reading(self._engine) as connection:
            return fired_rules(connection, store.get(connection, number).proposal.id)

    def foresee(self, number: int, actor: Actor) -> Decision:
        """What the policy would say to an approval by this actor, the password given again."""
        actor = replace(actor, authenticated=True)
        with reading(self._engine) as connection:
            record = store.get(connection, number)
            return decide.foresee(self._at(connection, self._now()), record, actor).decision

    def steps(self, number: int) -> list[Step]:
        """What the audit log says of a proposal, oldest first."""
        with reading(self._engine) as connection:
            return steps_of(connection, store.get(connection, number).proposal.id)

    def search(
        self,
        states: Collection[State],
        person: str = "",
        asset: str = "",
        before: int = 0,
        limit: int = 50,
    ) -> list[Record]:
        """Proposals in these states, newest first; the next page ends `before` a number."""
        with reading(self._engine) as connection:
            return store.search(connection, states, person, asset, before, limit)

    def revalidate(
        self, connection: Connection, record: Record, observed: Observation, at: datetime
    ) -> Decision:
        """Whether the executor may carry this out now: approvals and policy asked again."""
        return self.judge(connection, record, observed, at).decision

    def judge(
        self, connection: Connection, record: Record, observed: Observation, at: datetime
    ) -> Judgement:
        """As revalidate, with the request; `judgement.data()` is what the audit row should hold."""
        return revalidate(self._at(connection, at), record, observed)

    def moved(self, connection: Connection, target: Target, at: datetime) -> float:
        """By how much a target's value was changed in the last hour, in its unit."""
        return sitting.moved(connection, target, at)

    def list(
        self,
        states: Collection[State] = tuple(BEFORE_EXECUTION),
        limit: int = 1000,
        after: int = 0,
    ) -> list[Record]:
        """Proposals in these states, oldest first; the next page begins `after` a number."""
        with reading(self._engine) as connection:
            return store.find(connection, states, limit, after)

    @contextmanager
    def _sitting(self) -> Iterator[Sitting]:
        with writing(self._engine) as connection:
            yield self._at(connection, self._now())

    def _at(self, connection: Connection, at: datetime) -> Sitting:
        return Sitting(
            connection,
            at,
            self._site,
            self._policy,
            self.accounts,
            self.step_ups,
            self._settings,
        )

    @contextmanager
    def _deciding(
        self, number: int, actor_name: str, meaning: str, nonce: str = ""
    ) -> Iterator[Sitting]:
        try:
            with self._sitting() as now:
                yield now
                crash_points.reach("before decided")
        except IntegrityError:
            raise Conflict(f"#{number} has just been decided about by somebody else") from None
        except Denied as refusal:
            with self._sitting() as now:
                refusals.record_decision(now, number, actor_name, meaning, nonce, refusal)
            raise
        crash_points.reach("after decided")
