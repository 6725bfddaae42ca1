import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from copilot.events import Answered, Outcome, Problem
from copilot.grounding import ungrounded
from copilot_evals.plant import judge, parse_case, read_cases
from copilot_evals.plant_judge import Expectation, Row, unmet
from copilot_evals.plant_records import bounds, oee, stored_values, window
from copilot_tools.catalogue import CATALOGUE
from copilot_tools.errors import Candidate
from copilot_tools.facts import Column, Fact, Findings, Picture, Quote, Range, Source, Table, Value
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.protocols import Samples
from copilot_tools.tool import Call, Risk

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")
SOURCE = Source("OPC UA", "node")
PRESSURE: Row = ("P-1", "suction pressure", 0.52, "bar")
MODEL: dict[str, Any] = {
    "site": {"time_zone": "Europe/Berlin"},
    "shift": [{"start": datetime(2026, 1, 1, hour)} for hour in (6, 14, 22)],
}


def fact(
    subject: str = "P-1", name: str = "suction pressure", value: Value = 0.52, unit: str = "bar"
) -> Fact:
    return Fact(subject, name, value, SOURCE, NOW, unit)


def answer(*results: Findings | Problem, text: str = "", **arguments: str) -> Answered:
    outcomes = (
        Outcome(position, Call("some_tool", arguments), result, 0.1)
        for position, result in enumerate(results)
    )
    return Answered(text, tuple(outcomes))


def table(*rows: Row) -> Table:
    columns = tuple(Column(str(number)) for number in range(len(rows[0])))
    return Table("orders", columns, rows, len(rows), SOURCE, NOW)


def reason(kind: str, about: Any, looks: list[list[Row]], given: Answered, **options: Any) -> str:
    return unmet(Expectation(kind, about, options), looks, given)


def live(given: Fact, *seen: Row) -> str:
    looks = [[row] for row in seen or (PRESSURE,)]
    return reason("live", ["P-1", "suction pressure"], looks, answer(Findings("", (given,))))


def test_a_true_reading_is_right():
    assert live(fact()) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        fact(value=0.61),
        fact(value=None),
        fact(value="0.52"),
        fact(unit="mbar"),
        fact(subject="P-2"),
        fact(name="discharge pressure"),
    ],
    ids=["value", "no value", "text", "unit", "subject", "name"],
)
def test_a_wrong_fact_is_wrong(wrong: Fact):
    assert live(wrong)


def test_the_right_number_in_the_words_only_is_wrong():
    assert reason("live", [], [[PRESSURE]], answer(Findings("0.52 bar"), text="0.52 bar"))


def test_a_reading_may_lie_between_the_looks_but_not_beyond():
    rising = [("P-1", "suction pressure", value, "bar") for value in (0.40, 0.50)]
    assert live(fact(value=0.45), *rising) == ""
    assert live(fact(value=0.51), *rising)


def test_a_signal_without_a_good_value_must_be_said_to_have_none():
    absent: Row = ("P-1", "suction pressure", None, "bar")
    assert live(fact(value=None), absent) == ""
    assert live(fact(value=0.52), absent)


def test_a_case_whose_truth_is_empty_is_never_right():
    assert reason("sql", "select", [[]], answer(Findings("nothing")), **{"in": "rows"})


def test_rows_must_stand_together_in_one_record():
    wanted: list[list[Row]] = [[("PO-1", 4.0)]]
    assert (
        reason(
            "rows",
            [],
            wanted,
            answer(
                Findings(
                    "",
                    tables=(
                        table(
                            ("PO-1", 4),
                        ),
                    ),
                )
            ),
        )
        == ""
    )
    parted = answer(Findings("", tables=(table(("PO-1", 5), ("PO-2", 4)),)))
    assert reason("rows", [], wanted, parted)
    told = answer(Findings("", (fact("PO-1", "quantity", 4), fact("PO-2", "quantity", 5))))
    assert reason("rows", [], wanted, told) == ""
    crossed = answer(Findings("", (fact("PO-1", "quantity", 5), fact("PO-2", "quantity", 4))))
    assert reason("rows", [], wanted, crossed)


