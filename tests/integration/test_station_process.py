"""The station as its own process: killed at any moment, each picture is inspected exactly once."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, select
from typer.testing import CliRunner, Result

from copilot.cli import cli
from copilot.demo.bottle_eye import MODEL, bottle_eye
from copilot.demo.cameras import DEFECTS, render, scene
from copilot.demo.simulate import PLANT_TOML
from copilot.station.models import KIND, store
from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.quality import get_inspections
from copilot_tools.sources import tables
from copilot_tools.vision.training import Trained

LOOK = "500 ml cola"
PICTURES = 14


class Site:
    """A plant's folder with a model in use, an inbox and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.inbox = folder, folder / "inbox"
        self.inbox.mkdir()
        self.engine = create_engine(f"sqlite:///{folder / 'plant.db'}")
        tables.metadata.create_all(self.engine)
        (folder / "plant.toml").write_bytes(PLANT_TOML.read_bytes())
        (folder / "copilot.toml").write_text(
            '[database]\nplant = "sqlite:///plant.db"\n[health]\nmodels = "models"\n',
            encoding="utf-8",
        )
        registry = Registry(folder / "models")
        trained = Trained(MODEL.read_bytes(), bottle_eye().card.model_copy(update={"name": "eye"}))
        store(registry, trained, "test", datetime(2026, 11, 30, tzinfo=UTC))
        assert registry.pointer(Key(KIND, "eye")).current == 1

    def run(self, *arguments: str) -> Result:
        config = str(self.folder / "copilot.toml")
        return CliRunner().invoke(cli, ["station", *arguments, "--config", config])

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        named = ("--name", "eye", "--line", "L2", "--config", str(self.folder / "copilot.toml"))
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "copilot",
                "station",
                "run",
                str(self.inbox),
                *named,
                *arguments,
            ],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def put(self, number: int, defect: str) -> None:
        unfinished = self.inbox / f".{number}"
        image = render(scene(11, number, LOOK, defect))
        image.save(unfinished, "PNG", compress_level=1)
        said = {"lot": f"B-{number % 3}", "product": LOOK}
        (self.inbox / f"{number}.json").write_text(json.dumps(said), encoding="utf-8")
        os.utime(unfinished, (1e9, 1e9))
        unfinished.rename(self.inbox / f"{number}.png")

    def rows(self) -> list[Any]:
        with self.engine.begin() as connection:
            return list(connection.execute(select(tables.inspections)).all())


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("COPILOT_CONFIG", str(tmp_path / "copilot.toml"))
    return Site(tmp_path)


def test_whatever_kills_it_each_picture_is_inspected_once_and_kept(site: Site):
    draw = Random(4)
    shown = [draw.choice(("", *DEFECTS)) for _ in range(PICTURES)]
    for number, defect in enumerate(shown):
        site.put(number, defect)
    kills = 0
    while any(site.inbox.glob("*.png")):
        process = site.start()
        assert process.stdout is not None
        for _ in range(draw.randrange(3, 6)):
            if not process.stdout.readline() or not any(site.inbox.glob("*.png")):
                break
        sleep(draw.uniform(0, 0.02))
        process.kill()
        process.wait()
        process.stdout.close()
        kills += 1
    assert kills >= 2
    rows = site.rows()
    assert len(rows) == PICTURES
    right = sorted(row.defect for row in rows) == sorted(shown)
    assert right or sum(row.defect in shown for row in rows) >= PICTURES - 1
    for row in rows:
        assert (site.folder / "images" / row.image).stat().st_size > 1000
        assert row.batch in ("B-0", "B-1", "B-2")
    assert not (site.inbox / "refused").exists()


async def test_what_it_finds_is_what_the_copilot_tells(site: Site):
    from copilot.plant import open_plant
    from copilot.settings import load_settings

    for number in range(14):
        site.put(number, DEFECTS[number % 6] if number < 12 else "")
    (site.inbox / "notes.txt").write_text("no picture", encoding="utf-8")
    done = site.run("run", str(site.inbox), "--name", "eye", "--line", "L2", "--once")
    assert done.exit_code == 1, done.output
    assert "notes.txt: refused: it is no picture" in done.output
    settings = load_settings(site.folder / "copilot.toml")
    plant = open_plant(settings, lambda: datetime.now(UTC))
    found = await get_inspections.run(plant, get_inspections.check({"line": "line 2"}))
    facts = {fact.name: fact.value for fact in found.facts}
    assert facts["inspected"] == 14
    assert facts["passed"] == 2
    assert sum(defect in facts for defect in DEFECTS) >= 5
    assert facts["model"] == bottle_eye().card.label
    assert len(found.pictures) == 4
    assert all(picture.path.is_file() for picture in found.pictures)


