import json
from dataclasses import replace
from random import Random

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_fixture import DEFAULT, POLICY, SITE, ask, policy_of, speed

from copilot.policy.engine import Engine, Question
from copilot.policy.entities import PlantEntities
from copilot.policy.policy import shipped
from copilot.policy.question import put
from copilot.policy.request import Request
from copilot.policy.subject import LARGEST, Subject
from copilot_evals.policy import LIVE_AGE
from copilot_evals.policy_requests import stream
from copilot_tools.errors import Denied
from copilot_tools.site.model import Site

SCHEMA = cedarpy.Schema.from_str(shipped("schema.cedarschema"))
ENTITIES = PlantEntities(SITE)
PERMIT_ALL = '@id("all") @says("Everything") permit (principal, action, resource);'


def question(request: Request, site: Site = SITE) -> Question:
    return put(Subject(request, site, LIVE_AGE), PlantEntities(site))


def ask_engine(asked: Question, policies: str = PERMIT_ALL):
    return Engine(policies, SCHEMA).ask(asked)


def test_a_sound_question_is_answered():
    assert ask_engine(question(speed())).allowed


@pytest.mark.parametrize("name", list(question(speed()).context))
def test_a_context_that_lacks_something_is_a_no(name: str):
    sound = question(speed())
    context = {key: value for key, value in sound.context.items() if key != name}
    answer = ask_engine(replace(sound, context=context))
    assert not answer.allowed
    assert answer.errors


def test_a_request_without_any_context_is_a_no():
    answer = ask_engine(replace(question(speed()), context={}))
    assert not answer.allowed
    assert answer.errors


@pytest.mark.parametrize(
    "number", [2**63, -(2**63) - 1, 10**400, 1.5, float("nan"), float("inf"), "1", True, None]
)
def test_a_number_that_is_no_long_is_a_no(number: object):
    sound = question(speed())
    answer = ask_engine(replace(sound, context={**sound.context, "step": number}))
    assert not answer.allowed
    assert answer.errors


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63)])
def test_a_forbid_that_overflows_is_not_skipped(number: int):
    policies = PERMIT_ALL + (
        '@id("no") @says("No") forbid (principal, action in Action::"write_setpoint", resource) '
        "when { context.step * 2 > 10 || context.step - 1 > 10 };"
    )
    sound = question(speed())
    answer = ask_engine(replace(sound, context={**sound.context, "step": number}), policies)
    assert not answer.allowed
    assert any("overflow" in error for error in answer.errors)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"principal": ("User", "nobody")},
        {"principal": ("Agent", "planner")},
        {"principal": ("Executor", "executor")},
        {"resource": ("Setpoint", "MX-9.speed")},
        {"resource": ("Pump", "MX-1")},
        {"resource": ("Setpoint", "\ud800")},
        {"action": "write_setpoint.shelve"},
        {"action": "write_setpoint"},
        {"entities": ["{"]},
        {"entities": ['{"uid": 3}']},
    ],
)
def test_who_and_what_nobody_knows_is_a_no(spoilt: dict):
    assert not ask_engine(replace(question(speed()), **spoilt), DEFAULT).allowed


def test_numbers_in_the_context_are_counts_of_the_resolution():
    context = question(speed(220.5, live=200.0, moved=20.0)).context
    expected = {
        "value": 441,
        "live": 400,
        "step": 41,
        "largest_step": 80,
        "moved": 40,
        "above_low": 241,
        "below_high": 559,
    }
    assert {name: context[name] for name in expected} == expected


def test_time_is_that_of_the_plant_in_summer_and_winter():
    for day in ("2026-01-05", "2026-07-06"):
        clock = question(speed(time=f"{day}T22:30:00")).context["clock"]
        assert clock == {"minute": 22 * 60 + 30, "weekday": 1}


def test_money_is_in_hundredths_begun_ones_counted():
    def total(price: float) -> int:
        request = ask("request_purchase", "SEAL-2", unit_price=price, quantity=3)
        return question(request).context["total"]

    assert [total(0.1), total(33.33), total(0.001), total(0.0)] == [30, 9999, 1, 0]


def test_active_alarms_are_counted_by_severity():
    request = ask("send_command", "MX-1.start", alarms=["MX-AL-1", "MX-AL-2"])
    machine = question(request).context["machine"]
    assert (machine["alarms"], machine["high_alarms"], machine["critical_alarms"]) == (2, 1, 1)
    cleared = tuple(replace(a, active=False) for a in request.observed.alarms)
    request = replace(request, observed=replace(request.observed, alarms=cleared))
    assert question(request).context["machine"]["alarms"] == 0


def test_a_setpoint_without_largest_step_is_weighed_against_its_bounds():
    request = ask("write_setpoint", "MX-1.vacuum", live=-500.0, value=-499.0)
    assert question(request).context["largest_step"] == 800


