"""The catalogue of failure modes: what each does to signals, how to tell, what to do (FMEA)."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from copilot_tools.site.model import Asset, Signal
from copilot_tools.site.names import split_words


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sign(_Strict):
    signal: str
    moves: Literal["up", "down"]
    weight: float


class _Mode(_Strict):
    kinds: tuple[str, ...]
    name: str
    component: str
    symptoms: tuple[str, ...]
    signs: tuple[_Sign, ...]
    contrary: tuple[_Sign, ...]
    rules_out: str
    next_check: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A signal (by words of its name) that a mode moves up or down, and how telling that is."""

    words: frozenset[str]
    rising: bool
    weight: float

    def signals(self, asset: Asset) -> list[Signal]:
        """The signals of an asset that this sign is about."""
        return [s for s in asset.signals if self.words <= set(split_words(s.name))]


@dataclass(frozen=True, slots=True)
class FailureMode:
    """One way in which assets of some kinds fail."""

    kinds: tuple[str, ...]
    name: str
    component: str
    symptoms: frozenset[str]
    signs: tuple[Sign, ...]
    contrary: tuple[Sign, ...]
    rules_out: str
    next_check: str
    remedy: str


@lru_cache(maxsize=1)
def failure_modes() -> tuple[FailureMode, ...]:
    """Every mode of the catalogue."""
    text = resources.files("copilot_tools").joinpath("failure_modes.toml").read_text("utf-8")
    modes = TypeAdapter(tuple[_Mode, ...]).validate_python(tomllib.loads(text)["mode"])
    return tuple(
        FailureMode(
            mode.kinds,
            mode.name,
            mode.component,
            frozenset(word for symptom in mode.symptoms for word in split_words(symptom)),
            tuple(_signs(mode.signs)),
            tuple(_signs(mode.contrary)),
            mode.rules_out,
            mode.next_check,
            mode.remedy,
        )
        for mode in modes
    )


def _signs(signs: Iterable[_Sign]) -> Iterable[Sign]:
    for sign in signs:
        yield Sign(frozenset(split_words(sign.signal)), sign.moves == "up", sign.weight)
