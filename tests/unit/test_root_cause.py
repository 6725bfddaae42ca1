from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from plant_fixture import ago, inspection, part, production_order, work_order
from root_cause_fixture import CLOGGED, LOOSE, SITE, WORN, ask, build, support

from copilot_evals.rca_judge import Without
from copilot_tools.failure_modes import failure_modes
from copilot_tools.root_cause.neighbours import find_neighbours
from copilot_tools.sources.history_parquet import ParquetHistory
from copilot_tools.sources.opcua import OpcUaTelemetry
from copilot_tools.sources.plant_sql import SqlAlarmJournal, SqlErp, SqlInspections
from copilot_tools.sources.sql import connect

FLOW = frozenset(["PU-1.flow"])


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


async def test_what_blocks_just_downstream_is_found(tmp_path: Path):
    fouled = {"FI-2.differential pressure": 0.6, "FI-2.flow": -8.0, "PU-1.flow": -8.0}
    findings = await ask(build(tmp_path, fouled), "PU-1", "low flow")
    assert "fouled filter cartridges of FI-2" in findings.summary


async def test_what_else_is_wrong_downstream_is_not_the_cause(tmp_path: Path):
    torn = {"FI-2.differential pressure": -0.3}
    findings = await ask(build(tmp_path, torn), "PU-1", "low flow")
    assert findings.summary.startswith("I cannot name a cause")


async def test_another_fault_upstream_that_nobody_asked_about_is_not_named(tmp_path: Path):
    plant = build(tmp_path, {**WORN, "FI-2.differential pressure": 0.6})
    findings = await ask(plant, "FI-2", "high differential pressure")
    assert [row[0] for row in findings.tables[0].rows] == ["fouled filter cartridges"]


async def test_what_raised_the_first_alarm_is_the_cause_of_what_came_after(tmp_path: Path):
    plant = build(tmp_path, WORN, {"alarm_events": [alarm("A-7", "PU-1", "hot", ago(hours=3))]})
    findings = await ask(plant, "FI-2", "turbid")
    assert [row[:2] for row in findings.tables[0].rows] == [("worn drive-end bearing", "PU-1")]
    quiet = await ask(build(tmp_path / "quiet", WORN), "FI-2", "turbid")
    assert quiet.summary.startswith("I cannot name a cause")


async def test_nothing_unusual_is_said_to_be_so(tmp_path: Path):
    findings = await ask(build(tmp_path, {}), "PU-1", "vibration")
    assert findings.summary.startswith("I cannot name a cause")
    assert "No signal is unusual" in findings.summary


async def test_without_history_no_cause_is_named(tmp_path: Path):
    plant = replace(build(tmp_path, WORN), history=ParquetHistory(tmp_path / "empty"))
    findings = await ask(plant, "PU-1", "vibration")
    assert findings.summary.startswith("I cannot name a cause")
    assert "Nothing of PU-1 can be compared with its past" in findings.summary
    assert "No signal is unusual" not in findings.summary


async def test_a_signal_that_was_never_recorded_is_said(tmp_path: Path):
    plant = build(tmp_path, {})
    findings = await ask(replace(plant, history=Without(plant.history, FLOW)), "PU-1", "vibration")
    assert "No signal is unusual. Too little is recorded to compare flow with" in findings.summary


async def test_a_machine_of_a_kind_without_failure_modes_is_said_to_be_one(tmp_path: Path):
    modes = tuple(mode for mode in failure_modes() if "filter" not in mode.kinds)
    findings = await ask(replace(build(tmp_path, CLOGGED), modes=modes), "FI-2", "low flow")
    assert "clogged suction strainer of PU-1" in findings.summary
    assert any("No failure mode of a filter is known" in notice for notice in findings.notices)


async def test_setpoints_that_cannot_be_read_are_said(tmp_path: Path):
    dead = OpcUaTelemetry("opc.tcp://127.0.0.1:9/")
    plant = build(tmp_path, {"PU-1.speed": -400.0, **CLOGGED})
    findings = await ask(replace(plant, telemetry=dead), "PU-1", "noise")
    await dead.close()
    assert "clogged suction strainer of PU-1" in findings.summary
    assert any(notice.startswith("Setpoints are not compared: ") for notice in findings.notices)


async def test_a_consequence_is_not_named_as_a_cause(tmp_path: Path):
    low_air = {"CA-3.head pressure": -1.0, "CA-3.closing torque": -0.6}
    findings = await ask(build(tmp_path, low_air), "CA-3", "loose caps")
    assert findings.summary.startswith("I cannot name a cause")
    assert "low air pressure at the capping heads" in findings.summary
    assert "follow the air pressure upstream" in findings.summary


