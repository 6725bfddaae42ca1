"""A trained vision model in service: its file is checked, then it judges pictures."""

import json
from dataclasses import dataclass, field

import numpy as np
from pydantic import ValidationError

from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.vision.card import FORMAT, METADATA, UNKNOWN, Card
from copilot_tools.vision.heat import Box, Heat, HeatMap, find_boxes
from copilot_tools.vision.network import CELLS, INPUT, OUTPUTS, REACH
from copilot_tools.vision.pictures import SIDE, Picture
from copilot_tools.vision.session import Session

FILE = "model.onnx"
MOST_BYTES = 16 << 20
OPERATORS = frozenset(
    (
        *("Abs", "Add", "ArgMax", "ArgMin", "AveragePool", "Cast", "Concat", "Conv", "Div"),
        *("Flatten", "Gather", "Gemm", "MatMul", "Max", "Mul", "Neg", "Pad", "ReduceMax"),
        *("ReduceMean", "ReduceSum", "Relu", "Reshape", "Slice", "Softmax", "Sqrt", "Sub"),
        *("Transpose", "Unsqueeze"),
    )
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says about a part.

    `score` is the probability that it is not good, `chance` that of the answer, `distance` how far
    its oddest spot is from good parts (1 = the limit). `review` says why a person should look,
    empty where nobody needs to. Boxes are pixels of the picture as it came.
    """

    passed: bool
    defect: str
    score: float
    chance: float
    distance: float
    boxes: tuple[Box, ...]
    review: str
    model: str
    heat: HeatMap = field(compare=False, repr=False)


class VisionModel:
    """A model that was trained here; raises Unusable with one honest line for anything else."""

    def __init__(self, content: bytes, name: str = "the vision model") -> None:
        self.card = _read_card(content, name)
        self._session = _open_session(content, name, len(self.card.classes))

    def judge(self, picture: Picture) -> Verdict:
        """The verdict on one part."""
        answers = self._session.look(picture.pixels)
        heat: Heat = answers["heat"]
        chances = answers["classes"][0]
        best = int(chances.argmax())
        named, chance = self.card.classes[best], float(chances[best])
        distance = float(heat.max()) / max(self.card.limit, 1e-9)
        odd = named == self.card.good and distance > 1.0
        defect = UNKNOWN if odd else "" if named == self.card.good else named
        review = ""
        if odd:
            review = "unlike any good part"
        elif chance < self.card.sure:
            review = f"unsure: {named} {chance:.0%}"
        down, right = (2 * (int(start) - REACH) for start in answers["shift"])
        boxes = _scaled(find_boxes(heat, (down, right)), picture) if defect else ()
        score = 1.0 - float(chances[self.card.classes.index(self.card.good)])
        return Verdict(
            passed=not defect,
            defect=defect,
            score=round(score, 4),
            chance=round(chance, 4),
            distance=round(distance, 4),
            boxes=boxes,
            review=review,
            model=self.card.label,
            heat=HeatMap(heat / max(self.card.limit, 1e-9), (down, right)),
        )


def _scaled(boxes: tuple[Box, ...], picture: Picture) -> tuple[Box, ...]:
    across, down = picture.width / SIDE, picture.height / SIDE
    return tuple(
        (round(x * across), round(y * down), max(round(w * across), 1), max(round(h * down), 1))
        for x, y, w, h in boxes
    )


def _read_card(content: bytes, name: str) -> Card:
    """What the file says of itself, once it is sure to hold nothing but a network of ours."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    if len(content) > MOST_BYTES:
        raise Unusable(f"{name}: the file is larger than any model; train it anew")
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError:
        raise Unusable(f"{name}: the file is damaged; roll back or train it anew") from None
    external = onnx.TensorProto.EXTERNAL
    if any(held.data_location == external for held in model.graph.initializer):
        raise Unusable(f"{name}: the file points to data outside of it, which is not read")
    strange = {node.op_type for node in model.graph.node} - OPERATORS
    if strange or any(node.domain for node in model.graph.node) or model.functions:
        raise Unusable(f"{name}: the file holds operators that no model of ours has; train it anew")
    written = {entry.key: entry.value for entry in model.metadata_props}
    if METADATA not in written:
        raise Unusable(f"{name}: the file says nothing of itself; train it with copilot station")
    return _parse_card(written[METADATA], name)


def _parse_card(text: str, name: str) -> Card:
    try:
        stated = json.loads(text)
        held = stated.get("format") if isinstance(stated, dict) else None
        if isinstance(held, str) and held != FORMAT:
            raise Unusable(f"{name}: the file has format {held}, not {FORMAT}; train it anew")
        card = Card.model_validate(stated)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unusable(f"{name}: {where}: {first['msg']}; train it anew") from None
    except (ValueError, RecursionError):
        raise Unusable(f"{name}: what it says of itself is garbled; train it anew") from None
    if card.good not in card.classes:
        raise Unusable(f"{name}: it has no class of good parts; train it anew")
    return card


def _open_session(content: bytes, name: str, classes: int) -> Session:
    """The network, after one trial picture; raises Unusable for inputs or outputs not ours."""
    try:
        session = Session(content)
        given = {INPUT: ("tensor(uint8)", [SIDE, SIDE, 3])}
        if session.inputs != given or set(session.outputs) != set(OUTPUTS):
            raise Unusable(f"{name}: its inputs or outputs are not those of a vision model")
        answers = session.look(np.full((SIDE, SIDE, 3), 128, dtype=np.uint8))
        fits = (
            answers["classes"].shape == (1, classes)
            and answers["heat"].shape == (CELLS, CELLS)
            and answers["shift"].shape == (2,)
            and all(np.isfinite(answers[each]).all() for each in ("classes", "heat"))
        )
    except Unusable:
        raise
    except Exception as error:  # Whatever a garbled graph leads to inside onnxruntime.
        raise Unusable(f"{name}: the network cannot be run ({type(error).__name__})") from None
    if not fits:
        raise Unusable(f"{name}: its answers are not those of a vision model; train it anew")
    return session
