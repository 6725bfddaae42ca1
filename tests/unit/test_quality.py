from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from plant_fixture import NOW, ago, build_plant, inspection, production_order

from copilot_tools.errors import Retry
from copilot_tools.facts import Findings
from copilot_tools.plant import Plant
from copilot_tools.quality import get_inspections

ORDERS = [
    production_order("PRD-9", "kefir 150 g", batch="B-9", start=ago(days=9)),
    production_order("PRD-10", "yoghurt 150 g", batch="B-10", start=ago(days=1)),
    production_order("PRD-11", "yoghurt 500 g", batch="B-11", start=ago(hours=-1)),
]
CAMERA = [
    *(inspection(i, ago(hours=5, minutes=i)) for i in range(40)),
    *(inspection(100 + i, ago(hours=2, minutes=i)) for i in range(6)),
    inspection(200, ago(hours=2, minutes=10), "underfill", image="200.png"),
    inspection(201, ago(hours=2, minutes=9), "underfill"),
    inspection(202, ago(hours=2, minutes=8), "crooked label", image="202.png"),
    inspection(203, ago(hours=1), "missing label", line="LB", product="milk 1 l", image="gone.png"),
    inspection(300, ago(days=9), "overfill", batch="B-9", product="kefir 150 g"),
    inspection(301, ago(days=9, minutes=1), batch="B-9", product="kefir 150 g"),
]


@pytest.fixture
def camera(tmp_path: Path) -> Plant:
    for name in ("200.png", "202.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    return build_plant(tmp_path, {"production_orders": ORDERS, "inspections": CAMERA})


async def ask(plant: Plant, **arguments: str) -> Findings:
    return await get_inspections.run(plant, get_inspections.check(arguments))


def facts(found: Findings) -> dict[str, object]:
    return {fact.name: fact.value for fact in found.facts}


async def test_yield_and_defects_of_a_line(camera: Plant):
    found = await ask(camera, line="cup line", window="24h")
    assert facts(found) == {
        "scope": "Cup line, last 24 hours",
        "inspected": 49,
        "passed": 46,
        "rejected": 3,
        "first-pass yield": 93.88,
        "underfill": 2,
        "crooked label": 1,
        "newest reject": NOW - timedelta(hours=2, minutes=8),
        "model": "eye 1",
    }
    assert found.tables[0].rows == (("underfill", 2, 4.08), ("crooked label", 1, 2.04))
    assert found.mentions == ("underfill", "crooked label")
    assert found.summary == (
        "Cup line, last 24 hours: first-pass yield 93.9 %, 3 rejects of 49 inspected units; "
        "most frequent: underfill 2, crooked label 1."
    )


async def test_the_course_by_hour_and_by_day(camera: Plant):
    series = (await ask(camera, line="LA")).series[0]
    assert series.name == "reject rate by hour"
    assert [time.hour for time in series.times] == [6, 7, 9, 10]
    assert series.values == (0.0, 0.0, 37.5, 0.0)
    month = (await ask(camera, line="LA", window="month")).series[0]
    assert month.name == "reject rate by day"
    assert month.values == (50.0, 6.12)


async def test_pictures_that_exist_are_shown_with_their_boxes(camera: Plant):
    pictures = (await ask(camera)).pictures
    assert [picture.path.name for picture in pictures] == ["202.png", "200.png"]
    assert pictures[0].boxes == ((1, 2, 30, 40),)
    assert pictures[0].source.reference == "inspections.id=202"


@pytest.mark.parametrize("word", ["underfill", "underfills", "under fill", "undrefill"])
async def test_one_defect(camera: Plant, word: str):
    found = await ask(camera, line="LA", defect=word)
    assert facts(found)["underfill"] == 2
    assert facts(found)["share of underfill"] == 4.08
    assert "crooked label" not in facts(found)
    assert found.summary == "Cup line, last 24 hours: underfill 2 of 49 inspected units (4.08 %)."


async def test_a_word_for_several_defects_covers_them(camera: Plant):
    found = await ask(camera, defect="label")
    assert facts(found)["crooked label"] == 1
    assert facts(found)["missing label"] == 1
    assert facts(await ask(camera, defect="rejects"))["underfill"] == 2


async def test_a_defect_known_from_earlier_is_zero_now(camera: Plant):
    found = await ask(camera, line="LA", defect="overfill")
    assert facts(found)["overfill"] == 0
    assert not found.tables


async def test_an_unknown_defect_is_asked_back_with_the_known_ones(camera: Plant):
    with pytest.raises(Retry, match=r"no defect 'scratches'.*overfill.*underfill") as asked:
        await ask(camera, defect="scratches")
    assert [c.key for c in asked.value.candidates] == [
        "crooked label", "missing label", "overfill", "underfill",
    ]  # fmt: skip


async def test_a_batch_is_looked_at_as_a_whole(camera: Plant):
    found = await ask(camera, batch="b9")
    assert facts(found)["inspected"] == 2
    assert found.summary.startswith("Batch B-9, all of it: first-pass yield 50 %")


async def test_products_and_batches_are_asked_back(camera: Plant):
    assert facts(await ask(camera, product="kefir", window="30d"))["inspected"] == 2
    with pytest.raises(Retry, match=r"Which product.*yoghurt 150 g, yoghurt 500 g"):
        await ask(camera, product="yoghurt")
    with pytest.raises(Retry, match=r"no product 'cola'.*kefir"):
        await ask(camera, product="cola")
    with pytest.raises(Retry, match=r"no batch 'B-12'.*B-11, B-10, B-9"):
        await ask(camera, batch="B-12")
    with pytest.raises(Retry, match="Bottle line"):
        await ask(camera, line="line 9")


async def test_nothing_inspected_is_said(camera: Plant):
    found = await ask(camera, product="yoghurt 500 g", window="1h")
    assert found.summary == "Yoghurt 500 g, last 1 hour: nothing was inspected."
    assert facts(found) == {"scope": "Yoghurt 500 g, last 1 hour"}


async def test_a_product_said_as_if_it_were_a_line_is_the_product(camera: Plant):
    assert facts(await ask(camera, line="kefir", window="30d"))["inspected"] == 2
    with pytest.raises(Retry, match="I know no line 'paint line'"):
        await ask(camera, line="paint line")
