from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from copilot.demo.bottle_eye import MODEL
from copilot.demo.cameras import render, scene
from copilot.station.models import KIND, ModelInUse, open_current, store
from copilot_tools.errors import Failed
from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.vision.folder import LabelledFile, find_labelled
from copilot_tools.vision.heat import HeatMap, find_boxes
from copilot_tools.vision.learning import find_kinds
from copilot_tools.vision.model import FILE, VisionModel
from copilot_tools.vision.network import CELLS
from copilot_tools.vision.pictures import SIDE, read_picture
from copilot_tools.vision.training import Trained, split_files, train, with_card

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CLASSES = {"ok": "", "no cap": "missing cap", "no label": "missing label"}
EACH = 24
LOOK = "500 ml cola"


def draw_folder(folder: Path, each: int = EACH) -> Path:
    for name, defect in CLASSES.items():
        (folder / name).mkdir(parents=True)
        for number in range(each):
            image = render(scene(3, number, LOOK, defect))
            image.save(folder / name / f"{number:03}.png", compress_level=1)
    return folder


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("labelled"))


@pytest.fixture(scope="module")
def trained(labelled: Path) -> Trained:
    return train(find_labelled(labelled), "caps")


def test_what_is_learnt_holds_for_other_pictures(trained: Trained, tmp_path: Path):
    card = trained.card
    assert card.classes == ("no cap", "no label", "ok")
    assert card.good == "ok"
    assert card.pictures == dict.fromkeys(card.classes, EACH)
    assert card.held_out.pictures == 3 * 5
    assert card.held_out.accuracy >= 0.9
    model = VisionModel(trained.content)
    for name, defect in CLASSES.items():
        file = tmp_path / "one.png"
        for number in range(1000, 1004):
            render(scene(3, number, LOOK, defect)).save(file)
            verdict = model.judge(read_picture(file.read_bytes()))
            assert verdict.defect == ("" if name == "ok" else name)


def test_the_same_pictures_make_the_same_model(trained: Trained, labelled: Path):
    steps = []
    again = train(find_labelled(labelled), "caps", progress=lambda step, _: steps.append(step))
    assert again.content == trained.content
    assert "Learning the classes" in steps
    (labelled / "ok" / "000.png").write_bytes((labelled / "ok" / "001.png").read_bytes())
    assert train(find_labelled(labelled), "caps").card.data_sha256 != trained.card.data_sha256


def test_what_may_be_anywhere_is_told_apart_wherever_it_is(tmp_path: Path):
    draw = np.random.default_rng(2)
    for name, light in (("good", 0), ("spots", 70), ("pits", -70)):
        (tmp_path / name).mkdir()
        for number in range(EACH):
            surface = draw.normal(128, 12, (SIDE, SIDE))
            for top, left in draw.integers(0, SIDE - 12, (5, 2)):
                surface[top : top + 12, left : left + 12] += light
            image = Image.fromarray(surface.clip(0, 255).astype(np.uint8))
            image.save(tmp_path / name / f"{number}.png")
    trained = train(find_labelled(tmp_path), "textures")
    assert trained.card.held_out.accuracy >= 0.9
    [chosen] = [
        numpy_helper.to_array(held)
        for held in onnx.load_model_from_string(trained.content).graph.initializer
        if held.name == "chosen"
    ]
    assert chosen.min() >= CELLS * CELLS * 51


def test_too_few_pictures_are_refused(tmp_path: Path):
    with pytest.raises(Failed, match="is no folder"):
        find_labelled(tmp_path / "none")
    with pytest.raises(Failed, match="0 folders of pictures"):
        find_labelled(tmp_path)
    draw_folder(tmp_path, each=5)
    with pytest.raises(Failed, match="holds 5 pictures; a class needs 20"):
        find_labelled(tmp_path)
    assert find_labelled(tmp_path, fewest=5).good == "ok"


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path):
    draw_folder(tmp_path, each=5)
    (tmp_path / "ok" / "broken.png").write_bytes(b"nothing")
    with pytest.raises(Failed, match=r"broken.png cannot be learnt from: it is no picture"):
        train(find_labelled(tmp_path, fewest=5), "caps")


def test_versions_come_into_use_and_back(trained: Trained, tmp_path: Path):
    registry, key, warned = Registry(tmp_path), Key(KIND, "caps"), []
    with pytest.raises(Unusable, match="no vision model 'caps' is in use"):
        open_current(registry, "caps", warned.append)
    first = store(registry, trained, "eva", NOW)
    second = store(registry, trained, "eva", NOW + timedelta(hours=1))
    assert registry.pointer(key).current == first.version
    registry.promote(key, second.version, NOW, "eva")
    assert open_current(registry, "caps", warned.append).card == trained.card
    (tmp_path / KIND / "caps" / str(second.version) / FILE).write_bytes(MODEL.read_bytes())
    assert open_current(registry, "caps", warned.append).card == trained.card
    assert "version 1 is used instead" in warned[0]
    registry.roll_back(key, NOW, "eva")
    assert registry.pointer(key).current == first.version


