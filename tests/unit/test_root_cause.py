from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from plant_fixture import ago, build_plant, work_order

from copilot_tools.facts import Findings
from copilot_tools.failure_modes import failure_modes
from copilot_tools.plant import Plant
from copilot_tools.root_cause import find_root_cause, upstream
from copilot_tools.site.load import parse_site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.history_parquet import ParquetHistory

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIGNALS = {
    "PU-1": ("suction pressure", "flow", "bearing vibration", "bearing temperature"),
    "FI-2": ("differential pressure", "flow"),
}
USUAL = {
    "suction pressure": (0.6, 0.02),
    "flow": (45.0, 1.0),
    "bearing vibration": (2.0, 0.15),
    "bearing temperature": (50.0, 1.5),
    "differential pressure": (0.4, 0.02),
}


def signal(asset: str, name: str) -> str:
    return f'[[asset.signal]]\nname = "{name}"\nnode = "s={asset}.{name}"\n'


SITE = parse_site(
    '[site]\nid = "x"\nname = "X"\ntime_zone = "UTC"\nnamespace = "u"\n'
    '[[shift]]\nname = "d"\nstart = 06:00:00\n[[area]]\nid = "A"\nname = "Hall"\n'
    '[[asset]]\nid = "PU-1"\nname = "Pump"\nkind = "pump"\narea = "A"\nfeeds = ["FI-2"]\n'
    + "".join(signal("PU-1", name) for name in SIGNALS["PU-1"])
    + '[[asset]]\nid = "FI-2"\nname = "Filter"\nkind = "filter"\narea = "A"\n'
    + "".join(signal("FI-2", name) for name in SIGNALS["FI-2"])
)


def build(folder: Path, moved: dict[str, float], rows: dict | None = None) -> Plant:
    """Forty days of steady history in which, for the last three days, some signals have moved."""
    count = 40 * 24 * 6
    start = np.datetime64(NOW.replace(tzinfo=None)) - np.timedelta64(40, "D")
    times = (start + np.arange(count) * np.timedelta64(600, "s")).astype("datetime64[us]")
    noise = np.random.default_rng(3)
    values = {}
    for asset, names in SIGNALS.items():
        for name in names:
            mean, spread = USUAL[name]
            course = noise.normal(mean, spread, count)
            course[-3 * 144 :] += moved.get(f"{asset}.{name}", 0.0)
            values[f"{asset}.{name}"] = course
    history = ParquetHistory(folder / "history")
    history.append_arrays(times, values)
    plant = build_plant(folder, rows or {})
    return replace(plant, site=SITE, resolver=Resolver(SITE), history=history)


CLOGGED = {"PU-1.suction pressure": -0.3, "PU-1.bearing vibration": 2.0, "PU-1.flow": -8.0}
WORN = {"PU-1.bearing vibration": 2.5, "PU-1.bearing temperature": 15.0}


async def ask(plant: Plant, asset: str, symptom: str) -> Findings:
    call = find_root_cause.check({"asset": asset, "symptom": symptom})
    return await find_root_cause.run(plant, call)


@pytest.mark.parametrize(
    ("moved", "cause"),
    [(CLOGGED, "clogged suction strainer of PU-1"), (WORN, "worn drive-end bearing of PU-1")],
)
async def test_the_cause_that_fits_the_signals_comes_first(
    tmp_path: Path, moved: dict[str, float], cause: str
):
    findings = await ask(build(tmp_path, moved), "pump", "vibration")
    assert cause in findings.summary
    assert findings.tables[0].rows[0][0] == cause.partition(" of ")[0]


async def test_a_cause_upstream_is_found(tmp_path: Path):
    findings = await ask(build(tmp_path, CLOGGED), "FI-2", "low flow")
    assert "clogged suction strainer of PU-1" in findings.summary


async def test_nothing_unusual_is_said_to_be_so(tmp_path: Path):
    findings = await ask(build(tmp_path, {}), "PU-1", "vibration")
    assert findings.summary.startswith("I cannot name a cause")
    assert "No signal is unusual" in findings.summary


async def test_without_history_no_cause_is_named(tmp_path: Path):
    plant = replace(build(tmp_path, WORN), history=ParquetHistory(tmp_path / "empty"))
    findings = await ask(plant, "PU-1", "vibration")
    assert findings.summary.startswith("I cannot name a cause")


async def test_without_the_telling_signal_support_falls(tmp_path: Path):
    whole = await ask(build(tmp_path / "a", WORN), "PU-1", "vibration")
    fewer = {k: v for k, v in WORN.items() if "temperature" not in k}
    less = await ask(build(tmp_path / "b", fewer), "PU-1", "vibration")
    assert support(less, "worn drive-end bearing") < support(whole, "worn drive-end bearing")


async def test_a_component_just_repaired_is_less_likely(tmp_path: Path):
    done = work_order(
        "WO-1",
        "PU-1",
        kind="corrective",
        status="done",
        component="DE bearing",
        created=ago(days=4),
        finished=ago(days=2),
    )
    before = await ask(build(tmp_path / "a", WORN), "PU-1", "vibration")
    after = await ask(build(tmp_path / "b", WORN, {"work_orders": [done]}), "PU-1", "vibration")
    assert support(after, "worn drive-end bearing") < support(before, "worn drive-end bearing")


def support(findings: Findings, mode: str) -> float:
    for table in findings.tables:
        for row in table.rows:
            if row[0] == mode:
                return float(str(row[2]))
    return 0.0


def test_upstream_follows_the_flow():
    assert {key: steps for key, (_, steps) in upstream(SITE, SITE.assets["FI-2"]).items()} == {
        "FI-2": 0,
        "PU-1": 1,
    }


def test_every_mode_of_the_catalogue_has_signs_checks_and_remedy():
    for mode in failure_modes():
        assert mode.signs
        assert mode.next_check
        assert mode.remedy
        assert mode.rules_out