def test_people_list_and_decide_at_the_terminal(site: Site):
    site.put(1, "underfill")
    site.run("run", str(site.inbox), "--name", "eye", "--line", "L2", "--once")
    with site.engine.begin() as connection:
        connection.execute(tables.inspections.update().values(review="unsure: underfill 61%"))
    [row] = site.rows()
    listed = site.run("review")
    assert f"{row.id}  " in listed.stdout
    assert "underfill (unsure: underfill 61%)" in listed.stdout
    decided = site.run("review", str(row.id), "good", "--by", "eva")
    assert decided.stdout == f"{row.id}: good, by eva\n"
    assert site.run("review").stdout == "Nothing waits for a person.\n"
    assert "decided before" in str(site.run("review", str(row.id), "underfill").exception)


def test_what_people_decide_is_learnt_and_told(site: Site):
    for number in range(6):
        site.put(number, "overfill")
    site.run("run", str(site.inbox), "--name", "eye", "--line", "L2", "--once")
    for row in site.rows()[:5]:
        site.run("review", str(row.id), "underfill", "--by", "eva")
    told = site.run("status", "--name", "eye").stdout
    assert "inspected 6, 0 wait for a person, 5 decided, 5 of them otherwise" in told
    assert "Training anew" not in told
    for label, defect in (("good", ""), ("underfill", "underfill")):
        own = site.folder / "pictures" / label
        own.mkdir(parents=True)
        for number in range(20):
            render(scene(11, number, LOOK, defect)).save(own / f"{number}.png", compress_level=1)
    pictures = str(site.folder / "pictures")
    done = site.run("train", pictures, "--name", "eye", "--reviews", "--since", "2026-11-01")
    assert "learning from 5 reviewed parts, too, decided since 2" in done.stdout
    manifest = Registry(site.folder / "models").manifest(Key(KIND, "eye"), 2)
    learnt = manifest.features["reviews"]
    assert isinstance(learnt, dict)
    assert learnt["parts"] == 5
    assert str(learnt["since"]) <= str(learnt["until"])
    assert manifest.features["pictures"] == {"good": 20, "underfill": 25}
    refused = site.run("train", pictures, "--reviews", "--since", "soon")
    assert "write it as 2026-11-30" in str(refused.exception)
    assert "give it with --reviews" in str(site.run("train", pictures, "--since", "x").exception)


def test_models_are_listed_promoted_and_rolled_back(site: Site):
    registry = Registry(site.folder / "models")
    card = bottle_eye().card.model_copy(update={"name": "eye"})
    store(registry, Trained(MODEL.read_bytes(), card), "test", datetime.now(UTC))
    store(registry, Trained(b"garbage", card), "test", datetime.now(UTC))
    assert re.match(r"\* v1 .*\n  v2 .*\n  v3 ", site.run("models", "--name", "eye").stdout)
    assert site.run("promote", "2", "--name", "eye").exit_code == 0
    refused = site.run("promote", "3", "--name", "eye")
    assert isinstance(refused.exception, Unusable)
    assert str(refused.exception).startswith("vision eye v3: ")
    assert registry.pointer(Key(KIND, "eye")).current == 2
    assert site.run("rollback", "--name", "eye").stdout == "eye v1 is in use again.\n"
    missing = site.run("run", str(site.inbox), "--name", "none", "--once")
    assert "no vision model 'none' is in use" in str(missing.exception)


def test_pictures_come_by_http_until_it_is_told_to_stop(site: Site):
    process = site.start("--http", "0")
    assert process.stdout is not None
    address = process.stdout.readline().split()[1]
    image = site.folder / "one.png"
    render(scene(11, 5, LOOK, "missing cap")).save(image, "PNG")
    headers = {"Content-Type": "image/png"}
    content = image.read_bytes()
    answer = httpx.post(f"{address}?lot=B-1", content=content, headers=headers, timeout=30)
    assert answer.status_code == 201
    assert answer.json()["defect"] == "missing cap"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) in (0, -signal.SIGTERM)
    process.stdout.close()
    assert [row.defect for row in site.rows()] == ["missing cap"]
