"""Changes a registry of models, killed at the n-th step on the file system.

Arguments: the folder, what to do (add, promote, back, prune) and n. The steps are all that Python
tells its audit hooks of: files opened, folders made, renamed and removed. For every n the work is
done in a process of its own that the kernel kills. Prints a line of JSON for each: n, whether it
was killed and what a reader then finds; ends with the first n that is never reached.
"""

import json
import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from copilot_tools.models.registry.manifest import Draft
from copilot_tools.models.registry.registry import Key, Registry

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = Key("behaviour", "K-1")
EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir")


def change(registry: Registry, what: str) -> None:
    """One change, the way the commands make it."""
    if what == "add":
        add(registry)
    elif what == "promote":
        registry.promote(KEY, 3, NOW, "ada")
    elif what == "prune":
        registry.prune(KEY, 2)
    else:
        registry.roll_back(KEY, NOW, "ada")


def add(registry: Registry) -> None:
    draft = Draft(created=NOW, created_by="ada", data_sha256="0" * 64)
    registry.add(KEY, b"model" * 1000, "model.skops", draft)


def prepare(root: Path, what: str) -> Registry:
    """A model with three versions: 2 in use, 1 before it, 3 running along.

    To prune there are three more: 6 runs along then.
    """
    registry = Registry(root)
    for version in (1, 2, 3):
        add(registry)
        if version < 3:
            registry.promote(KEY, version, NOW, "ada")
    for _ in range(3 if what == "prune" else 0):
        add(registry)
    return registry


def run_killed(registry: Registry, what: str, step: int) -> bool:
    """Whether the process was killed at that step; False when it finished before."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _arguments: Any) -> None:
            nonlocal left
            if event in EVENTS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        change(registry, what)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def seen(registry: Registry) -> dict[str, Any]:
    """What a reader finds; raises Unusable if anything it could come upon is not whole."""
    versions = registry.versions(KEY)
    for version in versions:
        registry.content(registry.manifest(KEY, version))
    pointer = registry.pointer(KEY)
    return {
        "versions": versions,
        "current": pointer.current,
        "previous": pointer.previous,
        "shadow": pointer.shadow,
    }


def main(folder: Path, what: str) -> None:
    """Kill at the first step, the second ... until none is left; repeat the change each time."""
    killed, step = True, 0
    while killed:
        step += 1
        root = folder / f"{what}-{step}"
        registry = prepare(root, what)
        killed = run_killed(registry, what, step)
        found = {"step": step, "killed": killed, **seen(registry)}
        change(registry, what)  # Nothing that the killed one left is in the way.
        found["after"] = seen(registry)
        found["left"] = [f.name for f in root.rglob(".unfinished*")]
        print(json.dumps(found), flush=True)
        shutil.rmtree(root)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