def test_exactly_these_rows_means_no_others():
    more = answer(Findings("", tables=(table(("PO-1",), ("PO-2",)),)))
    assert reason("rows", [], [[("PO-1",)]], more) == ""
    assert reason("rows", [], [[("PO-1",)]], more, exactly=True)
    assert reason("rows", [], [[]], answer(Findings("There are none.")), exactly=True) == ""


def test_mentions_go_by_key():
    said = answer(Findings("", mentions=("ALM-1 low flow P-1", "ALM-12 high level T-1")))
    both: list[list[Row]] = [[("ALM-1",), ("ALM-12",)]]
    assert reason("alarms", {}, both, said, exactly=True) == ""
    assert reason("alarms", {}, [[("ALM-1",)]], said) == ""
    assert reason("alarms", {}, [[("ALM-1",)]], said, exactly=True)
    assert reason("alarms", {}, [[("ALM-2",)]], said)


def test_truth_that_changes_during_a_turn_may_be_either():
    said = answer(Findings("", mentions=("ALM-1 low flow P-1",)))
    assert reason("alarms", {}, [[], [("ALM-1",)]], said, exactly=True) == ""


def quoted(document: str = "MAN-1", page: int = 7, text: str = "Seal cover | 18") -> Answered:
    quote = Quote(document, "Manual", "B", page, "14 Torques", text)
    return answer(Findings("", quotes=(quote,)))


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (quoted(), True),
        (quoted(text="seal\ncover is tightened to 18 N.m"), True),
        (quoted(document="MAN-2"), False),
        (quoted(page=8), False),
        (quoted(text="Seal cover | 22"), False),
        (answer(Findings("18 N.m")), False),
    ],
    ids=["table", "prose", "other manual", "other page", "other value", "no quote"],
)
def test_a_quote_must_say_it_and_stand_on_its_page(given: Answered, right: bool):
    about = {"document": "MAN-1", "texts": ["Seal cover", "18"]}
    assert (reason("quote", about, [[(6,), (7,)]], given) == "") is right


def test_what_is_not_there_must_not_be_answered():
    near = fact("parts", "similar name", "BRG-1")
    assert reason("none_of", ["facts", "tables"], [[]], answer(Findings("None.", (near,)))) == ""
    assert reason("none_of", ["facts"], [[]], answer(Findings("", (fact(),))))
    assert reason("none_of", ["tables"], [[]], answer(Findings("", tables=(table((1,)),))))
    assert reason("none_of", ["quotes"], [[]], answer(Findings("not covered"))) == ""
    assert reason("none_of", ["quotes"], [[]], quoted())
    blamed = answer(Findings("", (fact("P-1", "cause 1: worn bearing", 0.8, ""),)))
    assert reason("none_of", ["cause"], [[]], blamed)


def test_an_empty_truth_must_be_looked_up_to_be_met():
    asked = Outcome(0, Call("reply", {"kind": "clarify"}), Findings("Which machine?"), 0.1)
    assert reason("assets", {}, [[]], Answered("", (asked,)), exactly=True)
    down = answer(Problem("unavailable", "the server is not reachable"))
    assert reason("assets", {}, [[]], down, exactly=True)
    assert reason("none_of", ["quotes"], [[]], down)
    assert reason("assets", {}, [[]], answer(Findings("None is stopped.")), exactly=True) == ""


