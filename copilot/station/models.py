"""Vision models in the registry of trained models: stored, brought into use, opened."""

from collections.abc import Callable
from datetime import datetime

from copilot_tools.models.registry.manifest import Draft, Manifest, Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.vision.model import FILE, VisionModel
from copilot_tools.vision.training import Trained

KIND = "vision"


def store(registry: Registry, trained: Trained, by: str, moment: datetime) -> Manifest:
    """A new version of a model; it comes into use at once only where none is."""
    card = trained.card
    held_out = card.held_out
    draft = Draft(
        created=moment,
        created_by=by,
        data_sha256=card.data_sha256,
        features={"classes": list(card.classes), "pictures": dict(card.pictures)},
        metrics={
            "accuracy": held_out.accuracy,
            "pictures": float(held_out.pictures),
            **{f"recall {name}": recall for name, recall in held_out.recall.items()},
        },
        card=f"{card.label}: sorts pictures of parts into {', '.join(card.classes)}",
    )
    key = Key(KIND, card.name)
    manifest = registry.add(key, trained.content, FILE, draft)
    if registry.pointer(key).current is None:
        registry.promote(key, manifest.version, moment, by, "the first version")
    return manifest


def open_current(registry: Registry, name: str, warn: Callable[[str], None]) -> VisionModel:
    """The model in use; the one before where that cannot be used, which is said.

    Raises Unusable when neither can be.
    """
    pointer = registry.pointer(Key(KIND, name))
    if pointer.current is None:
        raise Unusable(
            f"no vision model {name!r} is in use in {registry.root}; train one with "
            "`copilot station train`"
        )
    try:
        return open_version(registry, name, pointer.current)
    except Unusable as unusable:
        if pointer.previous is None:
            raise
        warn(f"{unusable}; version {pointer.previous} is used instead")
        return open_version(registry, name, pointer.previous)


def open_version(registry: Registry, name: str, version: int) -> VisionModel:
    """A version of a model; raises Unusable with an honest reason."""
    manifest = registry.manifest(Key(KIND, name), version)
    return VisionModel(registry.content(manifest), manifest.name)
