"""23: numbers that are none, texts that look like numbers, keys that are there twice."""

import json

import pytest
from desk_fixture import SITE, Office
from hypothesis import given
from hypothesis import strategies as st

from copilot.canonical import read_strict, write_canonical
from copilot.policy.policy import Policy
from copilot.policy.request import Request, read_request, write_request
from copilot.proposal import freeze, thaw
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Denied, Retry

NOT_FINITE = [float("nan"), float("inf"), float("-inf")]
NOT_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"]


def planned(value: object) -> dict[str, object]:
    return {"tool": "write_setpoint", "asset": "M-1", "setpoint": "speed", "value": value}


@pytest.mark.parametrize("value", [*NOT_FINITE, 1e999, "85", "1_000", True, None, [85], {"v": 85}])
def test_a_planned_call_takes_finite_numbers_only(value: object):
    with pytest.raises(Retry, match="value"):
        CATALOGUE.check(planned(value))


def test_a_planned_call_takes_nothing_it_does_not_know():
    with pytest.raises(Retry, match="max"):
        CATALOGUE.check({**planned(85.0), "max": 1e9})
    assert CATALOGUE.check(planned(85)).arguments["value"] == 85.0


@pytest.mark.parametrize("number", NOT_NUMBERS)
def test_json_with_numbers_that_are_none_is_not_read(number: str):
    with pytest.raises(ValueError, match="no number"):
        read_strict(f'{{"value":{number}}}')


@pytest.mark.parametrize(
    "text",
    [
        '{"value":85,"value":850}',
        '{"change":{"value":85,"value":850}}',
        '{"list":[{"value":85,"value":850}]}',
        '{"value":85,"\\u0076alue":850}',
        '{"deep":' + "[" * 100_000 + "]" * 100_000 + "}",
        "[1]",
        "85",
        "{",
        "",
    ],
)
def test_json_that_says_two_things_or_is_no_object_is_not_read(text: str):
    with pytest.raises(ValueError, match=r"twice|object|deeply|Expecting"):
        read_strict(text)


@pytest.mark.parametrize("value", NOT_FINITE)
def test_json_with_numbers_that_are_none_is_not_written(value: float):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_canonical({"value": value})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_other_number_comes_back_as_it_was(value: float):
    text = write_canonical({"value": value})
    assert write_canonical(read_strict(text)) == text
    assert read_strict(text)["value"] == value


@pytest.mark.parametrize(
    "number",
    ["0.1000000000000000055511151231257827", "1050.00000000000000001", "9007199254740993.0"],
)
def test_a_decimal_that_would_be_rounded_is_not_read(number: str):
    with pytest.raises(ValueError, match="no number that can be kept"):
        read_strict(f'{{"value":{number}}}')
    assert read_strict('{"value":1050.50}') == {"value": 1050.5}


@pytest.mark.parametrize("bad", ['"new":NaN', '"new":1050.0,"new":10500.0', '"new":1e999'])
def test_a_stored_proposal_with_such_a_value_is_none(office: Office, bad: str):
    payload, _ = freeze(office.proposal("olga", office.change("M-1.speed", 1050.0)))
    assert thaw(payload).change.new == 1050.0
    altered = payload.replace('"new":1050.0', bad)
    assert altered != payload
    with pytest.raises(ValueError, match=r"twice|no number"):
        thaw(altered)


@pytest.mark.parametrize("value", [*NOT_FINITE, "1050", True, None, 1050.0000001, 10.0**300])
def test_policy_denies_a_value_that_is_none(office: Office, value: object):
    change = office.change("M-1.speed", 1050.0)
    odd = {**change.arguments, "value": value}
    request = asking(office, arguments=odd, new=value)
    assert not Policy.load(None, SITE).decide(request).allowed
    assert Policy.load(None, SITE).decide(asking(office)).allowed


@pytest.mark.parametrize("value", [*NOT_FINITE, True, "1050"])
def test_such_a_value_is_refused_by_the_desk_and_not_stored(office: Office, value: object):
    change = office.change("M-1.speed", 1050.0)
    odd = office.change("M-1.speed", 1050.0, arguments={**change.arguments, "value": value})
    try:
        record = office.file(odd)
        assert record.state == "policy_denied"
    except (Denied, Retry, ValueError):
        assert office.desk.list() == []
    assert office.verify().ok


@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_request_with_such_a_value_can_be_put_on_record_and_replayed(
    office: Office, value: float
):
    request = asking(office, new=value)
    text = json.dumps(write_request(request), allow_nan=False)
    again = read_request(read_strict(text))
    assert not Policy.load(None, SITE).decide(again).allowed


def asking(office: Office, **other: object) -> Request:
    change = office.change("M-1.speed", 1050.0, **other)
    observed = office.seen(change.target)
    return Request("propose", office.actor("olga"), change, observed, office.clock())
