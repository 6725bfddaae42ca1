"""A remaining-life model from history to answer: the real code trains one for all tests."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from time import sleep

import numpy as np
import pytest
from telemetry_fixture import NOW, fact
from worn_pump import WornPump, build_workshop, build_worn_pump, quiet, renewal

from copilot.health.fleet import Fleet
from copilot.health.lives import gather_lives, like_parts
from copilot.health.loaded import kept_loaded
from copilot.health.promotion import AGAINST, OURS, THEIRS, objection
from copilot.health.scoring import score_remaining_life
from copilot.health.training import train_lives
from copilot.health.work import Made, train_remaining_life
from copilot.health.workshop import Workshop
from copilot_tools.errors import Failed, Unavailable
from copilot_tools.learnt_life import KIND
from copilot_tools.models.registry import kinds
from copilot_tools.models.registry.kinds import load
from copilot_tools.models.registry.manifest import Draft, Manifest
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.outcomes import judge_predictions
from copilot_tools.rul import predict_rul
from copilot_tools.scorecard import tally

KEY = Key(KIND, "pump/bearing")


@dataclass(frozen=True, slots=True)
class Trained:
    pump: WornPump
    shop: Workshop
    made: list[Made]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    folder = tmp_path_factory.mktemp("trained")
    pump = build_worn_pump(folder)
    shop = build_workshop(pump.works, folder)
    made = list(train_remaining_life(shop, list(like_parts(shop.plant.site)), quiet))
    yield Trained(pump, shop, made)
    shop.book.engine.dispose()


@pytest.fixture
def pump(trained: Trained, tmp_path: Path) -> Iterator[WornPump]:
    """The same pump with models and predictions of its own; the model is in use."""
    shutil.copytree(trained.shop.registry.root, tmp_path / "models")
    works = trained.pump.works
    before, jobs = works.plant, list(works.erp.jobs)
    shop = build_workshop(works, tmp_path)
    shop.registry.promote(KEY, 1, NOW, "ada")
    yield trained.pump
    works.plant, works.erp.jobs = before, jobs
    shop.book.engine.dispose()


def add_again(registry: Registry, **metrics: float) -> Manifest:
    """The first version once more, with other metrics."""
    first = registry.manifest(KEY, 1)
    said = {name: getattr(first, name) for name in Draft.model_fields}
    draft = Draft(**{**said, "metrics": {**first.metrics, **metrics}})
    file = registry.root / "remaining-life" / "pump%2Fbearing" / "1" / first.file
    content = file.read_bytes() if file.exists() else b""
    return registry.add(KEY, content, first.file, draft)


def test_lives_are_cut_at_repairs(trained: Trained):
    parts = like_parts(trained.shop.plant.site)
    lives = asyncio.run(
        gather_lives(trained.shop.plant, "pump/bearing", parts["pump/bearing"], 400)
    )
    assert lives.failed == 8
    assert len(lives.lives) == 9
    assert [life.end for life in lives.lives[:-1]] == list(trained.pump.renewed)
    assert [life.age_known for life in lives.lives] == [False] + [True] * 8
    assert lives.schema.settings == ("speed", "flow")
    assert lives.schema.sensors == ("bearing temperature", "bearing vibration")
    assert min(len(life.sensors) for life in lives.lives[:-1]) >= 50


def test_a_version_is_made_of_lives_that_suffice_and_runs_along(trained: Trained):
    made = {one.key: one for one in trained.made}
    manifest = made[KEY].manifest
    assert manifest is not None
    assert trained.shop.registry.pointer(KEY).current is None
    assert trained.shop.registry.pointer(KEY).shadow == 1
    error = manifest.metrics["back-test error in days"]
    assert error is not None
    assert 0 < error < 3
    assert manifest.metrics["lives that ended in failure"] == 8
    assert manifest.until is not None
    assert NOW - manifest.until < timedelta(hours=3)
    assert manifest.libraries["scikit-learn"]
    assert len(manifest.conformal) == 11
    assert all(low <= given <= high or given > 0 for given, low, high in manifest.conformal)


def test_too_few_lives_are_said_plainly(trained: Trained):
    coupling = next(one for one in trained.made if one.key.scope == "pump/coupling")
    assert coupling.manifest is None
    assert (
        "not enough history: 0 repairs are known, at least 8 lives that ended in failure"
        in coupling.why
    )
    assert "the trend of the wear signal stays" in coupling.why


async def test_the_model_in_use_answers_with_interval_drivers_and_name(pump: WornPump):
    found = await pump.works.ask(predict_rul, asset="K-1", component="bearing")
    life = fact(found, "bearing remaining life")
    assert life.interval is not None
    assert pump.left_days in life.interval
    assert life.value == pytest.approx(pump.left_days, abs=1.5)
    assert "bearing vibration costs" in found.summary
    assert "by remaining-life pump/bearing v1" in found.summary
    assert fact(found, "bearing trained model").value == "remaining-life pump/bearing v1"
    assert NOW - fact(found, "bearing newest running cycle").value < timedelta(hours=12)
    assert fact(found, "bearing life by bearing vibration").value < 0
    assert found.notices == ()


def is_loaded_soon(file: Path) -> bool:
    """Whether a model's file is loaded within a minute."""
    for _ in range(6000):
        if any(stamp[0] == str(file) for stamp in list(kinds._loaded)):
            return True
        sleep(0.01)
    return False


