"""What the demo plant's files and tables hold, read without the copilot's own code."""

import sqlite3
import tomllib
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pypdfium2

from copilot_evals.plant_future import days_left
from copilot_evals.plant_judge import Expectation, Row, Rows, bare
from copilot_tools.facts import Value

_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}
_DAYS = {"week": 7, "month": 30}


class Records:
    """Plant model, database, history and manuals of the demo plant in `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.model = tomllib.loads((home / "plant.toml").read_text(encoding="utf-8"))
        self.assets = {asset["id"]: asset for asset in self.model["asset"]}
        self.executor_password = (home / "executor" / "secret").read_text(encoding="utf-8").strip()
        self._pages: dict[str, list[str]] = {}
        self._lives: dict[tuple[str, str, str], Rows] = {}

    def look(self, expected: Expectation) -> Rows:
        """The rows of truth that an expectation speaks of; none where it needs no truth."""
        about = expected.about
        match expected.kind:
            case "facts" | "rows" | "mentions" | "cause":
                return [tuple(row) for row in about]
            case "sql" | "same":
                return self.query(about, expected.options.get("given", {}))
            case "stat":
                return [self._statistic(*about)]
            case "oee":
                return self._oee(*about)
            case "life":
                return self._life(*about)
            case "quote":
                return self._pages_with(about["file"], about["texts"])
        return []

    def query(self, sql: str, given: Mapping[str, str]) -> Rows:
        """The rows of a query; `:now`, `:today`, `:yesterday` and `:shift` are UTC times."""
        with closing(self._database()) as database:
            cursor = database.execute(sql, {**bounds(self.model, datetime.now(UTC)), **given})
            return [tuple(_plain(value) for value in row) for row in cursor]

    def _database(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self._home / 'plant.db'}?mode=ro", uri=True)

    def _statistic(self, asset: str, signal: str, span: str, which: str) -> Row:
        start, end = window(span, self.model, datetime.now(UTC))
        values = stored_values(self._home / "history", f"{asset}.{signal}", start, end)
        unit = next(s["unit"] for s in self.assets[asset]["signal"] if s["name"] == signal)
        by_minute = values.resample("60s").mean()
        statistics = {"lowest": values.min, "highest": values.max, "mean": by_minute.mean}
        return asset, f"{signal} {which}", float(statistics[which]()), unit

    def _oee(self, line: str, span: str) -> Rows:
        ideal = next(each["ideal_rate"] for each in self.model["line"] if each["id"] == line)
        start, end = window(span, self.model, datetime.now(UTC))
        with closing(self._database()) as database:
            factors = oee(database, line, start, end, ideal)
        return [(line, name, value, "%") for name, value in factors.items()]

    def _life(self, asset: str, component: str, fault: str) -> Rows:
        """The days a component has left until its wear signal passes its limit."""
        if (asset, component, fault) not in self._lives:
            parts = self.assets[asset]["component"]
            wear = next(part["wear"] for part in parts if part["name"] == component)
            limit, rising = wear["threshold"], wear["rising"]
            days = days_left(self._home, fault, asset, wear["signal"], limit, rising=rising)
            row = (asset, f"{component} remaining life", days, "days")
            self._lives[asset, component, fault] = [row] if days is not None else []
        return self._lives[asset, component, fault]

    def _pages_with(self, file: str, texts: list[str]) -> Rows:
        """The pages of a manual that hold all the texts."""
        if file not in self._pages:
            self._pages[file] = _read_pages(self._home / "manuals" / file)
        numbered = enumerate(self._pages[file], 1)
        return [(n,) for n, page in numbered if all(bare(text) in page for text in texts)]


def _read_pages(manual: Path) -> list[str]:
    """The text of each page; a manual kept as text is cited by its chapters instead."""
    if manual.suffix == ".md":
        return [bare(text) for text in manual.read_text(encoding="utf-8").split("\n# ")[1:]]
    with closing(pypdfium2.PdfDocument(manual)) as pdf:
        return [bare(page.get_textpage().get_text_bounded()) for page in pdf]


def window(span: str, model: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """Begin and end (UTC) of "8h", "7d", "today", "yesterday", "shift", "week" or "month"."""
    marks = bounds(model, now)
    match span:
        case "today" | "shift":
            return _utc(marks[span]), now
        case "yesterday":
            return _utc(marks["yesterday"]), _utc(marks["today"])
        case "week" | "month":
            return now - timedelta(days=_DAYS[span]), now
    return now - timedelta(hours=int(span[:-1]) * _HOURS[span[-1]]), now


def bounds(model: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Now, midnight, the midnight before and the begin of the shift, as the database writes UTC."""
    local = now.astimezone(ZoneInfo(model["site"]["time_zone"]))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [
        (midnight - timedelta(days=back)).replace(hour=shift["start"].hour)
        for shift in model["shift"]
        for back in (0, 1)
    ]
    marks = {
        "now": now,
        "today": midnight,
        "yesterday": midnight - timedelta(days=1),
        "shift": max(start for start in starts if start <= local),
    }
    return {name: f"{mark.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}" for name, mark in marks.items()}


