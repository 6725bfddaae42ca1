"""HTML to a document and its blocks; nothing it refers to is ever loaded, no script is read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree, html

from copilot_knowledge.assemble import assemble
from copilot_knowledge.document import Block, BlockKind, Document, UnreadableDocument
from copilot_knowledge.metadata import read_metadata
from copilot_knowledge.sections import last_page, paged
from copilot_knowledge.untrusted import one_line
from copilot_knowledge.wording import CAPTION, WARNING

MOST_BYTES = 20_000_000
_DEEPEST = 200
_UNREAD = ("script", "style", "noscript", "template", "nav", "head", "iframe", "object", "svg")
_TEXT = ("p", "li", "dt", "dd", "pre", "caption", "figcaption", "blockquote", "td", "th")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}


def parse_html(file: Path) -> tuple[Document, tuple[Block, ...]]:
    """An HTML file as a document and its blocks; raises UnreadableDocument."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UnreadableDocument(str(error)) from error
    if len(content) > MOST_BYTES:
        raise UnreadableDocument(f"larger than {MOST_BYTES // 1_000_000} MB")
    root = _parse(content)
    blocks = tuple(paged([b for b in _blocks(root, 0) if b.text]))
    if not blocks:
        raise UnreadableDocument("holds no text")
    return assemble(
        read_metadata(file, _stated(root)), file.name, last_page(blocks), blocks
    ), blocks


def _parse(content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"not UTF-8 text: {error.reason}") from error
    if "\0" in text:
        raise UnreadableDocument("not text: it holds NUL characters")
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = html.document_fromstring(text.encode(), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableDocument(f"not readable HTML: {one_line(str(error))}") from error
    for unread in root.xpath("|".join(f"//{name}" for name in _UNREAD if name != "head")):
        unread.drop_tree()
    return root


def _stated(root: Any) -> dict[str, str]:
    """The title, and `<meta name="manual.FIELD" content=...>` for any field of the metadata."""
    stated = {}
    title = one_line(root.findtext(".//title") or "")
    if title:
        stated["title"] = title[:300]
    for meta in root.iterfind(".//meta"):
        name = meta.get("name", "")
        if name.startswith("manual."):
            stated[name.removeprefix("manual.")] = one_line(meta.get("content", ""))[:300]
    return stated


def _blocks(element: Any, depth: int) -> Iterator[Block]:
    if depth > _DEEPEST:
        raise UnreadableDocument("is nested too deeply")
    for child in element:
        if not isinstance(child.tag, str) or child.tag == "head":
            continue
        if level := _HEADINGS.get(child.tag):
            yield Block("heading", _words(child), 0, level)
        elif child.tag == "table":
            yield from _table(child)
        elif child.tag in _TEXT and not _holds_blocks(child):
            yield _text(child)
        else:
            if own := one_line(child.text or ""):
                yield Block("paragraph", own, 0)
            yield from _blocks(child, depth + 1)
        if tail := one_line(child.tail or ""):
            yield Block("paragraph", tail, 0)


def _text(element: Any) -> Block:
    text = _words(element)
    kind: BlockKind = "step" if element.tag == "li" else "paragraph"
    if CAPTION.match(text):
        kind = "caption"
    elif WARNING.match(text):
        kind = "warning"
    return Block(kind, f"- {text}" if kind == "step" and text else text, 0)


def _table(table: Any) -> Iterator[Block]:
    caption = _words(table.find("caption")) if table.find("caption") is not None else ""
    if caption:
        yield Block("caption", caption, 0)
    header = ""
    # A table inside a cell is text of that cell: read again as rows it would multiply.
    for row in table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr"):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        text = " | ".join(_words(cell) for cell in cells)
        if cells and not header and all(cell.tag == "th" for cell in cells):
            header = text
            yield Block("header", text, 0)
        elif text.strip(" |"):
            yield Block("row", text, 0, 0, caption, header)


def _holds_blocks(element: Any) -> bool:
    inner = (*_HEADINGS, "table", "p", "ul", "ol", "li", "div", "pre", "blockquote")
    return any(child.tag in inner for child in element.iterdescendants())


def _words(element: Any) -> str:
    return one_line(element.text_content())