async def test_a_version_promoted_while_it_runs_is_loaded_unasked_and_answers_next(pump: WornPump):
    models = pump.works.plant.models
    assert models is not None
    assert "pump/bearing v1" in (await pump.works.ask(predict_rul, asset="K-1")).summary
    async with kept_loaded(models, every_s=0.01):
        add_again(models)
        models.promote(KEY, 2, NOW, "ada")
        file = models.root / "remaining-life" / "pump%2Fbearing" / "2" / "model.skops"
        assert await asyncio.to_thread(is_loaded_soon, file)
    assert "pump/bearing v2" in (await pump.works.ask(predict_rul, asset="K-1")).summary
    models.roll_back(KEY, NOW, "ada")
    assert "pump/bearing v1" in (await pump.works.ask(predict_rul, asset="K-1")).summary


async def test_without_a_version_in_use_the_trend_answers(pump: WornPump):
    pump.works.plant = replace(pump.works.plant, models=None)
    found = await pump.works.ask(predict_rul, asset="K-1")
    assert "until bearing vibration reaches 7.1 mm/s" in found.summary
    assert found.notices == ()


async def test_a_young_bearing_has_more_left_than_can_be_told(pump: WornPump, tmp_path: Path):
    models = pump.works.plant.models
    young = build_worn_pump(tmp_path / "young", lives=3, left_days=14.5, seed=8)
    young.works.plant = replace(young.works.plant, models=models)
    found = await young.works.ask(predict_rul, asset="K-1")
    assert "bearing: more than" in found.summary
    least = fact(found, "bearing remaining life is more than")
    assert least.value < 20
    assert least.interval is not None
    assert least.interval.high is None


async def test_a_component_just_made_good_is_refused_in_words(pump: WornPump):
    pump.works.erp.jobs.append(renewal(NOW - timedelta(hours=12), 99))
    found = await pump.works.ask(predict_rul, asset="K-1")
    assert "v1 does not judge it: it has run too short since it was made good" in found.notices[0]
    assert "not enough history since its repair" in found.summary


async def test_a_point_never_seen_is_refused_in_words(pump: WornPump, tmp_path: Path):
    models = pump.works.plant.models
    other = build_worn_pump(tmp_path / "other", lives=3, seed=8)
    count = 30 * 144
    last = np.datetime64(NOW.replace(tzinfo=None), "us")
    times = last - np.arange(count, 0, -1) * np.timedelta64(600, "s")
    columns = {"speed": 2900.0, "flow": 20.0, "bearing temperature": 55.0, "bearing vibration": 1.6}
    arrays = {f"K-1.{name}": np.full(count, value) for name, value in columns.items()}
    other.works.history.append_arrays(times, arrays)
    other.works.plant = replace(other.works.plant, models=models)
    found = await other.works.ask(predict_rul, asset="K-1")
    assert "v1 does not judge it: " in found.notices[0]


async def test_a_model_that_broke_is_said_and_the_trend_told(pump: WornPump):
    models = pump.works.plant.models
    assert models is not None
    (models.root / "remaining-life" / "pump%2Fbearing" / "1" / "model.skops").write_bytes(b"?")
    found = await pump.works.ask(predict_rul, asset="K-1")
    assert "until bearing vibration reaches" in found.summary
    assert "is damaged; roll back or train it anew. The trend" in found.notices[0]


async def test_a_model_of_another_scikit_learn_or_of_long_ago_is_not_used(pump: WornPump):
    models = pump.works.plant.models
    assert models is not None
    file = models.root / "remaining-life" / "pump%2Fbearing" / "1" / "manifest.json"
    manifest = json.loads(file.read_bytes())
    for change, says in (
        ({"libraries": {"scikit-learn": "1.2.0"}}, "was trained with scikit-learn 1.2.0, here is"),
        ({"until": "2020-01-01T00:00:00Z"}, "is too old; train it anew"),
        ({"features": {"sensors": []}}, "its features: "),
        ({"features": {**manifest["features"], "sensors": ["oil"]}}, "K-1 has no signal oil"),
    ):
        file.write_text(json.dumps({**manifest, **change}), "utf-8")
        found = await pump.works.ask(predict_rul, asset="K-1")
        assert says in found.notices[0]
        assert "until bearing vibration reaches" in found.summary