def test_no_number_that_is_asked_leaves_the_range_in_which_products_fit():
    request = speed(live=1e300)
    assert all(
        abs(number) <= 2 * LARGEST
        for number in question(request).context.values()
        if isinstance(number, int)
    )
    assert (2 * LARGEST) * LARGEST < 2**63


@pytest.mark.parametrize("areas", [["south", "north"], ["north", "south"], ["*"], ["*", "south"]])
def test_the_order_of_areas_does_not_matter(areas: list[str]):
    assert POLICY.decide(speed(areas=areas)).allowed


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_what_is_allowed_had_no_errors(seed: int):
    requests = stream(Random(seed), SITE, hostile_share=0.7)
    for decision in (POLICY.decide(next(requests)) for _ in range(20)):
        assert not (decision.allowed and decision.errors)
        assert decision.rules or not decision.allowed


MORE_BANS = [
    "forbid (principal, action, resource) when { context.tainted };",
    'forbid (principal is User, action, resource) when { principal.role == Role::"operator" };',
    'forbid (principal, action in Action::"execute", resource);',
    "forbid (principal, action, resource is Setpoint) when { context.step > 10 };",
    "forbid (principal, action, resource is Setpoint) "
    "when { context.step * 9223372036854775807 > 1 };",
    'forbid (principal, action, resource in Area::"north");',
]


@pytest.mark.parametrize("ban", MORE_BANS)
def test_one_more_ban_never_allows_more(ban: str):
    stricter = policy_of(f'{DEFAULT}\n@id("one-more") @says("One more") {ban}')
    requests = stream(Random(11), SITE, hostile_share=0.1)
    answers = [
        (stricter.decide(request).allowed, POLICY.decide(request).allowed)
        for request in (next(requests) for _ in range(1500))
    ]
    assert not [pair for pair in answers if pair == (True, False)]
    assert (False, True) in answers


def test_a_ban_on_everything_leaves_nothing():
    policy = policy_of(DEFAULT + '@id("x") @says("No") forbid (principal, action, resource);')
    requests = stream(Random(5), SITE, hostile_share=0.0)
    assert not any(policy.decide(next(requests)).allowed for _ in range(50))


def test_default_deny_says_so():
    decision = POLICY.decide(speed(verb="approve"))
    assert decision.why() == "no rule permits this"
    assert not decision.errors


def test_a_decision_names_the_policy_the_schema_and_the_engine():
    decision = POLICY.decide(speed())
    assert (decision.policy, decision.schema) == (POLICY.hash, POLICY.schema_hash)
    assert decision.engine.startswith("cedarpy 4.")
    assert len(decision.policy) == 64
    assert policy_of(DEFAULT + "\n").hash != POLICY.hash


@pytest.mark.parametrize(
    ("request_", "needed"),
    [
        (speed(), 1),
        (speed(tainted=True), 2),
        (ask("write_setpoint", "MX-1.vacuum", live=-500.0, value=-499.0), 2),
        (ask("send_command", "MX-1.stop"), 1),
        (ask("send_command", "MX-1.open"), 2),
        (ask("acknowledge_alarm", "MX-AL-1"), 0),
        (ask("create_work_order", "MX-1"), 0),
        (ask("create_work_order", "MX-1", tainted=True), 2),
        (ask("reserve_part", "SEAL-2"), 0),
        (ask("request_purchase", "SEAL-2", unit_price=1000.0), 1),
        (ask("request_purchase", "SEAL-2", unit_price=1000.01), 2),
        (ask("hold_batch", "B-77"), 1),
    ],
)
def test_how_many_have_to_agree(request_: Request, needed: int):
    assert POLICY.approvals_needed(request_) == needed


def test_what_nobody_can_approve_is_denied_with_the_reason():
    with pytest.raises(Denied, match="more than MX-1.speed may take, 40 rpm"):
        POLICY.approvals_needed(speed(250.0))
    five = DEFAULT + (
        '@id("five") @says("Five have to agree") '
        'forbid (principal, action in Action::"execute", resource) '
        "when { context.approval.count < 5 };"
    )
    with pytest.raises(Denied, match="Five have to agree"):
        policy_of(five).approvals_needed(speed())


def test_entities_are_as_the_schema_describes_them():
    described = [*ENTITIES.target(("Setpoint", "MX-1.speed")), ENTITIES.user(speed().actor)]
    cedarpy.Entities.from_json_str(f"[{','.join(described)}]", SCHEMA)
    everywhere = replace(speed().actor, areas=("*",))
    areas = json.loads(ENTITIES.user(everywhere))["attrs"]["areas"]
    assert [area["__entity"]["id"] for area in areas] == ["north", "south"]
