"""What only the embedded store has: files, days, merging, damage and other processes."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from copilot_tools.errors import Unavailable
from copilot_tools.sources.history_parquet import MOST_PARTS, ParquetHistory
from copilot_tools.sources.protocols import Samples

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
END = START + timedelta(days=10)
DAY = "2026-11-20"


def append(history: ParquetHistory, minute: int, value: float, start: datetime = START) -> None:
    history.append([Samples("P-1.flow", (start + timedelta(minutes=minute),), (value,))])


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def values(history: ParquetHistory, signal: str = "P-1.flow") -> tuple[float | None, ...]:
    return (await history.read([signal], START, END))[signal].values


async def test_a_day_of_small_appends_is_merged_as_it_grows(tmp_path: Path) -> None:
    history = ParquetHistory(tmp_path)
    for minute in range(3 * MOST_PARTS):
        append(history, minute, float(minute))
    assert len(list((tmp_path / DAY).glob("*.parquet"))) <= MOST_PARTS
    assert await values(history) == tuple(map(float, range(3 * MOST_PARTS)))


async def test_a_finished_day_becomes_one_file(tmp_path: Path) -> None:
    history = ParquetHistory(tmp_path)
    append(history, 0, 1.0)
    append(history, 1, 2.0)
    append(history, 0, 3.0, START + timedelta(days=1))
    assert names(tmp_path / DAY) == ["day.parquet"]
    assert await values(history) == (1.0, 2.0, 3.0)


async def test_arrays_are_cut_into_days_and_nan_is_bad(tmp_path: Path) -> None:
    history = ParquetHistory(tmp_path)
    times = np.datetime64("2026-11-20T06:00", "us") + np.arange(48) * np.timedelta64(1, "h")
    level = np.arange(48.0)
    level[5] = np.nan
    history.append_arrays(times, {"TK-1.level": level})
    found = await history.read(["TK-1.level"], START, END)
    assert found["TK-1.level"].values == (*range(5), None, *range(6, 48))
    assert names(tmp_path) == ["2026-11-20", "2026-11-21", "2026-11-22"]


def test_arrays_of_other_lengths_are_refused(tmp_path: Path) -> None:
    times = np.array(["2026-11-20T06:00", "2026-11-20T06:01"], dtype="datetime64[us]")
    with pytest.raises(ValueError, match="as many values as times"):
        ParquetHistory(tmp_path).append_arrays(times, {"TK-1.level": np.zeros(3)})


async def test_damaged_and_foreign_files_are_skipped_with_one_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = ParquetHistory(tmp_path)
    append(history, 0, 1.0)
    append(history, 1, 2.0)
    torn = sorted((tmp_path / DAY).iterdir())[1]
    torn.write_bytes(torn.read_bytes()[:-50])
    (tmp_path / DAY / "notes.parquet").write_text("no parquet", encoding="utf-8")
    (tmp_path / DAY / "empty.parquet").touch()
    (tmp_path / "lost+found").mkdir()
    with caplog.at_level(logging.WARNING):
        assert await values(history) == (1.0,)
        assert await values(history) == (1.0,)
    skipped = [record for record in caplog.records if "skipped" in record.message]
    assert len(skipped) == 3


async def test_merging_leaves_files_alone_that_it_cannot_read(tmp_path: Path) -> None:
    history = ParquetHistory(tmp_path)
    append(history, 0, 1.0)
    append(history, 1, 2.0)
    foreign = tmp_path / DAY / "foreign.parquet"
    foreign.write_bytes(b"PAR1")
    history.compact(date(2026, 11, 20))
    assert foreign.exists()
    assert await values(history) == (1.0, 2.0)


async def test_a_crash_between_merging_and_deleting_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    history = ParquetHistory(tmp_path)
    append(history, 0, 1.0)
    append(history, 1, 2.0)
    parts = {file: file.read_bytes() for file in (tmp_path / DAY).iterdir()}
    history.compact(date(2026, 11, 20))
    for file, content in parts.items():
        file.write_bytes(content)
    assert await values(history) == (1.0, 2.0)


async def test_an_unfinished_file_of_a_crashed_writer_is_not_read(tmp_path: Path) -> None:
    history = ParquetHistory(tmp_path)
    append(history, 0, 1.0)
    (tmp_path / DAY / "part-9.parquet.77.unfinished").write_bytes(b"PAR1 half")
    assert await values(history) == (1.0,)


async def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    history = ParquetHistory(tmp_path / "history")
    (tmp_path / "history").rmdir()
    with pytest.raises(Unavailable, match="history store"):
        await history.read(["P-1.flow"], START, END)


WRITER = """\
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.protocols import Samples
history = ParquetHistory(Path(sys.argv[1]))
for minute in range(120):
    time = datetime(2026, 11, 20, 6, 0, tzinfo=UTC) + timedelta(minutes=minute)
    history.append([Samples("P-1.flow", (time,), (float(minute),))])
    print(minute, flush=True)
"""


@pytest.fixture
def acknowledgements(tmp_path: Path) -> Iterator[Iterator[int]]:
    """Numbers a writing process prints, one after each append; it is killed at the end."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        yield (int(line) for line in writer.stdout)
        writer.kill()


async def test_reading_while_another_process_appends_sees_all_that_was_acknowledged(
    tmp_path: Path, acknowledgements: Iterator[int]
) -> None:
    history = ParquetHistory(tmp_path)
    for acknowledged in acknowledgements:
        seen = await values(history)
        assert seen == tuple(map(float, range(len(seen))))
        assert len(seen) > acknowledged
    assert len(await values(history)) == 120


async def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    acknowledged = kill_after(40, tmp_path)
    seen = await values(ParquetHistory(tmp_path))
    assert seen[: len(acknowledged)] == tuple(map(float, acknowledged))


def kill_after(lines: int, root: Path) -> list[int]:
    command = [sys.executable, "-c", WRITER, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(lines)]
        writer.kill()
    return acknowledged