async def test_what_is_said_is_kept_once_a_day_and_judged_later(pump: WornPump, tmp_path: Path):
    book = pump.works.plant.predictions
    assert book is not None
    for _ in range(2):
        await pump.works.ask(predict_rul, asset="K-1")
    (said,) = book.of(["K-1"])
    assert (said.model, said.role) == ("remaining-life pump/bearing v1", "told")
    later = build_worn_pump(tmp_path / "later", lives=1, now=NOW + timedelta(days=9))
    later.works.erp.jobs = [renewal(NOW + timedelta(days=pump.left_days))]
    later.works.plant = replace(later.works.plant, predictions=book)
    found = await later.works.ask(predict_rul, asset="K-1")
    assert "1 past prediction of the bearing came due: 1 within the interval" in found.summary
    assert fact(found, "bearing past predictions that came due").value == 1


async def test_both_versions_are_asked_and_only_one_is_told(trained: Trained, pump: WornPump):
    shop = replace(trained.shop, plant=pump.works.plant)
    registry, book = pump.works.plant.models, pump.works.plant.predictions
    assert registry is not None
    assert book is not None
    add_again(registry)
    shop = replace(shop, registry=registry, book=book)  # type: ignore[arg-type]
    there = replace(shop, fleet=Fleet(workers=2))
    scored, again = await asyncio.to_thread(
        lambda: [list(score_remaining_life(s, shop.assets([]))) for s in (shop, there)]
    )
    assert [(s.model, s.role) for s in scored] == [(f"{KEY} v1", "told"), (f"{KEY} v2", "shadow")]
    assert all("days" in s.said for s in scored)
    assert sorted(again, key=lambda s: s.model) == scored  # Other processes say the same.
    assert {p.role for p in book.of(None)} == {"told", "shadow"}
    found = await pump.works.ask(predict_rul, asset="K-1")
    assert "pump/bearing v1" in found.summary
    judged = await judge_predictions(shop.plant, book.of(None))
    assert tally(judged["K-1", "bearing"]).pending == 2


def test_a_worse_version_is_kept_out_of_use(trained: Trained, tmp_path: Path):
    shutil.copytree(trained.shop.registry.root, tmp_path / "models")
    registry = Registry(tmp_path / "models")
    assert objection(registry, KEY, 1) is None
    registry.promote(KEY, 1, NOW, "ada")

    def added(**metrics: float) -> str | None:
        return objection(registry, KEY, add_again(registry, **metrics).version)

    assert added() is None
    assert "its back-test is worse than that of v1" in str(added(loss=99.0))
    better_where_it_counts = {"loss": 99.0, AGAINST: 1.0, OURS: 1.0, THEIRS: 1.2}
    assert added(**better_where_it_counts) is None
    assert "on data newer than both" in str(added(**{AGAINST: 1.0, OURS: 2.0, THEIRS: 1.2}))
    coverage = {"share of the back-test inside the 80 % interval": 0.4}
    assert "held 40%" in str(added(**coverage))
    (registry.root / "remaining-life" / "pump%2Fbearing" / "1" / "model.skops").unlink()
    assert added(loss=99.0) is None


def test_the_model_survives_its_file(trained: Trained):
    loaded = load(trained.shop.registry, KEY, 1)
    assert loaded.reference.shape[1] == 4
    assert len(trained.shop.registry.content(loaded.manifest)) < 5_000_000


async def test_a_record_that_cannot_be_kept_spoils_no_answer(pump: WornPump):
    class Broken:
        def keep(self, _predictions: object) -> None:
            raise Unavailable("the copilot's own database", "disk full")

        def of(self, _assets: object) -> list[object]:
            raise Unavailable("the copilot's own database", "disk full")

    pump.works.plant = replace(pump.works.plant, predictions=Broken())  # type: ignore[arg-type]
    found = await pump.works.ask(predict_rul, asset="K-1")
    assert fact(found, "bearing remaining life").value > 0
    assert found.notices == ("How past predictions turned out cannot be read now.",)


def test_training_needs_lives_that_ended(trained: Trained):
    parts = like_parts(trained.shop.plant.site)["pump/bearing"]
    lives = asyncio.run(gather_lives(trained.shop.plant, "pump/bearing", parts, 100))
    assert 0 < lives.failed < 8
    with pytest.raises(Failed, match=f"{lives.failed} lives ended in failure, at least 8"):
        train_lives(lives)
