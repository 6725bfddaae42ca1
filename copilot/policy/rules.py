"""Reads the rules of a Cedar file and checks them; every error names file and line."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import cedarpy

from copilot.policy.decision import Rule
from copilot.policy.errors import PolicyError

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|;|\s+|.', re.DOTALL)
_OWN_NUMBER = re.compile(r"^for policy `[^`]*`,? ?:? ?")


@dataclass(frozen=True, slots=True)
class CedarRule:
    """A rule of the site's policy; `names` are the entities it speaks of, by type and id."""

    rule: Rule
    effect: Literal["permit", "forbid"]
    line: int
    names: frozenset[tuple[str, str]]


def read_rules(
    text: str, origin: str, schema: cedarpy.Schema, taken: frozenset[str]
) -> dict[str, CedarRule]:
    """The rules by the name the evaluator gives them; raises PolicyError.

    Each needs an @id of its own, which is not one of `taken`, and an @says in plain words.
    """
    statements = list(_statements(text))
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        line = _broken_line(statements)
        raise PolicyError(f"{origin}:{line}: {error} (in the rule that begins here)") from None
    if parsed["templates"]:
        raise PolicyError(f"{origin}: holds a template (?principal or ?resource); write rules")
    policies = parsed["staticPolicies"]
    rules: dict[str, CedarRule] = {}
    ids = set(taken)
    for position, (line, _) in enumerate(statements):
        policy = policies[f"policy{position}"]
        rule = _rule(policy.get("annotations", {}), ids, f"{origin}:{line}")
        ids.add(rule.id)
        rules[f"policy{position}"] = CedarRule(
            rule, policy["effect"], line, frozenset(_names(policy))
        )
    _validate(text, origin, schema, rules)
    return rules


def _rule(annotations: dict[str, str | None], ids: set[str], where: str) -> Rule:
    id, says = annotations.get("id") or "", (annotations.get("says") or "").strip()
    if not _ID.fullmatch(id):
        raise PolicyError(f'{where}: the rule needs an @id("..."): small letters, digits, hyphens')
    if id in ids:
        raise PolicyError(f"{where}: the @id {id!r} is used already")
    if not says or "\n" in says:
        raise PolicyError(f'{where}: the rule {id!r} needs an @says("...") of one line')
    return Rule(id, says)


def _validate(text: str, origin: str, schema: cedarpy.Schema, rules: dict[str, CedarRule]) -> None:
    for error in cedarpy.validate_policies(text, schema).errors:
        found = rules.get(error.policy_id)
        where = f"{origin}:{found.line}: rule {found.rule.id!r}" if found else origin
        raise PolicyError(f"{where}: {_OWN_NUMBER.sub('', error.error)}")


def _names(part: object) -> Iterator[tuple[str, str]]:
    """Every entity that stands anywhere in a part of Cedar's JSON form."""
    if isinstance(part, dict):
        if part.keys() == {"type", "id"}:
            yield part["type"], part["id"]
        for inner in part.values():
            yield from _names(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _names(inner)


def _broken_line(statements: list[tuple[int, str]]) -> int:
    """The line of the first rule that cannot be read by itself."""
    for line, source in statements:
        try:
            cedarpy.PolicySet.from_str(source)
        except ValueError:
            return line
    return 1


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each rule with the line it begins on; `;` inside texts and comments ends none."""
    pieces = list(_PIECE.finditer(text))
    ends = [piece.end() for piece in pieces if piece[0] == ";"]
    for start, end in pairwise([0, *ends, len(text)]):
        first = next((p for p in pieces if start <= p.start() < end and _counts(p[0])), None)
        if first is not None:
            yield text.count("\n", 0, first.start()) + 1, text[first.start() : end]


def _counts(piece: str) -> bool:
    return not piece.isspace() and not piece.startswith("//")
