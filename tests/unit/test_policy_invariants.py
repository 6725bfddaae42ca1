from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_fixture import POLICY, SITE, ask, policy_of, speed

from copilot.actor import Role
from copilot.policy.invariants import INVARIANTS
from copilot.policy.policy import Policy
from copilot.policy.request import EXECUTOR, Request
from copilot_tools.changes import Target
from copilot_tools.facts import Quality, Range, Value
from copilot_tools.site.model import Node, SafetyClass, Site

ANYTHING = policy_of('@id("all") @says("Everything") permit (principal, action, resource);')
AWKWARD = [float("nan"), float("inf"), -float("inf"), 10**400, "85", "", True, False, None]


def broken(request: Request, policy: Policy = ANYTHING) -> set[str]:
    decision = policy.decide(request)
    assert not decision.errors
    return set() if decision.allowed else {rule.id for rule in decision.rules}


def with_value(request: Request, value: Value) -> Request:
    arguments = {**request.change.arguments, "value": value}
    return replace(request, change=replace(request.change, new=value, arguments=arguments))


def seeing(request: Request, **observed: Any) -> Request:
    return replace(request, observed=replace(request.observed, **observed))


def changing(request: Request, **change: Any) -> Request:
    return replace(request, change=replace(request.change, **change))


def aimed_at(request: Request, target: Target) -> Request:
    return seeing(changing(request, target=target), target=target)


def site_with(**changes: Any) -> Site:
    """The same plant with the speed setpoint of its mixer changed."""
    mixer = SITE.assets["MX-1"]
    speeds = tuple(replace(s, **changes) if s.name == "speed" else s for s in mixer.setpoints)
    return replace(SITE, assets={**SITE.assets, "MX-1": replace(mixer, setpoints=speeds)})


def test_a_policy_that_permits_everything_permits_what_breaks_no_invariant():
    assert broken(speed()) == set()


@pytest.mark.parametrize("value", AWKWARD, ids=repr)
def test_only_finite_numbers_are_written(value: Value):
    assert "finite-number" in broken(with_value(speed(), value))


def test_a_whole_number_is_a_number():
    assert broken(with_value(speed(), 201)) == set()


@pytest.mark.parametrize("value", AWKWARD, ids=repr)
def test_a_present_value_that_is_no_finite_number_counts_as_unseen(value: Value):
    request = speed()
    live = replace(request.observed.live, value=value)
    assert "live-value" in broken(seeing(request, live=live))


def test_a_present_value_of_no_certain_time_is_refused():
    request = speed()
    live = replace(request.observed.live, time=request.at.replace(tzinfo=None))
    assert broken(seeing(request, live=live)) == {"live-age"}


def test_what_is_unseen_says_why():
    request = seeing(speed(), live=None, problems=("OPC UA is not reachable: no answer",))
    assert "OPC UA is not reachable" in POLICY.decide(request).why()


@pytest.mark.parametrize(
    ("unseen", "rule"),
    [
        ({"state": None}, "state-seen"),
        ({"lockout": None}, "lock-out"),
        ({"alarms": None}, "alarms-seen"),
        ({"live": None}, "live-value"),
        ({"watched": {}}, "neighbours-seen"),
    ],
)
def test_what_cannot_be_seen_is_refused(unseen: dict, rule: str):
    assert broken(seeing(speed(), **unseen)) == {rule}


@pytest.mark.parametrize("what", ["state", "lockout"])
@pytest.mark.parametrize("quality", [Quality.UNCERTAIN, Quality.BAD, Quality.STALE])
def test_state_and_lock_out_have_to_be_of_good_quality(what: str, quality: Quality):
    request = speed()
    reading = replace(getattr(request.observed, what), quality=quality)
    assert len(broken(seeing(request, **{what: reading}))) == 1


@pytest.mark.parametrize("value", [0, 0.0, "off", "", 1])
def test_a_lock_out_that_is_no_switch_is_no_lock_out_that_is_off(value: Value):
    request = speed()
    lockout = replace(request.observed.lockout, value=value)
    assert broken(seeing(request, lockout=lockout)) == {"lock-out"}


def test_a_machine_without_lock_out_switch_is_never_written():
    mixer = replace(SITE.assets["MX-1"], lockout_node=None)
    site = replace(SITE, assets={**SITE.assets, "MX-1": mixer})
    assert broken(speed(), Policy(ANYTHING.text, "own", site, 30.0)) == {"lock-out"}


@pytest.mark.parametrize(("seconds", "holds"), [(30, True), (30.001, False), (-30.001, False)])
def test_the_plant_was_looked_at_just_now(seconds: float, holds: bool):
    request = speed()
    request = seeing(request, at=request.at - timedelta(seconds=seconds))
    assert broken(request) == (set() if holds else {"observed-now"})


