"""One text for one content: canonical JSON and its SHA-256, for payloads and audit rows."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def write_canonical(content: Mapping[str, Any]) -> str:
    """Sorted keys, no spaces, text as UTF-8; raises ValueError for NaN and infinities."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def read_strict(text: str) -> dict[str, Any]:
    """The object in a JSON text; raises ValueError for duplicate keys, NaN and infinities, and for
    decimals that a float would round.
    """
    try:
        content = json.loads(
            text, object_pairs_hook=_unique, parse_float=_exact, parse_constant=_exact
        )
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("is not a JSON object")
    return content


def digest(text: str) -> str:
    """The SHA-256 of a text as UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("holds a key twice")
    return content


def _exact(text: str) -> float:
    number = Decimal(text)
    if not number.is_finite() or Decimal(repr(float(text))) != number:
        raise ValueError(f"holds {text}, which is no number that can be kept")
    return float(text)
