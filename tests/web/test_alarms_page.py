"""The list of alarms: what stands, in which state, what came first, and the journal."""

from datetime import datetime, timedelta

from web_fixture import NOON, Works

from copilot.web.pages.alarm_list import FLOOD
from copilot_tools.sources.protocols import AlarmState


def event(minutes: float, **other: object) -> dict[str, object]:
    time: datetime = NOON - timedelta(minutes=minutes)
    return {
        "alarm": "ALM-1",
        "asset": "M-1",
        "message": "high current",
        "severity": "high",
        "transition": "raised",
        "time": time.replace(tzinfo=None),
        "value": 25.0,
        "unit": "A",
        **other,
    }


async def test_a_standing_alarm_is_shown_with_severity_state_and_since_when(works: Works):
    alarm = works.services.copilot.plant.site.alarms()[0]
    works.live.alarms.append(AlarmState(alarm, True, False, NOON - timedelta(minutes=12)))
    client = await works.client("olga")
    shown = (await client.get("/alarms")).text
    assert "Standing alarms (1)" in shown
    assert "high current" in shown
    assert "not acknowledged" in shown
    assert "12 min" in shown
    assert 'href="/plant/assets/M-1"' in shown
    assert "Standing alarms (0)" in (await client.get("/alarms?area=S")).text
    assert "Standing alarms (0)" in (await client.get("/alarms/rows?severity=low")).text


async def test_the_journal_has_the_last_day_or_week_the_newest_first(works: Works):
    old = event(60 * 30, message="an older one", transition="cleared", value=None)
    works.insert("alarm_events", old, event(20), event(10, message="a newer one"))
    client = await works.client("olga")
    day = (await client.get("/alarms")).text
    assert day.index("a newer one") < day.index("25 A")
    assert "an older one" not in day
    assert "an older one" in (await client.get("/alarms?window=7d")).text


async def test_a_journal_may_hold_anybodys_text_and_never_becomes_markup(works: Works):
    works.insert("alarm_events", event(5, message="<script>alert(1)</script>\u202e"))
    client = await works.client("olga")
    shown = (await client.get("/alarms")).text
    assert "<script>alert" not in shown
    assert "\u202e" not in shown


async def test_what_came_first_of_a_burst_is_marked_and_a_flood_is_said(works: Works):
    burst = [event(9 - i / 10, alarm=f"A-{i}", message=f"alarm {i}") for i in range(FLOOD)]
    works.insert("alarm_events", *burst)
    works.live.dead = True  # then the journal tells what stands
    client = await works.client("olga")
    shown = (await client.get("/alarms")).text
    assert f"Alarm flood: {FLOOD} alarms" in shown
    assert shown.count("first out") == 1
    assert shown.index("alarm 0") < shown.index("first out")
    assert "What stands is told by the journal alone." in shown


async def test_a_filter_that_is_none_is_refused(works: Works):
    client = await works.client("olga")
    assert (await client.get("/alarms?severity=shouting")).status_code == 422
    assert (await client.get("/alarms?area=X")).status_code == 404
