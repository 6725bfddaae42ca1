"""The vision network as one ONNX graph: the same nodes see the pictures in training and service.

A picture (256 x 256 x RGB, uint8) is brought to an even light, shifted to where the parts of its
kind usually stand, and answered by learnt filters in 32 x 32 cells. A linear head turns chosen
cells into class probabilities; the distance of each cell from good parts (PaDiM, Defard 2020, with
one set of statistics for each kind of part) is the heat map.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from copilot_tools.vision.filters import Weights
from copilot_tools.vision.pictures import SIDE

OPSET, IR_VERSION = 17, 9
HALF = SIDE // 2
CELLS = 32
CELL = SIDE // CELLS
REACH = 12
"""How far a part may stand beside its usual place, in half-size pixels either way."""
EVENED = np.array([0.25, 0.5, 0.25])
"""Weights of a cell and its neighbours, so that one odd cell is no spot of its own."""

INPUT = "picture"
LIGHT, PROFILES, FEATURES = "light", ("columns", "rows"), "features"
OUTPUTS = ("classes", "heat", "shift")


@dataclass(frozen=True, slots=True)
class Placing:
    """How good parts look from above and from the side: profiles of edges, kinds x 128, unit."""

    columns: Weights
    rows: Weights


@dataclass(frozen=True, slots=True)
class Goodness:
    """What good parts look like: `mixing` (numbers x channels) makes few numbers of a cell.

    `centres` (kinds x cells x 1 x numbers) and `whitening` (kinds x cells x numbers x numbers)
    turn them into a squared distance from good.
    """

    mixing: Weights
    centres: Weights
    whitening: Weights


@dataclass(frozen=True, slots=True)
class Head:
    """Class scores of the `chosen` features: weights (features x classes) and bias."""

    chosen: NDArray[np.int32]
    weights: Weights
    bias: Weights


@dataclass(frozen=True, slots=True)
class Parts:
    """What has been learnt so far; a graph is built as far as its parts go."""

    filters: Weights | None = None
    placing: Placing | None = None
    goodness: Goodness | None = None
    head: Head | None = None


@dataclass(slots=True)
class _Graph:
    nodes: list[Any] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, out: str, **settings: Any) -> str:
        self.nodes.append(helper.make_node(operator, list(inputs), [out], **settings))
        return out

    def hold(self, name: str, values: NDArray[Any]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def build(parts: Parts, *outputs: str) -> ModelProto:
    """The graph that answers one picture with `outputs`."""
    graph = _Graph()
    light = _add_light(graph)
    _add_profiles(graph, light)
    if parts.placing is not None:
        light = _add_shift(graph, light, parts.placing)
    if parts.filters is not None:
        _add_features(graph, light, parts.filters)
    if parts.goodness is not None:
        _add_heat(graph, parts.goodness)
    if parts.head is not None:
        _add_head(graph, parts.head)
    given = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [SIDE, SIDE, 3])
    told = [
        helper.make_tensor_value_info(name, TensorProto.INT64 if name == "shift" else 1, None)
        for name in outputs
    ]
    made = helper.make_graph(graph.nodes, "vision", [given], told, graph.weights)
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(made, opset_imports=[opset], ir_version=IR_VERSION)


def _add_light(graph: _Graph) -> str:
    """Half-size colours relative to the picture's mean: a darker lamp changes nothing."""
    x = graph.add("Cast", INPUT, out="numbers", to=TensorProto.FLOAT)
    x = graph.add("Transpose", x, out="channels first", perm=[2, 0, 1])
    x = graph.add("Unsqueeze", x, graph.hold("first axis", np.array([0])), out="one picture")
    x = graph.add("AveragePool", x, out="half size", kernel_shape=[2, 2], strides=[2, 2])
    mean = graph.add("ReduceMean", x, out="mean", axes=[1, 2, 3], keepdims=1)
    floor = graph.hold("one", np.float32(1.0).reshape(1))
    x = graph.add("Div", x, graph.add("Max", mean, floor, out="some light"), out="relative")
    return graph.add("Mul", x, graph.hold("scale", np.float32(2.5).reshape(1)), out=LIGHT)


def _add_profiles(graph: _Graph, light: str) -> None:
    """How much edge each column and each row holds, less its mean: 1 x 1 x 128 each."""
    grey = graph.add("ReduceMean", light, out="grey", axes=[1], keepdims=1)
    step = np.array([-1, 1], np.float32)
    for name, kernel, pads, axis in (
        ("columns", step.reshape(1, 1, 1, 2), [0, 0, 0, 1, 0, 0, 0, 0], 2),
        ("rows", step.reshape(1, 1, 2, 1), [0, 0, 1, 0, 0, 0, 0, 0], 3),
    ):
        # Filled with the border itself: black beside the picture would be its strongest edge.
        border = graph.hold(f"{name} border", np.array(pads))
        wide = graph.add("Pad", grey, border, out=f"{name} wide", mode="edge")
        edge = graph.add("Conv", wide, graph.hold(f"{name} step", kernel), out=f"{name} edge")
        size = graph.add("Abs", edge, out=f"{name} size")
        raw = graph.add("ReduceMean", size, out=f"{name} raw", axes=[axis], keepdims=0)
        mean = graph.add("ReduceMean", raw, out=f"{name} mean", axes=[2], keepdims=1)
        graph.add("Sub", raw, mean, out=name)


