"""End of a line: case packer and palletiser, both with vacuum grippers."""

from dataclasses import dataclass, field
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp
from copilot.demo.physics.products import Product


def generator(header: float) -> float:
    """How strong a vacuum generator is (0..1) at a header pressure in bar."""
    return clamp(1.0 - 0.35 * (6.1 - header), 0.0, 1.0)


@dataclass(slots=True)
class Packer:
    """Cases per minute; gripper vacuum in mbar, negative: -600 is strong, -400 weak."""

    SENSORS: ClassVar = (
        ("cases per minute", 0.05),
        ("gripper vacuum", 2.5),
        ("glue temperature", 0.25),
        ("motor current", 0.03),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    # condition
    leak: float = 0.0
    # state
    rate: float = 0.0
    vacuum: float = -600.0
    glue: float = 165.0
    current: float = 0.0

    def step(
        self, dt: float, speed: float, run: bool, product: Product, header: float, wander: float
    ) -> None:
        """Pack what the line brings."""
        self.drive.running = run
        self.rate = speed / product.case
        strength = -602.0 * generator(header) + 265.0 * self.leak
        self.vacuum = approach(self.vacuum, min(strength, 0.0) if run else 0.0, dt, 6.0)
        self.glue = approach(self.glue, 165.0 + 1.2 * wander, dt, 600.0)
        self.current = (3.3 + 0.02 * self.rate + 0.1 * wander) if run else 0.0
        if run:
            weak = "gripper vacuum weak" if strength > -400.0 else ""
            self.drive.guard(weak, 30.0, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return self.rate, self.vacuum, self.glue, self.current


@dataclass(slots=True)
class Palletiser:
    """Layers per hour; a weak gripper needs a longer suction time and slows the line."""

    SENSORS: ClassVar = (
        ("layers per hour", 0.4),
        ("gripper vacuum", 2.5),
        ("hoist motor current", 0.05),
        ("hoist motor temperature", 0.25),
        ("pallet count", 0.0),
    )

    asset: str
    pallets: float
    drive: Drive = field(default_factory=Drive)
    # condition
    leak: float = 0.0
    # state
    rate: float = 0.0
    vacuum: float = -660.0
    current: float = 0.0
    temperature: float = 55.0

    def capacity(self, ideal: float) -> float:
        """Bottles a minute it can stack, for a line with the `ideal` rate."""
        if not self.drive.running:
            return 1.12 * ideal
        slow = clamp((self.vacuum + 620.0) / 200.0, 0.0, 1.0)
        return 1.12 * ideal * (1.0 - 0.5 * slow)

    def step(
        self, dt: float, speed: float, run: bool, product: Product, header: float, room: float
    ) -> None:
        """Stack what the packer brings."""
        self.drive.running = run
        self.rate = speed * 60.0 / product.case / product.layer
        strength = -662.0 * generator(header) + 285.0 * self.leak
        self.vacuum = approach(self.vacuum, min(strength, 0.0) if run else 0.0, dt, 6.0)
        self.pallets += self.rate * dt / 3600 / 8.0
        self.current = 5.9 + 0.008 * self.rate if run else 0.0
        self.temperature = approach(
            self.temperature, room + (30.0 + 0.06 * self.rate if run else 0.0), dt, 2400.0
        )
        if run:
            weak = "gripper vacuum weak" if strength > -460.0 else ""
            self.drive.guard(weak, 30.0, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return (
            self.rate,
            self.vacuum,
            self.current,
            self.temperature,
            float(int(self.pallets)),
        )
