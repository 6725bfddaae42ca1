"""The whole plant: all process groups, wired in the flow of material and energy."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from copilot.demo.physics.air import Compressor
from copilot.demo.physics.cooling import Chiller, PlateCooler
from copilot.demo.physics.drive import Drive, State
from copilot.demo.physics.line import Line, Supply, build_line
from copilot.demo.physics.products import COLA, WATER
from copilot.demo.physics.steam import Boiler
from copilot.demo.physics.surroundings import Surroundings
from copilot.demo.physics.syrup import SyrupSupply
from copilot.demo.physics.water import WaterSupply


class Sensor(NamedTuple):
    """A measured signal: its asset, its name and the standard deviation of its noise."""

    asset: str
    name: str
    noise: float


class Machine(Protocol):
    """What every machine shows to the outside."""

    asset: str

    @property
    def SENSORS(self) -> tuple[tuple[str, float], ...]:
        """Names of the signals and the standard deviation of their noise."""

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""


@dataclass(slots=True)
class PlantPhysics:
    """All machines of the plant; `step` moves them on together.

    `machines` are in the order of the plant model; `drives` are the controllers of those that
    can be started and stopped, by asset id.
    """

    around: Surroundings
    water: WaterSupply = field(default_factory=WaterSupply)
    syrup: SyrupSupply = field(default_factory=SyrupSupply)
    cooler: PlateCooler = field(default_factory=lambda: PlateCooler("HX-204"))
    chiller: Chiller = field(default_factory=lambda: Chiller("CH-302"))
    compressor: Compressor = field(default_factory=lambda: Compressor("C-301"))
    boiler: Boiler = field(default_factory=lambda: Boiler("B-303"))
    line1: Line = field(default_factory=lambda: build_line(1, 300.0, WATER, 0.60))
    line2: Line = field(default_factory=lambda: build_line(2, 360.0, COLA, 0.50))
    supply: Supply = field(default_factory=Supply)
    machines: tuple[Machine, ...] = field(init=False)
    drives: dict[str, Drive] = field(init=False)
    _controls: tuple[tuple[str, Drive | None], ...] = field(init=False)

    def __post_init__(self) -> None:
        water, syrup = self.water, self.syrup
        self.machines = (
            water.tank,
            water.duty,
            water.standby,
            water.filter,
            syrup.mixer,
            syrup.tank,
            syrup.pump,
            self.cooler,
            self.compressor,
            self.chiller,
            self.boiler,
            *self.line1.machines,
            *self.line2.machines,
        )
        controls = ((m.asset, getattr(m, "drive", None)) for m in self.machines)
        self._controls = tuple(controls)
        self.drives = {asset: drive for asset, drive in self._controls if drive}

    @property
    def lines(self) -> tuple[Line, Line]:
        """Both bottling lines."""
        return self.line1, self.line2

    def step(self, dt: float, seconds: float) -> None:
        """Move the plant `dt` s on, to the moment `seconds` since 1970 (UTC)."""
        around, one, two = self.around, self.line1, self.line2
        around.step(seconds)
        first, second = one.demand, two.demand
        syrup = first * one.product.share + second * two.product.share
        total = first + second
        cold = first * one.product.cooled + second * two.product.cooled
        self.water.step(dt, total - syrup, around)
        header = self.water.filter.outlet - 0.1
        self.syrup.step(dt, syrup, header, self.boiler.pressure, around)
        warm = self.water.tank.temperature + 0.25
        self.supply.uncooled = warm
        if cold > 0.0:
            warm += (self.syrup.tank.temperature - warm) * syrup / cold
        self.cooler.step(dt, cold, warm, self.chiller.supply, around.room)
        self.chiller.step(dt, self.cooler.duty, around.outdoor, around.wander_b)
        others = 0.35 if one.filler.speed + two.filler.speed < 1.0 else 1.9
        air = one.air + two.air + others + 0.15 * around.wander_c
        self.compressor.step(dt, air, around.room, around.wander_a)
        steam = 860.0 + 45.0 * around.wander_a + 30.0 * around.wander_b
        self.boiler.step(dt, steam + self.syrup.mixer.steam, around.wander_a, around.wander_b)
        self._offer(header)
        one.step(dt, self.supply, around)
        two.step(dt, self.supply, around)

    def _offer(self, header: float) -> None:
        supply, water = self.supply, self.water
        supply.pressure = header - self.cooler.difference
        supply.temperature = self.cooler.outlet
        pumping = water.duty.drive.running or water.standby.drive.running
        supply.source = "FLT-103" if pumping else "P-101"
        supply.syrup = self.syrup.ready
        supply.header = self.compressor.header

    def readings(self) -> list[float]:
        """The true value of every signal, in the order of `sensors`."""
        values: list[float] = []
        for machine in self.machines:
            values += machine.readings()
        return values

    def sensors(self) -> tuple[Sensor, ...]:
        """Every measured signal, in the order of `readings`."""
        return tuple(Sensor(m.asset, *pair) for m in self.machines for pair in m.SENSORS)

    def states(self) -> list[State]:
        """The state of every machine, in the order of `machines`."""
        water, syrup = self.water, self.syrup
        passive: dict[str, bool] = {
            water.tank.asset: water.tank.outflow > 1.0,
            water.filter.asset: water.filter.flow > 1.0,
            syrup.tank.asset: syrup.tank.outflow > 0.05,
            self.cooler.asset: self.cooler.flow > 1.0,
        }
        return [
            ("running" if passive[asset] else "idle") if drive is None else drive.state
            for asset, drive in self._controls
        ]
