"""Does retrieval find the right page, quote it word for word, and refuse what is not covered?"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from copilot.demo import manuals
from copilot.demo.simulate import PLANT_TOML
from copilot_evals.report import machine, print_json, print_table
from copilot_evals.retrieval_pages import PrintedPages
from copilot_evals.retrieval_ranks import METHODS, Tally, rank_pages
from copilot_evals.retrieval_sets import Case, NotASet, read_cases, read_emanual
from copilot_evals.retrieval_speed import measure_speed
from copilot_knowledge.chunk import chunk
from copilot_knowledge.database import Database
from copilot_knowledge.document import Answer, Passage
from copilot_knowledge.embedding.encoder import Encoder
from copilot_knowledge.embedding.weights import NoWeights
from copilot_knowledge.index import open_index
from copilot_knowledge.library import Library
from copilot_knowledge.shelf import encode_missing, parsed_of
from copilot_tools.site.load import load_site
from copilot_tools.site.model import Site

FIGURES = ("r1", "r5", "r10", "mrr", "page", "abstain_p", "abstain_r")
TOP = 10


def run(folder: Path | None = None, *, speed: bool = False, as_json: bool = False) -> int:
    """Measure our own set, and that of `folder` where one is given; exit code 1 without encoder."""
    print(machine())
    try:
        encoder = Encoder.open()
        given = None if folder is None else _measure_emanual(folder, encoder)
    except (NoWeights, NotASet) as error:
        print(f"copilot: {error}")
        return 1
    own, notes = _measure_own(encoder)
    figures: dict[str, object] = {}
    if given is not None and folder is not None:
        _print(f"{folder.name}", given)
        figures |= given
    _print("our own questions to the demo's manuals", own)
    print_table("our own set, besides", ("what", "figure"), list(notes.items()))
    figures |= {"own": own, "own_notes": notes} if given is not None else {**own, "notes": notes}
    if speed:
        figures["speed"] = measure_speed(encoder)
    if as_json:
        print_json(figures)
    return 0


def _measure_emanual(folder: Path, encoder: Encoder) -> dict[str, dict[str, float | None]]:
    document, blocks, questions = read_emanual(folder)
    database = Database(None)
    database.add("set", parsed_of(document, chunk(blocks)))
    encode_missing(database, encoder)
    index = open_index(database, [1])
    pages = [piece.page for piece in chunk(blocks)]
    tallies = rank_pages(index, pages, questions, encoder)
    database.close()
    return {method: tally.figures() for method, tally in tallies.items()}


def _measure_own(
    encoder: Encoder,
) -> tuple[dict[str, dict[str, float | None]], dict[str, str]]:
    """Figures by method, and what must hold besides: codes, verbatim quotes, no old revisions."""
    site, cases = load_site(PLANT_TOML), read_cases()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "manuals"
        manuals.render(folder, lambda _: None)
        printed = PrintedPages(folder)
        words = Library.open(folder, Path(scratch) / "words.db")
        meaning = Library.open(folder, Path(scratch) / "meaning.db", encoder)
        meaning.prepare()
        try:
            tallies = {"bm25": Tally(), "fused": Tally()}
            notes = _Notes()
            for case in cases:
                _ask(site, words, case, tallies["bm25"], printed)
                notes.see(case, _ask(site, meaning, case, tallies["fused"], printed), meaning)
            figures = {method: tally.figures() for method, tally in tallies.items()}
            return figures, notes.lines()
        finally:
            words.close()
            meaning.close()


class _Notes:
    """Counts over the fused answers to our own set."""

    def __init__(self) -> None:
        self._codes = [0, 0]
        self._quotes = [0, 0]
        self._old = 0
        self._cases = 0

    def see(self, case: Case, answer: Answer, library: Library) -> None:
        """Count one answer."""
        self._cases += 1
        if case.kind == "code":
            self._codes[0] += bool(answer.passages) and _is_gold(case, answer.passages[0])
            self._codes[1] += 1
        current = {manual.label for manual in library.documents}
        for passage in answer.passages:
            self._quotes[0] += library.is_verbatim(passage)
            self._quotes[1] += 1
            label = f"{passage.document} rev. {passage.revision}"
            self._old += passage.revision != "" and label not in current

    def lines(self) -> dict[str, str]:
        """The counts in words."""
        return {
            "questions": str(self._cases),
            "fault codes first": f"{self._codes[0]} of {self._codes[1]}",
            "quotes verbatim": f"{self._quotes[0]} of {self._quotes[1]}",
            "superseded quoted": str(self._old),
        }


def _ask(site: Site, library: Library, case: Case, tally: Tally, printed: PrintedPages) -> Answer:
    """Put a case to a library as search_manuals does: among the asset's manuals, then among all."""
    documents = site.assets[case.asset].documents if case.asset else ()
    answer = library.search(case.query, documents=documents, limit=TOP)
    if answer.strength != "strong" and documents:
        wider = library.search(case.query, limit=TOP)
        answer = wider if wider.strength == "strong" else answer
    refused = answer.strength == "none"
    if case.answerable:
        right = (rank for rank, p in enumerate(answer.passages, 1) if _is_gold(case, p))
        tally.ranks.append(next(right, 0))
        tally.refused_wrong += refused
    else:
        tally.unanswerable += 1
        tally.refused_right += refused
    seen = (printed.holds(passage) for passage in answer.passages[:2])
    tally.pages += [held for held in seen if held is not None]
    return answer


def _is_gold(case: Case, passage: Passage) -> bool:
    number = passage.section.split(" ", 1)[0].rstrip(".")
    return any(
        passage.document == document and (number == section or passage.section == section)
        for document, section in case.gold
    )


def _print(title: str, figures: Mapping[str, Mapping[str, float | None]]) -> None:
    rows = [
        [method, *("" if (f := figures[method][n]) is None else f"{f:.3f}" for n in FIGURES)]
        for method in METHODS
        if method in figures
    ]
    print_table(title, ("method", *FIGURES), rows)
