"""Middle of a line: capper and labeller."""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp

REGULATED = 5.8  # bar behind the regulator of the capping heads


@dataclass(slots=True)
class Capper:
    """Torque in N.m, head pressure in bar; `rejects` are caps thrown out in the last 10 min."""

    SENSORS: ClassVar = (
        ("closing torque", 0.015),
        ("head pressure", 0.012),
        ("speed", 0.4),
        ("clutch temperature", 0.25),
        ("reject count", 0.45),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    torque_setpoint: float = 2.1
    # condition
    clutch: float = 0.0
    # state
    torque: float = 2.1
    head: float = REGULATED
    temperature: float = 44.0
    rejects: float = 0.5
    speed: float = 0.0

    def step(self, dt: float, speed: float, run: bool, header: float, room: float) -> None:
        """Close the bottles that come at `speed` with air from the `header`."""
        self.drive.running = run
        self.speed = speed
        self.head = approach(self.head, min(REGULATED, max(header - 0.5, 0.0)), dt, 20.0)
        push = min(self.head / 5.6, 1.0) ** 1.6
        self.torque = self.torque_setpoint * push * (1.0 - 0.42 * self.clutch)
        rise = 22.0 + 43.0 * self.clutch if run else 0.0
        self.temperature = approach(self.temperature, room + rise, dt, 900.0)
        loose = 0.00018 + 0.02 * clamp(1.85 - self.torque, 0.0, 1.0)
        self.rejects = approach(self.rejects, loose * speed * 10, dt, 600.0)
        if run:
            reason = ""
            if self.torque < 1.4:
                reason = "closing torque low"
            elif self.temperature > 85.0:
                reason = "clutch temperature high"
            self.drive.guard(reason, 60.0, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return self.torque, self.head, self.speed, self.temperature, self.rejects


@dataclass(slots=True)
class Labeller:
    """Glue in degC, web tension in N, position error in mm, drum vacuum in mbar."""

    SENSORS: ClassVar = (
        ("speed", 0.4),
        ("glue temperature", 0.2),
        ("web tension", 0.25),
        ("label position error", 0.03),
        ("reject count", 0.5),
        ("drum vacuum", 1.5),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    glue_setpoint: float = 150.0
    # condition
    heater: float = 0.0
    # state
    speed: float = 0.0
    glue: float = 150.0
    tension: float = 22.0
    error: float = 0.2
    rejects: float = 1.0
    vacuum: float = -350.0

    def step(self, dt: float, speed: float, run: bool, ideal: float, wander: float) -> None:
        """Label the bottles that come at `speed`; fast bottles take more heat from the roller."""
        self.drive.running = run
        self.speed = speed
        lost = 34.0 * self.heater * (0.4 + 0.6 * speed / ideal)
        self.glue = approach(self.glue, self.glue_setpoint - lost + 0.5 * wander, dt, 1200.0)
        self.tension = 22.0 + 1.3 * wander
        cold = clamp(144.0 - self.glue, 0.0, 30.0)
        self.error = 0.2 + 0.15 * wander + 0.12 * cold
        self.vacuum = -350.0 if run else 0.0
        expected = (0.00025 + 0.0011 * cold**1.2) * speed * 10
        self.rejects = approach(self.rejects, expected, dt, 600.0)
        if run:
            reason = ""
            if self.glue < 132.0:
                reason = "glue temperature low"
            elif self.error > 2.5:
                reason = "label position error high"
            self.drive.guard(reason, 120.0, dt)

    @property
    def missing(self) -> float:
        """Share of bottles that leave without a label (0..1)."""
        return 0.00002 + 0.004 * clamp(138.0 - self.glue, 0.0, 40.0)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return self.speed, self.glue, self.tension, self.error, self.rejects, self.vacuum