def test_a_promotion_is_taken_between_parts_and_a_bad_one_is_not(trained: Trained, tmp_path: Path):
    registry, key, told = Registry(tmp_path), Key(KIND, "caps"), []
    first = store(registry, trained, "eva", NOW)
    other = trained.card.model_copy(update={"version": "0" * 8})
    second = store(registry, Trained(with_card(trained.content, other), other), "eva", NOW)
    in_use = ModelInUse(registry, "caps", told.append)
    assert in_use() is in_use()
    assert told == []
    registry.promote(key, second.version, NOW, "eva")
    assert in_use().card == other
    third = store(registry, Trained(b"garbage", other), "eva", NOW)
    registry.promote(key, third.version, NOW, "eva")
    assert in_use().card == in_use().card == other
    registry.promote(key, first.version, NOW, "eva")
    assert in_use().card == trained.card
    (tmp_path / KIND / "caps" / "pointer.json").write_text("{", encoding="utf-8")
    assert in_use().card == in_use().card == trained.card
    assert [text.split(";")[-1].strip() for text in told] == [
        "vision caps v2 (caps 00000000) is in use from now on",
        "caps 00000000 stays in use",
        f"vision caps v1 ({trained.card.label}) is in use from now on",
        f"{trained.card.label} stays in use",
    ]


def test_reviewed_parts_are_learnt_from_and_the_split_of_the_others_stays(
    labelled: Path, tmp_path: Path
):
    folder = find_labelled(labelled)
    parts = [tmp_path / f"{number}.png" for number in range(10)]
    for number, part in enumerate(parts):
        render(scene(4, number, LOOK, "missing cap")).save(part)
    some, all_ = (
        replace(folder, files=(*folder.files, *(LabelledFile(p, "no cap", True) for p in chosen)))
        for chosen in (parts[:6], parts)
    )
    without, first, later = (split_files(each, 0) for each in (folder, some, all_))
    assert first.held_out == later.held_out == without.held_out
    assert first.setting == later.setting == without.setting
    assert set(first.reviewed) <= set(later.reviewed)
    assert not set(later.reviewed) & {*later.fit, *later.setting}
    assert len(later.fit) + len(later.reviewed) == len(without.fit) + 10
    card = train(all_, "caps").card
    assert card.reviewed is not None
    assert (card.reviewed.learnt, card.reviewed.held_out) == (
        10 - len(later.reviewed),
        len(later.reviewed),
    )
    assert card.held_out.pictures == 3 * 5


def test_as_many_kinds_of_parts_are_found_as_there_are():
    draw = np.random.default_rng(5)
    for kinds in (1, 3):
        middles = draw.normal(0, 6, (kinds, 100))
        rows = np.repeat(middles, 40, axis=0) + draw.normal(0, 1, (40 * kinds, 100))
        found = find_kinds(rows.astype(np.float32), seed=0)
        said = found.of(rows.astype(np.float32)).reshape(kinds, 40)
        assert len(found.centres) == len(set(said[:, 0])) == kinds
        assert (said == said[:, :1]).all()


def test_boxes_around_hot_spots():
    heat = np.ones((32, 32), dtype=np.float32)
    heat[4:6, 10:13] = 3.0
    heat[20:22, 20:23] = 2.9
    assert find_boxes(heat, (0, 0)) == ((84, 36, 16, 8), (164, 164, 16, 8))
    assert find_boxes(heat, (2, -4)) == ((80, 38, 16, 8), (160, 166, 16, 8))
    assert find_boxes(10 * heat, (0, 0)) == find_boxes(heat, (0, 0))
    heat[6, 10:13] = 1.6  # The ordinary part beside a faint spot is not of it.
    heat[20:22, 20:23] = 2.0  # Clearly cooler than the hottest one.
    assert find_boxes(heat, (0, 0)) == ((84, 36, 16, 8),)
    assert find_boxes(heat, (0, -92)) == ((0, 36, 8, 8),)
    heat[:] = 1.0
    assert find_boxes(heat, (0, 0)) == ()
    heat[7, 9] = 3.0
    assert find_boxes(heat, (0, 0)) == ((72, 56, 8, 8),)


def test_the_heat_is_painted_where_the_part_shows_it():
    cells = np.full((32, 32), 0.2, dtype=np.float32)
    cells[4:6, 10:13] = 1.4
    with Image.open(BytesIO(HeatMap(cells, (16, -8)).painted())) as painted:
        red = np.asarray(painted)[..., 3]
    assert red.shape == (128, 128)
    assert (red > 0).sum() == (red[24:32, 36:48] > 0).sum() == 8 * 12
    with Image.open(BytesIO(HeatMap(cells / 20, (0, 0)).painted())) as painted:
        assert np.asarray(painted)[..., 3].max() < 30
