"""The one file that a backup is: a manifest with the hash of everything else in it.

It belongs to its owner alone, and a file of its final name is always whole.
"""

import gzip
import json
import os
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from io import BytesIO
from pathlib import Path

from copilot_tools.errors import Failed

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 100_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup; `files` has the SHA-256 of each by name. `made` is UTC, ISO 8601."""

    made: str
    version: str
    backend: str
    revision: str
    files: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


def pack(target: Path, manifest: Manifest, parts: Mapping[str, Path]) -> None:
    """Write the archive, on the disk when this returns; raises Failed where there is one."""
    if target.exists():
        raise Failed(f"{target} is there already")
    files = {name: digest_of(path) for name, path in parts.items()}
    content = {**asdict(manifest), "files": files}
    text = json.dumps(content, indent=1).encode()
    draft = target.with_name(f"{target.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
            about = tarfile.TarInfo(MANIFEST)
            about.size = len(text)
            archive.addfile(about, BytesIO(text))
            for name, path in parts.items():
                with path.open("rb") as part:
                    info = tarfile.TarInfo(name)
                    info.size = path.stat().st_size
                    archive.addfile(info, part)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def unpack(source: Path, folder: Path) -> Manifest:
    """Put all parts into `folder`, checked; raises Failed for a file that is not as it was made."""
    try:
        with tarfile.open(source, mode="r:gz") as archive:
            manifest = _read_manifest(archive)
            for member in archive.getmembers()[1:]:
                if member.name not in manifest.files or not member.isreg():
                    raise Failed(f"{source} holds {member.name!r}, which is not in its manifest")
                _extract(archive, member, folder / member.name)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Failed(f"{source} is damaged or no backup: {error}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise Failed(f"{source} is no backup: {error}") from None
    for name, known in manifest.files.items():
        path = folder / name
        if not path.is_file() or digest_of(path) != known:
            raise Failed(f"{source} is damaged: {name} is not as it was backed up")
    return manifest


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _read_manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    if first is None or first.name != MANIFEST or first.size > LARGEST_MANIFEST:
        raise ValueError("it does not begin with a manifest")
    content = archive.extractfile(first)
    assert content is not None
    manifest = Manifest(**json.load(content))
    if manifest.format != FORMAT:
        raise ValueError(f"its format is {manifest.format}; this version reads {FORMAT}")
    if any(Path(name).name != name for name in manifest.files):
        raise ValueError("it names a file outside of itself")
    return manifest


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    content = archive.extractfile(member)
    assert content is not None
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while block := content.read(1 << 20):
            file.write(block)
