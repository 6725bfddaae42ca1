"""One Parquet file of history: rows sorted by signal and time, and where each signal's rows lie.

Small signals share a row group, large ones have their own, so that reading a signal touches little
else. The file's metadata lists the signals of every row group; a file without it is not ours.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

Times: TypeAlias = NDArray[np.datetime64]
Values: TypeAlias = NDArray[np.float64]
Columns: TypeAlias = Mapping[str, tuple[Times, Values]]

ROWS_PER_GROUP = 1000
_INDEX_KEY = b"copilot.signals"
_TIME = pa.timestamp("us", tz="UTC")
_SIGNAL = pa.dictionary(pa.int32(), pa.string())


class NotHistory(Exception):
    """A file that is torn, or no history of ours."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where the rows of one signal lie in a file."""

    group: int
    offset: int
    rows: int


def write_part(path: Path, columns: Columns) -> None:
    """Write a file that is either there in full or not at all, even over a power cut."""
    groups = list(_groups(columns))
    index = [[(signal, len(columns[signal][0])) for signal in group] for group in groups]
    schema = pa.schema(
        [("signal", _SIGNAL), ("time", _TIME), ("value", pa.float64())],
        metadata={_INDEX_KEY: json.dumps(index).encode()},
    )
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    with unfinished.open("wb") as sink:
        with pq.ParquetWriter(
            sink,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=["signal"],
            column_encoding={"time": "DELTA_BINARY_PACKED"},
            write_statistics=False,
        ) as writer:
            for group in groups:
                writer.write_table(_table(group, columns, schema))
        sink.flush()
        os.fsync(sink.fileno())
    unfinished.replace(path)
    sync_folder(path.parent)


def read_part(path: Path, signals: Iterable[str] | None = None) -> dict[str, tuple[Times, Values]]:
    """Times and values (NaN = bad) of `signals`, or of all; those not in the file are left out.

    Raises NotHistory for a file that cannot be used and FileNotFoundError for one that is gone.
    """
    try:
        with pq.ParquetFile(path) as file:
            blocks = _index(file)
            wanted = blocks.keys() if signals is None else [s for s in signals if s in blocks]
            return _read_blocks(file, {signal: blocks[signal] for signal in wanted})
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise NotHistory(f"{path}: {error}") from error


def sync_folder(folder: Path) -> None:
    """Make new and renamed entries of a folder survive a power cut."""
    if os.name == "nt":
        return  # Windows opens no folders; it journals names itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _groups(columns: Columns) -> Iterator[list[str]]:
    group: list[str] = []
    rows = 0
    for signal in sorted(columns):
        group.append(signal)
        rows += len(columns[signal][0])
        if rows >= ROWS_PER_GROUP:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _table(group: list[str], columns: Columns, schema: Any) -> Any:
    lengths = [len(columns[signal][0]) for signal in group]
    values = np.concatenate([columns[signal][1] for signal in group])
    times = np.concatenate([columns[signal][0] for signal in group])
    names = np.repeat(np.arange(len(group), dtype=np.int32), lengths)
    return pa.Table.from_arrays(
        [
            pa.DictionaryArray.from_arrays(pa.array(names), pa.array(group, type=pa.string())),
            pa.array(times, type=_TIME),
            pa.array(values, mask=np.isnan(values)),
        ],
        schema=schema,
    )


def _index(file: Any) -> dict[str, Block]:
    groups = json.loads(file.metadata.metadata[_INDEX_KEY])
    blocks: dict[str, Block] = {}
    for number, group in enumerate(groups):
        offset = 0
        for signal, rows in group:
            blocks[signal] = Block(number, offset, rows)
            offset += rows
    return blocks


def _read_blocks(file: Any, blocks: dict[str, Block]) -> dict[str, tuple[Times, Values]]:
    tables: dict[int, Any] = {}
    found: dict[str, tuple[Times, Values]] = {}
    for signal, block in blocks.items():
        if block.group not in tables:
            tables[block.group] = file.read_row_group(
                block.group, columns=["time", "value"], use_threads=False
            )
        rows = tables[block.group].slice(block.offset, block.rows)
        if rows.num_rows != block.rows:
            raise ValueError(f"row group {block.group} is shorter than its index says")
        found[signal] = (rows["time"].to_numpy(), rows["value"].to_numpy())
    return found
