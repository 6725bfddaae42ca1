"""Markdown to a document and its blocks.

Markdown has no pages: page n is the n-th top-level section, counted from 1, where the top level is
the shallowest heading that occurs more than once. Text before the first one belongs to page 1.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from copilot_knowledge.assemble import assemble
from copilot_knowledge.document import Block, BlockKind, Document, UnreadableDocument
from copilot_knowledge.metadata import read_metadata, split_front_matter
from copilot_knowledge.untrusted import neutralise, one_line
from copilot_knowledge.wording import CAPTION, WARNING

MOST_BYTES = 10_000_000
# Each bracket is looked for through the rest of its paragraph: the work grows with the square.
_MOST_BRACKETS = 30_000


def parse_markdown(file: Path) -> tuple[Document, tuple[Block, ...]]:
    """A UTF-8 Markdown file as a document and its blocks; raises UnreadableDocument."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise UnreadableDocument(f"larger than {MOST_BYTES // 1_000_000} MB")
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise UnreadableDocument(str(error)) from error
    stated, body = split_front_matter(text)
    work = sum(part.count("[") ** 2 for part in body.split("\n\n"))
    if work > _MOST_BRACKETS**2:
        raise UnreadableDocument("too many brackets without a blank line between them")
    tokens = MarkdownIt("commonmark").enable("table").parse(neutralise(body))
    blocks = tuple(_Reader(tokens).blocks())
    pages = max((block.page for block in blocks), default=1)
    return assemble(read_metadata(file, stated), file.name, pages, blocks, least_text=0), blocks


class _Reader:
    """Walks the block tokens of one text and counts its pages."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._page_level = _page_level(tokens)
        self._page = 1
        self._sections = 0
        self._caption = ""

    def blocks(self) -> Iterator[Block]:
        """The blocks in the order of the text."""
        index = 0
        while index < len(self._tokens):
            token = self._tokens[index]
            if token.type == "table_open":
                end = _closing(self._tokens, index)
                yield from self._table(self._tokens[index:end])
                index = end
                continue
            if token.type == "inline":
                yield from self._text(token, index)
            elif token.type in ("fence", "code_block"):
                yield from self._block("paragraph", token.content)
            index += 1

    def _text(self, token: Token, index: int) -> Iterator[Block]:
        before = self._tokens[index - 1]
        if before.type == "heading_open":
            level = int(before.tag[1])
            self._count_page(level)
            self._caption = ""
            yield Block("heading", one_line(_plain(token)), self._page, level)
            return
        text = _plain(token)
        for line in _split_quotes(text):
            kind = self._kind(line, index)
            self._caption = one_line(line) if kind == "caption" else ""
            yield from self._block(kind, self._marked(line, index, kind))

    def _kind(self, text: str, index: int) -> BlockKind:
        if CAPTION.match(text):
            return "caption"
        if WARNING.match(text):
            return "warning"
        return "step" if self._marker(index) else "paragraph"

    def _marker(self, index: int) -> str:
        """The marker of the list item whose first text this is: "3." or "-"."""
        if index < 2 or self._tokens[index - 2].type != "list_item_open":
            return ""
        item = self._tokens[index - 2]
        return f"{item.info}{item.markup}" if item.info else "-"

    def _marked(self, text: str, index: int, kind: BlockKind) -> str:
        marker = self._marker(index)
        return f"{marker} {text}" if marker and kind == "step" else text

    def _block(self, kind: BlockKind, text: str) -> Iterator[Block]:
        if text := one_line(text):
            yield Block(kind, text, self._page)

    def _count_page(self, level: int) -> None:
        if level == self._page_level:
            self._sections += 1
            self._page = self._sections

    def _table(self, tokens: Sequence[Token]) -> Iterator[Block]:
        header = ""
        for cells, is_head in _rows(tokens):
            text = one_line(" | ".join(cells))
            if is_head:
                header = text
                yield Block("header", text, self._page)
            else:
                yield Block("row", text, self._page, 0, self._caption, header)


def _page_level(tokens: Sequence[Token]) -> int:
    levels = Counter(int(token.tag[1]) for token in tokens if token.type == "heading_open")
    return min((level for level, count in levels.items() if count > 1), default=1)


def _closing(tokens: Sequence[Token], index: int) -> int:
    kind = tokens[index].type.replace("_open", "_close")
    return next(i for i in range(index, len(tokens)) if tokens[i].type == kind) + 1


def _rows(tokens: Sequence[Token]) -> Iterator[tuple[list[str], bool]]:
    cells: list[str] = []
    head = False
    for token in tokens:
        if token.type == "tr_open":
            cells = []
        elif token.type in ("th_open", "td_open"):
            head = token.type == "th_open"
        elif token.type == "inline":
            cells.append(_plain(token))
        elif token.type == "tr_close":
            yield cells, head


def _split_quotes(text: str) -> Iterator[str]:
    """Safety notes that follow one another line by line, each on its own."""
    lines = text.split("\n")
    start = 0
    for index in range(1, len(lines)):
        if WARNING.match(lines[index]):
            yield "\n".join(lines[start:index])
            start = index
    yield "\n".join(lines[start:])


def _plain(token: Token) -> str:
    """Text without marks; links and pictures leave their words only."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
    return "".join(parts)
