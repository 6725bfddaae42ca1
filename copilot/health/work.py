"""Trains models for machines or all of a plant, one piece of work a model."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from copilot.health.lives import Lives, count_renewals, gather_lives, like_parts
from copilot.health.machine_course import MachineCourse, read_course
from copilot.health.promotion import compare_courses, compare_lives
from copilot.health.training import (
    LEAST_LIVES,
    TooLittle,
    Trained,
    store,
    train_course,
    train_lives,
)
from copilot.health.trouble import known_trouble
from copilot.health.workshop import Workshop
from copilot_tools.errors import ToolError
from copilot_tools.models.registry.manifest import Manifest
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.site.model import Asset

COURSE_DAYS = 35.0
LIFE_DAYS = 1095.0

Progress = Callable[[str, float], None]
Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Made:
    """A model that was to be trained: its new version, or in one line why there is none.

    `early` says that there only is not enough history yet.
    """

    key: Key
    manifest: Manifest | None
    why: str = ""
    early: bool = False


def train_remaining_life(
    shop: Workshop, scopes: Sequence[str], progress: Progress, days: float = LIFE_DAYS
) -> Iterator[Made]:
    """A version for each scope ("pump/bearing") whose lives suffice."""
    parts = like_parts(shop.plant.site)
    gathered: list[Lives] = []
    for place, scope in enumerate(scopes):
        progress("Reading lives from the history", place / len(scopes))
        repairs = asyncio.run(count_renewals(shop.plant, parts[scope]))
        if repairs + len(parts[scope]) < LEAST_LIVES:  # The history could not show enough either.
            yield Made(Key("remaining-life", scope), None, _too_few(repairs), early=True)
            continue
        gathered.append(asyncio.run(gather_lives(shop.plant, scope, parts[scope], days)))
    progress("Reading lives from the history", 1.0)
    yield from train_gathered(shop, gathered, progress)


def _too_few(repairs: int) -> str:
    return (
        f"not enough history: {repairs} repairs are known, at least {LEAST_LIVES} lives "
        "that ended in failure are needed; the trend of the wear signal stays"
    )


def train_gathered(shop: Workshop, gathered: Sequence[Lives], progress: Progress) -> Iterator[Made]:
    """A version of a remaining-life model for each set of lives that suffices."""
    keys = [Key("remaining-life", lives.scope) for lives in gathered]
    yield from _train(shop, keys, train_lives, gathered, compare_lives, progress)


def train_behaviour(
    shop: Workshop, assets: Sequence[str], progress: Progress, days: float = COURSE_DAYS
) -> Iterator[Made]:
    """A version for each machine whose running history suffices."""
    courses: list[MachineCourse] = []
    for place, asset in enumerate(assets):
        progress("Reading running history", place / len(assets))
        key, machine = Key("behaviour", asset), shop.plant.site.assets[asset]
        try:
            courses.append(asyncio.run(_healthy_course(shop, machine, days)))
        except ToolError as error:
            yield Made(key, None, str(error))
    progress("Reading running history", 1.0)
    keys = [Key("behaviour", course.asset) for course in courses]
    yield from _train(shop, keys, train_course, courses, compare_courses, progress)


async def _healthy_course(shop: Workshop, machine: Asset, days: float) -> MachineCourse:
    course = await read_course(shop.plant, machine, days)
    return course.untroubled(await known_trouble(shop.plant, machine.id))


def _train(
    shop: Workshop,
    keys: Sequence[Key],
    work: Callable[[Given], Trained],
    given: Sequence[Given],
    compare: Callable[[Registry, Key, Trained, Given], Mapping[str, float]],
    progress: Progress,
) -> Iterator[Made]:
    finished = 0
    progress("Training", 0.0)
    for done in shop.fleet.run(work, given):
        finished += 1
        progress("Training", finished / len(given))
        key = keys[done.place]
        if done.result is None:
            yield Made(key, None, done.why, early=isinstance(done.error, TooLittle))
            continue
        more = compare(shop.registry, key, done.result, given[done.place])
        yield Made(key, store(shop.registry, key, done.result, shop.plant.now(), more))
