"""The demo plant's manuals: written in Markdown, most of them handed out as PDF."""

import tomllib
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from copilot.demo.manuals.pdf import draw
from copilot_knowledge.metadata import split_front_matter

# A site has both: what makers deliver, and what people keep as text files.
_KEPT_AS_MARKDOWN = frozenset({"site-rules.md", "clarion-cf8-filter.md"})


def render(target: Path, progress: Callable[[str], None] | None = None) -> list[Path]:
    """Write all manuals into `target`, also one superseded revision; the bytes never differ.

    `progress` is told the name of each file as it is written.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for name, content in _contents():
        if progress:
            progress(name)
        file = target / name
        file.write_bytes(content)
        files.append(file)
    return files


def _contents() -> Iterator[tuple[str, bytes]]:
    sources = sorted(
        (s for s in resources.files(__package__).iterdir() if s.name.endswith(".md")),
        key=lambda source: source.name,
    )
    for source in sources:
        text = source.read_text(encoding="utf-8")
        if source.name in _KEPT_AS_MARKDOWN:
            yield source.name, text.encode()
        else:
            yield f"{source.name.removesuffix('.md')}.pdf", _draw(text)
    yield _superseded()


def _draw(text: str) -> bytes:
    fields, body = split_front_matter(text)
    return draw(fields, body)


def _superseded() -> tuple[str, bytes]:
    """An earlier revision of one manual, made by undoing its last changes."""
    package = resources.files(__package__)
    patch: dict[str, Any] = tomllib.loads(
        package.joinpath("superseded.toml").read_text(encoding="utf-8")
    )
    text = package.joinpath(patch["manual"]).read_text(encoding="utf-8")
    for change in patch["change"]:
        if change["new"] not in text:
            raise ValueError(f"{patch['manual']} does not say: {change['new']}")
        text = text.replace(change["new"], change["old"])
    return patch["file"], _draw(text)
