"""The OEE page: lines side by side, each with what its time was lost to."""

from datetime import datetime, timedelta

from sqlalchemy import create_engine, text
from unit.plant_fixture import count, stop
from web_fixture import NOON, Works

START = (NOON - timedelta(hours=2)).replace(tzinfo=None)


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


async def test_factors_and_losses_are_told(works: Works):
    works.insert("production_counts", {**count(START, 120, 8100, 7290), "line": "L1"})
    works.insert(
        "downtimes",
        stop(minutes(0), minutes(30), "belt <torn>", line="L1", asset="M-1"),
    )
    client = await works.client("olga")
    page = (await client.get("/oee")).text
    for factor in ("75 %", "90 %", "60.8 %"):  # OEE = 0.75 x 0.9 x 0.9
        assert factor in page
    assert "belt &lt;torn&gt;" in page
    assert "30 min" in page
    assert "8100 units" in page
    assert "Records begin at" in page
    assert "1 stop, one by one" in page
    assert "/chat?ask=What%20lowered%20the%20OEE%20of%20Line%201%20today" in page


async def test_what_stands_still_is_told(works: Works):
    works.insert("downtimes", stop(minutes(60), None, "jam", line="L1", asset="M-1"))
    client = await works.client("olga")
    page = (await client.get("/oee?window=shift")).text
    assert "has stood still since" in page
    assert 'href="/plant/assets/M-1"' in page


async def test_a_line_without_records_says_so(works: Works):
    client = await works.client("olga")
    for window in ("shift", "today", "yesterday", "week", "month"):
        page = (await client.get(f"/oee?window={window}")).text
        assert "no production records" in page
    assert (await client.get("/oee?window=9h")).status_code == 422


async def test_a_dead_database_is_said(works: Works):
    client = await works.client("olga")
    writer = create_engine(works.plant_url)
    with writer.begin() as connection:
        connection.execute(text("DROP TABLE production_counts"))
    writer.dispose()
    page = await client.get("/oee")
    assert page.status_code == 200
    assert "Cannot see ERP" in page.text