def test_how_old_a_value_may_be_is_set_by_the_site():
    patient = Policy(ANYTHING.text, "own", SITE, 60.0)
    assert broken(speed(age_s=60.0), patient) == set()
    assert broken(speed(age_s=60.001), patient) == {"live-age"}


@pytest.mark.parametrize("moved", [float("nan"), float("inf"), -0.5])
def test_what_was_moved_before_is_a_distance(moved: float):
    assert "sound" in broken(replace(speed(), moved=moved))


@pytest.mark.parametrize("approvers", [-1, 10**9 + 1, 10**30, True])
def test_approvals_are_counted_in_small_whole_numbers(approvers: int):
    assert broken(replace(speed(), approvers=approvers)) == {"sound"}


def test_a_time_without_zone_is_no_time():
    request = speed()
    assert "sound" in broken(replace(request, at=request.at.replace(tzinfo=None)))


def test_only_the_executor_executes_and_it_does_nothing_else():
    executes = speed(verb="execute", approvers=1)
    somebody = replace(executes.actor, name="somebody", role=Role.ENGINEER)
    assert broken(executes) == set()
    assert broken(replace(executes, actor=somebody)) == {"executor-alone"}
    for verb in ("propose", "approve"):
        request = speed(verb=verb)
        posing = replace(request.actor, name=EXECUTOR)
        assert broken(replace(request, actor=posing)) == {"executor-alone"}


def test_nothing_is_carried_out_that_nobody_agreed_to():
    assert broken(speed(verb="execute")) == {"agreed"}
    assert broken(speed(verb="execute", confirmed=True)) == set()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: replace(t, key="MX-1.haste"),
        lambda t: replace(t, key=""),
        lambda t: replace(t, asset="CF-2"),
        lambda t: replace(t, node=Node("urn:policy:cases", "s=MX-1.vacuum_setpoint")),
        lambda t: replace(t, node=None),
        lambda t: replace(t, block=Node("urn:policy:cases", "s=MX-1.command")),
        lambda t: replace(t, kind="batch"),
    ],
)
def test_the_target_has_to_stand_in_the_plant_model_as_it_is_named(
    spoil: Callable[[Target], Target],
):
    request = speed()
    assert "known-target" in broken(aimed_at(request, spoil(request.change.target)))


def test_what_was_observed_is_what_is_changed():
    request = speed()
    elsewhere = replace(request.change.target, key="MX-1.vacuum")
    assert broken(seeing(request, target=elsewhere)) == {"known-target"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("asset", "CF-2"), ("setpoint", "vacuum"), ("value", 400.0), ("value", 200), ("value", None)],
)
def test_the_arguments_say_the_same_as_the_change(name: str, value: Value):
    request = speed()
    arguments = {**request.change.arguments, name: value}
    assert broken(changing(request, arguments=arguments)) == {"as-shown"}


def test_an_argument_that_is_missing_is_not_what_is_shown():
    request = changing(speed(), new=None, arguments={"asset": "MX-1", "setpoint": "speed"})
    assert broken(request) == {"as-shown", "finite-number"}


def test_a_value_in_another_unit_is_another_value():
    assert broken(changing(speed(), unit="Hz")) == {"as-shown"}


@pytest.mark.parametrize("tool", ["", "shelve_alarm", "write_setpoint.execute"])
def test_a_tool_that_policy_does_not_know_is_refused(tool: str):
    assert broken(changing(speed(), tool=tool)) == {"known-tool"}


def test_the_safety_system_is_refused_even_where_the_plant_model_says_writable():
    policy = Policy(ANYTHING.text, "own", site_with(safety=SafetyClass.SIS), 30.0)
    assert broken(speed(), policy) == {"safety-system"}


def test_a_command_of_the_safety_system_is_refused_even_where_it_is_allowed():
    mixer = SITE.assets["MX-1"]
    commands = tuple(replace(c, allowed=True) for c in mixer.commands)
    site = replace(SITE, assets={**SITE.assets, "MX-1": replace(mixer, commands=commands)})
    policy = Policy(ANYTHING.text, "own", site, 30.0)
    assert broken(ask("send_command", "MX-1.close"), policy) == {"safety-system"}


def test_the_command_block_is_part_of_the_target():
    request = ask("write_setpoint", "CF-2.speed")
    assert broken(request) == set()
    target = replace(request.change.target, block=None)
    assert broken(aimed_at(request, target)) == {"known-target"}


