"""What `copilot doctor` says of trained models: in use, running along, too old, not to be used."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from copilot.cli.check import Check
from copilot.settings import HealthSettings
from copilot.station.models import KIND as VISION
from copilot_tools.models.registry.kinds import KIND_NAMES, check_libraries
from copilot_tools.models.registry.manifest import Manifest, Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.predictions import Role


def check_models(settings: HealthSettings, now: datetime) -> list[Check]:
    """A check of each kind of model; files are held against their hashes, not opened."""
    root, oldest = settings.models, now - timedelta(days=settings.retrain_days)
    try:
        if root.exists():
            next(root.iterdir(), None)
    except OSError as error:
        why = f"{root} cannot be read: {error.strerror}"
        return [Check("models", False, why, "see [health] models and the rights of that folder")]
    return [_check(kind, Registry(root), oldest) for kind in (*KIND_NAMES, VISION)]


def _check(kind: str, registry: Registry, oldest: datetime) -> Check:
    vision = kind == VISION
    train = "copilot station train FOLDER" if vision else f"copilot health train {kind} --all"
    keys = registry.models(kind)
    if not keys:
        return Check(f"{kind} models", True, f"none is trained yet; {train}")
    seen = [each for key in keys for each in _look(registry, key)]
    whole = [(role, found) for role, found in seen if isinstance(found, Manifest)]
    used = [manifest for role, manifest in whole if role == "told"]
    broken = [str(found) for _, found in seen if isinstance(found, Unusable)]
    old = [f"{m.name} of {m.created:%Y-%m-%d}" for m in used if m.created < oldest and not vision]
    said = [f"{len(used)} in use, {len(whole) - len(used)} run along"]
    said += [
        f"{len(named)} {what}: {named[0]}{_more(named)}"
        for what, named in (("stale", old), ("cannot be used", broken))
        if named
    ]
    mend = f"copilot station rollback, or {train}"
    if not vision:
        mend = f"{train} --if-needed, then copilot health promote {kind} SCOPE"
    return Check(f"{kind} models", not (old or broken), "; ".join(said), mend)


def _look(registry: Registry, key: Key) -> Iterator[tuple[Role, Manifest | Unusable]]:
    """The version in use and the one that runs along, or why they cannot be used."""
    try:
        pointer = registry.pointer(key)
    except Unusable as error:
        yield "told", error
        return
    roles: tuple[tuple[Role, int | None], ...] = (
        ("told", pointer.current),
        ("shadow", pointer.shadow),
    )
    for role, version in roles:
        if version is not None:
            try:
                yield role, _whole(registry, key, version)
            except Unusable as error:
                yield role, error


def _whole(registry: Registry, key: Key, version: int) -> Manifest:
    manifest = registry.manifest(key, version)
    if key.kind != VISION:
        check_libraries(manifest)
    registry.content(manifest)
    return manifest


def _more(named: list[str]) -> str:
    return f" and {len(named) - 1} more" if len(named) > 1 else ""
