from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.demo.alarms import STATES, AlarmBook, Scan
from copilot.demo.controls import Controls
from copilot.demo.faults import FAULTS, repair_fault, set_fault
from copilot.demo.instruments import Instruments
from copilot.demo.physics.drive import Drive
from copilot.demo.physics.plant import PlantPhysics
from copilot.demo.physics.products import COLA
from copilot.demo.physics.snapshot import restore_snapshot, take_snapshot
from copilot.demo.physics.surroundings import Surroundings
from copilot.demo.simulate import PLANT_TOML, TARGETS
from copilot.demo.story import story
from copilot_tools.records import AlarmTransition
from copilot_tools.site.load import load_site

NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)
START = NOW.timestamp()
SITE = load_site(PLANT_TOML)


@dataclass(frozen=True)
class Effect:
    signal: str
    change: float


# What the manuals promise: each fault shows in these signals, in this order.
CHAINS = {
    ("clogged_strainer", "P-101"): (
        Effect("P-101.suction pressure", -0.05),
        Effect("P-101.DE bearing vibration", 0.4),
        Effect("P-101.flow", -0.4),
    ),
    ("filter_fouling", "FLT-103"): (
        Effect("FLT-103.differential pressure", 0.1),
        Effect("FLT-103.flow", -0.4),
        Effect("P-101.discharge pressure", 0.03),
    ),
    ("bearing_wear", "P-101"): (
        Effect("P-101.DE bearing vibration", 0.5),
        Effect("P-101.DE bearing temperature", 4.0),
        Effect("P-101.motor current", 0.5),
    ),
    ("cooler_fouling", "HX-204"): (
        Effect("HX-204.differential pressure", 0.05),
        Effect("HX-204.product outlet temperature", 0.5),
        Effect("FIL-22.product temperature", 0.6),
        Effect("FIL-22.fill weight", -1.0),
    ),
    ("refrigerant_leak", "CH-302"): (
        Effect("CH-302.evaporator pressure", -0.05),
        Effect("CH-302.superheat", 1.0),
        Effect("CH-302.supply temperature", 0.5),
        Effect("FIL-22.product temperature", 0.7),
    ),
    ("condenser_fouling", "CH-302"): (
        Effect("CH-302.condenser pressure", 0.3),
        Effect("CH-302.compressor load", 3.0),
    ),
    ("air_leak", "C-301"): (
        Effect("C-301.load", 8.0),
        Effect("C-301.header pressure", -0.3),
        Effect("CAP-13.head pressure", -0.15),
        Effect("CAP-13.closing torque", -0.05),
        Effect("PAL-16.gripper vacuum", 20.0),
    ),
    ("belt_slip", "CV-11"): (
        Effect("CV-11.belt slip", 0.5),
        Effect("CV-11.motor current", 0.15),
        Effect("CV-11.drive temperature", 6.0),
        Effect("FIL-12.speed", -2.0),
    ),
    ("nozzle_clog", "FIL-22"): (
        Effect("FIL-22.nozzle pressure", 0.1),
        Effect("FIL-22.fill weight", -2.0),
        Effect("FIL-22.fill weight deviation", 0.8),
    ),
    ("vacuum_leak", "PAL-16"): (
        Effect("PAL-16.gripper vacuum", 30.0),
        Effect("PAL-16.layers per hour", -2.0),
    ),
    ("burner_fouling", "B-303"): (
        Effect("B-303.oxygen", 0.5),
        Effect("B-303.flue gas temperature", 15.0),
        Effect("B-303.steam pressure", -0.2),
    ),
    ("gearbox_wear", "MX-201"): (
        Effect("MX-201.vibration", 0.5),
        Effect("MX-201.gearbox oil temperature", 4.0),
        Effect("MX-201.agitator torque", 30.0),
    ),
    ("clutch_wear", "CAP-23"): (
        Effect("CAP-23.closing torque", -0.1),
        Effect("CAP-23.clutch temperature", 6.0),
        Effect("CAP-23.reject count", 3.0),
    ),
    ("glue_heater_failing", "LBL-14"): (
        Effect("LBL-14.glue temperature", -3.0),
        Effect("LBL-14.label position error", 0.3),
        Effect("LBL-14.reject count", 15.0),
    ),
}


def settled_plant(seed: int = 7, hours: float = 6.0, dt: float = 60.0) -> PlantPhysics:
    plant = PlantPhysics(Surroundings(seed))
    plant.line1.load(COLA)
    for index in range(round(hours * 3600 / dt)):
        plant.step(dt, START - hours * 3600 + (index + 1) * dt)
    return plant


def named(plant: PlantPhysics) -> dict[str, float]:
    names = (f"{sensor.asset}.{sensor.name}" for sensor in plant.sensors())
    return dict(zip(names, plant.readings(), strict=True))


