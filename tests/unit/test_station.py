import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from plant_fixture import inspection, production_order
from sqlalchemy import Engine, create_engine, insert, select

from copilot.demo.bottle_eye import bottle_eye
from copilot.demo.cameras import render, scene
from copilot.station.database import decide, open_writing, waiting_reviews
from copilot.station.inbox import REFUSED, Inbox, Turned
from copilot.station.labels import Labels, NamePattern, parse_labels
from copilot.station.receive import web_application
from copilot.station.reviews import DUE, Standing, standing, with_reviews
from copilot.station.service import Service
from copilot.station.station import Station, Taken
from copilot_tools.errors import Failed, Unavailable
from copilot_tools.sources import tables
from copilot_tools.vision.folder import find_labelled
from copilot_tools.vision.model import VisionModel
from copilot_tools.vision.pictures import Refused

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LOOK = "500 ml cola"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    url = f"sqlite:///{tmp_path / 'plant.db'}"
    maker = create_engine(url)
    tables.metadata.create_all(maker)
    maker.dispose()
    return open_writing(url)


@pytest.fixture
def station(engine: Engine, tmp_path: Path) -> Station:
    return make_station(engine, tmp_path)


def make_station(
    engine: Engine, folder: Path, model: VisionModel | None = None, **usual: Any
) -> Station:
    return Station(
        engine,
        lambda: model or bottle_eye(),
        folder / "images",
        ("L1", "L2"),
        Labels(**usual),
        lambda: NOW,
    )


@pytest.fixture
def inbox(station: Station, tmp_path: Path) -> Inbox:
    folder = tmp_path / "inbox"
    folder.mkdir()
    pattern = NamePattern("{line}_{lot}_{time}_{*}")
    return Inbox(folder, station, pattern, settled_s=1.0, clock=lambda: 1e12)


def put(inbox: Inbox, name: str, defect: str = "", number: int = 1, **said: str) -> Path:
    file = inbox.folder / name
    render(scene(5, number, LOOK, defect)).save(file, "PNG", compress_level=1)
    if said:
        file.with_suffix(".json").write_text(json.dumps(said), encoding="utf-8")
    return file


def stored(engine: Engine) -> list[Any]:
    with engine.begin() as connection:
        return list(connection.execute(select(tables.inspections)).all())


def test_a_picture_becomes_a_row_and_leaves_the_inbox(inbox: Inbox, engine: Engine, tmp_path: Path):
    file = put(inbox, "L1_B-7_20261130T115900Z_0001.png", "missing cap", product=LOOK)
    content = file.read_bytes()
    [(name, taken)] = inbox.sweep()
    assert name == file.name
    assert isinstance(taken, Taken)
    [row] = stored(engine)
    assert (row.line, row.batch, row.product) == ("L1", "B-7", LOOK)
    assert (row.passed, row.defect, row.review) == (False, "missing cap", "")
    assert row.time == datetime(2026, 11, 30, 11, 59)
    assert row.score > 0.9
    assert row.model == bottle_eye().card.label
    assert (tmp_path / "images" / row.image).read_bytes() == content
    assert row.boxes
    assert list(inbox.folder.iterdir()) == []


