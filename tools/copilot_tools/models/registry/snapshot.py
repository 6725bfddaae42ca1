"""A copy of a folder of models as it is at one moment, while others train and promote."""

import shutil
from pathlib import Path

from copilot_tools.errors import Failed
from copilot_tools.models.registry.registry import MOST_BYTES, POINTER, Registry


def copy_models(registry: Registry, target: Path) -> bool:
    """Copy all versions and pointers to `target`; False where there are no models.

    Raises Failed for a file that cannot be read, or is larger than any model.
    """
    if not registry.models():
        return False
    _copy_versions(registry, target)  # This may take long; versions do not change meanwhile.
    with registry.alone():
        _copy_versions(registry, target)
        for key in registry.models():
            pointer = registry.folder(key) / POINTER
            if pointer.exists():
                _copy(pointer, target / pointer.relative_to(registry.root))
    return True


def _copy_versions(registry: Registry, target: Path) -> None:
    for key in registry.models():
        for version in registry.versions(key):
            source = registry.place(key, version)
            copy = target / source.relative_to(registry.root)
            if copy.exists():
                continue
            copy.mkdir(parents=True)
            try:
                for file in sorted(source.iterdir()):
                    _copy(file, copy / file.name)
            except (Failed, OSError):
                if source.exists():
                    raise
            if not source.exists():  # It was pruned in the meantime.
                shutil.rmtree(copy)


def _copy(source: Path, target: Path) -> None:
    try:
        if source.stat().st_size > MOST_BYTES:
            raise Failed(f"{source} is larger than any model; move it out of the models folder")
        content = source.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Failed(f"{source} cannot be read: {why}") from None
    target.write_bytes(content)