def grow(label: str, asset: str, steps: int = 900) -> Iterator[tuple[dict[str, float], ...]]:
    """A plant whose fault grows evenly, next to its healthy twin, minute by minute."""
    sick, sound = settled_plant(), settled_plant()
    for step in range(1, steps + 1):
        set_fault(sick, label, asset, step / steps)
        for plant in (sick, sound):
            plant.step(60.0, START + step * 60.0)
        yield named(sick), named(sound)


@pytest.mark.parametrize(("fault", "effects"), CHAINS.items(), ids=lambda value: str(value[0]))
def test_effects_follow_their_cause_in_order(
    fault: tuple[str, str], effects: tuple[Effect, ...]
) -> None:
    onsets: dict[str, int] = {}
    for step, (sick, sound) in enumerate(grow(*fault)):
        for effect in effects:
            change = sick[effect.signal] - sound[effect.signal]
            beyond = change * np.sign(effect.change) >= abs(effect.change)
            if beyond and effect.signal not in onsets:
                onsets[effect.signal] = step
    assert list(onsets) == [effect.signal for effect in effects]
    assert len(set(onsets.values())) == len(effects)


def test_a_worn_seal_empties_its_pot_and_then_costs_flow() -> None:
    plant = settled_plant()
    set_fault(plant, "seal_leak", "P-203", 0.9)
    flow, pot = plant.syrup.pump.flow, plant.syrup.pump.pot
    for step in range(3 * 24 * 60):
        plant.step(60.0, START + step * 60.0)
        if plant.syrup.pump.pot < 28:
            break
    assert plant.syrup.pump.pot < pot - 40
    assert 0.96 * flow < plant.syrup.pump.flow < 0.99 * flow
    repair_fault(plant, "seal_leak", "P-203")
    assert plant.syrup.pump.pot > 70


def test_a_frozen_transmitter_repeats_itself_while_the_tank_moves() -> None:
    plant = settled_plant()
    set_fault(plant, "sensor_frozen", "TK-101", 1.0)
    plant.step(60.0, START)
    shown = named(plant)["TK-101.level"]
    for step in range(300):
        plant.step(60.0, START + step * 60.0)
    assert named(plant)["TK-101.level"] == shown
    assert abs(plant.water.tank.level - shown) > 2.0


def test_a_drifting_sensor_disagrees_with_the_filler() -> None:
    *_, (sick, sound) = grow("sensor_drift", "HX-204", 60)
    outlet, filler = "HX-204.product outlet temperature", "FIL-22.product temperature"
    assert sick[outlet] > 3 + sound[outlet]
    assert sick[filler] == sound[filler]


@pytest.mark.parametrize(
    ("fault", "asset", "stopped"),
    [
        ("clutch_wear", "CAP-13", "L1"),
        ("belt_slip", "CV-21", "L2"),
        ("vacuum_leak", "PCK-15", "L1"),
        ("air_leak", "C-301", "L1"),
        ("oil_cooler_fouling", "C-301", "L2"),
        ("filter_fouling", "FLT-103", "L2"),
    ],
)
def test_faults_left_alone_stop_the_line(fault: str, asset: str, stopped: str) -> None:
    plant = settled_plant()
    line = next(line for line in plant.lines if line.id == stopped)
    assert line.halt is None
    halts = []
    for step in range(900):
        set_fault(plant, fault, asset, min(step / 600, 1.0))
        plant.step(60.0, START + step * 60.0)
        halts.append(line.halt.asset if line.halt else "")
    assert asset in halts


def test_the_standby_pump_takes_over() -> None:
    plant = settled_plant()
    plant.drives["P-101"].stop()
    for step in range(120):
        plant.step(1.0, START + step)
    values = named(plant)
    assert values["P-101.flow"] == 0.0
    assert values["P-102.flow"] == pytest.approx(44.0, abs=1.0)
    assert plant.line1.halt is None


def test_what_is_bottled_has_passed_the_cooler() -> None:
    plant = settled_plant()
    bottles = [line.filler.count for line in plant.lines]
    cooled = 0.0
    for step in range(24 * 60):
        plant.step(60.0, START + step * 60.0)
        cooled += plant.cooler.flow / 60.0
    litres = sum(
        (line.filler.count - before) * line.product.litres
        for line, before in zip(plant.lines, bottles, strict=True)
    )
    assert cooled == pytest.approx(litres / 1000, rel=0.01)


def test_no_water_appears_or_vanishes() -> None:
    plant = settled_plant()
    tank = plant.water.tank
    level, balance = tank.level, 0.0
    for step in range(3 * 24 * 60):
        plant.step(60.0, START + step * 60.0)
        balance += (tank.inflow - tank.outflow) / 60.0
    assert 30 < tank.level < 90
    assert (tank.level - level) * 0.4 == pytest.approx(balance, abs=0.01)


