"""The folder of trained models as one part of a backup, and back in its place."""

import shutil
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from copilot.backup.archive import digest_of
from copilot_tools.errors import Failed
from copilot_tools.models.registry.registry import Registry
from copilot_tools.models.registry.snapshot import copy_models


def copy(root: Path, target: Path) -> bool:
    """All models as they are at one moment, in one file; False where there are none.

    Raises Failed for what cannot be read.
    """
    with TemporaryDirectory(dir=target.parent, prefix=".models-") as name:
        if not copy_models(Registry(root), Path(name)):
            return False
        with tarfile.open(target, "w") as archive:
            for path in _files(Path(name)):
                archive.add(path, str(path.relative_to(name)))
    return True


def put_back(part: Path, root: Path, aside: Path, kept: Path, *, replace: bool) -> str:
    """Put a copy back to `root`; what was done, in words. Raises Failed where it cannot be.

    Models that are there are moved `aside` with `replace`; else they stay, and the copy is `kept`.
    """
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=root.parent, prefix=".restore-") as name:
            draft = Path(name) / "models"
            with tarfile.open(part, "r") as archive:
                archive.extractall(draft, filter="data")
            if root.exists() and not _files(root):
                shutil.rmtree(root)  # There is nothing in it but its lock.
            if not root.exists():
                draft.replace(root)
                return f"the models are back in {root}"
            if _digests(draft) == _digests(root):
                return ""
            if not replace:
                draft.replace(kept)
                return f"{root} differs from the backup's, which is in {kept}; it was left as it is"
            with Registry(root).alone():
                root.replace(aside)
                draft.replace(root)
            return f"the models are back in {root}; the old ones are {aside}"
    except (OSError, tarfile.TarError) as error:
        raise Failed(f"the models cannot be put back to {root}: {error}") from None


def _digests(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): digest_of(path) for path in _files(root)}


def _files(root: Path) -> list[Path]:
    """All files but the lock."""
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
