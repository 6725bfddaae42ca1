"""Decides requests: first what no configuration can lift, then the site's Cedar policy."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from importlib import resources
from pathlib import Path

import cedarpy

from copilot.actor import Actor, Role
from copilot.canonical import digest
from copilot.policy.decision import Decision, Rule
from copilot.policy.engine import ENGINE, Engine
from copilot.policy.entities import PlantEntities
from copilot.policy.errors import PolicyError
from copilot.policy.invariants import INVARIANTS, KNOWN_TOOL, broken
from copilot.policy.question import put
from copilot.policy.request import EXECUTOR, Request
from copilot.policy.rules import CedarRule, read_rules
from copilot.policy.subject import Subject
from copilot_tools.errors import Denied
from copilot_tools.site.model import Site

MOST_APPROVALS = 4


class Policy:
    """The policy in force at a site; immutable, safe to share between threads.

    `hash` and `schema_hash` are SHA-256 of the texts, `engine` the evaluator and its version,
    `plant_model` the SHA-256 of the plant model it decides with.
    """

    def __init__(self, text: str, origin: str, site: Site, live_age_s: float) -> None:
        schema_text = shipped("schema.cedarschema")
        schema = cedarpy.Schema.from_str(schema_text)
        taken = frozenset((*(invariant.id for invariant in INVARIANTS), KNOWN_TOOL))
        self._rules = read_rules(text, origin, schema, taken)
        self._engine = Engine(text, schema)
        self._entities = PlantEntities(site)
        self._check_names(origin)
        self._site = site
        self._live_age = timedelta(seconds=live_age_s)
        self.origin = origin
        self.text = text
        self.hash = digest(text)
        self.schema_hash = digest(schema_text)
        self.engine = ENGINE
        self.plant_model = site.digest

    @classmethod
    def load(cls, path: Path | None, site: Site, *, live_age_s: float = 30.0) -> "Policy":
        """The policy of a Cedar file, or the one that comes with the copilot; raises PolicyError.

        `live_age_s` is how old a live value may be, in seconds.
        """
        if path is None:
            return cls(shipped("default.cedar"), "default.cedar", site, live_age_s)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise PolicyError(f"{path}: there is no policy here") from None
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path}: cannot be read as UTF-8 text ({error})") from None
        return cls(text, str(path), site, live_age_s)

    @property
    def rules(self) -> tuple[CedarRule, ...]:
        """The rules of the site's policy, in the order of the file."""
        return tuple(self._rules.values())

    def decide(self, request: Request) -> Decision:
        """Whether the request is allowed, and by which rules."""
        subject = Subject(request, self._site, self._live_age)
        violations = tuple(broken(subject))
        if violations:
            return self._decision(False, violations, ())
        answer = self._engine.ask(put(subject, self._entities))
        rules = (known.rule for name, known in self._rules.items() if name in answer.policies)
        return self._decision(answer.allowed, rules, answer.errors)

    def approvals_needed(self, request: Request) -> int:
        """How many persons besides the proposer must agree; 0 when his own yes is enough.

        Raises Denied when no number of up to four is enough.
        """
        executor = Actor(EXECUTOR, Role.OPERATOR, authenticated=True)  # known by name, not by role
        last = replace(request, verb="execute", actor=executor, own=False)
        for count in range(MOST_APPROVALS + 1):
            last = replace(last, approvers=count, confirmed=count == 0)
            if self.decide(last).allowed:
                return count
        raise Denied(f"nobody can approve this: {self.decide(last).why()}")

    def _check_names(self, origin: str) -> None:
        """A rule about something that is not there never matches: a typo would lift a ban."""
        for rule in self._rules.values():
            for type, id in sorted(rule.names):
                if self._entities.lacks((type, id)):
                    where = f"{origin}:{rule.line}: rule {rule.rule.id!r}"
                    raise PolicyError(f'{where}: the plant model has no {type}::"{id}"')

    def _decision(self, allowed: bool, rules: Iterable[Rule], errors: tuple[str, ...]) -> Decision:
        known = (self.hash, self.schema_hash, self.engine)
        return Decision(allowed, tuple(rules), errors, *known)


def shipped(name: str) -> str:
    """The text of a file that comes with the policy: its schema, the default rules, their cases."""
    return resources.files("copilot.policy").joinpath(name).read_text("utf-8")


def describe_invariants() -> Mapping[str, str]:
    """What every invariant demands, by its id."""
    return {invariant.id: invariant.says for invariant in INVARIANTS}