def test_the_heat_the_product_loses_is_what_the_glycol_takes() -> None:
    plant = settled_plant()
    cooler = plant.cooler
    lost = cooler.flow * 1.163 * (cooler.inlet - cooler.outlet)
    assert lost == pytest.approx(cooler.duty, rel=0.02)
    assert cooler.duty == pytest.approx(
        33.0 * 1.08 * cooler.valve * (cooler.glycol_outlet - cooler.glycol_inlet), rel=0.02
    )


def test_seconds_and_minutes_lead_to_the_same_plant() -> None:
    slow, fast = settled_plant(hours=1.0, dt=1.0), settled_plant(hours=1.0)
    for name, value in named(fast).items():
        signal = next(s for s in SITE.signals() if s.id == name)
        if signal.range and signal.range.high is not None and signal.range.low is not None:
            span = signal.range.high - signal.range.low
            assert named(slow)[name] == pytest.approx(value, abs=0.03 * span), name


def test_a_restored_plant_goes_on_as_if_nothing_had_been() -> None:
    plant = settled_plant()
    set_fault(plant, "clutch_wear", "CAP-13", 0.3)
    twin = PlantPhysics(Surroundings(7))
    restore_snapshot(twin, take_snapshot(plant))
    for step in range(60):
        for each in (plant, twin):
            each.step(1.0, START + step)
    assert twin.readings() == plant.readings()


def test_every_signal_state_and_fault_of_the_physics_is_in_the_plant_model() -> None:
    plant = PlantPhysics(Surroundings(1))
    assert [f"{s.asset}.{s.name}" for s in plant.sensors()] == [s.id for s in SITE.signals()]
    assert [machine.asset for machine in plant.machines] == list(SITE.assets)
    assert len(SITE.signals()) >= 140
    assert len(SITE.alarms()) >= 45
    for fault in FAULTS.values():
        for asset in fault.assets:
            components = {c.name: c.part for c in SITE.assets[asset].components}
            assert fault.component in components
            assert fault.spare in ("", components[fault.component])
    driven = {asset.id for asset in SITE.assets.values() if asset.commands}
    assert driven == set(plant.drives)


def test_ids_of_nodes_and_alarms_are_unique() -> None:
    nodes = Counter(
        node.identifier
        for asset in SITE.assets.values()
        for node in (
            asset.state_node,
            *(signal.node for signal in asset.signals),
            *(setpoint.node for setpoint in asset.setpoints),
            *(command.node for command in asset.commands),
            *(alarm.node for alarm in asset.alarms),
        )
        if node
    )
    assert max(nodes.values()) == 1
    assert len({alarm.id for alarm in SITE.alarms()}) == len(SITE.alarms())


def test_a_healthy_plant_keeps_within_its_normal_ranges() -> None:
    plant = settled_plant(hours=12)
    idle = {"P-102", "MX-201"}
    values, outside = named(plant), []
    for signal in SITE.signals():
        if signal.normal and signal.asset not in idle and values[signal.id] not in signal.normal:
            outside.append((signal.id, values[signal.id]))
    assert not outside


def test_setpoints_act_on_the_plant_within_their_bounds() -> None:
    plant = settled_plant()
    controls = Controls(plant, SITE)
    speed = next(s for s in controls.setpoints if (s.asset, s.name) == ("P-101", "speed"))
    flow = plant.water.duty.flow
    controls.set(speed, 2300.0)
    for step in range(60):
        plant.step(1.0, START + step)
    assert plant.water.duty.flow < flow - 3
    with pytest.raises(ValueError, match="bounds"):
        controls.set(speed, 9000.0)
    with pytest.raises(ValueError, match="bounds"):
        controls.set(speed, float("nan"))
    trip = next(s for s in controls.setpoints if s.name == "high pressure trip")
    with pytest.raises(PermissionError):
        controls.set(trip, 9.0)
    assert all(isinstance(controls.value(setpoint), float) for setpoint in controls.setpoints)


def test_the_bounds_of_the_fill_weight_follow_the_product() -> None:
    plant = settled_plant()
    controls = Controls(plant, SITE)
    target = next(s for s in controls.setpoints if s.name == "fill weight target")
    assert controls.bounds(target).low == COLA.weight - 5
    controls.set(target, COLA.weight + 3)
    with pytest.raises(ValueError, match="bounds"):
        controls.set(target, 1502.0)