def test_a_cause_must_lie_in_the_right_part_of_the_right_machine():
    def blamed(asset: str, component: str) -> Answered:
        cause = fact(asset, "cause 1: worn", 0.8, "")
        return answer(Findings("", (cause,), mentions=("P-1 Pump", component, "T-1 Tank")))

    truth: list[list[Row]] = [[("P-1", "bearing")]]
    assert reason("cause", [], truth, blamed("P-1", "bearing")) == ""
    assert reason("cause", [], truth, blamed("P-1", "seal"))
    assert reason("cause", [], truth, blamed("T-1", "bearing"))
    assert reason("cause", [], truth, answer(Findings("I cannot name a cause.")))


def test_an_expectation_may_speak_of_one_tool_only():
    orders = Outcome(0, Call("list_orders", {}), Findings("", mentions=("PO-1",)), 0.1)
    parts = Outcome(1, Call("find_parts", {}), Findings("", mentions=("BRG-1",)), 0.1)
    both = Answered("", (orders, parts))
    assert reason("rows", [], [[("PO-1",)]], both, **{"in": "mentions", "exactly": True})
    only = {"in": "mentions", "exactly": True, "of": "list_orders"}
    assert reason("rows", [], [[("PO-1",)]], both, **only) == ""


def test_asking_back_means_a_question_with_the_right_offers():
    asked = answer(Problem("retry", "Which?", (Candidate("F-1", "", 0.9), Candidate("F-2", "", 0))))
    assert reason("asks_back", ["F-1", "F-2"], [[]], asked) == ""
    assert reason("asks_back", ["F-1", "F-3"], [[]], asked)
    assert reason("asks_back", [], [[]], asked) == ""
    clarified = answer(Findings("Which line?"), kind="clarify")
    assert reason("asks_back", [], [[]], clarified) == ""
    assert reason("asks_back", ["F-1"], [[]], clarified)
    assert reason("asks_back", [], [[]], answer(Findings("", (fact(),))))


def test_problems_replies_and_proposals():
    denied = answer(Problem("denied", "Never."))
    assert reason("problem", "denied", [[]], denied) == ""
    assert reason("problem", "retry", [[]], denied)
    assert reason("reply", "decline", [[]], answer(Findings("No."), kind="decline")) == ""
    assert reason("reply", "decline", [[]], answer(Findings("Hello."), kind="greeting"))
    proposed = answer(Findings("Proposed as #1: stop."))
    assert reason("summary_starts", "Proposed as", [[]], proposed) == ""
    assert reason("summary_starts", "Proposed as", [[]], answer(Findings("Stopped.")))


def test_a_question_must_not_change_the_plant():
    assert reason("unchanged", "P-1.speed", [[(2900.0,)], [(2900.0,)]], answer()) == ""
    assert reason("unchanged", "P-1.speed", [[(2900.0,)], [(2800.0,)]], answer())


def test_a_life_must_lie_in_the_interval_given():
    def lasting(low: float, high: float | None) -> Answered:
        left = Fact("P-1", "bearing time left", 5.0, SOURCE, NOW, "days", interval=Range(low, high))
        return answer(Findings("", (left,)))

    truth: list[list[Row]] = [[("P-1", "time left", 4.2, "days")]]
    assert reason("life", [], truth, lasting(3, 8)) == ""
    assert reason("life", [], truth, lasting(5, 8))
    assert reason("life", [], truth, lasting(3, None))
    assert reason("life", [], truth, answer(Findings("", (fact(unit="days"),))))


def test_pictures_must_exist(tmp_path: Path):
    shown = Picture("loose cap", tmp_path / "1.png", (), SOURCE, NOW)
    assert reason("pictures", None, [[]], answer(Findings("", pictures=(shown,))))
    shown.path.write_bytes(b"image")
    assert reason("pictures", None, [[]], answer(Findings("", pictures=(shown,)))) == ""
    assert reason("pictures", None, [[]], answer(Findings("")))


def test_an_unknown_expectation_is_a_mistake_of_the_case():
    with pytest.raises(ValueError, match="unknown expectation"):
        reason("guess", None, [[]], answer())


