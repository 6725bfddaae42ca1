from pathlib import Path

import pytest
from policy_fixture import DEFAULT, POLICY, SITE, TABLE, policy_of, without

from copilot.policy.cases import Case, Table, load_table, read_table, try_cases
from copilot.policy.errors import PolicyError
from copilot.policy.invariants import INVARIANTS
from copilot.policy.policy import Policy
from copilot.policy.subject import TARGETS
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.tool import Risk

PROPOSING = [tool.name for tool in CATALOGUE if tool.risk is Risk.PROPOSE]
VERBS = ("propose", "approve", "execute")
RULES = [rule.rule.id for rule in POLICY.rules]
WORDS = [pytest.param(line, case, id=case.name) for line, case in TABLE.cases]


@pytest.mark.parametrize(("line", "case"), WORDS)
def test_the_default_policy_answers_each_case_as_it_should(line: int, case: Case):
    (outcome,) = try_cases(POLICY, SITE, Table("default_cases.toml", ((line, case),)))
    assert outcome.right, (line, outcome.decision)
    assert case.rules is not None


def test_each_case_has_a_name_of_its_own():
    names = [case.name for _, case in TABLE.cases]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("id", RULES)
def test_dropping_a_rule_changes_the_answer_to_a_case(id: str):
    policy = policy_of(without(id))
    changed = [o for o in try_cases(policy, SITE, TABLE) if o.decision.allowed != o.case.allowed]
    assert changed


@pytest.mark.parametrize("id", RULES)
def test_each_rule_is_named_by_a_case_alone(id: str):
    assert any(case.rules == (id,) for _, case in TABLE.cases)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("tool", PROPOSING)
def test_every_propose_tool_can_be_allowed_and_refused(tool: str, verb: str):
    answers = {case.allowed for _, case in TABLE.cases if case.tool == tool and case.verb == verb}
    assert answers == {True, False}


def test_policy_knows_the_propose_tools_and_no_others():
    assert set(TARGETS) == set(PROPOSING)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("tool", PROPOSING)
def test_every_propose_tool_has_its_actions_in_the_schema(tool: str, verb: str):
    rule = '@id("one") @says("one") permit (principal, action == Action::"%s", resource);'
    assert policy_of(rule % f"{tool}.{verb}").rules
    with pytest.raises(PolicyError, match="unrecognized action"):
        policy_of(rule % f"{tool}.shelve")


def test_the_default_policy_is_long_enough_to_be_worth_reading():
    assert len(RULES) >= 14
    assert Policy.load(None, SITE).text == DEFAULT


def test_the_handbook_lists_every_rule_and_invariant():
    handbook = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    for rule in POLICY.rules:
        assert f"| `{rule.rule.id}` | {rule.effect} | {rule.rule.says} |" in handbook
    for invariant in INVARIANTS:
        assert f"| `{invariant.id}` | {invariant.says} |" in handbook


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[[case]\n", "t.toml: not valid TOML"),
        ("x = 1\n", r"t.toml: a decision table holds \[\[case\]\]"),
        ("[[case]]\nname = 'a'\nverb = 'do'\n", "t.toml:3: verb"),
        ("[[case]]\nname = 'a'\ncolour = 1\n", "t.toml:1: verb: Field required"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_clear_line(text: str, error: str):
    with pytest.raises(PolicyError, match=error) as caught:
        read_table(text, "t.toml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("tool", "target", "error"),
    [
        ("write_setpoint", "MX-9.speed", "t.toml:1: 'MX-9.speed' is no setpoint"),
        ("shelve_alarm", "MX-AL-1", "t.toml:1: there is no tool 'shelve_alarm'"),
        ("acknowledge_alarm", "MX-AL-9", "'MX-AL-9' is no alarm"),
        ("create_work_order", "MX-9", "'MX-9' is no asset"),
    ],
)
def test_a_case_about_nothing_of_the_site_names_its_line(tool: str, target: str, error: str):
    text = (
        f"[[case]]\nname = 'a'\nverb = 'propose'\ntool = '{tool}'\ntarget = '{target}'\n"
        "allowed = true\n"
    )
    with pytest.raises(PolicyError, match=error):
        list(try_cases(POLICY, SITE, read_table(text, "t.toml")))


def test_a_table_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(PolicyError, match=r"none\.toml: cannot be read"):
        load_table(tmp_path / "none.toml")
