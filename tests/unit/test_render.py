"""Whatever a part, an alarm, a manual or a person is called, it does not steer the terminal."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from copilot.cli.render import Renderer
from copilot.events import Answered, Event, Noticed, Outcome, Planned, Problem
from copilot_tools.facts import Column, Fact, Findings, Picture, Quote, Series, Source, Table
from copilot_tools.tool import Call

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOSTILE = "\x1b[2K\rok\nA-1 \u202eno\u2066\u200b\x9b31m[red]"
SHOWN = "�[2K�ok�A-1 �no���31m[red]"
SOURCE = Source(HOSTILE, "r")
CALL = Call("find_parts", {"query": HOSTILE})
FACT = Fact(HOSTILE, HOSTILE, HOSTILE, SOURCE, NOW, unit=HOSTILE, note=HOSTILE)
TABLE = Table(HOSTILE, (Column(HOSTILE, HOSTILE),), ((HOSTILE,),), 9, SOURCE, NOW)
QUOTE = Quote("d", HOSTILE, HOSTILE, 3, HOSTILE, HOSTILE)
TIMES = (NOW - timedelta(hours=1), NOW)
SERIES = Series(HOSTILE, HOSTILE, HOSTILE, TIMES, (1.0, 2.0), SOURCE)
LONE = Series(HOSTILE, HOSTILE, HOSTILE, TIMES, (1.0, None), SOURCE)
PICTURE = Picture(HOSTILE, Path(HOSTILE), (), SOURCE, NOW)


def outcome(result: Findings | Problem, call: Call = CALL) -> Outcome:
    return Outcome(0, call, result, 0.1)


def shown(event: Event) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=400, force_terminal=False)
    Renderer(console, ZoneInfo("Europe/Berlin")).show(event, NOW)
    return screen.getvalue()


@pytest.mark.parametrize(
    "event",
    [
        Planned((CALL,)),
        Noticed(HOSTILE),
        Answered(HOSTILE, ()),
        outcome(Problem("retry", HOSTILE)),
        outcome(Findings(HOSTILE, notices=(HOSTILE,))),
        outcome(Findings("x", facts=(FACT,))),
        outcome(Findings("x", tables=(TABLE,))),
        outcome(Findings("x", series=(LONE,))),
        outcome(Findings("x", pictures=(PICTURE,))),
    ],
)
def test_no_text_of_a_turn_steers_the_terminal(event: Event):
    text = shown(event)
    assert all(line.isprintable() for line in text.split("\n"))
    assert SHOWN in text


def test_a_trend_is_drawn_without_steering_the_terminal():
    text = shown(outcome(Findings("x", series=(SERIES,))))
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_quote_keeps_its_line_breaks_only():
    lines = shown(outcome(Findings("x", quotes=(QUOTE,)))).split("\n")
    assert all(line.isprintable() for line in lines)
    assert sum(line.startswith("│") for line in lines) == 2


def test_our_own_words_keep_their_lines():
    assert shown(outcome(Findings("one\ntwo"), Call("reply", {}))) == "one\ntwo\n"
