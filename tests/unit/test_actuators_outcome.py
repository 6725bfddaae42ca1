import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError
from hypothesis import given
from hypothesis import strategies as st

from copilot.executor.outcome import Effect, judge_fault, judge_status
from copilot.executor.watch import watch
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality
from copilot_tools.site.model import Node
from copilot_tools.sources.protocols import Reading

NODE = Node("urn:works", "s=x")
TIME = datetime(2026, 11, 21, 12, tzinfo=UTC)
BAD = 0x80000000


@given(st.integers(min_value=1, max_value=0xFFFFFFFF))
def test_no_other_code_than_zero_is_good(code: int):
    assert judge_status(code).outcome != "good"


@given(st.integers(min_value=1, max_value=BAD - 1))
def test_no_good_or_uncertain_code_is_a_refusal(code: int):
    assert judge_status(code).outcome == "uncertain"


@pytest.mark.parametrize(
    "name",
    [
        "BadTimeout",
        "BadRequestTimeout",
        "BadConnectionClosed",
        "BadSessionIdInvalid",
        "BadSecureChannelClosed",
        "BadInternalError",
        "BadUnexpectedError",
        "BadCommunicationError",
        "BadDeviceFailure",
        "BadNoCommunication",
        "BadOutOfService",
        "BadTooManyOperations",
    ],
)
def test_a_code_that_proves_nothing_is_no_refusal(name: str):
    code = getattr(StatusCodes, name)
    assert judge_status(code).outcome == "uncertain"
    assert judge_fault(UaStatusCodeError(code)).outcome == "uncertain"


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionError("gone"), ValueError(), AssertionError()]
)
def test_a_lost_answer_proves_nothing(error: Exception):
    sent = judge_fault(error)
    assert sent.outcome == "uncertain"
    assert sent.status


def _readings(text: str) -> Iterator[Reading | Unavailable]:
    """n: the new value, o: the old one, x: another, -: cannot be read."""
    for letter in text:
        if letter == "-":
            yield Unavailable("server", "it is gone")
        else:
            yield Reading(NODE, letter, Quality.GOOD, TIME, "Good")


def _judge(reading: Reading) -> Effect:
    return {"n": "applied", "o": "not_applied"}.get(str(reading.value), "unclear")  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("shown", "effect"),
    [
        ("nn", "applied"),
        ("onn", "applied"),
        ("-nn", "applied"),
        ("xxnn", "applied"),
        ("oooo", "not_applied"),
        ("nono", "unclear"),
        ("onon", "unclear"),
        ("ooon", "unclear"),
        ("nooo", "unclear"),
        ("xxxx", "unclear"),
        ("ooo-", "unclear"),
        ("-ooo", "unclear"),
        ("n-n-", "unclear"),
        ("----", "unclear"),
    ],
)
async def test_an_effect_has_to_hold_still(shown: str, effect: str):
    script = _readings(shown)

    async def look() -> Reading:
        await asyncio.sleep(0)
        reading = next(script)
        if isinstance(reading, Unavailable):
            raise reading
        return reading

    seen = await watch(look, _judge, "rpm", delay_s=0, pause_s=0, looks=4)
    assert (seen.effect, seen.unit) == (effect, "rpm")
