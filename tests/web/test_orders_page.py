"""The orders page: every kind complete, late ones marked in words."""

from datetime import datetime, timedelta

from sqlalchemy import create_engine, text
from unit.plant_fixture import production_order, purchase_order, work_order
from web_fixture import NOON, Works


def stored(**other: float) -> datetime:
    return (NOON + timedelta(**other)).replace(tzinfo=None)


async def test_production_orders_say_what_is_late_and_on_hold(works: Works):
    works.insert(
        "production_orders",
        production_order("PRD-1", "milk", line="L1", produced=250, due=stored(hours=-2)),
        production_order("PRD-2", "whey", line="L1", due=stored(hours=9)),
        production_order("PRD-3", "curd", status="done", finished=stored(days=-1)),
    )
    held = {"batch": "B-2", "reason": "?", "placed": stored(), "placed_by": "sara"}
    works.insert("batch_holds", held)
    client = await works.client("olga")
    page = (await client.get("/orders")).text
    assert "250 of 1000 units" in page
    assert page.count('<span class="late">late</span>') == 1
    assert "on hold</span>" in page
    assert "PRD-3" not in page
    assert "2 orders are not done" in page
    late = (await client.get("/orders?status=late")).text
    assert "PRD-1" in late
    assert "PRD-2" not in late
    assert "PRD-3" in (await client.get("/orders?status=done")).text
    assert "PRD-3" not in (await client.get("/orders?status=all&line=L1")).text
    assert "PRD-2" in (await client.get("/orders?q=WHEY b-2")).text


async def test_purchase_orders_are_done_when_received(works: Works):
    works.insert(
        "purchase_orders",
        purchase_order("PO-1", "BRG-1", "bearing", due=stored(days=-1)),
        purchase_order("PO-2", "BRG-2", "seal", received=stored(days=-1)),
    )
    client = await works.client("olga")
    page = (await client.get("/orders?kind=purchase")).text
    assert "2 pcs" in page
    assert '<span class="late">late</span>' in page
    assert "PO-2" not in page
    assert "received</span>" in (await client.get("/orders?kind=purchase&status=done")).text


async def test_work_orders_link_to_their_machine(works: Works):
    works.insert(
        "work_orders",
        work_order(
            "WO-1", "M-1", due=stored(days=-1), status="in_progress", hours=1.5, description=""
        ),
        work_order("WO-2", "OLD-9", title="paint <b>it</b>", due=None, description="red"),
    )
    client = await works.client("olga")
    page = (await client.get("/orders?kind=work")).text
    assert 'href="/plant/assets/M-1"' in page
    assert "/plant/assets/OLD-9" not in page
    assert "paint &lt;b&gt;it" in page
    assert "Description: red" in page
    assert "1.5 h" in page
    assert page.index("WO-1") < page.index("WO-2")
    assert "WO-2" not in (await client.get("/orders?kind=work&asset=M-1")).text


async def test_long_lists_have_pages_and_lose_nothing(works: Works):
    works.insert("work_orders", *(work_order(f"WO-{n:03}", "M-1") for n in range(120)))
    client = await works.client("olga")
    pages = [(await client.get(f"/orders?kind=work&page={n}")).text for n in (1, 2, 3)]
    seen = [n for n in range(120) if any(f"WO-{n:03}" in page for page in pages)]
    assert seen == list(range(120))
    assert "kind=work&amp;status=open&amp;page=2" in pages[0]


async def test_unknown_names_are_refused(works: Works):
    client = await works.client("olga")
    assert (await client.get("/orders?line=L9")).status_code == 400
    assert (await client.get("/orders?kind=work&asset=X-9")).status_code == 400
    assert (await client.get("/orders?kind=else")).status_code == 422


async def test_a_dead_database_is_said(works: Works):
    client = await works.client("olga")
    writer = create_engine(works.plant_url)
    with writer.begin() as connection:
        for table in ("production_orders", "batch_holds"):
            connection.execute(text(f"DROP TABLE {table}"))
    writer.dispose()
    for kind in ("production", "holds"):
        page = await client.get(f"/orders?kind={kind}")
        assert page.status_code == 200
        assert "Cannot see ERP" in page.text
