"""The manuals of a site: opened once, searched with quotes that are cited to the page."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from copilot_knowledge.chunk import Chunk, count_tokens
from copilot_knowledge.document import Answer, Document, Passage, Strength
from copilot_knowledge.identifiers import IdentifierTable, Lookup
from copilot_knowledge.lexical import LexicalIndex, Mask, Scores
from copilot_knowledge.shelf import Shelf, read_shelf
from copilot_knowledge.tokenise import Word, index_terms, tokenise

# Shares of the question's weight that its best passages hold; measured on the manual cases of
# copilot_evals, and to be measured again when the ranking changes.
STRONG_COVERAGE = 0.7
WEAK_COVERAGE = 0.5
_GATED = 3
# A longer question is cut: nobody means all of a pasted log.
_MOST_ASKED = 2000
# A section's running text on one page is quoted whole up to this many tokens.
_MOST_QUOTED = 450


@dataclass(frozen=True, slots=True)
class _Entry:
    """A chunk by the number of its document, and the positions of all that is quoted with it."""

    chunk: Chunk
    document: int
    quoted: range


class Library:
    """The current manuals of a folder; may be searched from several threads."""

    def __init__(self, shelf: Shelf) -> None:
        self.documents = tuple(parsed.document for parsed in shelf.current)
        self.superseded = shelf.superseded
        self.notices = shelf.notices
        self._entries = _entries([parsed.chunks for parsed in shelf.current])
        self._terms = [terms for parsed in shelf.current for terms in parsed.terms]
        self._given = [_given(document) for document in self.documents]
        names = (n for d in self.documents for n in (*d.assets, *d.models, d.id))
        self._identifiers = IdentifierTable([entry.chunk for entry in self._entries], names)
        self._index: LexicalIndex | None = None
        self._lock = Lock()

    @classmethod
    def open(cls, folder: Path, cache: Path | None = None) -> "Library":
        """Read all PDF and Markdown manuals under `folder`; `cache` is a file that may not exist.

        Files that cannot be read are left out; `notices` names each with its reason.
        """
        return cls(read_shelf(folder, cache))

    def prepare(self) -> LexicalIndex:
        """Build the index if no search has done so yet."""
        with self._lock:
            if self._index is None:
                self._index = LexicalIndex(self._terms)
            return self._index

    def search(
        self,
        query: str,
        *,
        kinds: Collection[str] = (),
        documents: Collection[str] = (),
        limit: int = 5,
    ) -> Answer:
        """The passages that answer a question, among manuals of these machine kinds and ids."""
        if len(query) > _MOST_ASKED:
            query = query[:_MOST_ASKED].rpartition(" ")[0]
        chosen = [_applies(document, kinds, documents) for document in self.documents]
        searched = tuple(d.label for d, yes in zip(self.documents, chosen, strict=True) if yes)
        if not searched:
            what = "that apply here" if self.documents else "loaded"
            return Answer((), "none", (), (), (f"there are no manuals {what}",))
        allowed = np.array([chosen[entry.document] for entry in self._entries], dtype=np.bool_)
        codes = self._identifiers.look_up(query, allowed.tolist())
        words = {d.language: tokenise(query, d.language) for d in self.documents}
        ranked = self._rank(words, codes, allowed)
        covered = max((self._covered(words, place) for place, _ in ranked[:_GATED]), default=0.0)
        strength = _strength(covered, codes) if ranked else "none"
        quoted = ranked[:limit] if strength != "none" else []
        passages = tuple(self._passage(position, score) for position, score in quoted)
        return Answer(passages, strength, codes.unknown, searched, self._code_notices(codes))

    def is_verbatim(self, passage: Passage) -> bool:
        """Whether the quote stands word for word on the page that is cited."""
        wanted = " ".join(passage.text.split())
        return any(
            wanted in " ".join(page.text.split())
            for document in self.documents
            if (document.id, document.revision) == (passage.document, passage.revision)
            for page in document.pages
            if page.number == passage.page
        )

    def _rank(
        self, words: dict[str, list[Word]], codes: Lookup, allowed: Mask
    ) -> list[tuple[int, float]]:
        """Positions with their scores, best first, each quote once."""
        scores = self.prepare().scores([w for each in words.values() for w in each], allowed)
        if codes.unknown:
            # A row about another code would be the nearest code, which is never an answer.
            scores = np.where(self._identifiers.is_definition, np.float32(0), scores)
        best: dict[range, tuple[int, float]] = {}
        for position, score in _order(scores, codes):
            best.setdefault(self._entries[position].quoted, (position, score))
        return list(best.values())

    def _covered(self, words: dict[str, list[Word]], position: int) -> float:
        """How much of the question the quote at a position holds, 0..1."""
        entry = self._entries[position]
        held = self._given[entry.document].union(*(self._terms[p] for p in entry.quoted))
        return self.prepare().coverage(words[self.documents[entry.document].language], held)

    def _passage(self, position: int, score: float) -> Passage:
        entry = self._entries[position]
        document = self.documents[entry.document]
        chunks = [self._entries[p].chunk for p in entry.quoted]
        return Passage(
            document=document.id,
            title=document.title,
            revision=document.revision,
            page=entry.chunk.page,
            section=entry.chunk.path[-1] if entry.chunk.path else "",
            text="\n".join(piece.text for piece in chunks),
            score=score,
            lead=chunks[0].lead,
            more=chunks[-1].more,
        )

    def _code_notices(self, codes: Lookup) -> tuple[str, ...]:
        notices = []
        for code in codes.unknown:
            if where := self._labels(self._identifiers.holders(code)):
                notices.append(f"{code} stands only in {', '.join(where)}")
        for code, positions in codes.found.items():
            where = self._labels(p for p in positions if p in codes.defining)
            if len(where) > 1:
                notices.append(f"{code} has an entry in {', '.join(where)}: which machine is it?")
        return tuple(notices)

    def _labels(self, positions: Iterable[int]) -> list[str]:
        numbers = {self._entries[position].document for position in positions}
        return [self.documents[number].label for number in sorted(numbers)]


def _entries(documents: Sequence[Sequence[Chunk]]) -> list[_Entry]:
    """Chunks of all documents; running text of one section and page is quoted as one."""
    entries: list[_Entry] = []
    for number, chunks in enumerate(documents):
        start = 0
        while start < len(chunks):
            end = _quote_end(chunks, start)
            quoted = range(len(entries), len(entries) + end - start)
            entries += [_Entry(piece, number, quoted) for piece in chunks[start:end]]
            start = end
    return entries


def _quote_end(chunks: Sequence[Chunk], start: int) -> int:
    first, size, end = chunks[start], count_tokens(chunks[start].text), start + 1
    while end < len(chunks) and not first.table:
        piece = chunks[end]
        size += count_tokens(piece.text)
        near = (piece.path, piece.page, piece.table) == (first.path, first.page, False)
        if not near or size > _MOST_QUOTED:
            break
        end += 1
    return end


def _given(document: Document) -> frozenset[str]:
    """Terms that hold for every passage of a manual without standing in it."""
    applies_to = (document.title, *document.kinds, *document.assets, *document.models)
    return frozenset(index_terms(" ".join(applies_to), document.language))


def _applies(document: Document, kinds: Collection[str], documents: Collection[str]) -> bool:
    wanted = {kind.casefold() for kind in kinds}
    own = {kind.casefold() for kind in document.kinds}
    return (not kinds or bool(wanted & own)) and (not documents or document.id in documents)


def _order(scores: Scores, codes: Lookup) -> list[tuple[int, float]]:
    """Chunks by the codes that they define or, where none does, mention; then by score."""
    tiers: dict[int, int] = {}
    for holders in codes.found.values():
        defining = [position for position in holders if position in codes.defining]
        for position in defining or holders:
            tiers[position] = tiers.get(position, 0) + 1
    positions = {*np.flatnonzero(scores).tolist(), *tiers}
    order = sorted(positions, key=lambda p: (-tiers.get(p, 0), -float(scores[p]), p))
    return [(position, float(scores[position])) for position in order]


def _strength(covered: float, codes: Lookup) -> Strength:
    if codes.unknown:
        return "weak" if covered >= STRONG_COVERAGE else "none"
    if codes.defining or covered >= STRONG_COVERAGE:
        return "strong"
    return "weak" if codes.found or covered >= WEAK_COVERAGE else "none"
