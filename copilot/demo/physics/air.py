"""C-301: oil-injected screw compressor with dryer and receiver, and who takes its air."""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp

RECEIVER = 2.0  # m3
BAND = 0.2  # bar around the setpoint
TIGHT_LEAK = 0.55  # m3/min lost by a sound network at 7 bar
TORN_HOSE = 6.5  # m3/min lost by a torn hose at 7 bar


@dataclass(slots=True)
class Compressor:
    """Pressures in bar gauge, flows in m3/min of free air, temperatures in degC, load in %."""

    SENSORS: ClassVar = (
        ("header pressure", 0.012),
        ("oil temperature", 0.25),
        ("element outlet temperature", 0.3),
        ("load", 0.5),
        ("motor current", 0.4),
        ("dew point", 0.08),
        ("vibration", 0.07),
        ("running hours", 0.0),
        ("separator differential pressure", 0.004),
        ("room temperature", 0.1),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    pressure_setpoint: float = 7.0
    # condition
    leak: float = 0.0
    oil_cooler: float = 0.0
    # state
    header: float = 6.95
    oil: float = 66.0
    element: float = 84.0
    load: float = 62.0
    current: float = 91.0
    dew_point: float = 3.5
    vibration: float = 2.6
    hours: float = 31240.0
    separator: float = 0.28
    room: float = 24.0

    def step(self, dt: float, demand: float, room: float, wander: float) -> None:
        """Hold the header against `demand`, the air the machines take in m3/min."""
        run = self.drive.available
        self.drive.running = run
        share = self._balance(dt, demand, run)
        self.load = approach(self.load, 100.0 * share, dt, 100.0)
        self.room = room + 2.0
        self._heat(dt, run)
        slow = 19.0 * self.load / 100
        amps = 78.0 + slow if self.load > 30.0 else 38.0 + 45.7 * self.load / 30
        self.current = approach(self.current, amps if run else 0.0, dt, 20.0)
        self.dew_point = approach(
            self.dew_point, 3.2 + 0.12 * (room - 22.0) + 0.01 * (self.load - 60.0), dt, 900.0
        )
        self.vibration = (2.2 + 0.006 * self.load + 0.15 * wander) if run else 0.1
        self.separator = (0.12 + 0.0027 * self.load) if run else 0.0
        self.hours += dt / 3600 if run else 0.0

    def _balance(self, dt: float, demand: float, run: bool) -> float:
        # One implicit step of receiver, regulator and leaks: stable at 60 s and right at 1 s.
        minutes = dt / 60 / RECEIVER * 1.013
        leak = (TIGHT_LEAK + TORN_HOSE * self.leak) / 8.0  # per bar absolute
        supplied = clamp((self.header - 1.0) / 4.0, 0.0, 1.0) * demand
        delivery = 9.6 - 0.6 * (self.header - 7.0) if run else 0.0
        slope = delivery / (2 * BAND)
        top = self.pressure_setpoint + BAND
        pressure = (self.header + minutes * (slope * top - supplied - leak)) / (
            1.0 + minutes * (slope + leak)
        )
        share = (top - pressure) / (2 * BAND) if run else 0.0
        if share > 1.0 or share < 0.0:
            share = clamp(share, 0.0, 1.0)
            pressure = (self.header + minutes * (delivery * share - supplied - leak)) / (
                1.0 + minutes * leak
            )
        self.header = clamp(pressure, 0.0, 8.6)
        return share

    def _heat(self, dt: float, run: bool) -> None:
        part = self.load / 100
        rise = 30.0 + 19.0 * part + 31.0 * self.oil_cooler * (0.5 + 0.5 * part)
        self.oil = approach(self.oil, self.room + rise if run else self.room, dt, 900.0)
        self.element = self.oil + (15.5 + 3.5 * part if run else 0.0)
        if not run:
            return
        reason = ""
        if self.oil > 88.0:
            reason = "oil temperature high"
        elif self.element > 110.0:
            reason = "element outlet temperature high"
        self.drive.guard(reason, 5.0, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return (
            self.header,
            self.oil,
            self.element,
            self.load,
            self.current,
            self.dew_point,
            self.vibration,
            self.hours,
            self.separator,
            self.room,
        )
