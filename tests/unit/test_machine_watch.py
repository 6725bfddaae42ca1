import asyncio
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from telemetry_fixture import NOW, Works, build_works, fact

from copilot.health.watch.learning import learn_machine
from copilot.health.watch.machine_watch import MachineWatch
from copilot.health.watch.standing import Standing
from copilot_tools.anomaly import detect_anomalies
from copilot_tools.errors import Unavailable
from copilot_tools.facts import Quality
from copilot_tools.models.abnormality.fleet import State, Tick
from copilot_tools.sources.protocols import Reading, Samples
from copilot_tools.watched import Unlike

DAYS = 17
MINUTES = DAYS * 1440
STEP = timedelta(seconds=60)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def pump(count: int, seed: int, bearing: float = 0.0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    speed = random.normal(1450, 15, count)
    flow = speed / 29 + random.normal(0, 0.3, count)
    return {
        "K_1__speed": speed,
        "K_1__flow": flow,
        "K_1__bearing_temperature": 20 + flow * 0.8 + random.normal(0, 0.4, count) + bearing,
        "K_1__bearing_vibration": 1 + speed / 1500 + random.normal(0, 0.05, count),
    }


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is learnt of a healthy pump from seventeen days of history, for all tests here."""
    folder = tmp_path_factory.mktemp("learnt")
    works = build_works(folder)
    works.store(**pump(MINUTES, 1))
    asyncio.run(MachineWatch(works.plant, folder / "watch").learn())
    return folder / "watch" / "learnt.npz"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def works(tmp_path: Path, clock: Clock) -> Works:
    works = build_works(tmp_path)
    works.plant = replace(works.plant, now=clock)
    return works


@pytest.fixture
def watch(works: Works, learnt: Path, tmp_path: Path) -> MachineWatch:
    """A watch that goes on with what was learnt."""
    (tmp_path / "watch").mkdir()
    shutil.copy(learnt, tmp_path / "watch")
    watch = MachineWatch(works.plant, tmp_path / "watch")
    assert watch.recall()
    return watch


async def play(
    watch: MachineWatch, works: Works, clock: Clock, course: dict[str, np.ndarray]
) -> list[Tick]:
    """Show a course live, a row a minute."""
    names = {
        "K_1__speed": "K-1.speed",
        "K_1__flow": "K-1.flow",
        "K_1__bearing_temperature": "K-1.bearing",
        "K_1__bearing_vibration": "K-1.vibration",
    }
    ticks = []
    for place in range(len(course["K_1__speed"])):
        clock.now += STEP
        for column, node in names.items():
            works.telemetry.set(node, float(course[column][place]), time=clock.now)
        tick = await watch.tick()
        assert tick is not None
        ticks.append(tick)
    return ticks


async def test_a_machine_like_itself_is_scored_and_nothing_is_said(
    watch: MachineWatch, works: Works, clock: Clock
):
    ticks = await play(watch, works, clock, pump(90, 2))
    assert [int(tick.states[0]) for tick in ticks[:5]] == [State.WARMING_UP] * 5
    assert ticks[-1].states[0] == State.SCORED
    assert watch.unlike("K-1") is None
    assert watch.ended == []


async def test_a_hot_bearing_is_seen_live_with_begin_and_size_and_its_end(
    watch: MachineWatch, works: Works, clock: Clock
):
    await play(watch, works, clock, pump(60, 2))
    begun = clock.now
    await play(watch, works, clock, pump(60, 3, bearing=6.0))
    unlike = watch.unlike("K-1")
    assert unlike is not None
    assert timedelta() < unlike.since - begun < timedelta(minutes=10)
    assert unlike.seen == clock.now
    assert unlike.shifts[0].signal.name == "bearing temperature"
    assert unlike.shifts[0].shift == pytest.approx(6.0, abs=1.0)
    await play(watch, works, clock, pump(90, 4))
    assert watch.unlike("K-1") is None
    (ended,) = watch.ended
    assert ended.asset == "K-1"
    assert ended.begin == unlike.since.timestamp()


async def test_after_a_restart_the_watch_goes_on_without_learning_anew(
    watch: MachineWatch, works: Works, clock: Clock, tmp_path: Path
):
    await play(watch, works, clock, pump(60, 2))
    await play(watch, works, clock, pump(60, 3, bearing=6.0))
    second = MachineWatch(works.plant, tmp_path / "watch")
    assert second.recall()
    ticks = await play(second, works, clock, pump(1, 5, bearing=6.0))
    assert ticks[0].states[0] == State.SCORED
    again, before = second.unlike("K-1"), watch.unlike("K-1")
    assert again is not None
    assert before is not None
    assert again.since == before.since


async def test_a_long_rest_of_the_copilot_warms_up_anew(
    watch: MachineWatch, works: Works, clock: Clock, tmp_path: Path
):
    await play(watch, works, clock, pump(60, 2))
    clock.now += timedelta(hours=5)
    second = MachineWatch(works.plant, tmp_path / "watch")
    assert second.recall()
    ticks = await play(second, works, clock, pump(1, 5))
    assert ticks[0].states[0] == State.WARMING_UP


async def test_what_was_learnt_long_ago_or_cannot_be_read_is_learnt_anew(
    watch: MachineWatch, works: Works, clock: Clock, tmp_path: Path
):
    clock.now += timedelta(days=8)
    assert not watch.recall()
    clock.now -= timedelta(days=8)
    for name in ("learnt.npz", "state.npz"):
        (tmp_path / "watch" / name).write_bytes(b"broken")
    assert not MachineWatch(works.plant, tmp_path / "nowhere").recall()
    assert not MachineWatch(works.plant, tmp_path / "watch").recall()


async def test_what_is_unlike_itself_still_is_when_everything_is_learnt_anew(
    watch: MachineWatch, works: Works, clock: Clock
):
    await play(watch, works, clock, pump(60, 2))
    await play(watch, works, clock, pump(60, 3, bearing=6.0))
    before = watch.unlike("K-1")
    works.store(**pump(MINUTES, 1))
    await watch.learn()
    await play(watch, works, clock, pump(40, 3, bearing=6.0))
    after = watch.unlike("K-1")
    assert before is not None
    assert after is not None
    assert after.since == before.since


async def test_a_machine_that_stands_is_not_judged_and_warms_up_after(
    watch: MachineWatch, works: Works, clock: Clock
):
    await play(watch, works, clock, pump(60, 2))
    still = {name: np.zeros(20) for name in pump(1, 1)}
    stood = await play(watch, works, clock, still)
    assert {int(tick.states[0]) for tick in stood} == {State.UNSEEN_REGIME}
    after = await play(watch, works, clock, pump(60, 6))
    assert after[10].states[0] == State.UNSEEN_REGIME
    assert after[-1].states[0] == State.SCORED
    assert watch.unlike("K-1") is None


async def test_a_machine_that_stood_before_a_restart_warms_up_after_it_all_the_same(
    watch: MachineWatch, works: Works, clock: Clock, tmp_path: Path
):
    await play(watch, works, clock, pump(60, 2))
    await play(watch, works, clock, {name: np.zeros(20) for name in pump(1, 1)})
    second = MachineWatch(works.plant, tmp_path / "watch")
    assert second.recall()
    after = await play(second, works, clock, pump(60, 6))
    assert after[10].states[0] == State.UNSEEN_REGIME
    assert after[-1].states[0] == State.SCORED


async def test_bad_values_are_no_values(watch: MachineWatch, works: Works, clock: Clock):
    course = pump(60, 2)
    for place in range(60):
        clock.now += STEP
        works.telemetry.set("K-1.speed", float(course["K_1__speed"][place]))
        for node in ("K-1.flow", "K-1.bearing", "K-1.vibration"):
            works.telemetry.set(node, 9e9, quality=Quality.BAD)
        tick = await watch.tick()
    assert tick is not None
    assert tick.states[0] == State.NOT_ENOUGH_DATA


async def test_a_history_that_is_too_short_makes_no_watch(clock: Clock, tmp_path: Path):
    works = build_works(tmp_path)
    works.plant = replace(works.plant, now=clock)
    works.store(**pump(300, 1))
    assert await learn_machine(works.plant, works.plant.site.assets["K-1"]) is None
    watch = MachineWatch(works.plant, tmp_path / "watch")
    await watch.learn()
    assert await watch.tick() is None
    assert watch.unlike("K-1") is None


async def test_a_dead_server_ends_no_watch(watch: MachineWatch, works: Works, clock: Clock):
    works.telemetry.down = Unavailable("OPC UA", "no answer", NOW)
    async with watch.running(first_s=0.0):
        with pytest.raises(Unavailable):
            await watch.tick()
    works.telemetry.down = None
    assert len(await play(watch, works, clock, pump(1, 2))) == 1


async def test_detect_anomalies_says_what_the_watch_sees(
    watch: MachineWatch, works: Works, clock: Clock
):
    works.plant = replace(works.plant, watch=watch.unlike)
    await play(watch, works, clock, pump(60, 2))
    await play(watch, works, clock, pump(60, 3, bearing=6.0))
    unlike = watch.unlike("K-1")
    assert unlike is not None
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "unlike itself live since").value == unlike.since
    assert "live readings" in " ".join(found.notices)


async def test_the_watch_answers_where_the_history_does_not(watch: MachineWatch, works: Works):
    class Silent:
        async def read(self, *_: object) -> dict[str, Samples]:
            raise Unavailable("history", "no answer", NOW)

    stood = Unlike(NOW - timedelta(minutes=30), NOW, 3.0, ())
    works.plant = replace(works.plant, history=Silent(), watch={"K-1": stood}.get)
    found = await works.ask(detect_anomalies, asset="K-1")
    assert fact(found, "unlike itself live since").value == stood.since
    assert "history is not reachable" in found.summary
    with pytest.raises(Unavailable):
        await works.ask(detect_anomalies, asset="filler")
    with pytest.raises(Unavailable):
        await works.ask(detect_anomalies, asset="K-1", window="8h")


def test_a_machine_warms_up_for_as_long_as_it_stood_at_most_an_hour():
    standing = Standing()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert standing.warmed_up("A", True, start)
    assert not standing.warmed_up("A", False, start)
    assert not standing.warmed_up("A", True, start + timedelta(minutes=20))
    assert standing.warmed_up("A", True, start + timedelta(minutes=40))
    assert not standing.warmed_up("A", False, start + timedelta(hours=1))
    assert not standing.warmed_up("A", True, start + timedelta(hours=9))
    assert standing.warmed_up("A", True, start + timedelta(hours=10))


@pytest.mark.usefixtures("watch")
async def test_a_look_that_fails_in_an_unforeseen_way_is_logged_and_ends_nothing(
    works: Works, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    asked = asyncio.Event()

    class Odd:
        async def read(self, *_: object) -> list[Reading]:
            asked.set()
            raise KeyError("odd")

        async def close(self) -> None:
            return None

    broken = MachineWatch(replace(works.plant, telemetry=Odd()), tmp_path / "watch")
    async with asyncio.timeout(20), broken.running(first_s=0.0):
        await asked.wait()
    assert "a look at the machines failed" in caplog.text
