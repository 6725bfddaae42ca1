"""The trained model of a machine says what is usual; without one that fits, the history does."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from telemetry_fixture import NOW, Works, build_works, fact
from worn_pump import build_workshop, quiet

from copilot.health.work import train_behaviour
from copilot.health.workshop import Workshop
from copilot_tools.anomaly import detect_anomalies
from copilot_tools.facts import Findings
from copilot_tools.models.registry.registry import Key
from copilot_tools.records import OrderStatus, ProductionOrder
from copilot_tools.site.resolve import Resolver

KEY = Key("behaviour", "K-1")
INSTEAD = "what is usual was learnt on the spot instead."


@pytest.fixture
def works(tmp_path: Path) -> Works:
    works = build_works(tmp_path)
    store(works, 30.0)
    return works


@pytest.fixture
def shop(works: Works, tmp_path: Path) -> Iterator[Workshop]:
    """Where version 1, learnt from thirty healthy days, is in use; `works` has its models."""
    shop = build_workshop(works, tmp_path)
    list(train_behaviour(shop, ["K-1"], quiet))
    shop.registry.promote(KEY, 1, NOW, "ada")
    works.plant = shop.plant
    yield shop
    shop.book.engine.dispose()


def store(works: Works, days: float, hotter: float = 0.0, until: float = 0.0) -> None:
    """A pump that always runs, for some days that end `until` days from now."""
    random = np.random.default_rng(round(10 * days) + 1)
    count = int(days * 144)
    speed = 1450 + 100 * np.sin(np.arange(count) / 23) + random.normal(0, 5, count)
    columns = {
        "speed": speed,
        "flow": 0.035 * speed + random.normal(0, 0.2, count),
        "bearing temperature": 0.04 * speed + hotter + random.normal(0, 0.4, count),
        "bearing vibration": random.normal(1.6, 0.1, count),
    }
    last = np.datetime64((NOW + timedelta(days=until)).replace(tzinfo=None), "us")
    times = last - np.arange(count, 0, -1) * np.timedelta64(600, "s")
    works.history.append_arrays(times, {f"K-1.{name}": c for name, c in columns.items()})


def later(works: Works, days: float) -> None:
    works.plant = replace(works.plant, now=lambda: NOW + timedelta(days=days))


async def ask(works: Works, **more: str) -> Findings:
    return await works.ask(detect_anomalies, asset="K-1", **more)


async def test_the_model_in_use_answers_by_name_and_age(works: Works, shop: Workshop):
    found = await ask(works)
    assert fact(found, "behaviour").value == "normal"
    assert fact(found, "trained model").value == "behaviour K-1 v1"
    assert fact(found, "model trained").value == NOW
    assert fact(found, "model learnt from data until").value <= NOW
    assert fact(found, "model learnt from running history").value == pytest.approx(30, abs=1)
    assert found.notices == ()


async def test_without_a_model_the_history_says_what_is_usual(works: Works):
    found = await ask(works)
    assert fact(found, "behaviour").value == "normal"
    assert all(f.name != "trained model" for f in found.facts)
    assert found.notices == ()


async def test_what_has_lasted_for_weeks_is_still_unlike_what_the_model_learnt(
    works: Works, shop: Workshop
):
    """Learnt on the spot, a fault of five weeks would have become usual."""
    store(works, 40.0, hotter=6.0, until=40.0)
    later(works, 40)
    found = await ask(works)
    assert fact(found, "behaviour").value == "abnormal"
    assert fact(found, "bearing temperature against usual").value == pytest.approx(6, abs=0.3)
    works.plant = replace(works.plant, models=None)
    assert fact(await ask(works), "behaviour").value == "normal"


async def test_a_version_that_is_promoted_is_used_from_the_next_answer_on(
    works: Works, shop: Workshop
):
    await ask(works)
    await asyncio.to_thread(lambda: list(train_behaviour(shop, ["K-1"], quiet)))
    assert fact(await ask(works), "trained model").value == "behaviour K-1 v1"
    shop.registry.promote(KEY, 2, NOW, "ada")
    assert fact(await ask(works), "trained model").value == "behaviour K-1 v2"
    shop.registry.roll_back(KEY, NOW, "ada")
    assert fact(await ask(works), "trained model").value == "behaviour K-1 v1"


def file_of(shop: Workshop) -> Path:
    return shop.registry.root / "behaviour" / "K-1" / "1" / "model.skops"


async def test_a_damaged_or_missing_file_is_said_and_the_history_answers(
    works: Works, shop: Workshop
):
    file_of(shop).write_bytes(b"PK\x03\x04" + bytes(200))
    found = await ask(works)
    assert "damaged" in found.notices[0]
    assert found.notices[0].endswith(f"; {INSTEAD}")
    assert fact(found, "behaviour").value == "normal"
    file_of(shop).unlink()
    assert "No such file" in (await ask(works)).notices[0]


async def test_a_stale_model_is_said_to_be_and_the_history_answers(works: Works, shop: Workshop):
    store(works, 30.0, until=400.0)
    later(works, 400)
    found = await ask(works)
    assert found.notices == (f"behaviour K-1 v1 is too old; train it anew; {INSTEAD}",)
    assert fact(found, "behaviour").value == "normal"


async def test_a_model_of_other_signals_is_left_aside(works: Works, shop: Workshop):
    manifest = file_of(shop).with_name("manifest.json")
    told = json.loads(manifest.read_text("utf-8"))
    told["features"]["sensors"] = ["bearing temperature"]
    manifest.write_text(json.dumps(told), encoding="utf-8")
    found = await ask(works)
    assert found.notices == (f"behaviour K-1 v1 was learnt without bearing vibration; {INSTEAD}",)
    told["features"]["sensors"] = ["bearing temperature", "bearing vibration", "noise"]
    manifest.write_text(json.dumps(told), encoding="utf-8")
    assert "was learnt with noise as well" in (await ask(works)).notices[0]


async def test_a_product_that_the_model_never_saw_is_learnt_on_the_spot(
    works: Works, shop: Workshop
):
    store(works, 20.0, hotter=6.0, until=20.0)
    later(works, 20)
    assert fact(await ask(works), "behaviour").value == "abnormal"
    on_line = replace(works.plant.site.assets["K-1"], line="L1")
    site = replace(works.plant.site, assets={"K-1": on_line})
    works.plant = replace(works.plant, site=site, resolver=Resolver(site))
    works.erp.production = [
        ProductionOrder(
            "PRD-1", "L1", "GEL", "", 1, 1, OrderStatus.RUNNING, start=NOW, due=NOW, finished=None
        )
    ]
    found = await ask(works)
    assert found.notices == (f"behaviour K-1 v1 never saw GEL; {INSTEAD}",)
    assert fact(found, "behaviour").value == "normal"


async def test_a_short_window_is_judged_by_what_is_learnt_in_its_own_grain(
    works: Works, shop: Workshop
):
    found = await ask(works, window="20m")
    assert f"behaviour K-1 v1 knows medians of ten minutes only; {INSTEAD}" in found.notices
