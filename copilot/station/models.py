"""Vision models in the registry of trained models: stored, brought into use, opened."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from pydantic import JsonValue

from copilot.station.reviews import Learnable
from copilot_tools.models.registry.manifest import Draft, Manifest, Unusable
from copilot_tools.models.registry.registry import Key, Registry
from copilot_tools.vision.model import FILE, VisionModel
from copilot_tools.vision.training import Trained

KIND = "vision"


class ModelInUse:
    """The model in use, looked up before each part, so that a promotion needs no restart.

    Where the one that came into use cannot be opened the one before goes on, which is said.
    Raises Unusable when it is made and there is none.
    """

    def __init__(self, registry: Registry, name: str, tell: Callable[[str], None]) -> None:
        self._registry, self._key, self._tell = registry, Key(KIND, name), tell
        self._lock = Lock()
        self._pointed = registry.pointer(self._key).current
        self._model = open_current(registry, name, tell)

    def __call__(self) -> VisionModel:
        """The model that judges now."""
        with self._lock:
            try:
                pointed = self._registry.pointer(self._key).current
            except Unusable as unusable:
                pointed = None
                if self._pointed is not None:
                    self._tell(f"{unusable}; {self._model.card.label} stays in use")
            if pointed not in (None, self._pointed):
                self._take(pointed)
            self._pointed = pointed
            return self._model

    def _take(self, version: int) -> None:
        try:
            self._model = open_version(self._registry, self._key.scope, version)
        except Unusable as unusable:
            self._tell(f"{unusable}; {self._model.card.label} stays in use")
        else:
            self._tell(f"{self._key} v{version} ({self._model.card.label}) is in use from now on")


def store(
    registry: Registry,
    trained: Trained,
    by: str,
    moment: datetime,
    reviews: Learnable | None = None,
) -> Manifest:
    """A new version of a model; it comes into use at once only where none is.

    Its manifest says how many of the `reviews` it was trained with, and of which time.
    """
    card = trained.card
    held_out = card.held_out
    draft = Draft(
        created=moment,
        created_by=by,
        data_sha256=card.data_sha256,
        features={
            "classes": list(card.classes),
            "pictures": dict(card.pictures),
            **({"reviews": _provenance(trained, reviews)} if reviews else {}),
        },
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


def _provenance(trained: Trained, reviews: Learnable) -> dict[str, JsonValue]:
    apart = trained.card.reviewed
    return {
        "parts": reviews.parts,
        "since": reviews.since.isoformat() if reviews.since else None,
        "until": reviews.until.isoformat() if reviews.until else None,
        "held_out": apart.held_out if apart else 0,
        "right": apart.right if apart else 0,
    }


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
