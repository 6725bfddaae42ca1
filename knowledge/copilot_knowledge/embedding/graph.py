"""Builds `encoder.onnx`: the sentence encoder as a graph without a single weight in it.

Run at development time, with the `onnx` package of the `graph` group:

    python -m copilot_knowledge.embedding.graph

Weights are handed over when the graph is loaded (`weights.py`), so the file is a few kilobytes.
Architecture: BERT with 6 layers of 384, 12 heads, erf-GELU, masked mean pooling, unit length
(sentence-transformers/all-MiniLM-L6-v2, its config.json).
"""

from pathlib import Path
from typing import Any

import onnx
from onnx import GraphProto, NodeProto, TensorProto, helper

from copilot_knowledge.embedding.shape import HEADS, LAYERS, WIDTH

FILE = Path(__file__).with_name("encoder.onnx")
EPSILON = 1e-12
FUSED = "com.microsoft"


class _Graph:
    """Nodes and the weights they ask for."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, domain: str = "", **more: Any) -> str:
        """A node with one output, whose name it is known by."""
        self.nodes.append(
            helper.make_node(kind, inputs, [output], name=output, domain=domain, **more)
        )
        return output

    def weight(self, name: str, shape: tuple[int, ...], kind: int = TensorProto.FLOAT) -> str:
        """A weight that is given from outside."""
        tensor = TensorProto()
        tensor.name, tensor.data_type = name, kind
        tensor.dims.extend(shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="given")
        self.weights.append(tensor)
        return name

    def constant(self, name: str, values: list[int]) -> str:
        """A small tensor of integers that stands in the graph itself."""
        self.weights.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def product(self, x: str, name: str, rows: int, columns: int) -> str:
        """X times a matrix of bytes, one scale a column, plus a bias."""
        return self.add(
            "DynamicQuantizeMatMul",
            [
                x,
                self.weight(f"{name}.weight", (rows, columns), TensorProto.INT8),
                self.weight(f"{name}.scale", (columns,)),
                "",
                self.weight(f"{name}.bias", (columns,)),
            ],
            f"{name}.product",
            FUSED,
        )

    def skip_norm(self, x: str, skipped: str, name: str) -> str:
        """Layer normalisation of the sum of two."""
        scale, bias = (self.weight(f"{name}.{part}", (WIDTH,)) for part in ("scale", "bias"))
        inputs = [x, skipped, scale, bias]
        return self.add("SkipLayerNormalization", inputs, name, FUSED, epsilon=EPSILON)


def build(vocabulary: int, positions: int) -> onnx.ModelProto:
    """The whole model: token ids and mask in, unit vectors out."""
    graph = _Graph()
    x = _embed(graph, vocabulary, positions)
    for layer in range(LAYERS):
        x = _layer(graph, x, f"layer{layer}")
    _pool(graph, x)
    made: GraphProto = helper.make_graph(
        graph.nodes,
        "encoder",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"]),
            helper.make_tensor_value_info("mask", TensorProto.INT32, ["texts", "tokens"]),
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])],
        graph.weights,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def _embed(graph: _Graph, vocabulary: int, positions: int) -> str:
    graph.constant("zero", [0])
    graph.constant("one", [1])
    graph.constant("two", [2])
    words = graph.add("Gather", [graph.weight("words", (vocabulary, WIDTH)), "ids"], "word")
    shape = graph.add("Shape", ["ids"], "shape")
    length = graph.add("Slice", [shape, "one", "two"], "length")
    table = graph.weight("positions", (positions, WIDTH))
    places = graph.add("Slice", [table, "zero", length, "zero"], "places")
    summed = graph.add("Add", [words, places], "summed")
    scale, bias = (graph.weight(f"embedded.{part}", (WIDTH,)) for part in ("scale", "bias"))
    return graph.add(
        "LayerNormalization", [summed, scale, bias], "embedded", axis=-1, epsilon=EPSILON
    )


def _layer(graph: _Graph, x: str, name: str) -> str:
    joined = graph.product(x, f"{name}.qkv", WIDTH, 3 * WIDTH)
    parts = [f"{name}.{part}" for part in ("query", "key", "value")]
    graph.nodes.append(helper.make_node("Split", [joined], parts, name=f"{name}.split", axis=-1))
    attended = graph.add(
        "MultiHeadAttention",
        [*parts, "", "mask"],
        f"{name}.attended",
        FUSED,
        num_heads=HEADS,
    )
    answered = graph.product(attended, f"{name}.out", WIDTH, WIDTH)
    x = graph.skip_norm(answered, x, f"{name}.norm1")
    wide = graph.product(x, f"{name}.up", WIDTH, 4 * WIDTH)
    bent = graph.add("Gelu", [wide], f"{name}.bent", FUSED)
    narrow = graph.product(bent, f"{name}.down", 4 * WIDTH, WIDTH)
    return graph.skip_norm(narrow, x, f"{name}.norm2")


def _pool(graph: _Graph, x: str) -> None:
    graph.constant("last", [2])
    kept = graph.add("Cast", ["mask"], "kept", to=TensorProto.FLOAT)
    column = graph.add("Unsqueeze", [kept, "last"], "column")
    masked = graph.add("Mul", [x, column], "masked")
    total = graph.add("ReduceSum", [masked, "one"], "total", keepdims=0)
    graph.add("LpNormalization", [total], "vectors", axis=-1, p=2)


if __name__ == "__main__":
    onnx.save(build(30522, 512), FILE)
