"""The life of a proposal: its states and the only ways between them."""

from enum import StrEnum


class State(StrEnum):
    """Where a proposal stands."""

    PROPOSED = "proposed"
    POLICY_DENIED = "policy_denied"
    PENDING = "pending_approval"
    APPROVED = "approved"  # some approvals are there, more are needed
    READY = "ready"  # all approvals are there; the executor may take it
    EXECUTING = "executing"
    VERIFIED = "verified"
    FAILED = "failed"  # proven to have had no effect
    UNKNOWN = "unknown"  # a person has to look
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    RESOLVED_APPLIED = "resolved_applied"
    RESOLVED_NOT_APPLIED = "resolved_not_applied"


_ENDED_BEFORE = frozenset((State.REJECTED, State.EXPIRED, State.WITHDRAWN, State.SUPERSEDED))

TRANSITIONS: dict[State, frozenset[State]] = {
    State.PROPOSED: frozenset((State.POLICY_DENIED, State.PENDING)),
    State.PENDING: frozenset((State.APPROVED, State.READY)) | _ENDED_BEFORE,
    State.APPROVED: frozenset((State.READY,)) | _ENDED_BEFORE,
    # Ready may still be refused: by policy or by a plant that has changed since it was shown.
    State.READY: frozenset((State.EXECUTING, State.POLICY_DENIED)) | _ENDED_BEFORE,
    State.EXECUTING: frozenset((State.VERIFIED, State.FAILED, State.UNKNOWN)),
    State.UNKNOWN: frozenset((State.RESOLVED_APPLIED, State.RESOLVED_NOT_APPLIED)),
}

UNDECIDED = frozenset((State.PENDING, State.APPROVED))
BEFORE_EXECUTION = UNDECIDED | {State.PROPOSED, State.READY}
OPEN = BEFORE_EXECUTION | {State.EXECUTING, State.UNKNOWN}
ENDED = frozenset(State) - OPEN


def may_become(state: State, to: State) -> bool:
    """Whether a proposal in `state` may go to `to`."""
    return to in TRANSITIONS.get(state, frozenset())
