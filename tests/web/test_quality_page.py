"""The quality page: yield, course, Pareto, pictures; and what it says when a source is dead."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from account_fixture import PASSWORD
from PIL import Image
from sqlalchemy import create_engine, select, text
from unit.plant_fixture import inspection
from web_fixture import NOON, Works

from copilot import tables as own_tables
from copilot.settings import DatabaseSettings
from copilot.web.inspected import Inspected, Wanted, pictures_of
from copilot.web.paging import page_of
from copilot.web.pareto import pareto
from copilot_tools.records import Inspection
from copilot_tools.sources import tables as plant_tables
from copilot_tools.windows import Period

IDS = count(1)


def inspected(hours_ago: float, defect: str = "", **other: Any) -> dict[str, Any]:
    time = (NOON - timedelta(hours=hours_ago)).replace(tzinfo=None)
    return inspection(next(IDS), time, defect, line="L1", **other)


def drop(works: Works, table: str) -> None:
    writer = create_engine(works.plant_url)
    with writer.begin() as connection:
        connection.execute(text(f"DROP TABLE {table}"))
    writer.dispose()


async def test_yield_and_defects_are_told_with_units(works: Works):
    works.insert(
        "inspections",
        *(inspected(1) for _ in range(16)),
        *(inspected(2, "underfill") for _ in range(3)),
        inspected(3, "loose <cap>"),
        inspected(30, "too old"),
    )
    client = await works.client("olga")
    page = (await client.get("/quality")).text
    assert "80 %" in page
    assert "20 units" in page
    assert "60 min ago" in page
    table = page[page.index("Rejected units by defect") :]
    assert table.index("underfill") < table.index("loose &lt;cap&gt;")
    assert "75 %" in page
    assert "too old" not in page
    assert "too old" in (await client.get("/quality?window=7d")).text


async def test_filters_choose_line_product_and_defect(works: Works):
    works.insert(
        "inspections",
        inspected(1, "underfill", product="milk"),
        inspected(1, product="milk"),
        inspected(1, "scratch", product="whey"),
    )
    client = await works.client("olga")
    milk = (await client.get("/quality?line=L1&product=milk")).text
    assert "2 units" in milk
    assert ">scratch<" not in milk
    assert "<option >whey</option>" in milk
    scratch = (await client.get("/quality?defect=scratch")).text
    assert "1 units, 33.3 %" in scratch
    assert (await client.get("/quality?line=L9")).status_code == 400
    assert (await client.get("/quality?window=9y")).status_code == 422


async def test_pictures_of_rejects_fill_pages_newest_first(works: Works):
    images = works.services.settings.images
    (images / "cam").mkdir()
    for number in range(26):
        Image.new("RGB", (60, 40)).save(images / "cam" / f"{number}.png")
    works.insert(
        "inspections",
        *(inspected(0.1 + n / 10, "dent", image=f"cam/{n}.png") for n in range(26)),
        inspected(0.1, "dent", image="cam/gone.png"),
    )
    client = await works.client("olga")
    first = (await client.get("/quality")).text
    assert first.count('<figure class="picture">') == 24
    assert 'src="/images/cam/0.png"' in first
    assert "26 pictures of 27 rejects" in first
    assert 'rel="next" href="?window=24h&amp;page=2"' in first
    last = (await client.get("/quality?page=2")).text
    assert 'src="/images/cam/25.png"' in last
    assert last.count('<figure class="picture">') == 2


async def test_batches_on_hold_are_shown(works: Works):
    held = {"batch": "B-77", "reason": "glass?", "placed": NOON.replace(tzinfo=None)}
    works.insert("batch_holds", {**held, "placed_by": "sara"})
    client = await works.client("olga")
    page = (await client.get("/quality")).text
    assert "B-77" in page
    assert "Nothing was inspected" in page


async def test_a_dead_source_is_said_and_the_rest_stays(works: Works):
    client = await works.client("olga")
    drop(works, "inspections")
    page = await client.get("/quality")
    assert page.status_code == 200
    assert "Cannot see quality" in page.text
    assert "No batch is on hold." in page.text
    drop(works, "batch_holds")
    assert "Cannot see ERP" in (await client.get("/quality")).text


def let_review(works: Works, url: str) -> None:
    """Let the pages write reviews by a login."""
    database = DatabaseSettings(reviews=url)
    settings = works.services.settings.model_copy(update={"database": database})
    works.app.state.services = replace(works.services, settings=settings)


async def to_review(works: Works, **other: Any) -> str:
    """A part that waits for a person; the address of its page."""
    settings = works.services.settings
    let_review(works, works.plant_url)
    Image.new("RGB", (60, 40)).save(settings.images / "7.png")
    Image.new("RGBA", (60, 40)).save(settings.images / "7.heat.png")
    unit = inspected(1, "dent", image="7.png", **{"review": "unsure: dent 61%", **other})
    works.insert("inspections", unit)
    return f"/quality/parts/{unit['id']}"


async def test_a_part_that_waits_is_shown_with_its_heat_and_decided_once(works: Works):
    address = await to_review(works)
    olga = await works.client("olga")
    assert f'href="{address}"' in (await olga.get("/quality")).text
    page = (await olga.get(address)).text
    assert 'src="/images/7.heat.png"' in page
    assert "unsure: dent 61%" in page
    form = {"choice": "other", "defect": " Deep  Scratch ", "password": PASSWORD}
    wrong = await olga.post(address, data={**form, "password": "guessed"})
    assert wrong.status_code == 403
    assert "name or password is wrong" in wrong.text
    assert "Deep  Scratch" in wrong.text
    unnamed = await olga.post(address, data={**form, "defect": " "})
    assert unnamed.status_code == 400
    assert "say what it is: good" in unnamed.text
    assert (await olga.post(address, data={"password": PASSWORD})).status_code == 400
    assert (await olga.post(address, data=form)).status_code == 303
    [row] = rows_of(works, "inspections")
    assert (row.decision, row.decided_by, row.defect) == ("deep scratch", "olga", "dent")
    page = (await olga.get(address)).text
    assert "deep scratch</strong>, decided by olga" in page
    assert "Keep this decision" not in page
    assert "waits for a person" not in (await olga.get("/quality")).text
    again = await olga.post(address, data={"choice": "good", "password": PASSWORD})
    assert again.status_code == 422
    assert "decided before: deep scratch by olga" in again.text
    [_, kept, refused] = reviews_recorded(works)
    assert kept["kind"] == "inspection.decided"
    assert kept["actor"] == "olga"
    assert (kept["data"]["said"], kept["data"]["decision"]) == ("dent", "deep scratch")
    assert (refused["kind"], refused["data"]["decision"]) == ("inspection.deciding", "good")


async def test_nothing_is_decided_unrecorded_nor_recorded_as_decided_that_is_not(works: Works):
    address = await to_review(works)
    let_review(works, "sqlite:////nowhere/plant.db")
    olga = await works.client("olga")
    answer = await olga.post(address, data={"choice": "good", "password": PASSWORD})
    assert answer.status_code == 503
    assert [row["kind"] for row in reviews_recorded(works)] == ["inspection.deciding"]


async def test_only_who_is_of_the_line_decides_and_only_where_a_login_writes(works: Works):
    address = await to_review(works, batch="<b>")
    form = {"choice": "good", "password": PASSWORD}
    sven = await works.client("sven")
    assert (await sven.post(address, data=form)).status_code == 403
    assert "none of your areas" in (await sven.get(address)).text
    olga = await works.client("olga")
    olga.headers["X-CSRF-Token"] = "from elsewhere"
    assert (await olga.post(address, data=form)).status_code == 403
    let_review(works, "")
    page = (await olga.get(address)).text
    assert "copilot station review" in page
    assert "&lt;b&gt;" in page
    assert (await olga.get("/quality/parts/4711")).status_code == 404
    [row] = rows_of(works, "inspections")
    assert row.decision == ""


def reviews_recorded(works: Works) -> list[dict[str, Any]]:
    with works.services.copilot.database.connect() as connection:
        rows = [json.loads(row.row) for row in connection.execute(select(own_tables.audit))]
    return [row for row in rows if row["kind"].startswith("inspection.")]


def rows_of(works: Works, table: str) -> list[Any]:
    reader = create_engine(works.plant_url)
    with reader.connect() as connection:
        found = list(connection.execute(select(plant_tables.metadata.tables[table])))
    reader.dispose()
    return found


def reject(time: datetime, passed: bool = False) -> Inspection:
    defect = "" if passed else "dent"
    return Inspection(1, "L1", "milk", "B", time, passed, defect, 0.5, "eye", "", ())


def test_long_periods_are_told_by_day_of_the_plant(works: Works):
    zone = works.services.copilot.plant.site.time_zone
    found = Inspected(Period(NOON - timedelta(days=7), NOON, "last 7 days"), Wanted())
    evening = datetime(2026, 11, 19, 22, 30, tzinfo=UTC)
    found.add([reject(evening), reject(evening + timedelta(hours=1), True)])
    course = found.course(zone)
    assert course.times == (
        datetime(2026, 11, 18, 23, tzinfo=UTC),
        datetime(2026, 11, 19, 23, tzinfo=UTC),
    )
    assert course.values == (100.0, 0.0)
    assert pictures_of(found.rejects) == []


def test_shares_add_up_in_pareto_order():
    bars = pareto({"a": 1, "b": 3, "none": 0})
    assert [(bar.name, bar.share, bar.before, bar.up_to) for bar in bars] == [
        ("b", 75, 0, 75),
        ("a", 25, 75, 100),
    ]
    assert pareto({}) == []


def test_past_the_end_the_last_page_is_shown():
    page = page_of(range(5), 9, 2)
    assert (list(page.entries), page.number, page.pages) == ([4], 3, 3)
    assert page_of([], 1, 2).pages == 1
