"""Models of usual behaviour: trained per machine, scored by day, watched for drift."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from telemetry_fixture import NOW, Works, build_works
from worn_pump import build_workshop, quiet, renewal

from copilot.health.drift import compare_signals, has_risen, watch_drift
from copilot.health.promotion import AGAINST, OURS, THEIRS, objection
from copilot.health.scoring import score_behaviour
from copilot.health.work import train_behaviour
from copilot.health.workshop import Workshop, name_of
from copilot_tools.errors import Retry
from copilot_tools.models.registry.registry import Key

KEY = Key("behaviour", "K-1")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    works = build_works(tmp_path)
    store(works, days=30)
    shop = build_workshop(works, tmp_path)
    yield shop
    shop.book.engine.dispose()


def store(works: Works, days: float, hotter: float = 0.0, end_days: float = 0.0) -> None:
    """A pump that runs all the time in samples of ten minutes, its bearing hotter than usual."""
    random = np.random.default_rng(round(days) + 1)
    count = int(days * 144)
    speed = random.normal(1450, 15, count)
    columns = {
        "speed": speed,
        "flow": 0.035 * speed + random.normal(0, 0.2, count),
        "bearing temperature": 0.04 * speed + hotter + random.normal(0, 0.4, count),
        "bearing vibration": random.normal(1.6, 0.1, count),
    }
    last = np.datetime64((NOW - timedelta(days=end_days)).replace(tzinfo=None), "us")
    times = last - np.arange(count, 0, -1) * np.timedelta64(600, "s")
    works.history.append_arrays(times, {f"K-1.{name}": c for name, c in columns.items()})


def in_use(shop: Workshop) -> None:
    (made,) = train_behaviour(shop, ["K-1"], quiet)
    assert made.manifest is not None
    shop.registry.promote(KEY, made.manifest.version, NOW, "ada")


def later(shop: Workshop, days: float) -> Workshop:
    """The same workshop some days on."""
    return replace(shop, plant=replace(shop.plant, now=lambda: NOW + timedelta(days=days)))


def test_a_machine_is_learnt_from_its_own_history(shop: Workshop):
    made = {one.key.scope: one for one in train_behaviour(shop, ["K-1", "K-2", "T-1"], quiet)}
    manifest = made["K-1"].manifest
    assert manifest is not None
    assert manifest.features["settings"] == ["speed", "flow"]
    share = manifest.metrics["share of the back-test called abnormal"]
    assert share is not None
    assert share < 0.03
    assert "K-2 Spare pump has no signals" in made["K-2"].why
    assert "not enough history: 0 running spans" in made["T-1"].why


def test_days_are_scored_by_both_versions(shop: Workshop):
    in_use(shop)
    list(train_behaviour(shop, ["K-1"], quiet))
    scored = list(score_behaviour(shop, list(shop.plant.site.assets.values())))
    assert [(s.model, s.role) for s in scored] == [(f"{KEY} v1", "told"), (f"{KEY} v2", "shadow")]
    assert all("as usual" in s.said for s in scored)
    days = [s for s in shop.book.scores(["K-1"]) if s.role == "told"]
    assert len(days) == 15  # fourteen days reach into fifteen UTC days
    assert all(0.2 < day.score < 1.2 for day in days)


def test_an_abnormal_day_has_a_higher_score(shop: Workshop):
    in_use(shop)
    store(replace_history(shop), 1.0, hotter=8.0, end_days=-1.0)
    list(score_behaviour(later(shop, 1), shop.assets(["K-1"])))
    newest = shop.book.scores(["K-1"])[-1]
    assert newest.score > 2
    assert newest.above > 0.9


def replace_history(shop: Workshop) -> Works:
    absent: object = None
    return Works(shop.plant, absent, shop.plant.history, absent, absent, absent)  # type: ignore[arg-type]


def test_a_model_that_fits_is_not_due(shop: Workshop):
    in_use(shop)
    report = watch_drift(shop, KEY)
    assert report.due == ()
    assert {s.signal for s in report.signals} == {
        "speed",
        "flow",
        "bearing temperature",
        "bearing vibration",
    }
    assert all(s.psi < 0.15 and s.distance < 0.2 for s in report.signals)


def test_a_signal_that_moved_and_age_call_for_training(shop: Workshop):
    in_use(shop)
    store(replace_history(shop), 14.0, hotter=3.0, end_days=-14.0)
    report = watch_drift(later(shop, 14), KEY)
    assert any("bearing temperature has moved: PSI" in why for why in report.due)
    assert not any("speed" in why for why in report.due)
    old = watch_drift(later(shop, 200), KEY)
    assert "trained 200 days ago, more than 180" in old.due


def test_a_model_is_not_held_against_what_it_has_learnt_from(shop: Workshop):
    store(replace_history(shop), 10.0, hotter=3.0, end_days=-10.0)
    in_use(later(shop, 10))
    assert watch_drift(later(shop, 10), KEY).due == ()
    store(replace_history(shop), 8.0, hotter=6.0, end_days=-18.0)
    assert watch_drift(later(shop, 16), KEY).due == ()  # It has not seen six days, too few.
    (why,) = watch_drift(later(shop, 18), KEY).due
    assert "bearing temperature has moved" in why


def test_a_new_version_is_held_against_the_old_on_what_neither_saw(shop: Workshop):
    in_use(shop)
    store(replace_history(shop), 14.0, hotter=3.0, end_days=-14.0)
    (made,) = train_behaviour(later(shop, 14), ["K-1"], quiet)
    assert made.manifest is not None
    metrics = made.manifest.metrics
    assert metrics[AGAINST] == 1
    ours, theirs = metrics[OURS], metrics[THEIRS]
    assert ours is not None
    assert theirs is not None
    assert ours < theirs


def test_what_ran_before_a_corrective_job_is_neither_learnt_nor_held_against_it(
    tmp_path: Path,
):
    works = build_works(tmp_path)
    store(works, days=30)
    store(works, 4.0, hotter=12.0, end_days=-4.0)  # The bearing breaks: four days that end now.
    shop = build_workshop(works, tmp_path)
    broken = later(shop, 4)
    (made,) = train_behaviour(broken, ["K-1"], quiet)
    assert "is unlike the time before" in str(objection(shop.registry, KEY, 1))
    works.erp.jobs.append(renewal(NOW + timedelta(days=5), 1, finished=None))
    (made,) = train_behaviour(broken, ["K-1"], quiet)
    assert made.manifest is not None
    assert made.manifest.metrics["days of known trouble left out"] == pytest.approx(6.1, abs=0.2)
    assert objection(shop.registry, KEY, 2) is None
    shop.registry.promote(KEY, 2, NOW, "ada")
    assert watch_drift(broken, KEY).due == ()
    list(score_behaviour(broken, shop.assets(["K-1"])))
    newest = [s for s in shop.book.scores(["K-1"]) if s.model == f"{KEY} v2"][-1]
    assert newest.score > 2
    shop.book.engine.dispose()


def test_only_trouble_is_no_history(shop: Workshop):
    shop.plant.erp.jobs.append(renewal(NOW - timedelta(days=40), 1, finished=None))  # type: ignore[attr-defined]
    (made,) = train_behaviour(shop, ["K-1"], quiet)
    assert made.manifest is None
    assert "not enough history: 0 running spans of ten minutes outside of trouble" in made.why


def test_what_cannot_be_used_is_due_and_says_why(shop: Workshop):
    assert watch_drift(shop, KEY).version is None
    in_use(shop)
    (shop.registry.root / "behaviour" / "K-1" / "1" / "model.skops").write_bytes(b"")
    (why,) = watch_drift(shop, KEY).due
    assert "is damaged" in why
    (scored,) = score_behaviour(shop, shop.assets(["K-1"]))
    assert "is damaged" in scored.said


def test_names_of_models_are_found_and_offered(shop: Workshop):
    in_use(shop)
    assert name_of("behaviour", "k-1", shop.registry) == "K-1"
    with pytest.raises(Retry, match="no behaviour model of 'K-9'; there are: K-1"):
        name_of("behaviour", "K-9", shop.registry)
    with pytest.raises(Retry, match="there are: none yet"):
        name_of("remaining-life", "pump/bearing", shop.registry)


def test_a_mean_that_has_risen_for_good_is_told_and_noise_is_not():
    noise = np.random.default_rng(4).normal(1.0, 0.1, 60)
    risen = np.where(np.arange(60) < 40, noise, noise + 0.4)
    assert not has_risen(noise.tolist())
    assert has_risen(risen.tolist())
    assert not has_risen(risen[::-1].tolist())
    assert not has_risen(risen[:19].tolist())
    assert not has_risen([*risen, *noise[:20]])
    assert not has_risen([1.0] * 60)


def test_signals_with_too_few_values_are_left_out():
    rows = np.random.default_rng(1).normal(size=(100, 2))
    thin = rows.copy()
    thin[5:, 1] = np.nan
    assert [s.signal for s in compare_signals(["a", "b"], rows, thin)] == ["a"]
    assert compare_signals(["a"], rows, np.empty((0, 1))) == ()