async def test_without_the_telling_signal_support_falls(tmp_path: Path):
    whole = await ask(build(tmp_path / "a", WORN), "PU-1", "vibration")
    fewer = {k: v for k, v in WORN.items() if "temperature" not in k}
    less = await ask(build(tmp_path / "b", fewer), "PU-1", "vibration")
    assert support(less, "worn drive-end bearing") < support(whole, "worn drive-end bearing")


async def test_a_signal_that_speaks_against_a_cause_is_told(tmp_path: Path):
    findings = await ask(build(tmp_path, {**LOOSE, "CA-3.head pressure": -1.0}), "CA-3", "caps")
    against = "".join(str(row[4]) for table in findings.tables for row in table.rows)
    alone = await ask(build(tmp_path / "b", LOOSE), "CA-3", "caps")
    assert support(findings, "worn capping clutch") < support(alone, "worn capping clutch")
    assert "head pressure" in against or not findings.tables


async def test_a_component_just_repaired_is_less_likely_and_an_old_repair_makes_it_likelier(
    tmp_path: Path,
):
    def done(days: int) -> dict[str, Any]:
        return work_order(
            "WO-1",
            "PU-1",
            kind="corrective",
            status="done",
            component="DE bearing",
            created=ago(days=days + 2),
            finished=ago(days=days),
        )

    supports = []
    for name, jobs in (("new", [done(2)]), ("none", []), ("old", [done(100)])):
        rows = {"work_orders": jobs} if jobs else {}
        plant = build(tmp_path / name, {**WORN, "PU-1.flow": -8.0}, rows)
        supports.append(support(await ask(plant, "PU-1", "vibration"), "worn drive-end bearing"))
    assert supports == sorted(set(supports))


def alarm(id_: str, asset: str, message: str, time: datetime) -> dict[str, Any]:
    return {
        "alarm": id_,
        "asset": asset,
        "message": message,
        "severity": "high",
        "transition": "raised",
        "time": time,
        "value": 0.3,
        "unit": "bar",
    }


async def test_the_first_alarm_of_a_sign_raises_support_but_a_daily_one_does_not(tmp_path: Path):
    first = [alarm("A-1", "PU-1", "low suction pressure", ago(hours=3))]
    daily = first + [
        alarm("A-1", "PU-1", "low suction pressure", ago(days=day, hours=3)) for day in (3, 4, 5)
    ]
    less = {**CLOGGED, "PU-1.bearing temperature": 6.0}
    supports = []
    for name, rows in (("none", []), ("daily", daily), ("first", first)):
        plant = build(tmp_path / name, less, {"alarm_events": rows} if rows else {})
        findings = await ask(plant, "PU-1", "noise")
        supports.append(support(findings, "clogged suction strainer"))
    assert supports[0] == supports[1] < supports[2]
    assert "alarm A-1 low suction pressure, the first one" in findings.summary


async def test_defects_that_fit_a_mode_speak_for_it(tmp_path: Path):
    def inspected(share: int) -> list[dict[str, Any]]:
        start = ago(hours=5)
        return [
            inspection(i, start + timedelta(minutes=i), "loose cap" if i % share == 0 else "")
            for i in range(1, 200)
        ]

    weak = {**LOOSE, "CA-3.head pressure": -0.2}
    without = await ask(build(tmp_path / "a", weak), "CA-3", "caps")
    plant = build(tmp_path / "b", weak, {"inspections": inspected(10)})
    findings = await ask(plant, "CA-3", "caps")
    assert support(findings, "worn capping clutch") > support(without, "worn capping clutch")
    assert "loose cap on LA" in findings.summary


async def test_a_signal_that_follows_its_setpoint_is_no_sign_of_a_fault(tmp_path: Path):
    slower = {"PU-1.speed": -400.0, "PU-1.flow": -7.0}
    findings = await ask(build(tmp_path, slower, setpoints={"PU-1.speed": 2500.0}), "PU-1", "flow")
    assert findings.summary.startswith("I cannot name a cause")
    assert "PU-1 speed follows its setpoint, which is now 2500 rpm" in findings.summary


async def test_a_frozen_reading_is_named_and_says_nothing_of_its_level(tmp_path: Path):
    plant = build(tmp_path, {"TA-4.level": -30.0}, still=["TA-4.level"])
    findings = await ask(plant, "TA-4", "level low")
    assert findings.tables[0].rows[0][0] == "frozen level transmitter"
    assert "TA-4 level has not moved at all since 2026-11-20" in findings.summary


