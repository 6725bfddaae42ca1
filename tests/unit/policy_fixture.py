"""The default policy on the plant of its cases, and requests to ask it."""

from copilot.policy.cases import Case, Table, build, read_table
from copilot.policy.policy import Policy, shipped
from copilot.policy.request import Request
from copilot_tools.site.load import parse_site

SITE = parse_site(shipped("default_plant.toml"), "default_plant.toml")
DEFAULT = shipped("default.cedar")
POLICY = Policy.load(None, SITE)
TABLE: Table = read_table(shipped("default_cases.toml"), "default_cases.toml")


def policy_of(text: str) -> Policy:
    """A policy of our own text on the same plant."""
    return Policy(text, "own.cedar", SITE, 30.0)


def without(id: str) -> str:
    """The default policy with one rule dropped."""
    lines = DEFAULT.splitlines(keepends=True)
    starts = [rule.line - 1 for rule in POLICY.rules]
    ends = [*starts[1:], len(lines)]
    position = [rule.rule.id for rule in POLICY.rules].index(id)
    return "".join(lines[: starts[position]] + lines[ends[position] :])


def ask(tool: str, target: str, **other: object) -> Request:
    """A request as a decision table describes it; an operator proposes where it does not say."""
    fields = {"name": "asked", "verb": "propose", "allowed": True, **other}
    return build(Case.model_validate({"tool": tool, "target": target, **fields}), SITE)


def speed(value: float = 200.5, live: float = 200.0, **other: object) -> Request:
    """A change of a mixer's speed: bounds 100 to 500 rpm, largest step 40, largest rate 60."""
    return ask("write_setpoint", "MX-1.speed", value=value, live=live, **other)