@given(st.lists(st.sampled_from(["start", "stop", "reset", "trip", "calm"]), max_size=30))
def test_a_tripped_machine_runs_only_after_reset_and_start(acts: list[str]) -> None:
    drive = Drive()
    for act in acts:
        before = drive.state
        match act:
            case "start":
                assert drive.start() is (before != "fault")
            case "stop":
                drive.stop()
            case "reset":
                drive.reset()
                assert not drive.trip
            case "trip":
                drive.guard("too hot", 5.0, 5.0)
            case "calm":
                drive.guard("", 5.0, 5.0)
        drive.running = drive.available
        assert (drive.state == "running") == drive.available
        if before == "fault" and act != "reset":
            assert drive.state == "fault"
        if before == "fault" and act == "reset":
            assert drive.state == "stopped"


@settings(max_examples=40)
@given(st.integers(0, 2**31))
def test_every_story_is_rich_and_no_machine_has_two_faults_at_once(seed: int) -> None:
    growths = story(seed, NOW)
    past = [growth for growth in growths if growth.end <= NOW]
    present = [growth for growth in growths if growth.end > NOW]
    assert len(past) >= 14
    assert len({growth.fault for growth in past}) >= 10
    assert sum(growth.fails for growth in past) >= 4
    assert max(Counter(growth.fault for growth in past).values()) >= 3
    assert {growth.asset for growth in present} >= {"P-101", "FLT-103", "CAP-13", "HX-204"}
    assert all(growth.end - NOW >= timedelta(days=2) for growth in present)
    by_asset: dict[str, list[tuple[datetime, datetime]]] = {}
    for growth in growths:
        late = timedelta(days=1) if growth.fails else timedelta(hours=13)
        by_asset.setdefault(growth.asset, []).append((growth.start, growth.end + late))
    for spans in by_asset.values():
        ordered = sorted(spans)
        assert all(end <= start for (_, end), (start, _) in pairwise(ordered))


def scan_of(values: dict[str, list[float]], states: str = "running") -> Scan:
    """Minutes in which only the given signals are looked at."""
    count = len(next(iter(values.values())))
    names = [signal.id for signal in SITE.signals()]
    table = np.full((count, len(names)), np.nan)
    for name, column in values.items():
        table[:, names.index(name)] = column
    seconds = START + 60.0 * np.arange(1, count + 1)
    codes = np.full((count, len(SITE.assets)), STATES.index(states), dtype=np.int8)
    return Scan(seconds, table, np.zeros((count, len(TARGETS))), codes, 60.0)


def test_an_alarm_has_a_deadband_and_is_acknowledged() -> None:
    book = AlarmBook(SITE, 7, TARGETS)
    pressures = [0.5, 0.5, 0.95, 0.89, 0.95, 0.88, 0.5, 0.5, 0.5]
    events = book.scan(scan_of({"FLT-103.differential pressure": pressures}))
    assert [(event.alarm, event.transition, event.value) for event in events] == [
        ("ALM-1031", AlarmTransition.RAISED, 0.95),
        ("ALM-1031", AlarmTransition.CLEARED, 0.5),
    ]
    assert not book.standing["ALM-1031"].acknowledged
    (seen,) = book.attend(START + 86400.0)
    assert seen.transition is AlarmTransition.ACKNOWLEDGED
    assert book.acknowledge("ALM-1031", START) is None


def test_alarms_of_a_standing_machine_are_suppressed_and_a_trip_is_not() -> None:
    book = AlarmBook(SITE, 7, TARGETS)
    low = {"CAP-13.closing torque": [0.0] * 5, "TK-101.level": [20.0] * 5}
    events = book.scan(scan_of(low, "fault"))
    raised = {event.alarm for event in events if event.transition is AlarmTransition.RAISED}
    trips = {alarm.id for alarm in SITE.alarms() if alarm.message == "tripped"}
    assert raised == trips | {"ALM-1001"}


def test_bad_samples_neither_raise_nor_clear_an_alarm() -> None:
    book = AlarmBook(SITE, 7, TARGETS)
    bad = float("nan")
    pressures = [0.5, 0.5, 0.95, 0.95, bad, bad, bad, bad]
    events = book.scan(scan_of({"FLT-103.differential pressure": pressures}))
    assert [event.transition for event in events] == [AlarmTransition.RAISED]


def test_instruments_add_noise_but_not_to_what_stands_still() -> None:
    plant = PlantPhysics(Surroundings(7))
    instruments = Instruments(7, NOW, plant.sensors(), SITE.signals())
    names = [signal.id for signal in SITE.signals()]
    level = names.index("TK-101.level")
    true = np.tile(np.array(settled_plant().readings()), (500, 1))
    frozen = np.zeros(500, dtype=np.bool_)
    frozen[250:] = True
    seen = instruments.measure(true, frozen, level)
    assert np.ptp(seen[:250, level]) > 0.3
    assert np.ptp(seen[250:, level]) == 0.0
    assert seen[:, names.index("P-102.flow")].max() == 0.0
    vibration = names.index("P-101.DE bearing vibration")
    assert seen[:, vibration].mean() == pytest.approx(true[0, vibration], abs=0.02)
