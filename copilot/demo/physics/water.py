"""Raw water: tank, the two feed pumps, the cartridge filter and the ring main behind it.

The pumps feed a ring. A valve in its return holds the flow at the rated value as long as it can;
what the lines do not take flows back to the tank.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.dynamics import approach, clamp
from copilot.demo.physics.pump import CURVE, RATED_FLOW, CentrifugalPump
from copilot.demo.physics.surroundings import Surroundings

TANK_VOLUME = 40.0  # m3
OUTLET_HEIGHT = 2.0  # m above the pumps
INLET = 48.0  # m3/h the inlet of the tank can take
TANK_HEIGHT = 7.5  # m between empty and full
RING_PRESSURE = 1.6  # bar held by the return at no flow
RING_OPEN = 1.60e-3  # bar per (m3/h)^2, return valve fully open
RING_SHUT = 6.0e-3
RING_FLOW = 44.0  # m3/h the return valve holds
PIPE = 5.2e-5  # pump to filter
CLEAN_FILTER = 0.20 / RATED_FLOW**2
FOULED_FILTER = 2.4 / RATED_FLOW**2


@dataclass(slots=True)
class RawWaterTank:
    """TK-101: level in %, flows in m3/h; the city valve follows the level transmitter."""

    SENSORS: ClassVar = (("level", 0.12), ("temperature", 0.05), ("inflow", 0.3), ("outflow", 0.3))

    asset: str
    # condition
    frozen: float = 0.0
    # state
    level: float = 70.0
    temperature: float = 10.5
    inflow: float = 38.0
    outflow: float = 44.0
    held: float = -1.0

    def transmitter(self) -> float:
        """The level as the transmitter gives it; a frozen one repeats its last value."""
        return self.held if self.held >= 0.0 else self.level

    def step(self, dt: float, outflow: float, back: float, around: Surroundings) -> None:
        """Balance the tank: `outflow` to the pumps, `back` from the ring."""
        if self.frozen > 0.0 and self.held < 0.0:
            self.held = self.level
        elif self.frozen == 0.0:
            self.held = -1.0
        city = clamp(7.0 * (75.0 - self.transmitter()) + 3.0 * around.wander_a, 0.0, 45.0)
        if self.level < 20.0:
            city = 45.0  # float switch, independent of the transmitter
        city = min(city, INLET - back)
        self.inflow = city + back
        self.outflow = outflow
        share = 100.0 * dt / 3600 / TANK_VOLUME
        self.level = clamp(self.level + (self.inflow - outflow) * share, 0.0, 100.0)
        mixed = around.city_water + 0.4
        rate = TANK_VOLUME * 36.0 * self.level / max(city, 2.0)
        self.temperature = approach(self.temperature, mixed, dt, rate)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS, but the level as a frozen transmitter gives it."""
        return self.transmitter(), self.temperature, self.inflow, self.outflow


@dataclass(slots=True)
class CartridgeFilter:
    """FLT-103: pressures in bar, flow in m3/h; the interlock asks the pumps for low speed."""

    SENSORS: ClassVar = (
        ("inlet pressure", 0.012),
        ("outlet pressure", 0.012),
        ("differential pressure", 0.004),
        ("flow", 0.25),
    )

    asset: str
    # condition
    fouling: float = 0.0
    # state
    inlet: float = 5.3
    outlet: float = 5.1
    difference: float = 0.2
    flow: float = 44.0
    interlock: bool = False

    def loss(self) -> float:
        """Resistance in bar per (m3/h)^2."""
        return CLEAN_FILTER + FOULED_FILTER * self.fouling

    def step(self, flow: float, discharge: float) -> None:
        """Take the ring flow and the pressure in front of the filter."""
        self.flow = flow
        self.inlet = max(discharge - PIPE * flow * flow, 0.0)
        self.difference = self.loss() * flow * flow
        self.outlet = max(self.inlet - self.difference, 0.0)
        if self.difference > 1.8:
            self.interlock = True
        elif self.fouling < 0.2:
            self.interlock = False

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return self.inlet, self.outlet, self.difference, self.flow


@dataclass(slots=True)
class WaterSupply:
    """Tank, pumps and filter together; `pressure` (bar) and `flow` (m3/h) are for the blender."""

    tank: RawWaterTank = field(default_factory=lambda: RawWaterTank("TK-101"))
    duty: CentrifugalPump = field(default_factory=lambda: CentrifugalPump("P-101", 1.3, 14210.0))
    standby: CentrifugalPump = field(
        default_factory=lambda: CentrifugalPump("P-102", 1.5, 9830.0, pot=59.0)
    )
    filter: CartridgeFilter = field(default_factory=lambda: CartridgeFilter("FLT-103"))

    def step(self, dt: float, demand: float, around: Surroundings) -> None:
        """Find the flow at which pump, filter and ring agree; `demand` of the lines in m3/h."""
        wet = self.tank.level > 15.0
        limit = 1500.0 if self.filter.interlock else 3000.0
        self.duty.turn(dt, self.duty.drive.available and wet, limit)
        first = self.duty.drive.running
        self.standby.turn(dt, self.standby.drive.available and wet and not first, limit)
        static = (OUTLET_HEIGHT + TANK_HEIGHT * self.tank.level / 100) / 10.2
        pump, rest = (self.duty, self.standby) if first else (self.standby, self.duty)
        flow = self._flow(pump, static)
        pump.step(dt, flow, static, around.room)
        rest.step(dt, 0.0, static, around.room)
        self.filter.step(flow, pump.discharge)
        back = max(flow - demand, 0.0)
        self.tank.step(dt, flow, back, around)

    def _flow(self, pump: CentrifugalPump, static: float) -> float:
        drop = static + pump.lift() - RING_PRESSURE - 0.06
        if drop <= 0.0:
            return 0.0
        fixed = pump.suction_loss() + CURVE + PIPE + self.filter.loss()
        valve = clamp(drop / RING_FLOW**2 - fixed, RING_OPEN, RING_SHUT)
        return float((drop / (fixed + valve)) ** 0.5)