async def test_a_frozen_level_is_the_cause_of_what_the_pump_behind_the_tank_shows(tmp_path: Path):
    plant = build(tmp_path, {"PU-1.suction pressure": -0.3}, still=["TA-4.level"])
    findings = await ask(plant, "PU-1", "low suction pressure")
    assert findings.tables[0].rows[0][:2] == ("frozen level transmitter", "TA-4")


async def test_an_empty_tank_speaks_against_a_clogged_strainer(tmp_path: Path):
    short = {"PU-1.suction pressure": -0.3, "TA-4.level": -30.0, "TA-4.inflow": -10.0}
    findings = await ask(build(tmp_path, short), "PU-1", "low suction pressure")
    assert findings.tables[0].rows[0][:2] == ("short supply to the tank", "TA-4")


async def test_the_level_of_a_tank_that_nothing_flows_through_may_stand_still(tmp_path: Path):
    idle = build(tmp_path, {"TA-4.inflow": -45.0}, still=["TA-4.level"])
    findings = await ask(idle, "TA-4", "level does not move")
    assert "frozen" not in findings.summary


async def test_a_pot_that_empties_as_ever_does_not_leak_and_one_that_empties_faster_does(
    tmp_path: Path,
):
    used = {"PU-1.seal pot level": -0.22}
    tea = [
        production_order("PRD-1", "tea", status="done", start=ago(days=17), finished=ago(days=14)),
        production_order("PRD-2", "tea", status="running", start=ago(days=1)),
    ]
    rows = {"production_orders": tea}
    as_ever = await ask(build(tmp_path / "a", {}, rows, daily=used), "PU-1", "seal leak")
    assert as_ever.summary.startswith("I cannot name a cause")
    faster = build(tmp_path / "b", {"PU-1.seal pot level": -6.0}, rows, daily=used)
    assert support(await ask(faster, "PU-1", "seal leak"), "leaking mechanical seal") > 0.8


async def test_procedure_and_part_are_named(tmp_path: Path):
    stock = part("BRG-6309", "ball bearing 6309", fits=["PU-1"], bin="B-7")
    findings = await ask(build(tmp_path, WORN, {"parts": [stock]}), "PU-1", "vibration")
    assert "Part that fits: BRG-6309 ball bearing 6309, 4 pcs available in B-7." in findings.summary
    assert (
        "Procedure: PU-MAN-1 rev. B, 1.2 Removing and fitting the DE bearing." in findings.summary
    )
    assert "110 degC" in findings.quotes[0].text


async def test_a_product_made_for_the_first_time_is_not_compared_with_another(tmp_path: Path):
    orders = [
        production_order("PRD-1", "tea", status="done", start=ago(days=60), finished=ago(days=1)),
        production_order("PRD-2", "gruel", status="running", start=ago(days=1)),
    ]
    findings = await ask(build(tmp_path, LOOSE, {"production_orders": orders}), "CA-3", "caps")
    assert findings.summary.startswith("I cannot name a cause")


async def test_sources_that_are_down_are_said_and_do_not_hinder(tmp_path: Path):
    plant = build(tmp_path, WORN)
    engine = connect(f"sqlite:///{tmp_path / 'plant.db'}")
    down = replace(
        plant,
        journal=SqlAlarmJournal(engine),
        erp=SqlErp(engine),
        inspections=SqlInspections(engine, tmp_path),
    )
    (tmp_path / "plant.db").unlink()
    findings = await ask(down, "PU-1", "vibration")
    assert "worn drive-end bearing of PU-1" in findings.summary
    told = " ".join(findings.notices)
    assert "Alarms are not weighed" in told
    assert "Past jobs are not weighed" in told


async def test_it_is_said_since_when_the_machine_is_unlike_itself(tmp_path: Path):
    findings = await ask(build(tmp_path, WORN), "PU-1", "vibration")
    assert "PU-1 unlike itself since 2026-11-" in findings.summary
    assert {"abnormal since", "abnormality"} <= {fact.name for fact in findings.facts}


async def test_every_number_of_the_summary_is_a_fact(tmp_path: Path):
    findings = await ask(build(tmp_path, WORN), "PU-1", "vibration")
    first = findings.facts[0]
    assert (first.subject, first.name) == ("PU-1", "cause 1: worn drive-end bearing")
    levels = {fact.name for fact in findings.facts if fact.source.system == "history"}
    assert {"bearing vibration", "bearing vibration, usual", "bearing temperature"} <= levels


def test_neighbours_follow_the_flow():
    assert find_neighbours(SITE, SITE.assets["FI-2"]).steps == {"FI-2": 0, "PU-1": 1, "TA-4": 2}
    assert find_neighbours(SITE, SITE.assets["PU-1"]).steps == {"PU-1": 0, "TA-4": 1, "FI-2": -1}
