"""A centrifugal feed pump: pump curve, suction conditions, bearing."""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp, join_vibrations

RATED_SPEED = 2900.0  # rpm
RATED_FLOW = 45.0  # m3/h
SHUT_OFF = 60.0 / 10.2  # bar at rated speed
CURVE = 10.0 / 10.2 / RATED_FLOW**2  # bar per (m3/h)^2: 60 m at no flow, 50 m at rated flow
SUCTION = 0.13 / RATED_FLOW**2  # pipe and clean strainer
CLOGGED = 0.75 / RATED_FLOW**2  # what a clogged strainer adds
SPOOL = 0.6 / 10.2  # bar between the heights of the two transmitters


@dataclass(slots=True)
class CentrifugalPump:
    """Feed pump with strainer: pressures in bar gauge, flow in m3/h, vibration in mm/s r.m.s."""

    SENSORS: ClassVar = (
        ("suction pressure", 0.006),
        ("discharge pressure", 0.012),
        ("flow", 0.25),
        ("speed", 1.5),
        ("motor current", 0.08),
        ("DE bearing temperature", 0.25),
        ("DE bearing vibration", 0.06),
        ("seal pot level", 0.15),
        ("running hours", 0.0),
    )

    asset: str
    base_vibration: float
    hours: float
    drive: Drive = field(default_factory=Drive)
    speed_setpoint: float = RATED_SPEED
    # condition
    strainer: float = 0.0
    bearing: float = 0.0
    # state
    speed: float = 0.0
    flow: float = 0.0
    suction: float = 0.6
    discharge: float = 0.6
    current: float = 0.0
    bearing_temperature: float = 24.0
    vibration: float = 0.1
    cavitation: float = 0.0
    pot: float = 66.0

    def suction_loss(self) -> float:
        """Loss from tank to suction spool, in bar per (m3/h)^2."""
        return SUCTION + CLOGGED * self.strainer

    def lift(self) -> float:
        """Pressure the pump makes at no flow, in bar; vapour in the impeller takes some of it."""
        ratio = self.speed / RATED_SPEED
        return SHUT_OFF * ratio * ratio * (1.0 - 0.3 * clamp(self.cavitation - 0.6, 0.0, 1.5))

    def turn(self, dt: float, run: bool, limit: float) -> None:
        """Move the shaft towards its setpoint (at most `limit` rpm), or to rest."""
        self.drive.running = run
        self.speed = approach(self.speed, min(self.speed_setpoint, limit) if run else 0.0, dt, 4.0)
        if not run and self.speed < 1.0:
            self.speed = 0.0
        self.hours += dt / 3600 if self.speed > 300 else 0.0

    def step(self, dt: float, flow: float, static: float, room: float) -> None:
        """Take the flow the water circuit has found; `static` is the tank's pressure in bar."""
        self.flow = flow
        self.suction = static - self.suction_loss() * flow * flow
        self.discharge = self.suction + self.lift() - CURVE * flow * flow - SPOOL
        if flow == 0.0:
            self.discharge = self.suction
        # Gas comes out of aerated water 0.87 bar above vacuum (manual CN-MAN-04, 3.4).
        available = (self.suction + 0.143) * 10.2
        required = 1.6 + 2.4 * (flow / RATED_FLOW) ** 2
        target = clamp((required - available) / 1.5, 0.0, 2.0) if flow > 5.0 else 0.0
        self.cavitation = approach(self.cavitation, target, dt, 60.0)
        self._mechanics(dt, room)
        self._protect(dt)

    def _mechanics(self, dt: float, room: float) -> None:
        ratio = self.speed / RATED_SPEED
        wear = 7.4 * self.bearing * ratio * ratio
        self.vibration = join_vibrations(
            0.08 + self.base_vibration * ratio * ratio, 5.0 * self.cavitation * ratio, wear
        )
        rise = (29.0 + 41.0 * self.bearing**1.5) * ratio
        self.bearing_temperature = approach(self.bearing_temperature, room + rise, dt, 1500.0)
        load = 10.4 + 0.142 * self.flow + 2.2 * self.bearing**2
        self.current = load * ratio**2 if ratio > 0.05 else 0.0
        self.pot -= 0.2 * dt / 86400
        if self.pot < 52.0:
            self.pot = 66.0

    def _protect(self, dt: float) -> None:
        if not self.drive.running:
            return
        reason, delay = "", 5.0
        if self.vibration > 7.1:
            reason = "DE bearing vibration high"
        elif self.bearing_temperature > 90.0:
            reason = "DE bearing temperature high"
        elif self.suction < 0.10:
            reason, delay = "suction pressure low", 10.0
        elif self.speed > 1000.0 and self.flow < 12.0:
            reason, delay = "flow low", 30.0
        self.drive.guard(reason, delay, dt)

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
