"""Asks the models in use, and those that run along, about machines; keeps what they say."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from copilot.health.fleet import Done
from copilot.health.machine_course import read_course
from copilot.health.predictions import DayScore
from copilot.health.training import FACTOR
from copilot.health.workshop import Workshop
from copilot_tools.errors import ToolError
from copilot_tools.learnt_life import (
    LearntLife,
    NotLearnt,
    Question,
    answer,
    model_key,
    pose,
    read_schema,
)
from copilot_tools.learnt_words import learnt_prediction
from copilot_tools.models.registry.kinds import load, open_content
from copilot_tools.models.registry.manifest import Manifest, Unusable
from copilot_tools.models.registry.registry import Key
from copilot_tools.models.registry.skops_file import unpack
from copilot_tools.models.usual import UsualBehaviour
from copilot_tools.predictions import Role
from copilot_tools.site.model import Asset, Component
from copilot_tools.timeseries import Floats

SCORE_DAYS = 14.0
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Scored:
    """What one version said of a machine, in a few words."""

    asset: str
    what: str
    model: str
    role: Role
    said: str


@dataclass(frozen=True, slots=True)
class CourseJob:
    """Rows of a machine, by product with their times, to be scored by one model's file."""

    asset: str
    name: str
    role: Role
    content: bytes
    rows: Mapping[str, Floats]
    seconds: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class LifeJob:
    """Components that one version is asked about."""

    manifest: Manifest
    role: Role
    content: bytes
    questions: tuple[Question, ...]


def score_remaining_life(shop: Workshop, assets: Sequence[Asset]) -> Iterator[Scored]:
    """Ask both versions about every component that has a model, and keep what they say."""
    asked: dict[tuple[Key, Role, int], list[Question]] = {}
    for asset in assets:
        for part in asset.components:
            key = model_key(asset, part)
            for role, version in _roles(shop, key):
                question = asyncio.run(_pose(shop, asset, part, key, version))
                if isinstance(question, NotLearnt):
                    yield Scored(asset.id, part.name, f"{key} v{version}", role, _words(question))
                else:
                    asked.setdefault((key, role, version), []).append(question)
    jobs: list[LifeJob] = []
    for (key, role, version), questions in asked.items():
        try:
            manifest = shop.registry.manifest(key, version)
            content = shop.registry.content(manifest)
        except Unusable as error:
            name = f"{key} v{version}"
            yield from (_of(name, role, question, str(error)) for question in questions)
            continue
        for first in range(0, len(questions), _AT_ONCE):
            chunk = tuple(questions[first : first + _AT_ONCE])
            jobs.append(LifeJob(manifest, role, content, chunk))
    for done in shop.fleet.run(score_lives, jobs):
        yield from _kept(shop, jobs[done.place], done)


async def _pose(
    shop: Workshop, asset: Asset, part: Component, key: Key, version: int
) -> Question | NotLearnt:
    try:
        manifest = shop.registry.manifest(key, version)
        repairs = await shop.plant.erp.work_orders([asset.id], None, None)
        return await pose(shop.plant, asset, part, repairs, manifest, read_schema(manifest))
    except ToolError as error:
        return NotLearnt(str(error))


def score_lives(job: LifeJob) -> list[LearntLife | NotLearnt]:
    """What a version says to each question."""
    loaded, schema = open_content(job.manifest, job.content), read_schema(job.manifest)
    return [answer(loaded, schema, question) for question in job.questions]


def _kept(
    shop: Workshop, job: LifeJob, done: Done[list[LearntLife | NotLearnt]]
) -> Iterator[Scored]:
    name = job.manifest.name
    if done.result is None:
        yield from (_of(name, job.role, question, done.why) for question in job.questions)
        return
    for question, said in zip(job.questions, done.result, strict=True):
        if isinstance(said, LearntLife):
            shop.book.keep([replace(learnt_prediction(shop.plant, said), role=job.role)])
        yield _of(name, job.role, question, _words(said))


def score_behaviour(shop: Workshop, assets: Sequence[Asset]) -> Iterator[Scored]:
    """Score the last two weeks of machines day by day, by both versions, and keep the scores."""
    jobs: list[CourseJob] = []
    for asset in assets:
        key = Key("behaviour", asset.id)
        versions = _roles(shop, key)
        if not versions:
            continue
        try:
            course = asyncio.run(read_course(shop.plant, asset, SCORE_DAYS))
        except ToolError as error:
            yield from (_trouble(asset, f"{key} v{v}", role, str(error)) for role, v in versions)
            continue
        for role, version in versions:
            name = f"{key} v{version}"
            try:
                manifest = load(shop.registry, key, version).manifest
                content = shop.registry.content(manifest)
            except Unusable as error:
                yield _trouble(asset, name, role, str(error))
                continue
            if _signals(manifest.features) != list(course.signals):
                yield _trouble(asset, name, role, "has other signals now; train it anew")
                continue
            jobs.append(CourseJob(asset.id, name, role, content, course.rows, course.seconds))
    for done in shop.fleet.run(score_course, jobs):
        job = jobs[done.place]
        scores = done.result or []
        shop.book.keep_scores(scores)
        words = done.why or _newest_words(scores)
        yield Scored(job.asset, "behaviour", job.name, job.role, words)


def score_course(job: CourseJob) -> list[DayScore]:
    """The scores of a machine by UTC day."""
    state = unpack(job.content, (), job.name)
    model = UsualBehaviour.from_state(state["model"])
    if not job.rows:
        return []
    scores = np.concatenate([model.scores(n, rows) for n, rows in job.rows.items()])
    seconds = np.concatenate([job.seconds[n] for n in job.rows])
    known = np.isfinite(scores)
    days = np.floor(seconds[known] / 86400).astype(np.int64)
    found = []
    for day in np.unique(days).tolist():
        those = scores[known][days == day]
        name = datetime.fromtimestamp(day * 86400, UTC).date().isoformat()
        above = float((those >= FACTOR).mean())
        found.append(DayScore(job.asset, job.name, name, job.role, float(np.median(those)), above))
    return found


def _roles(shop: Workshop, key: Key) -> list[tuple[Role, int]]:
    """The version in use and the one that runs along."""
    try:
        pointer = shop.registry.pointer(key)
    except Unusable:
        return []
    told: list[tuple[Role, int]] = [("told", pointer.current)] if pointer.current else []
    return [*told, ("shadow", pointer.shadow)] if pointer.shadow else told


def _signals(features: Mapping[str, object]) -> list[object]:
    found: list[object] = []
    for part in (features.get("settings"), features.get("sensors")):
        found += part if isinstance(part, list) else []
    return found


def _of(name: str, role: Role, question: Question, said: str) -> Scored:
    return Scored(question.component.asset, question.component.name, name, role, said)


def _trouble(asset: Asset, name: str, role: Role, why: str) -> Scored:
    return Scored(asset.id, "behaviour", name, role, why)


def _words(answer: LearntLife | NotLearnt) -> str:
    if isinstance(answer, NotLearnt):
        return answer.why or "no answer"
    if answer.high is None:
        return f"more than {answer.low:.1f} days"
    return f"{answer.days:.1f} days ({answer.low:.1f} to {answer.high:.1f})"


def _newest_words(scores: Sequence[DayScore]) -> str:
    if not scores:
        return "it did not run"
    newest = scores[-1]
    share = f"{newest.above:.0%} of it abnormal" if newest.above else "as usual"
    return f"{newest.day}: score {newest.score:.2f}, {share}"
