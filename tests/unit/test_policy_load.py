from pathlib import Path

import pytest
from policy_fixture import DEFAULT, SITE, policy_of, speed

from copilot.policy.errors import PolicyError
from copilot.policy.policy import Policy

GOOD = '@id("a") @says("A")\npermit (principal, action, resource);\n'


def test_a_policy_of_a_file_decides_as_its_text_does(tmp_path: Path):
    file = tmp_path / "site.cedar"
    file.write_text(DEFAULT, encoding="utf-8")
    assert Policy.load(file, SITE).hash == policy_of(DEFAULT).hash
    assert Policy.load(file, SITE).decide(speed()).allowed


def test_a_policy_that_is_not_there_or_no_text_is_one_clear_line(tmp_path: Path):
    with pytest.raises(PolicyError, match=r"none\.cedar: there is no policy here"):
        Policy.load(tmp_path / "none.cedar", SITE)
    file = tmp_path / "latin.cedar"
    file.write_bytes(b"// \xe4")
    with pytest.raises(PolicyError, match=r"latin\.cedar: cannot be read as UTF-8"):
        Policy.load(file, SITE)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (GOOD + '// ; "\n@id("b") @says("B;")\npermit (principal, action resource);', ":4: unexp"),
        (GOOD + "\n\npermit (principal, action, resource)", ":5: unexpected end of input"),
        (GOOD + "permit (principal, action, resource);", r":3: the rule needs an @id"),
        (GOOD + '@id("b") permit (principal, action, resource);', r":3: the rule 'b' needs an @s"),
        (GOOD + '@id("b") @says(" ") permit (principal, action, resource);', "needs an @says"),
        (GOOD + '@id("B b") @says("B") permit (principal, action, resource);', "needs an @id"),
        (GOOD + GOOD, r":3: the @id 'a' is used already"),
        (GOOD.replace('"a"', '"bounds"'), r":1: the @id 'bounds' is used already"),
        (
            GOOD + '@id("b") @says("B") permit (principal == ?principal, action, resource);',
            "holds a template",
        ),
        (
            GOOD + '@id("b") @says("B")\nforbid (principal is User, action, resource)\n'
            'when { principal.rol == Role::"admin" };',
            r":3: rule 'b': attribute `rol` on entity type `User` not found",
        ),
        (
            '@id("b") @says("B") forbid (principal is User, action, resource)\n'
            'when { principal.role == Role::"admiral" };',
            ":1: rule 'b': .*admiral",
        ),
        (
            '@id("b") @says("B") forbid (principal, action == Action::"write.propose", resource);',
            ":1: rule 'b': unrecognized action",
        ),
        (
            '@id("b") @says("B") forbid (principal, action, resource) when { context.step > 1 };',
            ":1: rule 'b': attribute `step`",
        ),
        (
            '@id("b") @says("B") forbid (principal, action in Action::"write_setpoint", resource) '
            'when { context.step > "1" };',
            ":1: rule 'b': .*type",
        ),
        (
            GOOD + '@id("b") @says("B") forbid (principal, action, resource in Area::"nord");',
            ":3: rule 'b': the plant model has no Area::\"nord\"",
        ),
        (
            '@id("b") @says("B") forbid (principal, action, resource)\n'
            'when { [Asset::"MX-1", Asset::"MX-7"].contains(Asset::"MX-1") };',
            'the plant model has no Asset::"MX-7"',
        ),
    ],
)
def test_a_policy_that_cannot_be_in_force_is_one_clear_line(text: str, error: str):
    with pytest.raises(PolicyError, match=f"own.cedar.*{error}") as caught:
        policy_of(text)
    assert "\n" not in str(caught.value)


def test_a_policy_without_rules_allows_nothing():
    decision = policy_of("// nothing here\n").decide(speed())
    assert not decision.allowed
    assert decision.why() == "no rule permits this"


def test_rules_know_their_line_and_words_though_texts_hold_semicolons():
    rules = policy_of(
        '// first; "\n' + GOOD + '@id("b") @says("No; \\"never\\" // at all") // why;\n'
        "forbid (principal, action, resource)\nunless { true };\n"
    ).rules
    assert [(r.rule.id, r.effect, r.line) for r in rules] == [
        ("a", "permit", 2),
        ("b", "forbid", 4),
    ]
    assert rules[1].rule.says == 'No; "never" // at all'


def test_a_rule_may_speak_of_one_machine():
    text = DEFAULT + '@id("x") @says("Not this one") forbid (principal, action, resource in %s);'
    assert not policy_of(text % 'Asset::"MX-1"').decide(speed()).allowed
    assert policy_of(text % 'Asset::"CF-2"').decide(speed()).allowed
    assert not policy_of(text % 'Area::"north"').decide(speed()).allowed
