from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from telemetry_fixture import NOW, Works, build_works, days, fact

from copilot_tools.anomaly import detect_anomalies
from copilot_tools.errors import Unavailable
from copilot_tools.records import OrderStatus, ProductionOrder

DAYS = 20
MINUTES = DAYS * 24 * 60
HOUR = 60


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return build_works(tmp_path)


def pump(seed: int = 1) -> dict[str, np.ndarray]:
    """A healthy pump over twenty days: everything follows its speed, which changes over the day."""
    random = np.random.default_rng(seed)
    clock = np.arange(MINUTES) / (24 * HOUR)
    speed = 1450 + 150 * np.sin(2 * np.pi * clock) + random.normal(0, 3, MINUTES)
    flow = speed / 29 + random.normal(0, 0.3, MINUTES)
    return {
        "K_1__speed": speed,
        "K_1__flow": flow,
        "K_1__bearing_temperature": 20 + flow * 0.8 + random.normal(0, 0.4, MINUTES),
        "K_1__bearing_vibration": 1 + speed / 1500 + random.normal(0, 0.05, MINUTES),
        "K_1__running_hours": 100 + np.arange(MINUTES) / 60,
    }


async def test_a_machine_like_itself_is_as_usual(works: Works):
    works.store(**pump())
    found = await works.ask(detect_anomalies, asset="raw pump")
    assert fact(found, "behaviour").value == "normal"
    assert "runs as usual, last 24 hours" in found.summary
    assert found.series == ()


async def test_a_hot_bearing_is_named_with_direction_size_and_begin(works: Works):
    course = pump()
    course["K_1__bearing_temperature"][-6 * HOUR :] += 12.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "behaviour").value == "abnormal"
    begin = fact(found, "unlike itself since").value
    assert abs(begin - (NOW - timedelta(hours=6))) <= timedelta(minutes=20)
    assert fact(found, "bearing temperature against usual").value == pytest.approx(12, abs=0.5)
    assert "bearing temperature 11.99 degC above usual" in found.summary
    assert "vibration" not in found.summary
    assert found.series[0].name == "bearing temperature"
    assert len(found.series[0].times) <= 400


async def test_a_change_of_load_alone_is_not_abnormal(works: Works):
    course = pump()
    course["K_1__speed"][-6 * HOUR :] = 1320.0
    works.store(**course | {"K_1__flow": course["K_1__speed"] / 29})
    course = pump(2)
    quiet = {name: column[-6 * HOUR :].copy() for name, column in course.items()}
    speed = np.full(6 * HOUR, 1320.0)
    quiet |= {
        "K_1__speed": speed,
        "K_1__flow": speed / 29,
        "K_1__bearing_temperature": 20 + speed / 29 * 0.8,
        "K_1__bearing_vibration": 1 + speed / 1500,
    }
    works.store(**quiet)
    assert "runs as usual" in (await works.ask(detect_anomalies, asset="K-1")).summary


async def test_a_value_that_does_not_fit_the_load_is_abnormal_within_its_usual_range(works: Works):
    course = pump()
    slow = course["K_1__speed"] < 1350
    late = np.arange(MINUTES) >= MINUTES - 24 * HOUR
    course["K_1__bearing_temperature"][slow & late] += 9.0
    usual = course["K_1__bearing_temperature"][~late]
    assert course["K_1__bearing_temperature"][slow & late].max() < usual.max() + 2
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "behaviour").value == "abnormal"
    assert "bearing temperature" in found.summary


async def test_a_spell_that_is_over_is_told_with_its_end(works: Works):
    course = pump()
    course["K_1__bearing_vibration"][-10 * HOUR : -5 * HOUR] += 2.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert "was unlike itself from" in found.summary
    end = fact(found, "as usual again since").value
    assert abs(end - (NOW - timedelta(hours=5))) <= timedelta(minutes=20)


async def test_every_spell_of_the_window_is_listed(works: Works):
    course = pump()
    course["K_1__bearing_vibration"][-20 * HOUR : -17 * HOUR] += 2.0
    course["K_1__bearing_temperature"][-9 * HOUR : -6 * HOUR] += 12.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "abnormal spells").value == 2
    assert "bearing temperature" in found.summary
    assert "That was spell 2 in this time." in found.summary
    (spells,) = (table for table in found.tables if "spells" in table.title)
    (last, first) = spells.rows
    assert abs(first[0] - (NOW - timedelta(hours=20))) <= timedelta(minutes=20)
    assert abs(first[1] - (NOW - timedelta(hours=17))) <= timedelta(minutes=20)
    assert "bearing vibration" in first[-1]
    assert "bearing temperature" in last[-1]


async def test_a_slow_drift_of_what_is_learnt_from_is_said(works: Works):
    course = pump()
    late = np.arange(MINUTES) > MINUTES - 11 * 24 * HOUR
    course["K_1__bearing_temperature"][late] += 2.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "bearing temperature drift").value == pytest.approx(2.0, abs=0.4)
    (notice,) = found.notices
    assert notice.startswith("bearing temperature rose by")
    assert "vibration" not in notice


