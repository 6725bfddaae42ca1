import json
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from itertools import product as pairs
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from PIL import Image, ImageDraw

from copilot.demo.bottle_eye import MANIFEST, MODEL, bottle_eye
from copilot.demo.cameras import DEFECTS, LOOKS, boxes, render, scene
from copilot_evals.vision_boxes import judge_boxes
from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.vision.card import METADATA, UNKNOWN, Card
from copilot_tools.vision.drift import FEWEST, NOTABLE, stability_index
from copilot_tools.vision.model import OPERATORS, VisionModel
from copilot_tools.vision.network import OUTPUTS
from copilot_tools.vision.pictures import Picture, read_picture

SEED = 20261130  # of no demo plant, and not the one the model was trained on
SHOWN = list(pairs(LOOKS, ("", *DEFECTS)))


def bottle(number: int, look: str, defect: str) -> Image.Image:
    return render(scene(SEED, number, look, defect))


def as_picture(image: Image.Image) -> Picture:
    stream = BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return read_picture(stream.getvalue())


@lru_cache(maxsize=1)
def verdicts() -> dict[tuple[str, str], list[tuple[int, str, tuple]]]:
    model = bottle_eye()
    found = {}
    for look, defect in SHOWN:
        seen = [(n, model.judge(as_picture(bottle(n, look, defect)))) for n in range(5)]
        found[look, defect] = [(n, verdict.defect, verdict.boxes) for n, verdict in seen]
    return found


def test_bottles_it_never_saw_are_sorted():
    seen = [(defect, said) for (_, defect), some in verdicts().items() for _, said, _ in some]
    assert sum(defect == said for defect, said in seen) >= 0.98 * len(seen)
    for defect in ("", *DEFECTS):
        own = [said for shown, said in seen if shown == defect]
        assert sum(said == defect for said in own) >= 0.9 * len(own)


def test_boxes_lie_around_what_is_wrong_and_no_more():
    for defect in DEFECTS:
        near = [
            _around(max(found, key=_area), boxes(scene(SEED, number, look, defect), defect)[0])
            for (look, shown), some in verdicts().items()
            for number, said, found in some
            if shown == said == defect
        ]
        assert sum(near) >= 0.8 * len(near), defect
    assert all(found == () for _, said, found in verdicts()["500 ml cola", ""] if not said)


def test_the_evaluation_tells_how_boxes_lie_by_class():
    found = judge_boxes(bottle_eye(), each=2)
    assert set(found) == set(DEFECTS)
    assert {each.parts for each in found.values()} == {2 * len(LOOKS)}
    assert np.mean([each.held for each in found.values()]) >= 0.8
    assert all(0.2 < each.overlap < 1 for each in found.values())


def test_a_part_is_looked_at_where_it_stands():
    picture = as_picture(bottle(0, "500 ml cola", "missing cap"))
    aside = replace(picture, pixels=np.roll(picture.pixels, 12, axis=1))
    [box], [moved] = (bottle_eye().judge(each).boxes for each in (picture, aside))
    assert abs(moved[0] - box[0] - 12) <= 2
    assert (moved[1], moved[2:]) == (box[1], box[2:])


