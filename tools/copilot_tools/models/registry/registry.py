"""The folder of trained models: `kind/scope/version/` with a manifest each, and a pointer.

A version is written whole beside its place and renamed into it, so it is there entirely or not at
all, and never changes afterwards. The pointer is one small file that is replaced in one step.
Writers wait for each other at a lock that ends with their process; readers need none.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import quote, unquote
from uuid import uuid4

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from copilot_tools.errors import Failed
from copilot_tools.models.registry.manifest import FORMAT, Draft, Manifest, Pointer, Unusable

MANIFEST = "manifest.json"
POINTER = "pointer.json"
MOST_BYTES = 64 << 20
_UNFINISHED = ".unfinished-"
_PATIENCE_S = 10.0

Stamp: TypeAlias = tuple[str, int, int, int]
"""A file's path, number, time of change and size."""

_Record = TypeVar("_Record", bound=BaseModel)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which model: its kind ("remaining-life") and what it is for ("pump/bearing", "K-7")."""

    kind: str
    scope: str

    def __str__(self) -> str:
        return f"{self.kind} {self.scope}"


class Registry:
    """Versions of models below `root`; nothing is made before the first one is added."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def models(self, kind: str | None = None) -> list[Key]:
        """The models there are, in order."""
        found = []
        for folder in _folders(self.root):
            name = unquote(folder.name)
            if kind in (None, name):
                found += [Key(name, unquote(inner.name)) for inner in _folders(folder)]
        return sorted(found)

    def versions(self, key: Key) -> list[int]:
        """The versions of a model, oldest first, whether they can be used or not."""
        names = (folder.name for folder in _folders(self.folder(key)))
        return sorted(int(name) for name in names if name.isdecimal() and int(name) > 0)

    def manifest(self, key: Key, version: int) -> Manifest:
        """What is known of a version; raises Unusable when that is missing or garbled."""
        name = f"{key} v{version}"
        manifest = _read(Manifest, self.place(key, version) / MANIFEST, name)
        if (manifest.kind, manifest.scope, manifest.version) != (key.kind, key.scope, version):
            raise Unusable(f"{name}: its manifest is that of {manifest.name}; train it anew")
        return manifest

    def pointer(self, key: Key) -> Pointer:
        """Which version is in use; an empty pointer where none ever was."""
        file = self.folder(key) / POINTER
        return _read(Pointer, file, str(key)) if file.exists() else Pointer()

    def stamp(self, manifest: Manifest) -> Stamp:
        """What changes when the file of a version does; raises Unusable when it is not there."""
        file = self._file(manifest)
        try:
            found = file.stat()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Unusable(f"{manifest.name}: {file}: {why}; train it anew") from None
        return str(file), found.st_ino, found.st_mtime_ns, found.st_size

    def content(self, manifest: Manifest) -> bytes:
        """The file of a version; raises Unusable unless it is just as it was written."""
        file = self._file(manifest)
        try:
            if file.stat().st_size > MOST_BYTES:
                raise Unusable(f"{manifest.name}: {file} is larger than any model; train it anew")
            content = file.read_bytes()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Unusable(f"{manifest.name}: {file}: {why}; train it anew") from None
        if sha256(content).hexdigest() != manifest.sha256:
            raise Unusable(f"{manifest.name}: {file} is damaged; roll back or train it anew")
        return content

    def add(self, key: Key, content: bytes, file: str, draft: Draft) -> Manifest:
        """Store a new version, which runs along from now on but is not in use."""
        with self._writing(key) as folder:
            version = max(self.versions(key), default=0) + 1
            manifest = Manifest(
                **draft.model_dump(),
                kind=key.kind,
                scope=key.scope,
                version=version,
                file=file,
                sha256=sha256(content).hexdigest(),
            )
            unfinished = folder / f"{_UNFINISHED}{uuid4().hex}"
            unfinished.mkdir()
            _write(unfinished / file, content)
            _write(unfinished / MANIFEST, manifest.model_dump_json(indent=2).encode())
            _sync(unfinished)
            unfinished.rename(folder / str(version))
            _sync(folder)
            with suppress(Unusable):  # A garbled pointer stays to be seen until a promotion.
                self._point(folder, self.pointer(key).shadowed(version))
        return manifest

    def promote(self, key: Key, version: int, at: datetime, by: str, reason: str = "") -> Pointer:
        """Bring a version into use; raises Unusable when its manifest or file is not whole."""
        with self._writing(key) as folder:
            if version not in self.versions(key):
                raise Failed(f"{key} has no version {version}")
            self.content(self.manifest(key, version))
            pointer = self._pointer_or_new(key)
            if pointer.current != version:
                pointer = pointer.moved(version, at, by, reason)
                self._point(folder, pointer)
            return pointer

    def roll_back(self, key: Key, at: datetime, by: str, reason: str = "") -> Pointer:
        """Bring the version before back; raises Failed when there was none, or it is damaged."""
        with self._writing(key) as folder:
            pointer = self.pointer(key)
            if pointer.current is None or pointer.previous is None:
                raise Failed(f"{key}: there is no earlier version to go back to")
            self.content(self.manifest(key, pointer.previous))
            pointer = pointer.moved(pointer.previous, at, by, reason or "rolled back")
            self._point(folder, pointer)
            return pointer

    def prune(self, key: Key, keep: int) -> list[int]:
        """Remove all versions but the newest `keep` (at least one) and those the pointer names.

        Those are the version in use, the one before it and the one that runs along. Returns what
        was removed; raises Unusable where the pointer is garbled.
        """
        with self._writing(key) as folder:
            pointer = self.pointer(key)
            named = (pointer.current, pointer.previous, pointer.shadow)
            old = [v for v in self.versions(key)[: -max(keep, 1)] if v not in named]
            for version in old:
                unfinished = folder / f"{_UNFINISHED}{uuid4().hex}"
                self.place(key, version).rename(unfinished)
                _sync(folder)
                shutil.rmtree(unfinished)
            return old

    def folder(self, key: Key) -> Path:
        """Where a model's versions and its pointer lie."""
        return self.root / _quoted(key.kind) / _quoted(key.scope)

    def place(self, key: Key, version: int) -> Path:
        """The folder of a version."""
        return self.folder(key) / str(version)

    def _file(self, manifest: Manifest) -> Path:
        return self.place(Key(manifest.kind, manifest.scope), manifest.version) / manifest.file

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other process changes models; raises Failed where that cannot be had."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(self.root / ".lock", timeout=_PATIENCE_S):
                yield
        except Timeout:
            raise Failed(f"{self.root}: another process is changing models; try again") from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Failed(f"{self.root}: models cannot be written: {why}") from None

    @contextmanager
    def _writing(self, key: Key) -> Iterator[Path]:
        """The folder of a model, for one writer alone; what a killed one left is cleared away."""
        with self.alone():
            folder = self.folder(key)
            folder.mkdir(parents=True, exist_ok=True)
            for left in (*folder.glob(f"{_UNFINISHED}*"),):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            yield folder

    def _pointer_or_new(self, key: Key) -> Pointer:
        """The pointer, or an empty one where it is garbled: a promotion mends it."""
        try:
            return self.pointer(key)
        except Unusable:
            return Pointer()

    def _point(self, folder: Path, pointer: Pointer) -> None:
        unfinished = folder / f"{_UNFINISHED}{uuid4().hex}"
        _write(unfinished, pointer.model_dump_json(indent=2).encode())
        os.replace(unfinished, folder / POINTER)
        _sync(folder)


def _quoted(name: str) -> str:
    """A name as one folder: "pump/bearing" is no path, and neither is ".."."""
    return quote(name, safe=" ").replace(".", "%2E")


def _folders(parent: Path) -> list[Path]:
    try:
        return [e for e in parent.iterdir() if e.is_dir() and not e.name.startswith(".")]
    except OSError:
        return []


def _read(record: type[_Record], file: Path, name: str) -> _Record:
    try:
        content = json.loads(file.read_bytes())
        held = content.get("format") if isinstance(content, dict) else None
        if isinstance(held, int) and held != FORMAT:
            mend = "train it anew" if held < FORMAT else "update the copilot"
            raise Unusable(f"{name}: {file} has format {held}, not {FORMAT}; {mend}")
        return record.model_validate(content)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Unusable(f"{name}: {file}: {why}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unusable(f"{name}: {file}: {where}: {first['msg']}; train it anew") from None
    except (ValueError, RecursionError):
        raise Unusable(f"{name}: {file} is garbled; promote a version or train it anew") from None


def _write(file: Path, content: bytes) -> None:
    with file.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
