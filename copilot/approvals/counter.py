"""Where people and the desk meet, in the terminal and in the browser alike.

A decision is about what was shown: the plant is looked at again after the password was given, and
what has changed since it was shown is a reason to look again, not to go on.
"""

import asyncio
from dataclasses import dataclass

from copilot.accounts.step_up import Meaning
from copilot.actor import Actor
from copilot.approvals.breaker import reset_subject
from copilot.approvals.card import Background, Card, build_card
from copilot.approvals.desk import Desk
from copilot.approvals.store import Record
from copilot_tools.changes import Target
from copilot_tools.errors import Retry
from copilot_tools.plant import Plant
from copilot_tools.plant_state import Observation, differences, observe, preconditions


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody was looking at when deciding: a proposal, and the plant around it."""

    record: Record
    observed: Observation


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody decides with: account, password (again) and the reason."""

    account: str
    password: str
    reason: str


class Counter:
    """Shows proposals as they are now, and hands over to the desk what is decided about them.

    Raises what the desk raises, and Retry when the plant is no longer as it was shown.
    """

    def __init__(self, plant: Plant, desk: Desk) -> None:
        self._plant = plant
        self._desk = desk

    async def show(self, number: int) -> Shown:
        """The proposal with the plant as it is now."""
        record = await asyncio.to_thread(self._desk.get, number)
        return Shown(record, await self.look(record.proposal.change.target))

    async def look(self, target: Target) -> Observation:
        """The plant around a target as it is now; a dead source is a problem of it, no error."""
        return await observe(self._plant, target)

    async def card(self, record: Record, observed: Observation | None) -> Card:
        """What an approver is shown of the proposal."""
        background = await asyncio.to_thread(self._background, record, observed)
        return build_card(self._plant.site, record, background)

    async def approve(self, shown: Shown, said: Said) -> Record:
        """Approve what was shown, if the plant is still as it was then."""
        nonce, observed = await self._prove(shown, said, "approve")
        number = shown.record.number
        return await asyncio.to_thread(
            self._desk.approve, number, said.account, nonce, said.reason, observed
        )

    async def confirm(self, shown: Shown, said: Said) -> Record:
        """Confirm what was shown, if the plant is still as it was then."""
        nonce, observed = await self._prove(shown, said, "confirm")
        number = shown.record.number
        return await asyncio.to_thread(
            self._desk.confirm, number, said.account, nonce, said.reason, observed
        )

    async def reject(self, record: Record, said: Said) -> Record:
        """Reject a proposal; a no needs no look at the plant."""
        nonce = await self._step_up(record, said, "reject")
        return await asyncio.to_thread(
            self._desk.reject, record.number, said.account, nonce, said.reason
        )

    async def resolve(self, record: Record, said: Said, applied: bool) -> Record:
        """Settle a change whose result is unknown; the reason is how that was seen."""
        meaning: Meaning = "resolve_applied" if applied else "resolve_not_applied"
        nonce = await self._step_up(record, said, meaning)
        return await asyncio.to_thread(
            self._desk.resolve, record.number, said.account, nonce, applied, said.reason
        )

    async def withdraw(self, number: int, account: str, reason: str) -> Record:
        """Take back a proposal as the account that made it, which has signed in."""
        return await asyncio.to_thread(self._desk.withdraw, number, account, reason)

    async def undo(self, number: int, actor: Actor) -> Record:
        """Propose the reverse of a change that took effect."""
        record = await asyncio.to_thread(self._desk.get, number)
        observed = await self.look(record.proposal.change.target)
        return await asyncio.to_thread(self._desk.undo, number, actor, observed)

    async def reset_breaker(self, name: str, account: str, password: str) -> None:
        """Let an account propose again."""
        issue = self._desk.step_ups.issue
        nonce = await asyncio.to_thread(issue, account, password, reset_subject(name), "reset")
        await asyncio.to_thread(self._desk.reset_breaker, name, account, nonce)

    async def _prove(self, shown: Shown, said: Said, meaning: Meaning) -> tuple[str, Observation]:
        nonce = await self._step_up(shown.record, said, meaning)
        return nonce, await self._look_again(shown)

    async def _step_up(self, record: Record, said: Said, meaning: Meaning) -> str:
        return await asyncio.to_thread(
            self._desk.step_ups.issue, said.account, said.password, record.payload_hash, meaning
        )

    async def _look_again(self, shown: Shown) -> Observation:
        """The plant at the moment of deciding, which may be minutes after the card was shown."""
        now = await self.look(shown.record.proposal.change.target)
        changed = differences(preconditions(self._plant.site, shown.observed), now)
        if changed:
            raise Retry(f"while you were reading, {'; '.join(changed)}; look again")
        return now

    def _background(self, record: Record, observed: Observation | None) -> Background:
        undoes = record.proposal.undoes
        return Background(
            approvals=self._desk.approvals(record.number),
            rules=self._desk.rules(record.number),
            undoes=self._desk.get(undoes) if undoes else None,
            observed=observed,
            at=self._plant.now(),
        )
