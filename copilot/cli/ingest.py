"""`copilot ingest`: puts manuals into the site's folder and takes them in, with progress."""

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.text import Text

from copilot.demo.progress import shown_progress
from copilot.plant import open_library
from copilot.settings import Settings, SettingsError, load_settings
from copilot_knowledge.content_keys import SIDE_CAR
from copilot_knowledge.library import Library
from copilot_knowledge.parsers import PARSERS
from copilot_knowledge.shelf import Busy
from copilot_tools.display import printable


@dataclass(frozen=True, slots=True)
class _Put:
    """What was put into the folder, under which name; what was not, and why."""

    names: tuple[str, ...]
    refused: dict[str, str]


def run_ingest(
    paths: Sequence[Path], config: Path | None, remove: Sequence[str], listing: bool
) -> int:
    """Take manuals in, remove or list them; exit code 1 when a file was left out."""
    settings = load_settings(config)
    console = Console()
    put = _put(paths, settings.manuals)
    _remove(settings, remove)
    # Nobody is kept waiting for an answer: all cores may work.
    library = open_library(settings, look=False, threads=os.cpu_count() or 1)
    begun = time.monotonic()
    try:
        with shown_progress() as step:
            shelved = library.refresh(step)
            library.prepare(step)
        took = time.monotonic() - begun
        left_out = put.refused | shelved.left_out
        for name in put.names:
            if name in left_out:  # It is no manual: the folder is left as it was.
                (settings.manuals / name).unlink(missing_ok=True)
        if any(name in left_out for name in put.names):
            library.refresh()
        _report(console, library, put, left_out, listing)
        if (count := shelved.passages) > 0:
            what = "1 passage" if count == 1 else f"{count} passages"
            console.print(f"{what} in {took:.1f} s ({count / took:.0f} a second)")
    except Busy as busy:
        raise SettingsError(str(busy)) from None
    finally:
        library.close()
    return 1 if any(name in left_out for name in (*put.names, *put.refused)) else 0


def _put(paths: Sequence[Path], folder: Path) -> _Put:
    """Copy files, and their side-cars, whole or not at all; a file of the same name is replaced."""
    names, refused = [], {}
    for file in [inner for path in paths for inner in _files(path)]:
        if not file.is_file():
            refused[file.name] = "there is no such file"
        elif file.suffix.lower() not in PARSERS:
            refused[file.name] = f"is none of {', '.join(PARSERS)}"
        else:
            side_car = file.with_name(f"{file.name}{SIDE_CAR}")
            for part in (side_car, file):
                if part.is_file() and part.parent.resolve() != folder.resolve():
                    _copy(part, folder)
            names.append(file.name)
    return _Put(tuple(names), refused)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(f for f in path.rglob("*") if f.suffix.lower() in PARSERS and f.is_file())


def _copy(file: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{uuid4().hex}.unfinished"
    try:
        shutil.copyfile(file, unfinished)
        unfinished.replace(folder / file.name)
    finally:
        unfinished.unlink(missing_ok=True)


def _remove(settings: Settings, documents: Sequence[str]) -> None:
    """Take manuals away by id or file name; raises SettingsError for one that is not there."""
    if not documents:
        return
    library = open_library(settings)
    try:
        held = (*library.documents, *library.superseded)
        for document in documents:
            files = {m.file for m in held if document in (m.id, m.file)}
            if not files:
                raise SettingsError(f"no manual {document!r} is here; --list shows all")
            for name in files:
                for file in settings.manuals.rglob(escape(name)):
                    file.unlink()
    finally:
        library.close()


def _report(
    console: Console, library: Library, put: _Put, left_out: dict[str, str], listing: bool
) -> None:
    by_file = {manual.file: manual for manual in (*library.documents, *library.superseded)}
    for name in put.names:
        manual = by_file.get(name)
        if manual is not None:
            pages = "1 page" if manual.page_count == 1 else f"{manual.page_count} pages"
            console.print(Text(printable(f"{name}: taken in as {manual.label}, {pages}")))
    for name in (*put.names, *put.refused):
        if name in left_out:
            console.print(Text(printable(f"{name}: left out: {left_out[name]}"), style="red"))
    if listing or not (put.names or put.refused):
        for manual in library.documents:
            line = f"{manual.label}  {manual.title}  {manual.page_count} pages  {manual.file}"
            console.print(Text(printable(line)))
    for notice in library.notices:
        console.print(Text(printable(f"! {notice}"), style="yellow"))