@pytest.mark.parametrize("verb", ["propose", "execute"])
@pytest.mark.parametrize(
    ("value", "apart"), [(1000.0, False), (1002.0, False), (998.0, False), (1003.0, True)]
)
def test_an_effect_that_could_not_be_told_is_refused(verb: str, value: float, apart: bool):
    request = ask("write_setpoint", "CF-2.speed", verb=verb, approvers=1, live=1000.0, value=value)
    assert broken(request) == (set() if apart else {"visible"})


def test_a_value_that_a_32_bit_float_cannot_tell_is_refused():
    policy = Policy(ANYTHING.text, "own", site_with(max_step=None, max_rate=None), 30.0)
    fine = Policy(ANYTHING.text, "own", site_with(resolution=1e-5, tolerance=5e-6), 30.0)
    assert broken(speed(200.5, 200.0), policy) == set()
    assert broken(speed(200.0001, 200.0), fine) == {"visible"}
    assert broken(speed(200.0003, 200.0), fine) == set()


@pytest.mark.parametrize(("live", "refused"), [(1025.0, True), (1050.0, False)])
def test_the_largest_step_is_exact_at_a_coarse_resolution(live: float, refused: bool):
    coarse = site_with(
        bounds=Range(500.0, 2000.0), resolution=50.0, tolerance=25.0, max_step=100.0, max_rate=None
    )
    policy = Policy(ANYTHING.text, "own", coarse, 30.0)
    assert broken(speed(1150.0, live), policy) == ({"largest-step"} if refused else set())


def test_without_a_largest_step_or_rate_the_bounds_are_the_limit():
    policy = Policy(ANYTHING.text, "own", site_with(max_step=None, max_rate=None), 30.0)
    assert broken(speed(500.0, 100.0), policy) == set()


def test_the_words_hold_the_numbers_with_their_units():
    words = POLICY.decide(speed(240.5)).why()
    assert "40.5 rpm" in words
    assert "40 rpm" in words
    words = POLICY.decide(speed(220.5, moved=40.0)).why()
    assert "60 rpm an hour" in words
    assert "40 rpm" in words
    assert "100 to 500 rpm" in POLICY.decide(speed(99.5, 110.0)).why()


def test_an_alarm_is_acknowledged_only_while_it_waits_for_it():
    request = ask("acknowledge_alarm", "MX-AL-1")
    acknowledged = tuple(replace(a, acknowledged=True) for a in request.observed.alarms)
    assert broken(request) == set()
    assert broken(seeing(request, alarms=acknowledged)) == {"standing"}
    assert broken(seeing(request, alarms=())) == {"standing"}
    assert broken(seeing(request, alarms=None)) == {"alarms-seen"}


@pytest.mark.parametrize("quantity", [0, -1, 1.0, 10**9 + 1, "1", True, None])
@pytest.mark.parametrize("tool", ["reserve_part", "request_purchase"])
def test_quantities_are_whole_numbers(tool: str, quantity: Value):
    request = ask(tool, "SEAL-2")
    arguments = {**request.change.arguments, "quantity": quantity}
    assert "quantity" in broken(changing(request, arguments=arguments))


@pytest.mark.parametrize("price", [None, float("nan"), float("inf"), -0.01, "1", True, 1e300])
def test_a_purchase_has_a_price(price: Value):
    request = ask("request_purchase", "SEAL-2", role="technician")
    arguments = {**request.change.arguments, "unit_price": price}
    assert broken(changing(request, arguments=arguments)) == {"total"}


@pytest.mark.parametrize("title", ["", "  ", None, 3])
def test_a_work_order_has_a_title(title: Value):
    request = ask("create_work_order", "MX-1")
    arguments = {**request.change.arguments, "title": title}
    assert broken(changing(request, arguments=arguments)) == {"work-order"}


NUMBERS = st.one_of(st.floats(), st.integers(180, 1020).map(lambda counts: counts / 2))


@given(value=NUMBERS, live=NUMBERS, moved=NUMBERS)
def test_no_number_gets_past_the_invariants_unless_every_limit_holds(
    value: float, live: float, moved: float
):
    request = speed()
    seen = seeing(request, live=replace(request.observed.live, value=live))
    if not broken(with_value(replace(seen, moved=moved), value)):
        assert 100.0 <= value <= 500.0
        assert value * 2 == int(value * 2)
        assert 0.25 < abs(value - live) <= 40.0005
        assert 0.0 <= moved <= 60.0005


def test_each_invariant_has_an_id_of_its_own_and_plain_words():
    assert len({i.id for i in INVARIANTS}) == len(INVARIANTS)
    assert all(i.says and "\n" not in i.says for i in INVARIANTS)