def test_boxes_are_in_pixels_of_the_picture_as_it_came():
    image = bottle(3, "500 ml cola", "missing label")
    [truth] = boxes(scene(SEED, 3, "500 ml cola", "missing label"), "missing label")
    found = bottle_eye().judge(as_picture(image.resize((1024, 512)))).boxes
    assert found
    assert any(_overlap((x // 4, y // 2, w // 4, h // 2), truth) for x, y, w, h in found)
    assert not any(_overlap(box, truth) for box in found)


def test_a_lamp_half_as_bright_changes_no_verdict():
    for look, defect in SHOWN:
        image = bottle(1, look, defect)
        dark = image.point([round(level / 2) for level in range(256)] * 3)
        assert bottle_eye().judge(as_picture(dark)).defect == verdicts()[look, defect][1][1]


def test_a_part_like_no_good_one_is_rejected_and_shown_to_a_person():
    image = bottle(2, "1.5 l water", "")
    assert bottle_eye().judge(as_picture(image)).distance < 1
    ImageDraw.Draw(image).line([(96, 150), (160, 205)], fill=(20, 160, 20), width=9)
    verdict = bottle_eye().judge(as_picture(image))
    assert verdict.distance > 1
    assert not verdict.passed
    if verdict.defect == UNKNOWN:
        assert verdict.review == "unlike any good part"
    assert any(_overlap(box, (96, 150, 64, 55)) for box in verdict.boxes)


def test_an_unsure_verdict_asks_for_a_person():
    unsure = bottle_eye()
    card = unsure.card.model_copy(update={"sure": 1.0})
    strict = VisionModel(_with_card(card))
    verdict = strict.judge(as_picture(bottle(0, "500 ml cola", "underfill")))
    assert verdict.review.startswith("unsure: underfill ")
    assert unsure.judge(as_picture(bottle(0, "500 ml cola", "underfill"))).review == ""


def test_the_model_that_comes_along_says_what_it_is():
    card = bottle_eye().card
    assert Card.model_validate_json(MANIFEST.read_text(encoding="utf-8")) == card
    assert set(card.classes) == {"good", *DEFECTS}
    assert card.held_out.accuracy >= 0.98
    assert min(card.held_out.recall.values()) >= 0.95
    assert MODEL.stat().st_size < 2_000_000
    assert {node.op_type for node in onnx.load(MODEL).graph.node} <= OPERATORS


@given(st.integers(0, 384_000), st.integers(0, 255))
@settings(max_examples=25, deadline=None)
def test_a_damaged_file_is_refused_or_still_a_model(place: int, byte: int):
    content = bytearray(MODEL.read_bytes())
    content[place] = byte
    try:
        VisionModel(bytes(content))
    except Unusable as unusable:
        assert "\n" not in str(unusable)


@pytest.mark.parametrize("kept", [0, 1, 100, 300_000])
def test_a_file_cut_short_is_refused(kept: int):
    with pytest.raises(Unusable, match="the vision model: "):
        VisionModel(MODEL.read_bytes()[:kept])


def test_data_outside_of_the_file_is_never_read(tmp_path: Path):
    model = onnx.load(MODEL)
    held = model.graph.initializer[0]
    held.data_location = TensorProto.EXTERNAL
    entry = held.external_data.add()
    entry.key, entry.value = "location", str(tmp_path / "elsewhere")
    with pytest.raises(Unusable, match="points to data outside"):
        VisionModel(model.SerializeToString())


def test_operators_of_others_are_refused():
    model = onnx.load(MODEL)
    model.graph.node.append(onnx.helper.make_node("Loop", ["a"], ["b"], domain="evil"))
    with pytest.raises(Unusable, match="operators that no model of ours has"):
        VisionModel(model.SerializeToString())


def test_a_network_with_other_answers_is_refused():
    model = onnx.load(MODEL)
    kept = [output for output in model.graph.output if output.name != OUTPUTS[1]]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    with pytest.raises(Unusable, match="inputs or outputs are not those"):
        VisionModel(model.SerializeToString())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "copilot-vision-9"}, "has format copilot-vision-9, not copilot-vision-1"),
        ({"classes": ["good", "bad"], "good": "fine"}, "no class of good parts"),
        ({"classes": ["good", "bad"]}, "answers are not those"),
        ({"limit": -1.0}, "limit: "),
        ({"held_out": 3}, "held_out: "),
    ],
)
def test_a_card_that_does_not_fit_is_refused(change: dict, says: str):
    stated = json.loads(bottle_eye().card.model_dump_json()) | change
    with pytest.raises(Unusable, match=says):
        VisionModel(_with_text(json.dumps(stated)))


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_garbled_card_is_refused(text: str):
    with pytest.raises(Unusable):
        VisionModel(_with_text(text))


def test_a_model_that_says_nothing_of_itself_is_refused():
    model = onnx.load(MODEL)
    del model.metadata_props[:]
    with pytest.raises(Unusable, match="says nothing of itself"):
        VisionModel(model.SerializeToString())


def test_drift_is_told_from_chance():
    draw = np.random.default_rng(5)
    reference = np.quantile(draw.gamma(20, 0.03, 500), np.linspace(0, 1, 11))
    same = stability_index(draw.gamma(20, 0.03, 300), reference)
    moved = stability_index(1.3 * draw.gamma(20, 0.03, 300), reference)
    assert same is not None
    assert moved is not None
    assert same < NOTABLE < moved
    assert stability_index([0.5] * (FEWEST - 1), reference) is None
    assert stability_index([0.5] * FEWEST, ()) is None


def _with_card(card: Card) -> bytes:
    return _with_text(card.model_dump_json())


def _with_text(text: str) -> bytes:
    model = onnx.load(MODEL)
    onnx.helper.set_model_props(model, {METADATA: text})
    return model.SerializeToString()


def _overlap(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def _around(box: tuple[int, ...], truth: tuple[int, ...]) -> bool:
    x, y = truth[0] + truth[2] / 2, truth[1] + truth[3] / 2
    inside = box[0] <= x < box[0] + box[2] and box[1] <= y < box[1] + box[3]
    return inside and _area(box) < 3 * _area(truth)


def _area(box: tuple[int, ...]) -> int:
    return box[2] * box[3]
