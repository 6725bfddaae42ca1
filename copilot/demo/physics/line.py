"""A bottling line: six machines in a row that run together or not at all."""

from dataclasses import dataclass
from typing import ClassVar

from copilot.demo.physics.filling import Conveyor, Filler
from copilot.demo.physics.finishing import Capper, Labeller
from copilot.demo.physics.packing import Packer, Palletiser
from copilot.demo.physics.products import Product
from copilot.demo.physics.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a line stands: the machine it is booked on, the reason, and whether it was planned."""

    asset: str
    reason: str
    planned: bool = False


@dataclass(slots=True)
class Supply:
    """What the rest of the plant offers the lines: product, syrup, air."""

    pressure: float = 4.7
    temperature: float = 6.0
    uncooled: float = 10.2
    source: str = "P-101"
    syrup: bool = True
    header: float = 6.95


@dataclass(slots=True)
class Line:
    """A line with its product; `planned`, `repair` and `jam` are set from outside and stop it."""

    AIR: ClassVar = {"L1": 1.6, "L2": 1.8}

    id: str
    ideal: float
    product: Product
    conveyor: Conveyor
    filler: Filler
    capper: Capper
    labeller: Labeller
    packer: Packer
    palletiser: Palletiser
    planned: Halt | None = None
    repair: Halt | None = None
    jam: Halt | None = None
    halt: Halt | None = None
    short: float = 0.0
    wait: float = 0.0
    lack: Halt | None = None

    def load(self, product: Product) -> None:
        """Change the format; the filler's panel loads the new target weight."""
        if product is not self.product:
            self.product = product
            self.filler.target = product.weight

    @property
    def machines(
        self,
    ) -> tuple[Conveyor, Filler, Capper, Labeller, Packer, Palletiser]:
        """The machines in the order of the flow."""
        return (
            self.conveyor,
            self.filler,
            self.capper,
            self.labeller,
            self.packer,
            self.palletiser,
        )

    @property
    def demand(self) -> float:
        """Product the filler draws, in m3/h."""
        return self.filler.speed * 0.06 * self.product.litres

    @property
    def air(self) -> float:
        """Compressed air the line takes, in m3/min of free air."""
        return 0.1 + (self.AIR[self.id] - 0.1) * self.filler.speed / self.ideal

    def step(self, dt: float, supply: Supply, around: Surroundings) -> None:
        """Run all machines at one rate, or let them stand and say why in `halt`."""
        self.halt = self._cause(dt, supply)
        run = self.halt is None
        rate = 0.0
        if run:
            belt = self.conveyor.capacity(self.ideal)
            stack = self.palletiser.capacity(self.ideal)
            rate = min(self.filler.speed_setpoint, belt, stack)
        room, header = around.room, supply.header
        wander = around.wander_a if self.id == "L1" else around.wander_b
        self.conveyor.step(dt, run, room, wander)
        share = self.product.cooled
        mixed = share * supply.temperature + (1.0 - share) * supply.uncooled
        source = (supply.pressure, mixed)
        self.filler.step(dt, rate, self.product, source, room, wander)
        speed = self.filler.speed
        self.capper.step(dt, speed, run, header, room)
        self.labeller.step(dt, speed, run, self.ideal, around.wander_c)
        self.packer.step(dt, speed, run, self.product, header, wander)
        self.palletiser.step(dt, speed, run, self.product, header, room)

    def _cause(self, dt: float, supply: Supply) -> Halt | None:
        if self.planned or self.repair:
            return self.planned or self.repair
        for machine in self.machines:
            if not machine.drive.available:
                reason = machine.drive.trip or "stopped by hand"
                return Halt(machine.asset, reason)
        return self.jam or self._shortage(dt, supply)

    def _shortage(self, dt: float, supply: Supply) -> Halt | None:
        lack, patience, pause = None, 20.0, 240.0
        if supply.pressure < 3.3:
            lack = Halt(supply.source, "product supply pressure low")
        elif supply.header < 5.8:
            lack, patience, pause = Halt("C-301", "compressed air below 5.8 bar"), 2.0, 1200.0
        elif self.product.share > 0.0 and not supply.syrup:
            lack, pause = Halt("P-203", "no syrup"), 120.0
        self.short = self.short + dt if lack else 0.0
        if lack and self.short >= patience:
            self.lack, self.wait = lack, pause
        elif self.wait > 0.0:
            self.wait -= dt
        return self.lack if self.wait > 0.0 else None


def build_line(number: int, ideal: float, product: Product, belt: float) -> Line:
    """Line `number` with its machines, set up for `product`."""
    count = 11_400_000.0 + 93_517 * number
    filler = Filler(f"FIL-{number}2", ideal, count, target=product.weight, speed=ideal)
    return Line(
        id=f"L{number}",
        ideal=ideal,
        product=product,
        conveyor=Conveyor(f"CV-{number}1", belt, speed_setpoint=belt, speed=belt),
        filler=filler,
        capper=Capper(f"CAP-{number}3"),
        labeller=Labeller(f"LBL-{number}4"),
        packer=Packer(f"PCK-{number}5"),
        palletiser=Palletiser(f"PAL-{number}6", 8_400.0 + 311 * number),
    )
