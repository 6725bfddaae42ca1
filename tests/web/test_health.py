from sqlalchemy import text
from web_fixture import Works

from copilot.db import writing


async def test_anybody_may_ask_whether_it_lives(works: Works) -> None:
    client = await works.client()
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_ready_when_every_part_answers(works: Works) -> None:
    client = await works.client()
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    parts = {"database": "ok", "model": "ok", "opcua": "ok", "plant_database": "ok"}
    assert answer.json() == {"status": "ok", "parts": parts}


async def test_a_model_that_warms_up_keeps_nobody_from_the_pages(works: Works) -> None:
    client = await works.client()
    async with works.app.state.watch.warming(works.services.copilot):
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["parts"]["model"] in ("warming", "ok")


async def test_a_dead_controller_is_told_without_a_reason(works: Works) -> None:
    works.live.dead = True
    client = await works.client()
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["parts"]["opcua"] == "degraded"


async def test_tables_of_another_version_cannot_be_served(works: Works) -> None:
    with writing(works.services.copilot.database) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    client = await works.client()
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failing"
    assert answer.json()["parts"]["database"] == "failing"
