"""What policy answers: allowed or not, by which rules, under which policy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that took part in a decision: its id, and what it says in plain words."""

    id: str
    says: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one request.

    `rules` are those that allowed it, or those that forbade it; none when nothing permits it.
    `errors` is never anything but empty when it is allowed. `policy` and `schema` are SHA-256
    hashes of the texts in force, `engine` names the evaluator and its version.
    """

    allowed: bool
    rules: tuple[Rule, ...]
    errors: tuple[str, ...]
    policy: str
    schema: str
    engine: str

    def why(self) -> str:
        """The reason in one plain line."""
        if self.errors:
            return "policy could not be evaluated, so nothing is allowed"
        if not self.rules:
            return "no rule permits this"
        return "; ".join(dict.fromkeys(rule.says for rule in self.rules))