def test_the_same_picture_is_inspected_once(inbox: Inbox, engine: Engine):
    for name in ("L1_B-7_20261130T115900Z_1.png", "L1_B-8_20261130T115900Z_2.png"):
        put(inbox, name)
        [(_, taken)] = inbox.sweep()
    assert isinstance(taken, Taken)
    assert not taken.new
    [row] = stored(engine)
    assert row.batch == "B-7"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("L1_B-7_20261130T115900Z_1.png", b"", "the file is empty"),
        ("L1_B-7_20261130T115900Z_1.png", b"\x89PNG\r\n\x1a\n rest", "picture|damaged"),
        ("L1_B-7_20261130T115900Z_1.exe", b"MZ....", "it is no picture"),
        ("L9_B-7_20261130T115900Z_1.png", None, "its line 'L9' is none of this plant"),
        ("L1_B-7_tomorrow_1.png", None, "its time 'tomorrow' is no ISO 8601 time"),
        ("whatever.png", None, "no line is said"),
    ],
)
def test_what_cannot_be_judged_is_kept_with_the_reason(
    inbox: Inbox, engine: Engine, name: str, content: bytes | None, reason: str
):
    file = put(inbox, name)
    if content is not None:
        file.write_bytes(content)
    held = file.read_bytes()
    [(_, outcome)] = inbox.sweep()
    assert isinstance(outcome, Turned)
    refused = inbox.folder / REFUSED
    assert (refused / name).read_bytes() == held
    said = (refused / f"{name}.txt").read_text(encoding="utf-8")
    assert said.startswith(f"{name}: ")
    assert re.search(reason, said)
    assert stored(engine) == []
    file.write_bytes(held)
    list(inbox.sweep())
    assert len(list(refused.glob("*.txt"))) == 2


