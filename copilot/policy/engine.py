"""Asks Cedar: allowed only when the decision is Allow and nothing went wrong on the way.

Cedar skips a rule that fails, also one that forbids, and decides without it. Such an answer is
worth nothing, so that every error here is a no.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import cedarpy

ENGINE = f"cedarpy {version('cedarpy')}"


@dataclass(frozen=True, slots=True)
class Question:
    """A request in Cedar's terms: (type, id) of who and what, and the JSON of the entities."""

    principal: tuple[str, str]
    action: str
    resource: tuple[str, str]
    context: Mapping[str, Any]
    entities: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """Cedar's answer: `policies` are its own names of the rules that decided."""

    allowed: bool
    policies: tuple[str, ...]
    errors: tuple[str, ...]


class Engine:
    """A set of policies and its schema, parsed once; safe to share between threads."""

    def __init__(self, policies: str, schema: cedarpy.Schema) -> None:
        self._policies = cedarpy.PolicySet.from_str(policies)
        self._schema = schema

    def ask(self, question: Question) -> Answer:
        """The answer to a question; one that cannot be asked is answered with no."""
        request = {
            "principal": _uid(question.principal),
            "action": _uid(("Action", question.action)),
            "resource": _uid(question.resource),
            "context": dict(question.context),
        }
        try:
            document = f"[{','.join(question.entities)}]"
            entities = cedarpy.Entities.from_json_str(document, self._schema)
            result = cedarpy.is_authorized(request, self._policies, entities, self._schema)
        except (ValueError, TypeError) as error:
            return Answer(False, (), (str(error),))
        errors = tuple(result.diagnostics.errors)
        if result.decision is cedarpy.Decision.NoDecision and not errors:
            errors = ("no decision was reached",)
        allowed = result.decision is cedarpy.Decision.Allow and not errors
        return Answer(allowed, tuple(result.diagnostics.reasons), errors)


def _uid(uid: tuple[str, str]) -> dict[str, str]:
    return {"type": uid[0], "id": uid[1]}
