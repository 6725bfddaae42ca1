"""The folder that cameras put pictures into: each is taken once it is whole, then gone from there.

A picture that cannot be judged goes to the folder `refused`, with a text that says why; a picture
leaves the inbox only after its row, or that text, is on disk.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import time

from copilot.station.labels import SIDE_CAR, Labels, NamePattern, read_side_car
from copilot.station.station import Station, Taken, write_whole
from copilot_tools.vision.pictures import MOST_BYTES, Refused

REFUSED = "refused"
SETTLED_S = 1.0
"""How long a file must not have changed before it counts as whole."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Turned:
    """A file that was refused, and why."""

    file: str
    reason: str


@dataclass(slots=True)
class Inbox:
    """A folder that is looked through again and again.

    `pattern` reads what names say. Raises Unavailable from `sweep` while no row can be committed;
    pictures then stay where they are.
    """

    folder: Path
    station: Station
    pattern: NamePattern | None = None
    settled_s: float = SETTLED_S
    clock: Clock = field(default=time)

    def sweep(self) -> Iterator[tuple[str, Taken | Turned]]:
        """Take every picture that is whole, oldest first; tells the name and outcome of each."""
        for file in self._waiting():
            outcome = self._take(file)
            if outcome is not None:
                yield file.name, outcome

    def _waiting(self) -> list[Path]:
        """Whole files other than side-cars; unreadable ones wait."""
        found: list[tuple[float, str, Path]] = []
        for file in self.folder.iterdir():
            if file.name.startswith(".") or file.suffix.lower() == SIDE_CAR:
                continue
            try:
                status = file.lstat()
            except OSError:
                continue
            settled = self.clock() - status.st_mtime >= self.settled_s
            if (file.is_file() or file.is_symlink()) and settled:
                found.append((status.st_mtime, file.name, file))
        return [file for _, _, file in sorted(found)]

    def _take(self, file: Path) -> Taken | Turned | None:
        try:
            taken = self.station.take(_content(file), self._labels(file))
        except Refused as refused:
            return self._turn_away(file, str(refused))
        except FileNotFoundError:
            return None
        self._remove(file)
        return taken

    def _labels(self, file: Path) -> Labels:
        named = self.pattern.read(file.stem) if self.pattern else Labels()
        return read_side_car(file).or_else(named)

    def _turn_away(self, file: Path, reason: str) -> Turned:
        folder = self.folder / REFUSED
        folder.mkdir(exist_ok=True)
        name = _free_name(folder, file)
        write_whole(folder / f"{name}.txt", f"{file.name}: {reason}\n".encode())
        # The picture goes first: without it a side-car does nothing, without one it may be misread.
        file.rename(folder / name)
        side_car = file.with_suffix(SIDE_CAR)
        if side_car.is_file():
            side_car.replace(folder / f"{name}{SIDE_CAR}")
        return Turned(file.name, reason)

    @staticmethod
    def _remove(file: Path) -> None:
        file.unlink(missing_ok=True)
        file.with_suffix(SIDE_CAR).unlink(missing_ok=True)


def _content(file: Path) -> bytes:
    if file.is_symlink():
        raise Refused("it is a link")
    try:
        if file.stat().st_size > MOST_BYTES:
            raise Refused(f"the file has more than {MOST_BYTES // 1024**2} MiB")
        return file.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused(f"it cannot be read: {error.strerror}") from None


def _free_name(folder: Path, file: Path) -> str:
    name, number = file.name, 1
    while (folder / name).exists():
        number += 1
        name = f"{file.stem}-{number}{file.suffix}"
    return name