def test_a_case_is_wrong_with_one_unmet_expectation_and_its_invented_numbers_count():
    case = parse_case(
        {
            "id": "x",
            "user": "pressure?",
            "expect": [{"live": ["P-1", "suction pressure"]}, {"state": "P-1"}],
            "tags": ["read_signals"],
        }
    )
    given = answer(Findings("0.52 bar", (fact(),)), text="P-1 has 0.52 bar, 97 % of the usual.")
    invented = ungrounded(given.text, given.outcomes, ZONE)
    result = judge(case, [[[PRESSURE]], [[("P-1", "running")]]], given, invented)
    assert result.wrong == ("no record holds P-1, running",)
    assert result.invented == ("97",)


def test_the_cases_cover_every_read_tool_and_can_be_judged():
    cases = read_cases()
    tags = Counter(tag for case in cases for tag in case.tags)
    assert len({case.id for case in cases}) == len(cases) >= 75
    assert min(tags[tool.name] for tool in CATALOGUE if tool.risk is Risk.READ) >= 4
    assert {"several", "followup", "asked_back", "unknown", "proposal", "injected"} <= tags.keys()
    for case in cases:
        reasons = [unmet(expected, [[], []], answer()) for expected in case.expect]
        met_by_silence = [e.exactly or e.kind == "none_of" for e in case.expect]
        assert any(reasons) or any(met_by_silence), case.id


def test_windows_follow_the_plants_clock():
    now = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)  # 05:30 in Berlin, in the night shift
    midnight = datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert window("8h", MODEL, now) == (now - timedelta(hours=8), now)
    assert window("30m", MODEL, now) == (now - timedelta(minutes=30), now)
    assert window("today", MODEL, now) == (midnight, now)
    assert window("yesterday", MODEL, now) == (midnight - timedelta(days=1), midnight)
    assert window("shift", MODEL, now) == (midnight - timedelta(hours=2), now)
    assert window("week", MODEL, now) == (now - timedelta(days=7), now)
    assert bounds(MODEL, now)["today"] == "2026-11-20 23:00:00.000000"


def test_stored_values_are_read_from_the_files_of_several_days(tmp_path: Path):
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    times = tuple(midnight + timedelta(minutes=minute) for minute in range(-3, 3))
    history = ParquetHistory(tmp_path)
    history.append([Samples("P-1.flow", times, (1.0, 2.0, None, 4.0, 5.0, 6.0))])
    history.append([Samples("P-2.flow", times, (9.0,) * 6)])
    values = stored_values(tmp_path, "P-1.flow", times[1], times[5])
    assert sorted(values) == [2.0, 4.0, 5.0]


def test_oee_by_hand():
    """8 h with 48 min planned stop and 43.2 min unplanned, 10 of them at the same time."""
    database = sqlite3.connect(":memory:")
    database.execute('create table downtimes (line, start, "end", planned)')
    database.execute('create table production_counts (line, start, "end", total, good)')
    day = "2026-11-21 "
    database.execute(
        "insert into production_counts values ('L1', ?, ?, 30000, 28500)",
        (day + "06:00:00.000000", day + "14:00:00.000000"),
    )
    database.executemany(
        "insert into downtimes values ('L1', ?, ?, ?)",
        [
            (day + "06:00:00.000000", day + "06:48:00.000000", True),
            (day + "06:38:00.000000", day + "07:31:12.000000", False),
            (day + "13:59:00.000000", None, True),
        ],
    )
    start = datetime(2026, 11, 21, 6, tzinfo=UTC)
    found = oee(database, "L1", start, start + timedelta(hours=8), 100.0)
    database.close()
    busy = 480 - 48 - 1
    run = busy - 43.2
    assert found["availability"] == pytest.approx(100 * run / busy)
    assert found["performance"] == pytest.approx(100 * 300 / run)
    assert found["quality"] == pytest.approx(95.0)
    assert found["OEE"] == pytest.approx(100 * 300 / busy * 0.95)
