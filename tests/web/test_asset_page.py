"""The page of a machine: live values, trend, alarms, health, life, orders, parts, manuals."""

from datetime import timedelta

from sqlalchemy import create_engine, text
from unit.plant_fixture import part, work_order
from web_fixture import NOON, Works

from copilot_tools.sources.protocols import AlarmState, Samples


def store(works: Works, *, hours: float, every_s: float) -> None:
    """A stored course of the motor current, up to now."""
    count = int(hours * 3600 / every_s)
    begin = NOON - timedelta(hours=hours)
    times = tuple(begin + timedelta(seconds=every_s * i) for i in range(count))
    values = tuple(15.0 + (i % 7) / 10 for i in range(count))
    works.services.copilot.plant.history.append([Samples("M-1.motor current", times, values)])


async def test_it_shows_live_values_with_unit_quality_age_and_range(works: Works):
    client = await works.client("olga")
    shown = (await client.get("/plant/assets/M-1")).text
    assert 'data-signal="M-1.motor current"' in shown
    assert "15.5 A" in shown
    assert "10 … 20 A" in shown
    assert 'data-signal="M-1.speed setpoint"' in shown
    assert "1000 rpm" in shown
    assert 'data-signal="M-1.state"' in shown


async def test_a_value_out_of_range_says_so_in_words(works: Works):
    works.live.shown["s=M-1.current"] = 27.0
    client = await works.client("olga")
    shown = (await client.get("/plant/assets/M-1")).text
    assert ">outside its normal range 10 to 20<" in shown
    works.live.shown["s=M-1.state"] = "stopped"
    assert "outside its normal range" not in (await client.get("/plant/assets/M-1")).text


async def test_the_trend_of_a_signal_is_thinned_and_has_a_table(works: Works):
    store(works, hours=30 * 24, every_s=600)
    client = await works.client("olga")
    shown = (await client.get("/plant/assets/M-1?signal=motor+current&window=30d")).text
    assert "data-trend=" in shown
    assert "Values as a table" in shown
    assert "motor current, last 30 days" in shown
    assert len(shown) < 60_000
    assert (await client.get("/plant/assets/M-1?signal=no+such")).status_code == 404
    assert (await client.get("/plant/assets/M-1?window=1y")).status_code == 422


async def test_alarms_orders_parts_and_questions_are_there(works: Works):
    alarm = works.services.copilot.plant.site.alarms()[0]
    works.live.alarms.append(AlarmState(alarm, True, True, NOON - timedelta(minutes=3)))
    works.insert("work_orders", work_order("WO-9", "M-1", title="replace coupling"))
    works.insert("parts", part("BRG-6309", "deep groove bearing", fits=["M-1"], stock=0.0))
    client = await works.client("olga")
    shown = (await client.get("/plant/assets/M-1")).text
    assert "high current" in shown
    assert "replace coupling" in shown
    assert "deep groove bearing" in shown
    assert "DE bearing" in shown
    assert "below minimum" in shown
    assert "/chat?asset=M-1&amp;ask=" in shown


async def test_health_and_life_are_pages_and_parts_of_one(works: Works):
    client = await works.client("olga")
    whole = (await client.get("/plant/assets/M-1/health")).text
    assert "<html" in whole
    assert "Health of M-1" in whole
    piece = await client.get("/plant/assets/M-1/life", headers={"X-Fragment": "1"})
    assert "<html" not in piece.text
    assert "I cannot see the wear of M-1" in piece.text


async def test_it_comes_up_with_dead_controllers_and_says_what_it_cannot_see(works: Works):
    works.live.dead = True
    client = await works.client("olga")
    answer = await client.get("/plant/assets/M-1")
    assert answer.status_code == 200
    assert "Cannot see the controllers: no answer." in answer.text
    assert "no value" in answer.text
    assert "Work orders" in answer.text


async def test_a_machine_that_is_not_there_is_said_to_be_none(works: Works):
    client = await works.client("olga")
    for path in ("", "/health", "/life"):
        answer = await client.get(f"/plant/assets/X-99{path}")
        assert answer.status_code == 404
    assert "There is nothing here." in answer.text


async def test_it_comes_up_with_a_dead_database_and_says_what_it_cannot_see(works: Works):
    client = await works.client("olga")
    writer = create_engine(works.plant_url)
    with writer.begin() as connection:
        for table in ("alarm_events", "work_orders", "parts", "production_orders"):
            connection.execute(text(f"DROP TABLE {table}"))
    writer.dispose()
    answer = await client.get("/plant/assets/M-1")
    assert answer.status_code == 200
    assert "15.5 A" in answer.text
    assert answer.text.count("Cannot see ERP") == 2
    assert "Only alarms that stand now are known." in answer.text
    overview = await client.get("/plant")
    assert "Cannot see ERP" in overview.text
    assert "running" in overview.text
    alarms = await client.get("/alarms")
    assert "Only alarms that stand now are known." in alarms.text
