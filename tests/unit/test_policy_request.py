import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_fixture import POLICY, SITE, ask, speed

from copilot.canonical import read_strict, write_canonical
from copilot.policy.request import Request, read_request, write_request
from copilot_evals.policy_requests import stream


def through_the_log(request: Request) -> Request:
    return read_request(read_strict(write_canonical(write_request(request))))


@pytest.mark.parametrize(
    "request_",
    [
        speed(moved=0.1 + 0.2, tainted=True, own=True),
        ask("send_command", "MX-1.start", alarms=["MX-AL-2"]),
        ask("acknowledge_alarm", "MX-AL-1"),
        ask("request_purchase", "SEAL-2", unit_price=0.1, verb="execute", approvers=2),
        ask("hold_batch", "B-77", verb="approve", role="engineer", areas=["north", "south"]),
    ],
)
def test_a_request_comes_back_from_the_audit_log_as_it_was(request_: Request):
    assert through_the_log(request_) == request_


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back_as_they_were(value: float):
    request = speed()
    change = replace(request.change, new=value, old=-value)
    assert through_the_log(replace(request, change=change, moved=value)).change == change


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_can_be_written_down_and_is_refused_again(value: float):
    request = speed()
    live = replace(request.observed.live, value=value)
    request = replace(request, moved=value, observed=replace(request.observed, live=live))
    before, after = POLICY.decide(request), POLICY.decide(through_the_log(request))
    assert [rule.id for rule in before.rules] == [rule.id for rule in after.rules]
    assert not after.allowed


@pytest.mark.parametrize("value", [1, 1.0, True, "2026-11-21T12:00:00Z", "1", "", None, 2**63])
def test_values_keep_their_type(value: object):
    request = speed()
    change = replace(request.change, new=value)
    again = through_the_log(replace(request, change=change)).change.new
    assert again == value
    assert type(again) is type(value)


def test_what_was_decided_is_decided_again_from_the_log():
    for request in islice(stream(Random(17), SITE, hostile_share=0.0), 300):
        before, after = POLICY.decide(request), POLICY.decide(through_the_log(request))
        assert before == after


def test_what_was_hostile_is_decided_again_from_the_log():
    for request in islice(stream(Random(17), SITE, hostile_share=1.0), 300):
        assert POLICY.decide(through_the_log(request)).allowed == POLICY.decide(request).allowed


def test_microseconds_survive():
    at = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
    assert through_the_log(replace(speed(), at=at)).at == at


@pytest.mark.parametrize("missing", ["verb", "actor", "change", "observed", "at"])
def test_a_request_that_lacks_something_is_none(missing: str):
    content = write_request(speed())
    del content[missing]
    with pytest.raises(ValueError, match=f"is no policy request: {missing}"):
        read_request(content)


def test_what_is_written_is_plain_json():
    content = write_request(speed())
    assert json.loads(json.dumps(content)) == content