def _add_shift(graph: _Graph, light: str, placing: Placing) -> str:
    """The picture shifted to where its profiles fit the usual ones best."""
    pads = graph.hold("margins", np.array([0, 0, REACH, REACH, 0, 0, REACH, REACH]))
    x = graph.add("Pad", light, pads, out="with margins", mode="edge")
    length = graph.hold("length", np.array([HALF]))
    starts = []
    for name, profiles in (("rows", placing.rows), ("columns", placing.columns)):
        usual = graph.hold(f"usual {name}", profiles[:, np.newaxis, :])
        fit = graph.add("Conv", name, usual, out=f"{name} fit", pads=[REACH, REACH])
        best = graph.add("ReduceMax", fit, out=f"{name} best", axes=[0, 1], keepdims=0)
        starts.append(graph.add("ArgMax", best, out=f"{name} start", axis=0, keepdims=1))
    for axis, start in ((2, starts[0]), (3, starts[1])):
        end = graph.add("Add", start, length, out=f"{start} end")
        along = graph.hold(f"axis {axis}", np.array([axis]))
        x = graph.add("Slice", x, start, end, along, out=f"placed {axis}")
    graph.add("Concat", *starts, out="shift", axis=0)
    return x


def _add_features(graph: _Graph, light: str, filters: Weights) -> None:
    """Answers of the filters and their negatives, and the colours, in 32 x 32 cells.

    `features` is all of it in one row, followed by mean and spread of each channel.
    """
    edge = filters.shape[-1] // 2
    x = graph.add(
        "Conv",
        light,
        graph.hold("filters", filters),
        out="answers",
        strides=[2, 2],
        pads=[edge] * 4,
    )
    both = graph.add("Concat", x, graph.add("Neg", x, out="against"), out="signed", axis=1)
    x = graph.add("Relu", both, out="answered")
    fine = graph.add("AveragePool", x, out="pooled", kernel_shape=[2, 2], strides=[2, 2])
    colour = graph.add("AveragePool", light, out="colours", kernel_shape=[4, 4], strides=[4, 4])
    cells = graph.add("Concat", fine, colour, out="cells", axis=1)
    row = graph.add("Flatten", cells, out="every cell", axis=1)
    mean = graph.add("ReduceMean", cells, out="channel means", axes=[2, 3], keepdims=1)
    apart = graph.add("Sub", cells, mean, out="apart")
    square = graph.add("Mul", apart, apart, out="squares")
    spread = graph.add("ReduceMean", square, out="variance", axes=[2, 3], keepdims=1)
    spread = graph.add("Sqrt", spread, out="channel spreads")
    flat = [graph.add("Flatten", name, out=f"{name} row", axis=1) for name in (mean, spread)]
    graph.add("Concat", row, *flat, out=FEATURES, axis=1)


def _add_heat(graph: _Graph, goodness: Goodness) -> None:
    """The distance of each cell from good parts of the kind it fits best: 32 x 32."""
    numbers = goodness.mixing.shape[0]
    kernel = graph.hold("mixing", goodness.mixing[:, :, np.newaxis, np.newaxis])
    x = graph.add("Conv", "cells", kernel, out="mixed")
    order = graph.hold("by cell", np.array([numbers, CELLS * CELLS]))
    x = graph.add("Reshape", x, order, out="mixed cells")
    x = graph.add("Transpose", x, out="cells first", perm=[1, 0])
    x = graph.add("Unsqueeze", x, graph.hold("second axis", np.array([1])), out="cell rows")
    x = graph.add("Sub", x, _held_small(graph, "centres", goodness.centres), out="off centre")
    x = graph.add("MatMul", x, _held_small(graph, "whitening", goodness.whitening), out="white")
    x = graph.add("Mul", x, x, out="white squares")
    x = graph.add("ReduceSum", x, graph.hold("last", np.array([2, 3])), out="far", keepdims=0)
    means = graph.add("ReduceMean", x, out="far means", axes=[1], keepdims=0)
    kind = graph.add("ArgMin", means, out="kind", axis=0, keepdims=1)
    x = graph.add("Gather", x, kind, out="of its kind", axis=0)
    shape = graph.hold("map", np.array([1, 1, CELLS, CELLS]))
    x = graph.add("Sqrt", graph.add("Reshape", x, shape, out="far map"), out="far root")
    evened = graph.hold("even", np.outer(EVENED, EVENED).astype(np.float32)[np.newaxis, np.newaxis])
    x = graph.add("Conv", x, evened, out="smooth", pads=[1] * 4)
    flat = graph.hold("plane", np.array([CELLS, CELLS]))
    graph.add("Reshape", x, flat, out="heat")


def _add_head(graph: _Graph, head: Head) -> None:
    chosen = graph.hold("chosen", head.chosen.astype(np.int32))
    x = graph.add("Gather", FEATURES, chosen, out="chosen features", axis=1)
    weights = _held_small(graph, "head weights", head.weights)
    x = graph.add("Gemm", x, weights, graph.hold("head bias", head.bias), out="scores")
    graph.add("Softmax", x, out="classes", axis=1)


def _held_small(graph: _Graph, name: str, values: Weights) -> str:
    """Half-precision in the file, full in the arithmetic."""
    half = graph.hold(f"{name} half", values.astype(np.float16))
    return graph.add("Cast", half, out=name, to=TensorProto.FLOAT)
