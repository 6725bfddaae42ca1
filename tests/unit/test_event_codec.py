"""Events survive being kept: what is read is what was written, to the last bit."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.events import Answered, Ended, Event, Noticed, Outcome, Planned, Problem, Queued
from copilot.runs.codec import read_event, write_event
from copilot_tools.changes import Change, Precondition, Target
from copilot_tools.errors import Candidate
from copilot_tools.facts import (
    Column,
    Fact,
    Findings,
    Picture,
    Quality,
    Quote,
    Range,
    Series,
    Source,
    Table,
)
from copilot_tools.site.model import Node
from copilot_tools.tool import Call

texts = st.text(max_size=12)
numbers = st.floats(allow_nan=False)
times = st.datetimes(timezones=st.just(UTC))
values = st.one_of(numbers, st.integers(), st.booleans(), texts, times, st.none())
sources = st.builds(Source, texts, texts)
ranges = st.none() | st.builds(Range, st.none() | numbers, st.none() | numbers)
qualities = st.sampled_from(Quality)


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=2).map(tuple)


facts = st.builds(
    Fact, texts, texts, values, sources, times, texts, qualities, ranges, ranges, texts
)
series = st.builds(
    Series, texts, texts, texts, some(times), some(st.none() | numbers), sources, ranges
)
tables = st.builds(
    Table, texts, some(st.builds(Column, texts, texts)), some(some(values)), st.integers(),
    sources, times,
)  # fmt: skip
paths = st.sampled_from((Path("/images/a.png"), Path("b.png")))
whole = st.integers()
pictures = st.builds(
    Picture, texts, paths, some(st.tuples(whole, whole, whole, whole)), sources, times
)
quotes = st.builds(Quote, texts, texts, texts, whole, texts, texts)
nodes = st.none() | st.builds(Node, texts, texts)
changes = st.builds(
    Change,
    texts,
    st.builds(Target, st.sampled_from(("setpoint", "part")), texts, texts, nodes, nodes),
    st.dictionaries(texts, values, max_size=2),
    texts,
    values,
    values,
    texts,
    texts,
    some(
        st.builds(
            Precondition,
            st.sampled_from(("state", "value")),
            texts,
            texts,
            values,
            times,
            qualities,
            texts,
            numbers,
        )
    ),
)
findings = st.builds(
    Findings, texts, some(facts), some(series), some(tables), some(pictures), some(quotes),
    some(texts), some(texts), st.none() | changes,
)  # fmt: skip
problems = st.builds(
    Problem,
    st.sampled_from(("retry", "unavailable")),
    texts,
    some(st.builds(Candidate, texts, texts, numbers)),
    st.none() | times,
    some(facts),
)
arguments = st.one_of(texts, numbers, st.integers(), st.booleans(), st.lists(texts, max_size=2))
calls = st.builds(Call, texts, st.dictionaries(texts, arguments, max_size=2))
outcomes = st.builds(Outcome, whole, calls, findings | problems, numbers)
events = st.one_of(
    st.builds(Queued, whole),
    st.builds(Planned, some(calls)),
    outcomes,
    st.builds(Answered, texts, some(outcomes)),
    st.builds(Noticed, texts),
    st.builds(Ended, numbers, st.none() | numbers, numbers),
)


@given(events)
def test_an_event_is_read_as_it_was_written(event: Event):
    text = write_event(event)
    assert text.isascii()
    again = read_event(text)
    assert again == event
    assert write_event(again) == text


def test_kinds_of_values_stay_apart():
    at = datetime(2026, 11, 21, 11, 0, 0, 7, tzinfo=UTC)
    fact = Fact("M-1", "x", 1, Source("OPC UA", "s=x"), at)
    for value in (1, 1.0, True, "1", at, at.isoformat(), None, 0.1 + 0.2, float("inf")):
        outcome = Outcome(0, Call("t", {}), Findings("f", (replace(fact, value=value),)), 0.1)
        again = read_event(write_event(outcome))
        assert isinstance(again, Outcome)
        assert isinstance(again.result, Findings)
        kept = again.result.facts[0].value
        assert (type(kept), kept) == (type(value), value)


def test_an_event_from_before_problems_had_facts_is_still_read():
    problem = Problem("denied", "no")
    kept = json.loads(write_event(Outcome(0, Call("t", {}), problem, 0.1)))
    del kept["result"]["facts"]
    again = read_event(json.dumps(kept))
    assert isinstance(again, Outcome)
    assert again.result == problem


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"is": "Nothing"}', '{"is": "Noticed"}', json.dumps({"is": []})],
)
def test_what_is_no_event_is_refused(text: str):
    with pytest.raises(ValueError, match="."):
        read_event(text)
