"""Where a quoted passage stands in the text of its page.

Only letters and digits count: a page breaks its lines, hyphenates and draws tables in other
places than the quote does.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Shorter pieces stand in many places that are not meant.
_LEAST = 8
_WORDS = 6
# A quote may begin with lines from the page before, but most of it must be here.
_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `marked` when it belongs to the passage."""

    text: str
    marked: bool


def find_passage(characters: Iterable[str], passage: str) -> list[range]:
    """The places of the page's characters that hold the passage; empty when it is not there."""
    page, places = _letters(characters)
    wanted, _ = _letters(passage)
    if not wanted:
        return []
    spans, begin = [], page.find(wanted)
    if begin >= 0:
        spans = [(begin, begin + len(wanted))]
    elif len(wanted) >= _LEAST:
        spans = _find_pieces(page, passage)
    if sum(end - start for start, end in spans) < _SHARE * len(wanted):
        return []
    return _joined(range(places[start], places[end - 1] + 1) for start, end in spans)


def mark_passage(text: str, passage: str) -> list[Piece]:
    """The text in pieces, those of the passage marked."""
    pieces, at = [], 0
    for place in find_passage(text, passage):
        pieces += [
            Piece(text[at : place.start], False),
            Piece(text[place.start : place.stop], True),
        ]
        at = place.stop
    pieces.append(Piece(text[at:], False))
    return [piece for piece in pieces if piece.text]


def _letters(characters: Iterable[str]) -> tuple[str, list[int]]:
    """The letters and digits of a text in one form, and where each of them stands in it."""
    letters, places = [], []
    for place, character in enumerate(characters):
        for letter in unicodedata.normalize("NFKD", character).casefold():
            if letter.isalnum():
                letters.append(letter)
                places.append(place)
    return "".join(letters), places


def _find_pieces(page: str, passage: str) -> list[tuple[int, int]]:
    """Spans of the page's letters, piece by piece, each after the one before where it can be."""
    spans, at = [], 0
    for wanted in _pieces(page, passage):
        begin = page.find(wanted, at)
        if begin < 0:
            begin = page.find(wanted)
        if begin >= 0:
            at = begin + len(wanted)
            spans.append((begin, at))
    return spans


def _pieces(page: str, passage: str) -> Iterator[str]:
    """Lines and cells of a passage as letters; in groups of words where it is not there whole."""
    for part in re.split(r"\n| \| |\t", passage):
        whole, _ = _letters(part)
        if len(whole) < _LEAST or whole in page:
            groups = [whole]
        else:
            words = part.split()
            groups = [" ".join(words[i : i + _WORDS]) for i in range(0, len(words), _WORDS)]
        for group in groups:
            letters, _ = _letters(group)
            if len(letters) >= _LEAST:
                yield letters


def _joined(places: Iterable[range]) -> list[range]:
    joined: list[range] = []
    for place in sorted(places, key=lambda p: p.start):
        if joined and place.start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(joined[-1].stop, place.stop))
        else:
            joined.append(place)
    return joined
