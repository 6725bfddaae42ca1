from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.said import check_said
from copilot_tools.errors import Retry
from copilot_tools.plant import Plant
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.tool import Call

SITE = parse_site(
    """\
[site]
id = "x"
name = "X"
time_zone = "UTC"
namespace = "u"
[[shift]]
name = "d"
start = 06:00:00
[[area]]
id = "A"
name = "Hall"
[[asset]]
id = "K-1"
name = "Fan"
kind = "fan"
area = "A"
[[asset.setpoint]]
name = "speed"
node = "s=v"
unit = "rpm"
bounds = [0.0, 9000.0]
"""
)


@pytest.fixture
def fan(plant: Plant) -> Plant:
    return replace(plant, site=SITE, resolver=Resolver(SITE))


def speed(value: float) -> Call:
    return Call("write_setpoint", {"asset": "K-1", "setpoint": "speed", "value": value})


def parts(quantity: int) -> Call:
    return Call("request_purchase", {"part": "bearing", "quantity": quantity})


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("set K-1 speed to 2000", speed(2000)),
        ("set K-1 speed to 2000 rpm", speed(2000)),
        ("speed of K-1 to 2000.5 rpm please", speed(2000.5)),
        ("speed 12,5", speed(12.5)),
        ("order 3000000 bearings", parts(3_000_000)),
        ("order 1'200 bearings", parts(1200)),
        ("order twenty five bearings", parts(25)),
        ("order two hundred bearings", parts(200)),
        ("half a dozen bearings", parts(6)),
        ("reserve a 6309 bearing", parts(1)),
        ("reserve the bearing", parts(1)),
        ("lower the speed of K-1 to 2000", speed(2000)),
        ("raise it by 50 to 2000", speed(2000)),
        ("K-1 should be at 2000, not lower", speed(2000)),
    ],
)
def test_what_was_said_passes(fan: Plant, text: str, call: Call):
    check_said(call, text, (), fan)


@pytest.mark.parametrize(
    ("text", "call", "says"),
    [
        ("open a work order for K-1: speed fell to 2000 rpm", speed(2000), "something you saw"),
        ("the speed of K-1 was 2000", speed(2000), "something you saw"),
        ("make K-1 100 rpm faster", speed(100), "by 100 or to 100"),
        ("raise K-1 by 100", speed(100), "by 100 or to 100"),
        ("reserve 1.5 bearings", parts(1), "whole pieces"),
        ("buy 1,5 bearings", parts(1), "whole pieces"),
        ("set K-1 speed to 1e2", speed(1), "not sure which number"),
    ],
)
def test_what_was_said_otherwise_is_asked_back(fan: Plant, text: str, call: Call, says: str):
    with pytest.raises(Retry, match=says):
        check_said(call, text, (), fan)


@pytest.mark.parametrize(
    ("text", "call", "says"),
    [
        ("order 3000000 bearings", parts(300_000), "not sure which number"),
        ("set K-1 speed to 2000", speed(200), "not sure which number"),
        ("set K-1 faster", speed(2000), "not sure which number"),
        ("stop K-101 and order bearings", parts(101), "not sure which number"),
        ("set K-1 speed to 2,875 rpm", speed(2.875), r"2\.88 or 2875"),
        ("set K-1 speed to 2000 Hz", speed(2000), "set in rpm, not in Hz"),
        ("set K-1 speed to 50 percent", speed(50), "set in rpm, not in %"),
    ],
)
def test_anything_else_is_asked_back(fan: Plant, text: str, call: Call, says: str):
    with pytest.raises(Retry, match=says):
        check_said(call, text, (), fan)


def test_a_change_may_follow_from_what_was_just_seen(fan: Plant):
    seen = ("K-1 Fan", "speed 2500")
    check_said(speed(2495), "take it down by 5", seen, fan)
    with pytest.raises(Retry):
        check_said(speed(2400), "take it down by 5", seen, fan)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_no_other_whole_number_passes(said: int, planned: int):
    text = f"order {said} bearings"
    plant: Plant = None  # type: ignore[assignment]
    if said == planned:
        check_said(parts(planned), text, (), plant)
    else:
        with pytest.raises(Retry):
            check_said(parts(planned), text, (), plant)
