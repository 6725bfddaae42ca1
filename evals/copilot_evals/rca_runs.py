"""What happens in the runs for root causes: one fault at a time, or something that breaks nothing.

The rule of the seeds: run number i of an evaluation with seed s draws machine, severity, speed of
growth and time of the question from Random(f"rca {s} {i}"), on a calm plant with a seed of s. The
catalogue and the weights were written with seeds below 100, and mended after seed 2026 was looked
at; what is reported as unseen has none of those.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from copilot.demo.controls import Controls
from copilot.demo.faults import FAULTS
from copilot.demo.physics.surroundings import Surroundings
from copilot.demo.schedule import LINES, planned_stops
from copilot.demo.simulate import Simulation
from copilot_evals.rca_plant import Happening

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
STANDBY = ("P-102",)  # stands still, so nothing of it can be seen
LONGEST_GROWTH = 3 * DAY  # injected faults grow faster than real ones, at the same shape
LONGEST = LONGEST_GROWTH + DAY  # no run with a fault takes longer

# The mode of the catalogue that each fault of the demo plant is.
MODES = {
    "clogged_strainer": "clogged suction strainer",
    "bearing_wear": "worn drive-end bearing",
    "seal_leak": "leaking mechanical seal",
    "filter_fouling": "fouled filter cartridges",
    "cooler_fouling": "fouled plates",
    "refrigerant_leak": "loss of refrigerant",
    "condenser_fouling": "fouled condenser",
    "air_leak": "air leak in the network",
    "oil_cooler_fouling": "fouled oil cooler",
    "valve_wear": "worn filling valve",
    "nozzle_clog": "clogged filling nozzle",
    "clutch_wear": "worn capping clutch",
    "glue_heater_failing": "failing glue heater",
    "belt_slip": "slipping belt",
    "gearbox_wear": "worn agitator gearbox",
    "burner_fouling": "fouled burner",
    "vacuum_leak": "leak in the gripper vacuum",
    "sensor_frozen": "frozen level transmitter",
    "sensor_drift": "drifting outlet temperature sensor",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One stretch of plant life that ends with a question; `label` names the fault or disturbance.

    `cause` is the mode and machine to be found, None where nothing is broken. `asked` is the
    question, None where it follows from what people can see.
    """

    number: int
    label: str
    happenings: tuple[Happening, ...]
    length: timedelta
    cause: tuple[str, str] | None = None
    asked: tuple[str, str] | None = None


def fault_runs(seed: int, count: int) -> Iterator[Run]:
    """`count` runs over all faults in turn, each with its own machine, severity and growth."""
    labels = list(FAULTS)
    for number in range(count):
        draw = Random(f"rca {seed} {number}")
        fault = FAULTS[labels[number % len(labels)]]
        asset = draw.choice([asset for asset in fault.assets if asset not in STANDBY])
        severity = draw.uniform(0.4, 0.95)
        usual = min(timedelta(days=fault.days), LONGEST_GROWTH)
        growth = _minutes(usual * draw.uniform(0.5, 1.0))
        wait = _minutes(draw.uniform(2, 12) * HOUR)
        start = _minutes(draw.uniform(0, 12) * HOUR)
        inject = _injected(fault.label, asset, severity, growth)
        yield Run(
            number,
            fault.label,
            (Happening(start, inject),),
            start + growth + wait,
            (MODES[fault.label], asset),
        )


def disturbance_runs(seed: int, now: datetime, plant_seed: int, first: int) -> Iterator[Run]:
    """Runs in which nothing is broken, numbered from `first`; `now` is when they begin."""
    draw = Random(f"rca disturbances {seed} {plant_seed}")
    for number, (label, make) in enumerate(DISTURBANCES, start=first):
        happenings, length, asked = make(draw, now, plant_seed)
        yield Run(number, label, happenings, length, None, asked)


Made = tuple[tuple[Happening, ...], timedelta, tuple[str, str] | None]
Maker = Callable[[Random, datetime, int], Made]


def _injected(
    fault: str, asset: str, severity: float, growth: timedelta
) -> Callable[[Simulation, Controls], None]:
    def act(simulation: Simulation, _: Controls) -> None:
        simulation.inject(fault, asset, severity, growth.total_seconds())

    return act


def _quiet(draw: Random, _now: datetime, _seed: int) -> Made:
    return (), _minutes(draw.uniform(30, 54) * HOUR), None


def _in_planned_stop(draw: Random, now: datetime, seed: int) -> Made:
    line = draw.choice(list(LINES))
    stops = planned_stops(line, now + DAY, now + 3 * DAY, seed)
    stop = draw.choice([s for s in stops if s.start > now + DAY])
    return (), _minutes(stop.start + timedelta(minutes=9) - now), None


