"""Front of a line: infeed conveyor and filler."""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp
from copilot.demo.physics.products import Product

FOAM_FROM = 8.0  # degC, carbonated product foams above it


@dataclass(slots=True)
class Conveyor:
    """Belt speed in m/s, slip in % of the drum speed, current in A."""

    SENSORS: ClassVar = (
        ("belt speed", 0.001),
        ("motor current", 0.015),
        ("drive temperature", 0.2),
        ("belt slip", 0.04),
    )

    asset: str
    nominal: float
    drive: Drive = field(default_factory=Drive)
    speed_setpoint: float = 0.0
    # condition
    stretch: float = 0.0
    # state
    speed: float = 0.0
    current: float = 0.0
    temperature: float = 50.0
    slip: float = 1.0

    def step(self, dt: float, run: bool, room: float, wander: float) -> None:
        """Run or stand; slip needs a loaded belt."""
        self.drive.running = run
        slip = 1.0 + 0.15 * wander + 9.0 * self.stretch**1.2
        self.slip = slip if run else 0.0
        target = self.speed_setpoint * (1.0 - self.slip / 100) if run else 0.0
        self.speed = approach(self.speed, target, dt, 3.0)
        load = 1.55 + 0.45 * self.speed_setpoint / self.nominal + 0.9 * self.stretch**1.3
        self.current = approach(self.current, load if run else 0.0, dt, 4.0)
        rise = 28.0 + 40.0 * self.stretch**1.5 if run else 0.0
        self.temperature = approach(self.temperature, room + rise, dt, 1800.0)
        if run:
            reason = ""
            if self.slip > 8.0:
                reason = "belt slip high"
            elif self.temperature > 90.0:
                reason = "drive temperature high"
            self.drive.guard(reason, 30.0, dt)

    def capacity(self, ideal: float) -> float:
        """Bottles a minute the belt can bring, for a line with the `ideal` rate."""
        return 1.06 * ideal * self.speed_setpoint / self.nominal * (1.0 - self.slip / 100)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return self.speed, self.current, self.temperature, self.slip


@dataclass(slots=True)
class Filler:
    """Weights in g, pressures in bar, speed in bottles/min; 24 valves seen as one."""

    SENSORS: ClassVar = (
        ("speed", 0.4),
        ("fill weight", 0.12),
        ("fill weight deviation", 0.06),
        ("product temperature", 0.06),
        ("bowl pressure", 0.01),
        ("bowl level", 0.4),
        ("nozzle pressure", 0.012),
        ("bottle count", 0.0),
    )

    asset: str
    speed_setpoint: float
    count: float
    drive: Drive = field(default_factory=Drive)
    target: float = 521.0
    # condition
    valve: float = 0.0
    nozzle: float = 0.0
    # state
    speed: float = 0.0
    weight: float = 521.0
    error: float = 0.0
    spread: float = 1.3
    temperature: float = 6.5
    bowl_pressure: float = 3.0
    bowl_level: float = 60.0
    nozzle_pressure: float = 2.0

    def step(
        self,
        dt: float,
        rate: float,
        product: Product,
        supply: tuple[float, float],
        room: float,
        wander: float,
    ) -> None:
        """Fill `rate` bottles a minute from a `supply` of pressure (bar) and temperature."""
        run = rate > 0.0
        self.drive.running = run
        before = self.speed
        self.speed = approach(self.speed, rate, dt, 8.0) if rate > 0.1 or before > 0.1 else 0.0
        self.count += self.speed * dt / 60
        pressure, temperature = supply
        if run:
            self.temperature = approach(self.temperature, temperature + 0.6, dt, 90.0)
        else:
            self.temperature = approach(self.temperature, room, dt, 20000.0)
        bowl = 3.0 if product.share > 0.0 else 1.2
        self.bowl_pressure = approach(self.bowl_pressure, bowl + 0.04 * wander, dt, 60.0)
        level = 60.0 + 2.5 * wander - 25.0 * clamp(4.0 - pressure, 0.0, 2.0) if run else 60.0
        self.bowl_level = approach(self.bowl_level, level, dt, 60.0)
        pace = max(self.speed / self.speed_setpoint, 0.0) ** 2 if run else 0.0
        self.nozzle_pressure = (2.0 + 1.0 * self.nozzle) * pace if run else 0.0
        self._weigh(product, wander)
        if run:
            self._protect(dt, product)

    def _weigh(self, product: Product, wander: float) -> None:
        foam = clamp(self.temperature - FOAM_FROM, 0.0, 6.0) if product.share > 0.0 else 0.0
        size = (product.weight / 521.0) ** 0.5
        drift = 11.0 * self.valve - 5.5 * self.nozzle - 1.7 * foam**1.2
        offset = self.target - product.weight
        self.error = offset + (drift + 0.3 * wander) * size
        self.weight = product.weight + self.error
        self.spread = product.spread + 4.2 * self.nozzle**2 + 0.5 * foam + 0.25 * self.valve

    def _protect(self, dt: float, product: Product) -> None:
        reason, delay = "", 30.0
        if self.nozzle_pressure > 2.9:
            reason = "nozzle pressure high"
        elif self.temperature > 12.0 and product.share > 0.0:
            reason, delay = "product temperature high", 300.0
        elif self.bowl_level < 30.0:
            reason = "bowl level low"
        self.drive.guard(reason, delay, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS; a standing filler repeats its last weights."""
        return (
            self.speed,
            self.weight,
            self.spread,
            self.temperature,
            self.bowl_pressure,
            self.bowl_level,
            self.nozzle_pressure,
            float(int(self.count)),
        )
