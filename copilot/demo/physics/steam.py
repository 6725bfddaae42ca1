"""B-303: fire-tube boiler with one modulating gas burner."""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp

SMALLEST_GAS = 32.0  # m3/h
LARGEST_GAS = 145.0
GAS_PER_STEAM = 0.072  # m3 of gas per kg of steam with a clean burner


@dataclass(slots=True)
class Boiler:
    """Pressure in bar gauge, gas in m3/h, steam in kg/h, temperatures in degC."""

    SENSORS: ClassVar = (
        ("steam pressure", 0.015),
        ("drum level", 0.3),
        ("flue gas temperature", 0.6),
        ("oxygen", 0.03),
        ("gas flow", 0.4),
        ("feedwater temperature", 0.15),
        ("steam flow", 6.0),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    pressure_setpoint: float = 7.5
    # condition
    burner: float = 0.0
    # state
    pressure: float = 7.5
    level: float = 54.0
    flue: float = 192.0
    oxygen: float = 3.8
    gas: float = 62.0
    feedwater: float = 102.0
    steam: float = 900.0

    def step(self, dt: float, demand: float, wander_a: float, wander_b: float) -> None:
        """Make the steam the plant asks for (`demand` in kg/h) as far as the burner can."""
        run = self.drive.available
        self.drive.running = run
        drawn = demand * clamp((self.pressure + 1.0) / 7.0, 0.0, 1.0)
        self.steam = approach(self.steam, drawn, dt, 60.0)
        need = self.steam * GAS_PER_STEAM * (1.0 + 0.16 * self.burner)
        need += 40.0 * (self.pressure_setpoint - self.pressure)
        most = LARGEST_GAS * (1.0 - 0.52 * self.burner * self.burner)
        fire = run and self.pressure < self.pressure_setpoint + 0.6
        firing = clamp(need, SMALLEST_GAS, max(most, SMALLEST_GAS)) if fire else 0.0
        self.gas = approach(self.gas, firing, dt, 30.0)
        made = self.gas / GAS_PER_STEAM / (1.0 + 0.16 * self.burner)
        # 1 bar stores about 28 kg of steam in 3150 l of boiling water.
        shift = clamp((made - self.steam) * dt / 3600 / 28.0, -0.15, 0.15)
        self.pressure = clamp(self.pressure + shift, 0.0, 9.5)
        self._combustion(dt, run, wander_a)
        self.level = approach(self.level, 54.0 + 1.5 * wander_b, dt, 300.0)
        self.feedwater = approach(self.feedwater, 102.0 - 0.5 * wander_a, dt, 900.0)
        if run:
            self._protect(dt)

    def _combustion(self, dt: float, run: bool, wander: float) -> None:
        part = self.gas / LARGEST_GAS
        oxygen = 4.45 - 1.3 * part + 2.9 * self.burner + 0.06 * wander
        flue = 150.0 + 80.0 * part + 62.0 * self.burner**1.2
        self.oxygen = approach(self.oxygen, oxygen if run else 20.8, dt, 40.0)
        self.flue = approach(self.flue, flue if run else 60.0, dt, 240.0)

    def _protect(self, dt: float) -> None:
        reason = ""
        if self.pressure > 10.0:
            reason = "steam pressure high"
        elif self.level < 28.0:
            reason = "drum level low"
        elif self.flue > 280.0:
            reason = "flue gas temperature high"
        self.drive.guard(reason, 5.0, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return (
            self.pressure,
            self.level,
            self.flue,
            self.oxygen,
            self.gas,
            self.feedwater,
            self.steam,
        )
