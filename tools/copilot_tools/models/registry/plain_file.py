"""Reads skops files of nothing but plain values and arrays without loading skops.

Its import, and that of scikit-learn with it, takes seconds: too long for the first answer of a
process that only wants a few arrays.
"""

import io
import json
import zipfile
from typing import Any

import numpy as np

_PROTOCOL = 2
_ARRAY = ("NdArrayNode", "numpy", "ndarray")
_DICT = ("DictNode", "builtins", "dict")
_LIST = ("ListNode", "builtins", "list")
_TEXT_KEY = ("TypeNode", "builtins", "str")
_VALUE = "JsonNode"


class NotPlain(ValueError):
    """The file holds something that only skops can read."""


def read_plain(archive: zipfile.ZipFile) -> Any:
    """What the file holds; raises NotPlain, or ValueError, KeyError and the like for garbage."""
    schema = json.loads(archive.read("schema.json"))
    if schema.get("protocol") != _PROTOCOL:
        raise NotPlain("another protocol")
    return _read(schema, archive)


def _read(node: dict[str, Any], archive: zipfile.ZipFile) -> Any:
    kind = _kind(node)
    if kind == _ARRAY and node["type"] == "numpy":
        return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
    if kind == _LIST:
        return [_read(part, archive) for part in node["content"]]
    if kind == _DICT and all(_kind(key) == _TEXT_KEY for key in node["key_types"]["content"]):
        return {key: _read(part, archive) for key, part in node["content"].items()}
    if kind[0] == _VALUE:
        return json.loads(node["content"])
    raise NotPlain(".".join(kind[1:]))


def _kind(node: dict[str, Any]) -> tuple[Any, Any, Any]:
    return node["__loader__"], node["__module__"], node["__class__"]
