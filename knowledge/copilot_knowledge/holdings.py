"""What the library holds: its database, the manuals in force, and the index over them.

Searches use one snapshot of both; taking in and indexing go on beside them, on a connection of
their own, and swap the next snapshot in when it is ready.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from glob import escape
from pathlib import Path
from sqlite3 import DatabaseError, OperationalError
from threading import RLock

from copilot_knowledge.content_keys import ContentKeys
from copilot_knowledge.database import Database
from copilot_knowledge.dense import Vector
from copilot_knowledge.document import Manual, Page, Section
from copilot_knowledge.embedding.weights import NoWeights
from copilot_knowledge.identifiers import IdentifierTable
from copilot_knowledge.index import SearchIndex, open_index
from copilot_knowledge.revisions import choose
from copilot_knowledge.rows import Stored
from copilot_knowledge.shelf import (
    Busy,
    Encodes,
    Progress,
    Shelved,
    encode_missing,
    shelve,
    writing_alone,
)

PATIENCE_S = 60.0
WORDS_ONLY = "manuals are searched by their words only"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The manuals in force by number, those superseded, and what people should know of them."""

    current: dict[int, Manual]
    superseded: tuple[Manual, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is searched: the manuals in force at some moment, and the index over just these."""

    current: dict[int, Manual]
    index: SearchIndex
    codes: IdentifierTable


class Holdings:
    """The manuals of a folder; every method may be called from any thread.

    Without a `store` everything is in memory. Without an `encoder` there are no new vectors.
    """

    def __init__(
        self,
        folder: Path,
        store: Path | None,
        encoder: Encodes | None,
        today: Callable[[], date] | None = None,
        notices: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.encoder = encoder
        self._today = today or _today
        self._notices = notices
        self._store = store
        self._keys = ContentKeys()
        self._reader = self._open()
        self._writer = Database(self._store) if self._store else self._reader
        self._reading = RLock()
        self._writing = RLock() if self._store else self._reading
        self._first = RLock()  # whoever comes while the first index is made waits for that alone
        self._catalogue: Catalogue | None = None
        self._snapshot: Snapshot | None = None
        self._made_at = -1
        self._unopened: dict[str, str] = {}

    @property
    def catalogue(self) -> Catalogue:
        """The manuals in force and the others, as of the last look at the folder."""
        return self._catalogue or self._look()

    def refresh(self, progress: Progress | None = None, patience_s: float = PATIENCE_S) -> Shelved:
        """Take in what has changed in the folder; raises Busy while another process is at it."""
        with self._writing:
            try:
                with writing_alone(self._lock_file(), patience_s):
                    shelved = shelve(self.folder, self._writer, self._keys, progress)
                    # Only what was read and refused is kept: the others may open next time.
                    refused = dict(self._writer.left_out())
                    self._unopened = {
                        file: why for file, why in shelved.left_out.items() if file not in refused
                    }
                    return shelved
            finally:
                self._look()

    def prepare(self, progress: Progress | None = None) -> Snapshot:
        """The newest snapshot, made ready if what is held has changed since the last one.

        Vectors that are missing take a while to make; until then manuals are found by their words.
        """
        first = self.snapshot()
        with self._writing:
            if self.encoder is not None and self._writer.unencoded():
                # Another process that is at it makes the same vectors; they are taken up later.
                with suppress(Busy), writing_alone(self._lock_file()):
                    self._encode_missing(self.encoder, progress)
            if self._made_at == self._writer.changes:
                return self._snapshot or first
            return self._swap_in(self._writer, progress)

    def snapshot(self) -> Snapshot:
        """What is searched now; only the first search has to wait for it."""
        with self._first:
            if self._snapshot is not None:
                return self._snapshot
            with self._reading:
                return self._swap_in(self._reader)

    def meaning(self, text: str) -> Vector | None:
        """The vector of a text; None without an encoder that can be used."""
        if self.encoder is None:
            return None
        try:
            vector: Vector = self.encoder.encode([text])[0]
        except NoWeights as why:
            self._give_up_meaning(why)
            return None
        return vector

    def quoted(self, quote: int) -> list[Stored]:
        """The chunks of a quote, in reading order; none once its manual is gone."""
        with self._reading:
            return self._reader.quoted(quote)

    def page(self, manual: int, number: int) -> Page | None:
        """A page of a manual."""
        with self._reading:
            return self._reader.page(manual, number)

    def sections(self, manual: int) -> tuple[Section, ...]:
        """The sections of a manual."""
        with self._reading:
            return self._reader.sections(manual)

    def file_of(self, manual: Manual) -> Path | None:
        """The file that a manual was read from; None once it is gone or has changed."""
        files = (f for f in self.folder.rglob(escape(manual.file)) if f.is_file())
        return next((file for file in files if self._keys.of(file) == manual.key), None)

    def close(self) -> None:
        """Release the files."""
        with self._writing, self._reading:
            if self._snapshot is not None:
                self._snapshot.index.close()
                self._snapshot = None
            self._writer.close()
            self._reader.close()

    def _swap_in(self, database: Database, progress: Progress | None = None) -> Snapshot:
        """Index what is held now, and search that from now on."""
        self._made_at = database.changes
        current = self._look().current
        folder = self._store and self._store.with_suffix(".index")
        index = open_index(database, list(current), folder, progress)
        old, new = self._snapshot, Snapshot(current, index, self._codes(index))
        self._snapshot = new
        if old is not None:
            old.index.close()
        return new

    def _encode_missing(self, encoder: Encodes, progress: Progress | None) -> None:
        try:
            encode_missing(self._writer, encoder, progress)
        except NoWeights as why:
            self._give_up_meaning(why)

    def _give_up_meaning(self, why: NoWeights) -> None:
        """Search by words alone from now on, and say so."""
        self.encoder = None
        self._notices = (*self._notices, f"{WORDS_ONLY}: {why}")
        self._look()

    def _look(self) -> Catalogue:
        """Choose anew which manuals are in force."""
        with self._reading:
            held = self._reader.manuals()
            files = dict(self._reader.left_out()) | self._unopened
            left_out = [f"{file} left out: {why}" for file, why in files.items()]
        choice = choose(held, self._today())
        blank = (note for manual in choice.current for note in _blank_notes(manual))
        none = () if held or left_out else (f"no manuals in {self.folder.name}",)
        notices = (*self._notices, *none, *left_out, *blank, *choice.notices)
        self._catalogue = Catalogue(
            {m.number: m for m in choice.current}, choice.superseded, notices
        )
        return self._catalogue

    def _codes(self, index: SearchIndex) -> IdentifierTable:
        def find(code: str, without_letters: bool) -> list[tuple[int, bool]]:
            with self._reading:
                found = self._reader.chunks_with(code, without_letters=without_letters)
            places = ((index.position(chunk), defines) for chunk, defines in found)
            return [(place, defines) for place, defines in places if place is not None]

        manuals = self.catalogue.current.values()
        return IdentifierTable(find, (n for m in manuals for n in (*m.assets, *m.models, m.id)))

    def _open(self) -> Database:
        """The database; a damaged one is put aside and made anew, one that is locked is not."""
        try:
            return Database(self._store)
        except OperationalError as error:
            self._notices = (*self._notices, f"library not kept: {error}")
        except OSError as error:
            self._notices = (*self._notices, f"library not kept: {error.strerror}")
        except DatabaseError as error:
            assert self._store is not None
            self._notices = (*self._notices, f"library made anew: {error}")
            self._store.replace(self._store.with_suffix(".damaged"))
            return Database(self._store)
        self._store = None
        return Database(None)

    def _lock_file(self) -> Path | None:
        return self._store and self._store.with_suffix(".lock")


def _blank_notes(manual: Manual) -> list[str]:
    if not manual.blank_pages:
        return []
    blank = [str(number) for number in manual.blank_pages]
    pages = f"page {blank[0]}" if len(blank) == 1 else f"pages {', '.join(blank)}"
    note = f"{manual.file}: {pages} without text (a picture?), not searched"
    return [f"{note}; tesseract, which could read it, is not installed" if manual.unread else note]


def _today() -> date:
    return datetime.now(UTC).date()