async def test_a_restless_machine_does_not_cry_wolf(works: Works):
    random = np.random.default_rng(5)
    course = pump()
    for name in ("K_1__bearing_temperature", "K_1__bearing_vibration"):
        bursts = np.repeat(random.standard_t(2.5, MINUTES // 40), 40)
        course[name] += 2 * np.std(course[name][:100]) * bursts
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "abnormal from score").value > 1.5


async def test_a_begin_before_the_window_is_found(works: Works):
    course = pump()
    course["K_1__bearing_vibration"][-40 * HOUR :] += 2.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1", window="8h")
    begin = fact(found, "unlike itself since").value
    assert abs(begin - (NOW - timedelta(hours=40))) <= timedelta(minutes=20)


async def test_a_machine_that_stood_is_not_judged(works: Works):
    course = pump()
    for column in course.values():
        column[-24 * HOUR :] = 0.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert "was not running long enough" in found.summary


async def test_a_machine_that_stood_again_and_again_is_judged_when_it_is_warm(works: Works):
    course = pump()
    stops(course, *[(begin, begin - 25) for begin in (420, 380, 340, 300)])
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert "runs as usual" in found.summary


async def test_what_stays_cold_after_a_stop_is_abnormal(works: Works):
    course = pump()
    stops(course, (420, 395))
    course["K_1__bearing_temperature"][-395:] -= 8.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    begin = fact(found, "unlike itself since").value
    assert timedelta() <= begin - (NOW - timedelta(minutes=395)) <= timedelta(minutes=80)


async def test_short_gaps_in_the_history_are_no_stops(works: Works):
    course = pump()
    course["K_1__bearing_temperature"][-6 * HOUR :] += 12.0
    for begin in range(0, MINUTES, 60):
        for column in course.values():
            column[begin : begin + 20] = np.nan
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "behaviour").value == "abnormal"
    assert fact(found, "running history").value == pytest.approx((DAYS - 3) * 2 / 3, abs=0.5)


async def test_a_machine_that_starts_and_stops_all_the_time_is_judged(works: Works):
    course = pump()
    course["K_1__bearing_temperature"][-6 * HOUR :] += 12.0
    for column in course.values():
        column[np.arange(MINUTES) % 40 < 10] = 0.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "behaviour").value == "abnormal"


def stops(course: dict[str, np.ndarray], *spans: tuple[int, int]) -> None:
    """Stand from and until some minutes before the end; the bearing cools and warms up slowly."""
    heat, lacks = course["K_1__bearing_temperature"], 0.0
    heat += 0.6 * np.sin(2 * np.pi * np.arange(MINUTES) / (17 * HOUR))  # the weather
    for name in ("K_1__speed", "K_1__flow", "K_1__bearing_vibration"):
        for begin, end in spans:
            course[name][-begin:-end] = 0.0
    for minute in range(MINUTES - max(begin for begin, _ in spans), MINUTES):
        most = 0.0 if course["K_1__speed"][minute] else 18.0
        lacks += (most - lacks) * (1 - 0.5 ** (1 / 25))
        heat[minute] -= lacks


async def test_a_short_history_is_not_enough(works: Works):
    works.store(**{name: column[-26 * HOUR :] for name, column in pump().items()})
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "behaviour").value == "not enough data"


async def test_no_history_at_all_is_not_enough(works: Works):
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "behaviour").value == "not enough data"


async def test_a_signal_without_values_is_left_out_and_named(works: Works):
    course = pump()
    course["K_1__bearing_vibration"][-24 * HOUR :] = np.nan
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert "runs as usual" in found.summary
    assert found.notices == ("Too few values to judge bearing vibration.",)


async def test_a_load_never_seen_is_not_judged(works: Works):
    course = pump()
    course["K_1__speed"][-24 * HOUR :] = 2600.0
    course["K_1__flow"][-24 * HOUR :] = 90.0
    works.store(**course)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "behaviour").value in ("unknown operating point", "abnormal")
    assert "speed" in found.summary


def order(product: str, begin: float, end: float | None) -> ProductionOrder:
    return ProductionOrder(
        number=f"PRD-{begin}",
        line="L1",
        product=product,
        batch="",
        quantity=1,
        produced=1,
        status=OrderStatus.RUNNING if end is None else OrderStatus.DONE,
        start=NOW - days(begin),
        due=NOW,
        finished=None if end is None else NOW - days(end),
    )


def store_filler(works: Works) -> None:
    """Large bottles for twenty days, small ones for three days in between and since yesterday."""
    random = np.random.default_rng(1)
    weight = 1500 + random.normal(0, 1, MINUTES)
    speed = 300 + random.normal(0, 1, MINUTES)
    age = np.arange(MINUTES, 0, -1) / (24 * HOUR)
    small = ((age < 12) & (age > 9)) | (age < 1)
    weight[small] -= 1000
    works.store(F_1__fill_weight=weight, F_1__speed=speed)


async def test_products_have_their_own_normal(works: Works):
    store_filler(works)
    works.erp.production = [
        order("large", 20, 12),
        order("small", 12, 9),
        order("large", 9, 1),
        order("small", 1, None),
    ]
    assert "runs as usual" in (await works.ask(detect_anomalies, asset="filler")).summary


async def test_without_the_erp_products_are_not_told_apart_and_it_says_so(works: Works):
    store_filler(works)
    works.erp.down = Unavailable("plant database", "no file")
    found = await works.ask(detect_anomalies, asset="filler")
    assert "Products are not told apart" in found.notices[0]
