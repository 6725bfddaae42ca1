"""The manuals of a site: taken in once, searched with quotes that are cited to the page."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np

from copilot_knowledge.document import Answer, Box, Manual, Page, Passage, Section
from copilot_knowledge.holdings import Holdings, Snapshot
from copilot_knowledge.identifiers import Lookup
from copilot_knowledge.lexical import Mask, Scores
from copilot_knowledge.ranking import first, fuse
from copilot_knowledge.shelf import Busy, Encodes, Progress, Shelved
from copilot_knowledge.strength import gauge
from copilot_knowledge.tokenise import Word, index_terms, tokenise

_GATED = 3
# A longer question is cut: nobody means all of a pasted log.
_MOST_ASKED = 2000
_RANKED = 200


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Scores of all positions, and the cosines where what is meant was compared too."""

    scores: Scores
    cosines: Scores | None


class Library:
    """The current manuals of a folder, as somebody with `role` may read them (None: all).

    May be searched from several threads.
    """

    def __init__(self, holdings: Holdings, role: str | None = None) -> None:
        self._holdings = holdings
        self._role = role

    @classmethod
    def open(
        cls,
        folder: Path,
        store: Path | None = None,
        encoder: Encodes | None = None,
        today: Callable[[], date] | None = None,
        notices: tuple[str, ...] = (),
        progress: Progress | None = None,
        look: bool = True,
    ) -> Self:
        """The library of a folder, its database in the file `store` or, without one, in memory.

        Files that cannot be read are left out; `notices` names each with its reason, after those
        given. With an `encoder` passages are also found by what they mean. Unless `look` is false,
        what is new in the folder is taken in.
        """
        holdings = Holdings(folder, store, encoder, today, notices)
        if look:
            with suppress(Busy):  # What is held already can be searched.
                holdings.refresh(progress)
        return cls(holdings)

    def seen_by(self, role: str) -> "Library":
        """The same library as people with a role may read it."""
        return Library(self._holdings, role)

    @property
    def documents(self) -> tuple[Manual, ...]:
        """The manuals that may be quoted."""
        return tuple(m for m in self._holdings.catalogue.current.values() if self._may_read(m))

    @property
    def superseded(self) -> tuple[Manual, ...]:
        """The manuals that are held and never quoted."""
        return tuple(m for m in self._holdings.catalogue.superseded if self._may_read(m))

    @property
    def notices(self) -> tuple[str, ...]:
        """Which files are left out, and why."""
        return self._holdings.catalogue.notices

    def prepare(self, progress: Progress | None = None) -> None:
        """Make the index ready, so that the first search is as quick as later ones."""
        self._holdings.prepare(progress)

    def refresh(self, progress: Progress | None = None) -> Shelved:
        """Take in what has changed in the folder; raises Busy while another process is at it."""
        return self._holdings.refresh(progress, patience_s=0)

    def close(self) -> None:
        """Release the files of the library."""
        self._holdings.close()

    def find(self, document: str, revision: str = "") -> Manual | None:
        """The manual of an id in a revision, the current one where that is not there."""
        known = [m for m in (*self.documents, *self.superseded) if m.id == document]
        exact = (manual for manual in known if manual.revision == revision)
        return next(exact, known[0] if known else None)

    def page(self, manual: Manual, number: int) -> Page | None:
        """A page of a manual of this library."""
        return self._holdings.page(manual.number, number)

    def sections(self, manual: Manual) -> tuple[Section, ...]:
        """What is in a manual of this library."""
        return self._holdings.sections(manual.number)

    def file_of(self, manual: Manual) -> Path | None:
        """The file that a manual was read from; None once it is gone or has changed."""
        return self._holdings.file_of(manual)

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
        shelf = self._holdings.snapshot()
        chosen = {
            number: manual
            for number, manual in shelf.current.items()
            if self._may_read(manual) and _applies(manual, kinds, documents)
        }
        searched = tuple(manual.label for manual in chosen.values())
        if not searched:
            what = "that apply here" if self.documents else "loaded"
            return Answer((), "none", (), (), (f"there are no manuals {what}",))
        allowed: Mask = np.isin(shelf.index.manuals, list(chosen))
        codes = shelf.codes.look_up(query, lambda p: bool(allowed[p]))
        languages = {manual.language for manual in chosen.values()}
        words = {language: tokenise(query, language) for language in languages}
        ranking = self._rank(shelf, query, words, codes, allowed)
        places = _order(ranking.scores, codes, shelf)
        covered = max((self._covered(shelf, words, p) for p in places[:_GATED]), default=0.0)
        near = None if ranking.cosines is None else float(ranking.cosines.max(initial=0.0))
        strength = gauge(covered, near, codes) if places else "none"
        quoted = places[:limit] if strength != "none" else []
        passages = [self._passage(shelf, p, float(ranking.scores[p])) for p in quoted]
        found = tuple(passage for passage in passages if passage is not None)
        notices = self._code_notices(shelf, codes)
        return Answer(found, strength if found else "none", codes.unknown, searched, notices)

    def boxes(self, passage: Passage) -> tuple[Box, ...]:
        """Where a quote stands on its printed page; none where that cannot be seen."""
        import pypdfium2  # 0.1 s that only a look at a page has to pay

        from copilot_knowledge.boxes import boxes_on

        manual = self.find(passage.document, passage.revision)
        file = self.file_of(manual) if manual else None
        if file is None or file.suffix.lower() != ".pdf":
            return ()
        with suppress(pypdfium2.PdfiumError, IndexError, OSError):
            return boxes_on(file, passage.page, passage.text)
        return ()

    def is_verbatim(self, passage: Passage) -> bool:
        """Whether the quote stands word for word on the page that is cited."""
        wanted = " ".join(passage.text.split())
        for number, manual in self._holdings.catalogue.current.items():
            if (manual.id, manual.revision) == (passage.document, passage.revision):
                page = self._holdings.page(number, passage.page)
                if page and wanted in " ".join(page.text.split()):
                    return True
        return False

    def _may_read(self, manual: Manual) -> bool:
        return self._role is None or not manual.roles or self._role in manual.roles

    def _rank(
        self,
        shelf: Snapshot,
        query: str,
        words: dict[str, list[Word]],
        codes: Lookup,
        allowed: Mask,
    ) -> _Ranking:
        every = list({word: None for each in words.values() for word in each})
        lexical = shelf.index.lexical.scores(every, allowed)
        cosines = None
        vector = self._holdings.meaning(query) if shelf.index.vectors is not None else None
        if shelf.index.vectors is not None and vector is not None:
            cosines = shelf.index.vectors.cosines(vector, allowed, first(lexical, _RANKED))
        scores = fuse(lexical, cosines)
        if codes.unknown:
            # A row about another code would be the nearest code, which is never an answer.
            scores = np.where(shelf.index.defining, np.float32(0), scores)
        return _Ranking(scores, cosines)

    def _covered(self, shelf: Snapshot, words: dict[str, list[Word]], position: int) -> float:
        """How much of the question the quote at a position holds, 0..1."""
        manual = shelf.current[int(shelf.index.manuals[position])]
        stored = self._holdings.quoted(int(shelf.index.quotes[position]))
        held = _given(manual).union(*(piece.terms for piece in stored))
        return shelf.index.lexical.coverage(words[manual.language], held)

    def _passage(self, shelf: Snapshot, position: int, score: float) -> Passage | None:
        """The quote at a position; None when its manual has been taken away meanwhile."""
        manual = shelf.current[int(shelf.index.manuals[position])]
        stored = self._holdings.quoted(int(shelf.index.quotes[position]))
        if not stored:
            return None
        chunks = [piece.chunk for piece in stored]
        hit = next(s.chunk for s in stored if s.number == shelf.index.chunks[position])
        return Passage(
            document=manual.id,
            title=manual.title,
            revision=manual.revision,
            page=hit.page,
            section=hit.path[-1] if hit.path else "",
            text="\n".join(piece.text for piece in chunks),
            score=score,
            lead=chunks[0].lead,
            more=chunks[-1].more,
        )

    def _code_notices(self, shelf: Snapshot, codes: Lookup) -> tuple[str, ...]:
        notices = []
        for code in codes.unknown:
            if where := self._labels(shelf, shelf.codes.holders(code)):
                notices.append(f"{code} stands only in {', '.join(where)}")
        for code, positions in codes.found.items():
            where = self._labels(shelf, (p for p in positions if p in codes.defining))
            if len(where) > 1:
                notices.append(f"{code} has an entry in {', '.join(where)}: which machine is it?")
        return tuple(notices)

    def _labels(self, shelf: Snapshot, positions: Iterable[int]) -> list[str]:
        numbers = {int(shelf.index.manuals[position]) for position in positions}
        manuals = (shelf.current[number] for number in sorted(numbers))
        return [manual.label for manual in manuals if self._may_read(manual)]


def _given(manual: Manual) -> frozenset[str]:
    """Terms that hold for every passage of a manual without standing in it."""
    applies_to = (manual.title, *manual.kinds, *manual.assets, *manual.models)
    return frozenset(index_terms(" ".join(applies_to), manual.language))


def _applies(manual: Manual, kinds: Collection[str], documents: Collection[str]) -> bool:
    wanted = {kind.casefold() for kind in kinds}
    own = {kind.casefold() for kind in manual.kinds}
    return (not kinds or bool(wanted & own)) and (not documents or manual.id in documents)


def _order(scores: Scores, codes: Lookup, shelf: Snapshot) -> list[int]:
    """Positions, each quote once: by the codes they define or, where none does, mention."""
    tiers: dict[int, int] = {}
    for holders in codes.found.values():
        defining = [position for position in holders if position in codes.defining]
        for position in defining or holders:
            tiers[position] = tiers.get(position, 0) + 1
    positions = {*first(scores, _RANKED), *tiers}
    ordered = sorted(positions, key=lambda p: (-tiers.get(p, 0), -float(scores[p]), p))
    best: dict[int, int] = {}
    for position in ordered:
        best.setdefault(int(shelf.index.quotes[position]), position)
    return list(best.values())
