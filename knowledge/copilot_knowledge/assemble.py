"""From blocks to a document: page texts, sections and the heading path over each block."""

from collections.abc import Iterable, Iterator, Sequence

from copilot_knowledge.document import Block, Document, Page, Section
from copilot_knowledge.metadata import Metadata


def assemble(
    metadata: Metadata, file: str, page_count: int, blocks: Sequence[Block], least_text: int = 1
) -> Document:
    """The document that these blocks make up.

    A page with fewer than `least_text` characters is taken for a picture or a blank.
    """
    lines: dict[int, list[Block]] = {number: [] for number in range(1, page_count + 1)}
    for block in blocks:
        lines[block.page].append(block)
    return Document(
        id=metadata.document,
        title=metadata.title,
        revision=metadata.revision,
        date=metadata.date,
        kinds=metadata.kinds,
        assets=metadata.assets,
        models=metadata.models,
        language=metadata.language,
        supersedes=metadata.supersedes,
        file=file,
        pages=tuple(_page(number, inside, least_text) for number, inside in lines.items()),
        sections=tuple(_sections(blocks)),
        roles=metadata.roles,
        effective_from=metadata.effective_from,
        effective_until=metadata.effective_until,
    )


def with_paths(blocks: Iterable[Block]) -> Iterator[tuple[tuple[str, ...], Block]]:
    """Each block with the headings it stands under; a heading is part of its own path."""
    path: list[tuple[int, str]] = []
    for block in blocks:
        if block.kind == "heading":
            path = [entry for entry in path if entry[0] < block.level]
            path.append((block.level, block.text))
        yield tuple(text for _, text in path), block


def _sections(blocks: Iterable[Block]) -> Iterator[Section]:
    for path, block in with_paths(blocks):
        if block.kind == "heading":
            yield Section(block.text, block.page, path)


def _page(number: int, blocks: Iterable[Block], least_text: int) -> Page:
    text = "\n".join(block.text for block in blocks)
    return Page(number, text, len(text) >= least_text)