def test_side_cars_that_are_no_json_are_refused_with_their_picture(inbox: Inbox):
    file = put(inbox, "L1_B-7_20261130T115900Z_1.png")
    file.with_suffix(".json").write_text("{", encoding="utf-8")
    [(_, outcome)] = inbox.sweep()
    assert isinstance(outcome, Turned)
    assert outcome.reason.endswith("beside it is no JSON")
    assert {path.suffix for path in (inbox.folder / REFUSED).iterdir()} == {".png", ".txt", ".json"}


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_links_are_not_followed(inbox: Inbox, tmp_path: Path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (inbox.folder / "L1_B-7_20261130T115900Z_1.png").symlink_to(secret)
    [(_, outcome)] = inbox.sweep()
    assert outcome == Turned("L1_B-7_20261130T115900Z_1.png", "it is a link")
    assert secret.read_bytes() == b"secret"


def test_a_picture_that_is_still_written_waits(inbox: Inbox):
    file = put(inbox, "L1_B-7_20261130T115900Z_1.png")
    inbox.clock = lambda: file.stat().st_mtime + 0.5
    assert list(inbox.sweep()) == []
    inbox.clock = lambda: file.stat().st_mtime + 1.0
    assert len(list(inbox.sweep())) == 1


def test_pictures_wait_while_the_database_does_not_take_them(
    inbox: Inbox, engine: Engine, tmp_path: Path
):
    put(inbox, "L1_B-7_20261130T115900Z_1.png")
    (tmp_path / "plant.db").rename(tmp_path / "away.db")
    with pytest.raises(Unavailable):
        list(inbox.sweep())
    assert len(list(inbox.folder.iterdir())) == 1
    (tmp_path / "away.db").replace(tmp_path / "plant.db")
    assert [type(outcome) for _, outcome in inbox.sweep()] == [Taken]
    assert len(stored(engine)) == 1


def test_lot_and_product_are_those_of_the_running_order(engine: Engine, tmp_path: Path):
    def order(number: str, start: float, finished: float | None = None) -> dict[str, Any]:
        naive = NOW.replace(tzinfo=None)
        return production_order(
            number,
            LOOK,
            line="L1",
            status="done" if finished else "running",
            start=naive - timedelta(hours=start),
            finished=naive - timedelta(hours=finished) if finished else None,
        )

    with engine.begin() as connection:
        orders = [order("PRD-1", 9, 5), order("PRD-2", 4)]
        connection.execute(insert(tables.production_orders), orders)
    station = make_station(engine, tmp_path, line="L1")
    content = picture_file(tmp_path)
    labels = station.take(content, Labels(time=NOW - timedelta(hours=1))).labels
    assert (labels.product, labels.lot) == (LOOK, "B-2")
    labels = station.take(content, Labels(time=NOW - timedelta(hours=4.5))).labels
    assert (labels.product, labels.lot) == ("", "")
    assert station.take(content, Labels(lot="B-9")).labels.lot == "B-9"


def test_the_model_in_use_is_noted_once(station: Station, engine: Engine, tmp_path: Path):
    for _ in range(2):
        station.take(picture_file(tmp_path), Labels(line="L1"))
    make_station(engine, tmp_path).take(picture_file(tmp_path), Labels(line="L1"))
    with engine.begin() as connection:
        [row] = connection.execute(select(tables.inspection_models)).all()
    assert row.model == bottle_eye().card.label
    assert len(row.distances) == 11
    assert row.distances[-1] < 1.0


def test_a_person_decides_once(engine: Engine, tmp_path: Path):
    model = VisionModel.__new__(VisionModel)
    sure = bottle_eye()
    model.card, model._session = sure.card.model_copy(update={"sure": 1.0}), sure._session
    station = make_station(engine, tmp_path, model)
    taken = station.take(picture_file(tmp_path, "underfill"), Labels(line="L1"))
    [waiting] = waiting_reviews(engine, 10)
    assert waiting["id"] == taken.id
    decide(engine, taken.id, "good", "eva", NOW)
    [row] = stored(engine)
    assert (row.decision, row.decided_by, row.passed) == ("good", "eva", False)
    assert row.decided == NOW.replace(tzinfo=None)
    assert waiting_reviews(engine, 10) == []
    with pytest.raises(Failed, match="decided before: good by eva"):
        decide(engine, taken.id, "underfill", "tom", NOW)
    with pytest.raises(Failed, match="there is no inspection 1"):
        decide(engine, 1, "good", "tom", NOW)


def decided(number: int, decision: str, image: str, defect: str = "underfill") -> dict[str, Any]:
    moment = NOW.replace(tzinfo=None) + timedelta(minutes=number)
    said = {"decision": decision, "decided_by": "eva", "decided": moment}
    return inspection(number, moment, defect, image=image, model="eye 1", **said)


def test_reviewed_parts_become_labelled_pictures_each_once(engine: Engine, tmp_path: Path):
    pictures, images = tmp_path / "pictures", tmp_path / "images"
    for number in range(20):
        for label, defect in (("OK", ""), ("underfill", "underfill")):
            (pictures / label).mkdir(parents=True, exist_ok=True)
            file = pictures / label / f"{number}.png"
            file.write_bytes(picture_file(tmp_path, defect, number))
    images.mkdir()
    for number in range(100, 126):
        (images / f"{number}.png").write_bytes(picture_file(tmp_path, "overfill", number))
    (images / "known.png").write_bytes((pictures / "OK" / "3.png").read_bytes())
    rows = [
        decided(1, "good", "100.png"),
        decided(2, "Underfill", "101.png"),
        decided(3, "dent", "102.png"),
        decided(4, "good", "known.png"),
        decided(5, "good", "gone.png"),
        decided(6, "unknown defect", "103.png"),
        *(decided(number, "overfill", f"{number}.png") for number in range(104, 126)),
        decided(200, "", "103.png"),
    ]
    with engine.begin() as connection:
        connection.execute(insert(tables.inspections), rows)
    folder = find_labelled(pictures)
    found = with_reviews(engine, images, folder)
    assert found.folder.classes == ("OK", "overfill", "underfill")
    added = {file.path.stem: file for file in found.folder.files[len(folder.files) :]}
    assert found.folder.files[: len(folder.files)] == folder.files
    assert (added["100"].label, added["101"].label) == ("OK", "underfill")
    assert added["100"].reviewed
    assert added["104"].label == "overfill"
    assert len(added) == found.parts == 24
    assert sorted(found.left_out) == [
        "1 reviewed as 'dent', which needs 20 of them to be a class",
        "1 reviewed as no defect by name",
        "1 reviewed whose picture is in the folder, too",
        "1 reviewed whose picture is not there any more",
    ]
    assert (found.since, found.until) == (
        NOW + timedelta(minutes=1),
        NOW + timedelta(minutes=125),
    )
    later = with_reviews(engine, images, folder, NOW + timedelta(minutes=104))
    assert later.parts == 22


def test_training_anew_is_due_once_enough_is_decided_otherwise(engine: Engine):
    naive = NOW.replace(tzinfo=None)
    waiting = inspection(1, naive, "underfill", model="eye 1", review="unsure: underfill 60%")
    agreed = decided(2, "Underfill", "")
    rows = [decided(3 + number, "good", "") for number in range(DUE - 1)]
    others = inspection(90, naive, "underfill", model="eye 0", decision="good")
    with engine.begin() as connection:
        connection.execute(insert(tables.inspections), [waiting])
        connection.execute(insert(tables.inspections), [agreed, *rows])
        connection.execute(insert(tables.inspections), [others])
    assert standing(engine, "eye 1") == Standing(DUE + 1, 1, DUE, DUE - 1)
    assert not standing(engine, "eye 1").due
    with engine.begin() as connection:
        connection.execute(insert(tables.inspections), [decided(99, "dent", "", defect="")])
    assert standing(engine, "eye 1").due
    assert standing(engine, "eye 2") == Standing(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("{line}_{lot}", "L1_B-7", Labels("L1", lot="B-7")),
        ("{*}-{line}.{time}", "cam-L2.2026-11-30T10:00:00+01:00",
         Labels("L2", time=datetime(2026, 11, 30, 9, tzinfo=UTC))),
        ("{line}_{lot}", "other", Labels()),
        ("{product}-{line}", "500 ml cola-L1", Labels("L1", "500 ml cola")),
    ],
)  # fmt: skip
def test_names_say_what_they_show(pattern: str, name: str, found: Labels):
    assert NamePattern(pattern).read(name) == found


