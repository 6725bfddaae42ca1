"""A proposal: a change frozen with who asked for it, why, and where each argument came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from copilot.canonical import digest, read_strict, write_canonical
from copilot_tools.changes import Change, Precondition, Target
from copilot_tools.facts import Quality, Value
from copilot_tools.site.model import Node


class Provenance(StrEnum):
    """Where an argument came from; `retrieved` text taints the proposal for every approver."""

    USER = "user words"
    CATALOGUE = "catalogue"
    MODEL = "model output"
    RETRIEVED = "retrieved text"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact the proposal rests on, as it was shown (value, unit, quality and UTC time)."""

    subject: str
    name: str
    value: Value
    unit: str
    quality: Quality
    time: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is approved and carried out; nothing of it can change, an edit is a new proposal.

    `id` is 32 hexadecimal digits and the key of any record made from it. `undoes` is the id of the
    proposal whose effect this one takes back.
    """

    id: str
    change: Change
    proposer: str
    person: str
    conversation: str
    created: datetime
    expires: datetime
    provenance: Mapping[str, Provenance]
    evidence: tuple[Evidence, ...] = ()
    undoes: str = ""

    @property
    def tainted(self) -> bool:
        """Whether any argument came from retrieved text."""
        return Provenance.RETRIEVED in self.provenance.values()


def freeze(proposal: Proposal) -> tuple[str, str]:
    """The canonical payload that is stored, and its SHA-256 that every approval is bound to."""
    change = proposal.change
    payload = write_canonical(
        {
            "id": proposal.id,
            "tool": change.tool,
            "target": _target(change.target),
            "arguments": dict(change.arguments),
            "says": change.says,
            "old": change.old,
            "new": change.new,
            "unit": change.unit,
            "reason": change.reason,
            "preconditions": [_precondition(p) for p in change.preconditions],
            "proposer": proposal.proposer,
            "person": proposal.person,
            "conversation": proposal.conversation,
            "created": write_time(proposal.created),
            "expires": write_time(proposal.expires),
            "provenance": {name: str(origin) for name, origin in proposal.provenance.items()},
            "evidence": [_evidence(e) for e in proposal.evidence],
            "undoes": proposal.undoes,
        }
    )
    return payload, digest(payload)


def thaw(payload: str) -> Proposal:
    """The proposal of a stored payload; raises ValueError when it is not one."""
    content = read_strict(payload)
    try:
        return _thaw(content)
    except (KeyError, TypeError) as error:
        raise ValueError(f"is no proposal: {error}") from error


def write_time(moment: datetime) -> str:
    """A UTC time as payloads and audit rows hold it: `2026-11-21T09:00:00.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_time(text: str) -> datetime:
    """The UTC time of such a text."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _thaw(content: dict[str, Any]) -> Proposal:
    change = Change(
        tool=content["tool"],
        target=_read_target(content["target"]),
        arguments=content["arguments"],
        says=content["says"],
        old=content["old"],
        new=content["new"],
        unit=content["unit"],
        reason=content["reason"],
        preconditions=tuple(
            Precondition(**{**p, "time": read_time(p["time"]), "quality": Quality(p["quality"])})
            for p in content["preconditions"]
        ),
    )
    return Proposal(
        id=content["id"],
        change=change,
        proposer=content["proposer"],
        person=content["person"],
        conversation=content["conversation"],
        created=read_time(content["created"]),
        expires=read_time(content["expires"]),
        provenance={name: Provenance(text) for name, text in content["provenance"].items()},
        evidence=tuple(
            Evidence(**{**e, "time": read_time(e["time"]), "quality": Quality(e["quality"])})
            for e in content["evidence"]
        ),
        undoes=content["undoes"],
    )


def _target(target: Target) -> dict[str, Any]:
    return {
        "kind": target.kind,
        "key": target.key,
        "asset": target.asset,
        "node": _node(target.node),
        "block": _node(target.block),
    }


def _node(node: Node | None) -> list[str] | None:
    return [node.namespace, node.identifier] if node else None


def _read_target(content: dict[str, Any]) -> Target:
    node, block = (Node(*pair) if pair else None for pair in (content["node"], content["block"]))
    return Target(content["kind"], content["key"], content["asset"], node, block)


def _precondition(precondition: Precondition) -> dict[str, Any]:
    return {
        "kind": precondition.kind,
        "subject": precondition.subject,
        "name": precondition.name,
        "shown": _plain(precondition.shown),
        "time": write_time(precondition.time),
        "quality": str(precondition.quality),
        "unit": precondition.unit,
        "tolerance": precondition.tolerance,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "subject": evidence.subject,
        "name": evidence.name,
        "value": _plain(evidence.value),
        "unit": evidence.unit,
        "quality": str(evidence.quality),
        "time": write_time(evidence.time),
        "source": evidence.source,
    }


def _plain(value: Value) -> Value:
    return write_time(value) if isinstance(value, datetime) else value
