"""Models as skops files: arrays and named types only, never code. A pickle is never read."""

import io
import warnings
import zipfile
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from copilot_tools.models.registry.manifest import Unusable
from copilot_tools.models.registry.plain_file import NotPlain, read_plain

FILE = "model.skops"
_MOST_UNPACKED = 128 << 20


def pack(state: dict[str, Any]) -> bytes:
    """The state of a model as the content of a file."""
    import skops.io  # type: ignore[import-untyped]

    content: bytes = skops.io.dumps(state, compression=zipfile.ZIP_DEFLATED)
    return content


def unpack(content: bytes, trusted: Collection[str], name: str) -> dict[str, Any]:
    """The state in a file; raises Unusable for types that are not trusted and for what is broken.

    `trusted` are the types, besides those of skops itself, that a kind of model is made of.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_UNPACKED:
                raise Unusable(f"{name}: the file unpacks to more than any model holds")
            state = _read(archive, content, trusted, name)
    except (Unusable, MemoryError):
        raise
    except Exception as error:  # Whatever a garbled file leads to inside skops and the estimators.
        raise Unusable(f"{name}: the file cannot be read ({type(error).__name__})") from None
    if not isinstance(state, dict):
        raise Unusable(f"{name}: the file holds no model")
    return state


def _read(archive: zipfile.ZipFile, content: bytes, trusted: Collection[str], name: str) -> Any:
    """Without skops where nothing but plain values and arrays is to be trusted."""
    if not trusted:
        with suppress(NotPlain):
            return read_plain(archive)
    return _read_types(content, trusted, name)


def _read_types(content: bytes, trusted: Collection[str], name: str) -> Any:
    import skops.io
    from skops.io.exceptions import (  # type: ignore[import-untyped]
        UntrustedTypesFoundException,
    )

    strange = set(skops.io.get_untrusted_types(data=content)) - set(trusted)
    if strange:
        raise Unusable(f"{name}: the file holds types that are not trusted: {_some(strange)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # An estimator of another version must not pass.
            return skops.io.loads(content, trusted=sorted(trusted))
    except UntrustedTypesFoundException:
        raise Unusable(f"{name}: the file holds types that are not trusted") from None


def _some(types: set[str]) -> str:
    named = sorted(types)
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return ", ".join(named[:3]) + more
