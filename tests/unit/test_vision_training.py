from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from PIL import Image

from copilot.demo.bottle_eye import MODEL
from copilot.demo.cameras import render, scene
from copilot.station.models import KIND, open_current, store
from copilot_tools.errors import Failed
from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.vision.folder import find_labelled
from copilot_tools.vision.heat import find_boxes
from copilot_tools.vision.model import FILE, VisionModel
from copilot_tools.vision.network import CELLS
from copilot_tools.vision.pictures import SIDE, read_picture
from copilot_tools.vision.training import Trained, train

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


def test_boxes_around_hot_spots():
    heat = np.zeros((32, 32), dtype=np.float32)
    heat[4:6, 10:13] = 3.0
    heat[20:22, 20:23] = 2.9
    heat[30, 30] = 3.0  # One odd cell is no spot.
    assert find_boxes(heat, (0, 0)) == ((80, 32, 24, 16), (160, 160, 24, 16))
    assert find_boxes(heat, (2, -4)) == ((76, 34, 24, 16), (156, 162, 24, 16))
    assert find_boxes(10 * heat, (0, 0)) == find_boxes(heat, (0, 0))
    heat[20:22, 20:23] = 2.0  # Clearly cooler than the hottest one.
    assert find_boxes(heat, (0, 0)) == ((80, 32, 24, 16),)
    assert find_boxes(heat, (0, -92)) == ((0, 32, 12, 16),)
