"""MX-201: syrup in batches (fill, heat, hold, cool, transfer) and its agitator drive."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp, join_vibrations

Phase = Literal["wait", "fill", "heat", "hold", "cool", "transfer"]

BATCH = 2950.0  # kg
FILL_RATE = 118.0  # kg/min
TRANSFER_RATE = 98.0  # kg/min
HEATING_RATE = 45.0 / 42.0  # K/min at full steam pressure
DENSITY = 1290.0  # kg/m3 of syrup at 62 degBx
RATED_STEAM = 7.5  # bar


@dataclass(slots=True)
class Mixer:
    """Weights in kg, speed in rpm, torque in N.m; `steam` is what the jacket takes, in kg/h."""

    SENSORS: ClassVar = (
        ("agitator speed", 0.15),
        ("agitator torque", 2.0),
        ("motor current", 0.05),
        ("product temperature", 0.15),
        ("gearbox oil temperature", 0.2),
        ("vibration", 0.05),
        ("batch weight", 2.0),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    speed_setpoint: float = 90.0
    temperature_setpoint: float = 65.0
    # condition
    gear: float = 0.0
    # state
    phase: Phase = "wait"
    minutes: float = 0.0
    weight: float = 40.0
    speed: float = 0.0
    torque: float = 0.0
    current: float = 0.0
    temperature: float = 24.0
    oil: float = 24.0
    vibration: float = 0.1
    steam: float = 0.0

    def step(self, dt: float, wanted: bool, steam_pressure: float, room: float) -> float:
        """Advance the batch; answers the flow to the syrup tank in m3/h."""
        self.steam = 0.0
        flow = 0.0
        if self.drive.available:
            flow = self._advance(dt / 60, wanted, steam_pressure)
        turning = self.drive.available and self.phase != "wait" and self.weight > 150.0
        self._mechanics(dt, turning, room)
        self.drive.running = self.drive.available and self.phase != "wait"
        if turning:
            self._protect(dt)
        return flow

    def _advance(self, minutes: float, wanted: bool, steam_pressure: float) -> float:
        self.minutes += minutes
        match self.phase:
            case "wait":
                if wanted and self.minutes > 8.0:
                    self._enter("fill")
            case "fill":
                self._fill(minutes)
            case "heat":
                self._heat(minutes, steam_pressure)
            case "hold":
                self.steam = 25.0
                if self.minutes > 10.0:
                    self._enter("cool")
            case "cool":
                self.temperature = approach(self.temperature, 12.0, minutes, 53.0)
                if self.temperature <= 24.0:
                    self._enter("transfer")
            case "transfer":
                return self._transfer(minutes)
        return 0.0

    def _fill(self, minutes: float) -> None:
        self.weight += FILL_RATE * minutes
        self.temperature += (20.0 - self.temperature) * min(FILL_RATE * minutes / 900, 1.0)
        if self.weight >= BATCH:
            self._enter("heat")

    def _heat(self, minutes: float, steam_pressure: float) -> None:
        vigour = clamp(steam_pressure / RATED_STEAM, 0.0, 1.15) ** 1.5
        self.temperature += HEATING_RATE * vigour * minutes
        self.steam = 307.0 * vigour
        if self.temperature >= self.temperature_setpoint:
            self._enter("hold")

    def _transfer(self, minutes: float) -> float:
        moved = min(TRANSFER_RATE * minutes, self.weight - 30.0)
        self.weight -= moved
        if self.weight <= 40.0:
            self._enter("wait")
        return 60.0 * moved / minutes / DENSITY

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.minutes = 0.0

    def _mechanics(self, dt: float, turning: bool, room: float) -> None:
        target = self.speed_setpoint if turning else 0.0
        self.speed = approach(self.speed, target, dt, 6.0)
        ratio = self.speed / 90.0
        thickness = 1.0 - 0.0035 * (self.temperature - 20.0)
        drag = (190.0 + 0.037 * self.weight) * thickness
        self.torque = drag * ratio + 135.0 * self.gear * self.gear * min(ratio, 1.0)
        self.current = (3.2 + 0.0145 * self.torque * ratio) if self.speed > 2.0 else 0.0
        rise = 29.0 * ratio + 39.0 * self.gear**1.3 * ratio
        self.oil = approach(self.oil, room + rise, dt, 5400.0)
        self.vibration = join_vibrations(0.1 + 1.4 * ratio, 7.4 * self.gear * ratio)

    def _protect(self, dt: float) -> None:
        reason = ""
        if self.vibration > 7.1:
            reason = "vibration high"
        elif self.oil > 92.0:
            reason = "gearbox oil temperature high"
        elif self.torque > 480.0:
            reason = "agitator torque high"
        self.drive.guard(reason, 10.0, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return (
            self.speed,
            self.torque,
            self.current,
            self.temperature,
            self.oil,
            self.vibration,
            self.weight,
        )
