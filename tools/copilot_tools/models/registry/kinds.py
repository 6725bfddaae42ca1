"""The kinds of models there are, and how one is brought back from its file."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from threading import Lock
from typing import Any, Literal, TypeAlias, get_args

from copilot_tools.errors import Failed
from copilot_tools.models.registry.manifest import Manifest, Unusable
from copilot_tools.models.registry.registry import Key, Registry, Stamp
from copilot_tools.models.registry.skops_file import unpack
from copilot_tools.timeseries import Floats

KindName: TypeAlias = Literal["remaining-life", "behaviour"]
KIND_NAMES: tuple[KindName, ...] = get_args(KindName)
_MOST_HELD = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """How models of a kind are kept.

    `trusted` are the types their files may hold; `bound` the libraries whose estimators are in
    them, which must have the same version (up to the last number) as when they were trained.
    """

    restore: Callable[[dict[str, Any]], Any]
    trusted: tuple[str, ...]
    bound: tuple[str, ...] = ()

    def libraries(self) -> dict[str, str]:
        """The versions to write down with a model."""
        return {name: version(name) for name in dict.fromkeys((*self.bound, "numpy", "skops"))}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready for use; `reference` are rows of its training data, a column a signal."""

    manifest: Manifest
    model: Any
    reference: Floats


_loaded: dict[Stamp, Loaded] = {}
_loading = Lock()


def kind_named(name: str) -> Kind:
    """The kind of that name; raises Failed for one there is not."""
    if name == "remaining-life":
        from copilot_tools.models.remaining_life import TRUSTED, RemainingLife

        return Kind(RemainingLife.from_state, TRUSTED, ("scikit-learn",))
    if name == "behaviour":
        from copilot_tools.models.usual import UsualBehaviour

        return Kind(UsualBehaviour.from_state, ())
    raise Failed(f"there is no kind of model {name!r}; there are {', '.join(KIND_NAMES)}")


def load(registry: Registry, key: Key, number: int) -> Loaded:
    """A version of a model; raises Unusable with an honest reason when it cannot be used.

    What was loaded once is kept for as long as its file stays the same.
    """
    manifest = registry.manifest(key, number)
    stamp = registry.stamp(manifest)
    with _loading:
        held = _loaded.get(stamp)
        if held is None or held.manifest != manifest:
            held = open_content(manifest, registry.content(manifest))
            _loaded[stamp] = held
            while len(_loaded) > _MOST_HELD:
                del _loaded[next(iter(_loaded))]
        return held


def load_current(registry: Registry, key: Key) -> Loaded | None:
    """The version in use, None where there is none; raises Unusable as `load` does."""
    current = registry.pointer(key).current
    return None if current is None else load(registry, key, current)


def check_libraries(manifest: Manifest) -> None:
    """Raise Unusable where a model was trained with other libraries than are here."""
    for library in kind_named(manifest.kind).bound:
        written = manifest.libraries.get(library, "no version")
        if _series(written) != _series(version(library)):
            raise Unusable(
                f"{manifest.name}: was trained with {library} {written}, here is "
                f"{version(library)}; train it anew"
            )


def open_content(manifest: Manifest, content: bytes) -> Loaded:
    """The model in the content of a version's file; raises Unusable."""
    kind = kind_named(manifest.kind)
    check_libraries(manifest)
    state = unpack(content, kind.trusted, manifest.name)
    try:
        return Loaded(manifest, kind.restore(state["model"]), state["reference"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise Unusable(
            f"{manifest.name}: the file holds no such model ({type(error).__name__}); train it anew"
        ) from None


def _series(number: str) -> list[str]:
    return number.split(".")[:2]