@pytest.mark.parametrize("pattern", ["", "{line}{line}", "{shift}", "{*}"])
def test_patterns_that_say_nothing_are_refused(pattern: str):
    with pytest.raises(ValueError, match="a name pattern is made of"):
        NamePattern(pattern)


@pytest.mark.parametrize(
    "said", [[], {"line": 3}, {"lot": "x" * 21}, {"line": "a\x1b"}, {"time": "soon"}]
)
def test_labels_out_of_form_are_refused(said: object):
    with pytest.raises(Refused):
        parse_labels(said)


async def test_pictures_by_http(station: Station, engine: Engine, tmp_path: Path):
    told: list[tuple[str, object]] = []
    app = web_application(station, tmp_path / "inbox", lambda *what: told.append(what))
    content = picture_file(tmp_path, "missing label")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

        async def post(body: bytes, query: str = "line=L2&batch=B-7", **headers: str) -> Any:
            kind = {"Content-Type": "image/png"} | headers
            return await client.post(f"/inspections?{query}", content=body, headers=kind)

        first, again = await post(content), await post(content)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["defect"] == "missing label"
        assert first.json()["lot"] == "B-7"
        assert first.json()["id"] == again.json()["id"] == str(stored(engine)[0].id)
        assert (await post(b"none")).status_code == 422
        assert (await post(content, "line=L9")).status_code == 422
        form = await post(content, **{"Content-Type": "text/plain"})
        assert form.status_code == 415
        assert (await post(content, Host="evil.example")).status_code == 403
    assert len(stored(engine)) == 1
    kept = {path.name for path in (tmp_path / "inbox" / REFUSED).iterdir()}
    assert len(kept) == 4
    assert [isinstance(outcome, Taken) for _, outcome in told] == [True, True, False, False]


def test_a_service_tells_every_outcome(inbox: Inbox):
    said: list[str] = []
    put(inbox, "L1_B-7_20261130T115900Z_1.png", "overfill")
    put(inbox, "nothing.png")
    assert Service(inbox, said.append).once() == 1
    assert said == [
        "L1_B-7_20261130T115900Z_1.png: overfill",
        "nothing.png: refused: no line is said of this plant (L1, L2)",
    ]
    assert Service(inbox, said.append).once() == 0


def picture_file(folder: Path, defect: str = "", number: int = 1) -> bytes:
    file = folder / "one.png"
    render(scene(5, number, LOOK, defect)).save(file, "PNG", compress_level=1)
    return file.read_bytes()
