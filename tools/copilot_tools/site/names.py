"""Finds which of many named things a few loosely written words mean.

Exact spellings of ids, names and aliases win; then every word must be among the words that describe
a thing, misspelt words being mended against the known ones. Numbers are never mended: a wrong digit
is another machine.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

CERTAIN = 0.85
MARGIN = 0.05

_ARTICLES = ("the ", "a ", "an ", "our ", "my ", "this ", "that ")
_FILLERS = frozenset(("machine", "number", "no", "nr", "asset", "of", "on", "in", "at", "the"))
_SPOKEN = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11",
    "twelve": "12",
}  # fmt: skip
_SHORT = {
    "temp": "temperature", "temps": "temperature", "vib": "vibration", "vibs": "vibration",
    "vibrations": "vibration", "amp": "current", "amps": "current", "amperage": "current",
    "press": "pressure", "dp": "differential pressure", "brg": "bearing", "hrs": "hours",
    "flowrate": "flow", "lvl": "level", "curr": "current",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Described:
    """A thing to be found: `names` in full, `context` words that only help to tell it apart."""

    key: str
    names: tuple[str, ...]
    context: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A thing that may be meant and how sure that is (0..1)."""

    key: str
    confidence: float


def compact(text: str) -> str:
    """Letters and digits only, lower case: "K-7" and "k 7" are one spelling."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


@lru_cache(maxsize=4096)
def split_words(text: str) -> tuple[str, ...]:
    """The telling words of a text: lower case, singular, abbreviations and digits spelled out."""
    lowered = text.lower().strip()
    for article in _ARTICLES:
        if lowered.startswith(article) and len(lowered) > len(article) + 1:
            lowered = lowered[len(article) :]
            break
    words: list[str] = []
    for word in re.findall(r"[a-z]+|[0-9]+", lowered):
        words.extend(_SHORT.get(word, _SPOKEN.get(word, _singular(word))).split())
    return tuple(word for word in _join_digits(words) if word not in _FILLERS) or tuple(words)


class NameIndex:
    """Described things, indexed once so that finding one is quick."""

    def __init__(self, things: Iterable[Described]) -> None:
        self._exact: dict[str, set[str]] = {}
        self._primary: dict[str, set[str]] = {}
        self._all: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}
        for thing in things:
            self._names[thing.key] = " ".join(thing.names)
            for name in thing.names:
                self._exact.setdefault(compact(name), set()).add(thing.key)
                self._exact.setdefault("".join(split_words(name)), set()).add(thing.key)
            self._describe(thing)
        self._vocabulary = [word for word in self._all if len(word) > 3 and word.isalpha()]

    def _describe(self, thing: Described) -> None:
        for name in thing.names:
            for word in split_words(name):
                self._primary.setdefault(word, set()).add(thing.key)
                self._all.setdefault(word, set()).add(thing.key)
        for text in thing.context:
            for word in split_words(text):
                self._all.setdefault(word, set()).add(thing.key)

    def find(self, text: str) -> list[Match]:
        """Everything `text` may mean, the surest first; empty when nothing is near."""
        words = split_words(text)
        if exact := self._exact.get(compact(text)) or self._exact.get("".join(words)):
            return [Match(key, 1.0) for key in sorted(exact)]
        mended, certainty = self._mend(words)
        return sorted(
            (Match(key, score * certainty) for key, score in self._score(mended).items()),
            key=lambda match: (-match.confidence, match.key),
        )

    def _mend(self, words: tuple[str, ...]) -> tuple[list[str], float]:
        """Words replaced by the known ones they misspell, and how sure those repairs are."""
        mended, certainty = [], 1.0
        for word in words:
            if word not in self._all and len(word) > 3 and word.isalpha():
                edits = 1 if len(word) < 6 else 2
                near = process.extractOne(
                    word, self._vocabulary, scorer=DamerauLevenshtein.distance, score_cutoff=edits
                )
                if near:
                    word, certainty = near[0], certainty * (1 - 0.04 * near[1])
            mended.append(word)
        return mended, certainty

    def _score(self, words: list[str]) -> dict[str, float]:
        """How much of the words describes each thing: all by its own names 0.97, by context 0.9."""
        known: dict[str, int] = {}
        own: dict[str, int] = {}
        for word in words:
            for key in self._all.get(word, ()):
                known[key] = known.get(key, 0) + 1
            for key in self._primary.get(word, ()):
                own[key] = own.get(key, 0) + 1
        total = len(words)
        return {
            key: (0.97 if own.get(key, 0) == total else 0.9 if own.get(key) else 0.8)
            * (count / total)
            for key, count in known.items()
        }


def surest(matches: list[Match]) -> list[Match]:
    """The matches that cannot be told apart from the best one; one entry means a clear answer."""
    if not matches or matches[0].confidence < CERTAIN:
        return []
    return [match for match in matches if match.confidence > matches[0].confidence - MARGIN]


def describe(names: Mapping[str, tuple[str, ...]]) -> NameIndex:
    """An index of things that have names only."""
    return NameIndex(Described(key, texts) for key, texts in names.items())


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _join_digits(words: list[str]) -> list[str]:
    """Digits spoken one by one are one number: "one oh one" is 101."""
    joined: list[str] = []
    for word in words:
        if word.isdigit() and len(word) == 1 and joined and joined[-1].isdigit():
            joined[-1] += word
        else:
            joined.append(word)
    return joined