def _after_changeover(draw: Random, now: datetime, seed: int) -> Made:
    line = draw.choice(list(LINES))
    stops = planned_stops(line, now + DAY, now + 9 * DAY, seed)
    ends = [s.end for s in stops if s.end and "changeover" in s.reason]
    wait = draw.uniform(0.5, 3) * HOUR
    return (), _minutes(draw.choice(ends) + wait - now), None


def _hot_day(draw: Random, _now: datetime, _seed: int) -> Made:
    """Twelve to sixteen degrees warmer outside, and seven to ten in the halls, from one day on."""
    outside, inside = draw.uniform(12, 16), draw.uniform(7, 10)

    def act(simulation: Simulation, _: Controls) -> None:
        simulation.plant.around = HotDay(simulation.seed, outside, inside)

    return (Happening(20 * HOUR, act),), _minutes(draw.uniform(36, 42) * HOUR), None


class HotDay(Surroundings):
    """The usual surroundings, warmer by some degrees."""

    __slots__ = ("_inside", "_outside")

    def __init__(self, seed: int, outside: float, inside: float) -> None:
        super().__init__(seed)
        self._outside, self._inside = outside, inside

    def step(self, seconds: float) -> None:
        """The surroundings of a moment, in seconds since 1970."""
        super().step(seconds)
        self.outdoor += self._outside
        self.room += self._inside


def _setpoint(key: str, low: float, high: float) -> Maker:
    """Somebody moves a setpoint by an amount between two (its unit), hours before the question."""

    def make(draw: Random, _now: datetime, _seed: int) -> Made:
        step = draw.uniform(low, high)

        def act(_: Simulation, controls: Controls) -> None:
            setpoint = next(s for s in controls.setpoints if s.id == key)
            controls.set(setpoint, controls.value(setpoint) + step)

        start = _minutes(draw.uniform(24, 36) * HOUR)
        return (Happening(start, act),), start + _minutes(draw.uniform(3, 9) * HOUR), None

    return make


def _dead(signal: str) -> Maker:
    """A sensor gives no value for some hours, and somebody asks why."""

    def make(draw: Random, _now: datetime, _seed: int) -> Made:
        start = _minutes(draw.uniform(24, 36) * HOUR)
        asset, name = signal.split(".")
        asked = (asset, f"{name} shows no value")
        length = start + _minutes(draw.uniform(1, 10) * HOUR)
        return (Happening(start, deaf=(signal,)),), length, asked

    return make


def _started(asset: str) -> Maker:
    """A machine stood for some hours and has been running again for some minutes."""

    def make(draw: Random, _now: datetime, _seed: int) -> Made:
        stop = _minutes(draw.uniform(24, 36) * HOUR)
        start = stop + _minutes(draw.uniform(2, 6) * HOUR)
        length = start + timedelta(minutes=draw.randint(10, 50))
        happenings = (
            Happening(stop, lambda _, controls: _command(controls, asset, "stop")),
            Happening(start, lambda _, controls: _command(controls, asset, "start")),
        )
        return happenings, length, None

    return make


def _command(controls: Controls, asset: str, command: str) -> None:
    if command == "stop":
        controls.command(asset, "stop")
    else:
        controls.command(asset, "start")


def _minutes(length: timedelta) -> timedelta:
    return timedelta(minutes=round(length / timedelta(minutes=1)))


DISTURBANCES: tuple[tuple[str, Maker], ...] = (
    ("nothing at all", _quiet),
    ("planned stop", _in_planned_stop),
    ("change of product", _after_changeover),
    ("hot day", _hot_day),
    ("setpoint: cooler", _setpoint("CH-302.supply temperature", 1.0, 2.0)),
    ("setpoint: glue", _setpoint("LBL-14.glue temperature", -8.0, -5.0)),
    ("setpoint: air", _setpoint("C-301.header pressure", -0.5, -0.3)),
    ("setpoint: torque", _setpoint("CAP-23.closing torque", -0.3, -0.2)),
    ("setpoint: pump speed", _setpoint("P-101.speed", -300.0, -150.0)),
    ("setpoint: agitator", _setpoint("MX-201.agitator speed", -20.0, -10.0)),
    ("dead sensor", _dead("P-101.DE bearing vibration")),
    ("dead sensor", _dead("HX-204.product outlet temperature")),
    ("start-up", _started("MX-201")),
    ("start-up", _started("C-301")),
)
