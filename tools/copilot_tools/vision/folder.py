"""A folder of labelled pictures: one folder a class, one of them of good parts."""

from dataclasses import dataclass
from pathlib import Path

from copilot_tools.errors import Failed
from copilot_tools.vision.pictures import ENDINGS, Picture, Refused, read_picture

GOOD_NAMES = ("good", "ok", "pass", "passed", "normal")
FEWEST = 20
MOST = 800


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A picture's file and what it shows; `reviewed` is a part of the line that a person named."""

    path: Path
    label: str
    reviewed: bool = False


@dataclass(frozen=True, slots=True)
class LabelledFolder:
    """Files by class; `good` is the class of good parts, empty where there is none."""

    classes: tuple[str, ...]
    good: str
    files: tuple[LabelledFile, ...]


def find_labelled(folder: Path, fewest: int = FEWEST) -> LabelledFolder:
    """The labelled files below a folder; raises Failed where training on them would be no use.

    Of a class at most `MOST` pictures are taken, evenly spread over its files in order.
    """
    if not folder.is_dir():
        raise Failed(f"{folder} is no folder; give one with a folder of pictures for each class")
    files: list[LabelledFile] = []
    classes: list[str] = []
    for inner in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
        found = sorted(file for file in inner.rglob("*") if file.suffix.lower() in ENDINGS)
        if not found:
            continue
        if len(found) < fewest:
            raise Failed(
                f"{inner} holds {len(found)} pictures; a class needs {fewest} of them or more"
            )
        classes.append(inner.name)
        step = max(len(found) / MOST, 1.0)
        some = [found[int(i * step)] for i in range(min(len(found), MOST))]
        files += (LabelledFile(path, inner.name) for path in some)
    if len(classes) < 2:
        raise Failed(
            f"{folder} holds {len(classes)} folders of pictures; it needs one for each class, "
            f"and one of good parts ({' or '.join(GOOD_NAMES[:2])})"
        )
    good = next((name for name in classes if name.lower() in GOOD_NAMES), "")
    return LabelledFolder(tuple(classes), good, tuple(files))


def read_labelled(file: LabelledFile) -> Picture:
    """The picture in a file; raises Failed that names a file which is none."""
    try:
        return read_picture(file.path.read_bytes())
    except (Refused, OSError) as error:
        raise Failed(f"{file.path} cannot be learnt from: {error}; remove it") from None
