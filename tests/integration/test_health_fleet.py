"""Training and scoring of many machines: in processes here, and on a real local Dask cluster."""

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
from distributed import LocalCluster

from copilot.health.fleet import Done, Fleet
from copilot.health.machine_course import MachineCourse
from copilot.health.scoring import CourseJob, score_course
from copilot.health.training import Trained, train_course
from copilot_tools.errors import Failed, Unavailable

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MACHINES = 4


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a scheduler with two worker processes."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        host="127.0.0.1",
        memory_limit=0,
    ) as cluster:
        yield cluster.scheduler_address


def course(number: int, rows: int = 400) -> MachineCourse:
    random = np.random.default_rng(number)
    load = random.normal(50, 3, rows)
    table = np.column_stack([load, 0.5 * load + random.normal(0, 0.2, rows)])
    seconds = NOW.timestamp() - 600.0 * np.arange(rows, 0, -1)
    names = ("load", "temperature")
    return MachineCourse(f"K-{number}", names, 1, 600.0, {"": table}, {"": seconds}, NOW)


COURSES = [course(number) for number in range(MACHINES)]


def trained(fleet: Fleet) -> dict[int, Trained]:
    done: list[Done[Trained]] = list(fleet.run(train_course, COURSES))
    assert [one.why for one in done] == [""] * MACHINES
    return {one.place: one.result for one in done if one.result is not None}


@pytest.mark.parametrize("where", ["processes", "dask"])
def test_all_places_of_work_make_the_same_models(where: str, cluster: str):
    fleet = Fleet(workers=2) if where == "processes" else Fleet(scheduler=cluster)
    here, there = trained(Fleet()), trained(fleet)
    assert there.keys() == here.keys()
    for place, model in here.items():
        assert there[place].metrics == model.metrics
        assert there[place].data_sha256 == model.data_sha256
    assert scores(Fleet(), there) == scores(fleet, here)


def scores(fleet: Fleet, models: dict[int, Trained]) -> dict[int, list[float]]:
    jobs = [
        CourseJob(given.asset, "m", "told", models[place].content, given.rows, given.seconds)
        for place, given in enumerate(COURSES)
    ]
    done = {one.place: one.result for one in fleet.run(score_course, jobs)}
    return {place: [day.score for day in days or []] for place, days in done.items()}


def fail_for_some(number: int) -> int:
    if number == 2:
        raise Failed("machine 2 has no history")
    if number == 3:
        raise RuntimeError("broken\nbadly")
    if number == 5:
        raise Unavailable("the history", "disk is gone", NOW)
    return number


@pytest.mark.parametrize("where", ["here", "processes", "dask"])
def test_one_that_fails_does_not_end_the_others(where: str, cluster: str):
    fleets = {"here": Fleet(), "processes": Fleet(workers=2), "dask": Fleet(scheduler=cluster)}
    done = {one.place: one for one in fleets[where].run(fail_for_some, [1, 2, 3, 4, 5])}
    assert [done[0].result, done[3].result] == [1, 4]
    assert done[1].why == "machine 2 has no history"
    assert done[2].why == "RuntimeError: broken"
    lost = done[4].error
    assert isinstance(lost, Unavailable)
    assert (lost.source, lost.why, lost.since) == ("the history", "disk is gone", NOW)


def own_process(_number: int) -> int:
    return os.getpid()


def test_the_work_is_done_in_other_processes(cluster: str):
    for fleet in (Fleet(workers=2), Fleet(scheduler=cluster)):
        ran = {one.result for one in fleet.run(own_process, list(range(4)))}
        assert os.getpid() not in ran


def test_a_dead_scheduler_is_one_clear_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(Unavailable, match=f"Dask scheduler {address} is not reachable: ") as found:
        list(Fleet(scheduler=address).run(own_process, [1]))
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("address", ["tcp://", "http://127.0.0.1:1", "nonsense", "tcp://a:b"])
def test_an_address_that_is_none_is_said_to_be(address: str):
    with pytest.raises(Unavailable, match="its address must be like tcp://host:8786"):
        list(Fleet(scheduler=address).run(own_process, [1]))


def test_a_scheduler_without_workers_is_said_to_have_none():
    with (
        LocalCluster(
            n_workers=0, processes=True, dashboard_address=":0", host="127.0.0.1"
        ) as empty,
        pytest.raises(Unavailable, match="it has no workers"),
    ):
        list(Fleet(scheduler=empty.scheduler_address).run(own_process, [1]))
