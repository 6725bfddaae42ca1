"""Syrup: the tank between mixer and blender, and the dosing pump."""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp
from copilot.demo.physics.mixer import Mixer
from copilot.demo.physics.surroundings import Surroundings

TANK_VOLUME = 12.0  # m3
BULK_LIMIT = 3.2  # m3/h of liquid sugar from the silo
REFILL_LEVEL = 76.0  # %, above it no new batch is started


@dataclass(slots=True)
class SyrupTank:
    """TK-202: level in %, flows in m3/h; liquid sugar tops up what the batches do not cover."""

    SENSORS: ClassVar = (
        ("level", 0.12),
        ("temperature", 0.06),
        ("inflow", 0.02),
        ("outflow", 0.015),
        ("brix", 0.03),
    )

    asset: str
    level: float = 62.0
    temperature: float = 22.0
    inflow: float = 2.0
    outflow: float = 2.0
    brix: float = 62.0

    def step(self, dt: float, batch: float, outflow: float, around: Surroundings) -> None:
        """Balance the tank: `batch` from the mixer, `outflow` to the blender."""
        bulk = 0.0 if batch > 0.0 else clamp(0.35 * (62.0 - self.level), 0.0, BULK_LIMIT)
        self.inflow = batch + bulk
        self.outflow = outflow
        share = 100.0 * dt / 3600 / TANK_VOLUME
        self.level = clamp(self.level + (self.inflow - outflow) * share, 0.0, 100.0)
        self.temperature = approach(self.temperature, around.room - 0.3, dt, 30000.0)
        self.brix = approach(self.brix, 62.0 + 0.25 * around.wander_b, dt, 3600.0)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return self.level, self.temperature, self.inflow, self.outflow, self.brix


@dataclass(slots=True)
class DosingPump:
    """P-203, a progressing cavity pump: flow follows speed, seal wear empties the seal pot."""

    SENSORS: ClassVar = (
        ("suction pressure", 0.004),
        ("discharge pressure", 0.012),
        ("flow", 0.008),
        ("speed", 1.0),
        ("motor current", 0.02),
        ("DE bearing temperature", 0.2),
        ("DE bearing vibration", 0.04),
        ("seal pot level", 0.12),
        ("running hours", 0.0),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    speed_setpoint: float = 1320.0
    # condition
    seal: float = 0.0
    # state
    speed: float = 0.0
    flow: float = 0.0
    suction: float = 0.25
    discharge: float = 5.2
    current: float = 0.0
    bearing_temperature: float = 42.0
    vibration: float = 0.1
    pot: float = 74.0
    hours: float = 11870.0

    def step(self, dt: float, tank: SyrupTank, header: float, room: float) -> None:
        """Dose against the `header` pressure (bar) from the tank."""
        run = self.drive.available and tank.level > 10.0
        self.drive.running = run
        self.speed = approach(self.speed, self.speed_setpoint if run else 0.0, dt, 3.0)
        gas = 0.03 * clamp((35.0 - self.pot) / 15.0, 0.0, 1.0)
        slip = 0.042 * max(header, 0.0)
        self.flow = max(2.567e-3 * self.speed - slip, 0.0) * (1.0 - gas)
        ratio = self.speed / 1450.0
        self.suction = 0.06 + tank.level * 0.0040 - 0.004 * self.flow * self.flow
        self.discharge = header + 0.02 * self.flow * self.flow if run else self.suction
        self.current = 2.45 + 0.52 * ratio + 0.05 * (header - 5.0) if run else 0.0
        self.bearing_temperature = approach(
            self.bearing_temperature, room + 23.0 * ratio, dt, 1500.0
        )
        self.vibration = 0.08 + 0.85 * ratio + 0.5 * self.seal * ratio
        self.hours += dt / 3600 if run else 0.0
        self._leak(dt)
        if run:
            low = "seal pot level low" if self.pot < 25.0 else ""
            self.drive.guard(low, 30.0, dt)

    def _leak(self, dt: float) -> None:
        per_day = 0.25 + 24.0 * self.seal * self.seal
        self.pot = max(self.pot - per_day * dt / 86400, 0.0)
        if self.seal == 0.0 and self.pot < 62.0:
            self.pot = 76.0

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return (
            self.suction,
            self.discharge,
            self.flow,
            self.speed,
            self.current,
            self.bearing_temperature,
            self.vibration,
            self.pot,
            self.hours,
        )


@dataclass(slots=True)
class SyrupSupply:
    """Mixer, tank and dosing pump together."""

    mixer: Mixer = field(default_factory=lambda: Mixer("MX-201"))
    tank: SyrupTank = field(default_factory=lambda: SyrupTank("TK-202"))
    pump: DosingPump = field(default_factory=lambda: DosingPump("P-203"))

    def step(
        self, dt: float, demand: float, header: float, steam: float, around: Surroundings
    ) -> None:
        """Dose up to `demand` m3/h into the blend; the pump's surplus returns to its suction."""
        self.pump.step(dt, self.tank, header, around.room)
        batch = self.mixer.step(dt, self.tank.level < REFILL_LEVEL, steam, around.room)
        self.tank.step(dt, batch, min(demand, self.pump.flow), around)

    @property
    def ready(self) -> bool:
        """Can the blender make a drink that needs syrup?"""
        return self.pump.drive.running and self.tank.level > 10.0
