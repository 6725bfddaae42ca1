"""The catalogue of failure modes: what each does to signals, how to tell, what to do (FMEA).

Ours is `failure_modes.toml` in this package; a site adds its own in a file of the same name beside
its plant model. A mode of the site replaces ours of the same name for the same kinds.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copilot_tools.site.load import SiteError
from copilot_tools.site.model import Asset, Signal, Site
from copilot_tools.site.names import split_words
from copilot_tools.site.toml_lines import find_line

FILE = "failure_modes.toml"
TELLING = 2.0  # weight from which on a sign alone can carry a mode

Moves = Literal["up", "down", "either", "still"]
At = Literal["here", "downstream", "upstream", "site"]
# How a failure shows, by the codes of ISO 14224:2016, tables B.6 to B.14.
Code = Literal[
    "AIR", "BRD", "ELP", "ELU", "ERO", "FTS", "HIO", "IHT", "INL", "LOO", "NOI", "NOO", "OHE",
    "PDE", "PLU", "SER", "STD", "UST", "VIB",
]  # fmt: skip

_Name = Annotated[str, Field(min_length=3, max_length=80)]
_Sentence = Annotated[str, Field(min_length=8, max_length=200)]
_Word = Annotated[str, Field(min_length=2, max_length=40)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sign(_Strict):
    signal: _Name
    moves: Moves
    weight: Annotated[float, Field(gt=0, le=5)]
    at: At = "here"


class _Mode(_Strict):
    kinds: Annotated[tuple[_Word, ...], Field(min_length=1)]
    name: _Name
    component: _Name
    code: Code
    symptoms: Annotated[tuple[_Word, ...], Field(min_length=1)]
    signs: Annotated[tuple[_Sign, ...], Field(min_length=1)]
    contrary: tuple[_Sign, ...] = ()
    defects: tuple[_Name, ...] = ()
    consequence: bool = False
    rules_out: _Sentence
    next_check: _Sentence
    remedy: _Sentence
    procedure: str = ""


class _File(_Strict):
    mode: Annotated[tuple[_Mode, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Sign:
    """A signal (by words of its name) that a mode moves, where it is, and how telling that is.

    `still` means that it stops moving at all. `at` is seen from the machine that has the mode.
    """

    words: frozenset[str]
    moves: Moves
    weight: float
    at: At

    def signals(self, asset: Asset) -> list[Signal]:
        """The signals of an asset that this sign is about: the one called exactly so, if any."""
        names = [(signal, set(split_words(signal.name))) for signal in asset.signals]
        exact = [signal for signal, words in names if words == self.words]
        return exact or [signal for signal, words in names if self.words <= words]


@dataclass(frozen=True, slots=True)
class FailureMode:
    """One way in which assets of some kinds fail.

    `contrary` signs speak against it, `defects` are what cameras find because of it. A
    `consequence` is no root cause: something upstream is. `procedure` is what the manuals are
    searched for.
    """

    kinds: tuple[str, ...]
    name: str
    component: str
    code: Code
    symptoms: frozenset[str]
    signs: tuple[Sign, ...]
    contrary: tuple[Sign, ...]
    defects: tuple[str, ...]
    consequence: bool
    rules_out: str
    next_check: str
    remedy: str
    procedure: str


@lru_cache(maxsize=1)
def failure_modes() -> tuple[FailureMode, ...]:
    """Every mode of our own catalogue."""
    text = resources.files("copilot_tools").joinpath(FILE).read_text("utf-8")
    return parse_modes(text, FILE)


def load_modes(path: Path, site: Site) -> tuple[FailureMode, ...]:
    """Our modes and those of a site's file, where it has one; raises SiteError with the line.

    A mode of the file must say something of a signal that a machine of its kind has here.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return failure_modes()
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    own = parse_modes(text, str(path))
    for place, mode in enumerate(own):
        if problem := _unknown(mode, site):
            raise SiteError(f"{path}:{find_line(text, ('mode', place, 'kinds'))}: {problem}")
        if problem := _unseen(mode, site):
            raise SiteError(f"{path}:{find_line(text, ('mode', place, 'signs'))}: {problem}")
    named = {(kind, mode.name) for mode in own for kind in mode.kinds}
    kept = (m for m in failure_modes() if not named & {(kind, m.name) for kind in m.kinds})
    return (*kept, *own)


def parse_modes(text: str, origin: str = FILE) -> tuple[FailureMode, ...]:
    """The modes of a TOML text; raises SiteError that names the line and what is wrong there."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{origin}: not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        where = f"{origin}:{find_line(text, first['loc'])}"
        name = ".".join(str(part) for part in first["loc"])
        raise SiteError(f"{where}: {name}: {first['msg']}{more}") from None
    seen: set[tuple[str, str]] = set()
    for place, mode in enumerate(file.mode):
        for kind in mode.kinds:
            if (kind, mode.name) in seen:
                where = f"{origin}:{find_line(text, ('mode', place, 'name'))}"
                raise SiteError(f"{where}: {mode.name!r} of a {kind} is there twice; rename one")
            seen.add((kind, mode.name))
        if not mode.consequence and all(sign.weight < TELLING for sign in mode.signs):
            where = f"{origin}:{find_line(text, ('mode', place, 'signs'))}"
            least = f"give one sign a weight of {TELLING:g} or more"
            raise SiteError(f"{where}: {mode.name!r} could never be named; {least}")
    return tuple(_mode(mode) for mode in file.mode)


def _unknown(mode: FailureMode, site: Site) -> str:
    """Which kind of machine a mode has that neither the site nor our catalogue knows, if any."""
    here = {asset.kind for asset in site.assets.values()}
    known = here | {kind for ours in failure_modes() for kind in ours.kinds}
    wrong = [kind for kind in mode.kinds if kind not in known]
    if not wrong:
        return ""
    return (
        f"{mode.name!r}: no machine here is a {wrong[0]!r}; kinds here: {', '.join(sorted(here))}"
    )


def _unseen(mode: FailureMode, site: Site) -> str:
    """Why the machines of a site can never show a mode; empty when they can, or it has none."""
    assets = [asset for asset in site.assets.values() if asset.kind in mode.kinds]
    local = [sign for sign in mode.signs if sign.at == "here"]
    if not assets or any(sign.signals(asset) for sign in local for asset in assets):
        return ""
    named = ", ".join(sorted({signal.name for asset in assets for signal in asset.signals}))
    kinds = " or ".join(mode.kinds)
    return f"{mode.name!r}: no {kinds} here has any of its signals; they have {named or 'none'}"


def _mode(mode: _Mode) -> FailureMode:
    return FailureMode(
        kinds=mode.kinds,
        name=mode.name,
        component=mode.component,
        code=mode.code,
        symptoms=frozenset(word for symptom in mode.symptoms for word in split_words(symptom)),
        signs=tuple(_signs(mode.signs)),
        contrary=tuple(_signs(mode.contrary)),
        defects=mode.defects,
        consequence=mode.consequence,
        rules_out=mode.rules_out,
        next_check=mode.next_check,
        remedy=mode.remedy,
        procedure=mode.procedure or f"{mode.remedy} {mode.component}",
    )


def _signs(signs: Iterable[_Sign]) -> Iterable[Sign]:
    for sign in signs:
        yield Sign(frozenset(split_words(sign.signal)), sign.moves, sign.weight, sign.at)