def stored_values(history: Path, signal: str, start: datetime, end: datetime) -> "pd.Series[float]":
    """The good values of a signal in [start, end) by time, straight from the Parquet files."""
    days = pd.date_range(start.date(), end.date(), freq="D")
    files = [p for day in days for p in sorted((history / f"{day:%Y-%m-%d}").glob("*.parquet"))]
    columns = [pd.read_parquet(file, filters=[("signal", "==", signal)]) for file in files]
    frame = pd.concat(columns).dropna().drop_duplicates("time").set_index("time").sort_index()
    return frame.loc[(frame.index >= start) & (frame.index < end), "value"]


def oee(
    database: sqlite3.Connection, line: str, start: datetime, end: datetime, ideal: float
) -> dict[str, float]:
    """OEE, availability, performance and quality in %, counted second by second.

    The span is that part of [start, end) which has records.
    """
    counts = database.execute(
        'select start, "end", total, good from production_counts where line = ?', (line,)
    )
    stops = database.execute('select start, "end", planned from downtimes where line = ?', (line,))
    made = good = 0.0
    recorded = []
    for first, last, total, fine in counts:
        begin, stop = _utc(first), _utc(last)
        low, high = max(begin, start), min(stop, end)
        if low < high:
            recorded.append((low, high))
            share = (high - low) / (stop - begin)
            made, good = made + total * share, good + fine * share
    spans = [(_utc(a), _utc(b) if b else end, planned) for a, b, planned in stops]
    recorded += [(max(a, start), min(b, end)) for a, b, _ in spans if a < end and b > start]
    start, end = min(low for low, _ in recorded), max(high for _, high in recorded)
    seconds = round((end - start).total_seconds())
    planned, stopped = np.zeros(seconds, bool), np.zeros(seconds, bool)
    for first, last, by_plan in spans:
        inside = slice(_second(first, start, end), _second(last, start, end))
        (planned if by_plan else stopped)[inside] = True
    busy, run = (~planned).sum() / 60, (~planned & ~stopped).sum() / 60
    factors = (run / busy, min(made / ideal / run, 1.0), good / made)
    names = ("availability", "performance", "quality")
    percent = {name: 100 * float(share) for name, share in zip(names, factors, strict=True)}
    return {"OEE": 100 * float(np.prod(factors)), **percent}


def _second(moment: datetime, start: datetime, end: datetime) -> int:
    return round((min(max(moment, start), end) - start).total_seconds())


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _plain(value: Any) -> Value:
    """A value of SQLite; a text that is a time is one, in UTC."""
    if isinstance(value, str) and len(value) >= 19 and value[4] == "-" and value[10] == " ":
        return _utc(value)
    plain: Value = value
    return plain
