"""Cold: the plate cooler of the product and the glycol chiller that serves it."""

from dataclasses import dataclass, field
from math import exp
from typing import ClassVar

from copilot.demo.physics.drive import Drive
from copilot.demo.physics.dynamics import approach, clamp

PRODUCT_HEAT = 1.163  # kW per (m3/h) and K
GLYCOL_FLOW = 33.0  # m3/h
GLYCOL_HEAT = 1.08  # kW per (m3/h) and K, 30 % propylene glycol
RATED_FLOW = 26.0  # m3/h of product
RATED_TRANSFER = 21.5  # kW/K
COLDEST = 5.2  # degC, below it the glycol valve throttles


@dataclass(slots=True)
class PlateCooler:
    """HX-204: counter-current plates after the NTU method; temperatures in degC."""

    SENSORS: ClassVar = (
        ("product inlet temperature", 0.05),
        ("product outlet temperature", 0.05),
        ("glycol inlet temperature", 0.05),
        ("glycol outlet temperature", 0.05),
        ("differential pressure", 0.004),
        ("product flow", 0.12),
    )

    asset: str
    # condition
    fouling: float = 0.0
    drift: float = 0.0
    # state
    inlet: float = 11.0
    outlet: float = 6.0
    glycol_inlet: float = -2.0
    glycol_outlet: float = 3.0
    difference: float = 0.3
    flow: float = 25.0
    valve: float = 1.0
    duty: float = 150.0

    def step(self, dt: float, flow: float, inlet: float, supply: float, room: float) -> None:
        """Cool `flow` m3/h from `inlet` with glycol of `supply`."""
        self.flow = flow
        self.glycol_inlet = approach(self.glycol_inlet, supply, dt, 30.0)
        self.difference = 0.40 * (flow / RATED_FLOW) ** 1.8 * (1.0 + 3.0 * self.fouling)
        if flow < 1.0:
            self.duty = 0.0
            self.inlet = approach(self.inlet, room, dt, 20000.0)
            self.outlet = approach(self.outlet, room, dt, 20000.0)
            self.glycol_outlet = approach(self.glycol_outlet, self.glycol_inlet, dt, 900.0)
            return
        self.inlet = approach(self.inlet, inlet, dt, 40.0)
        error = clamp(0.15 * (self.outlet - COLDEST), -0.3, 0.3)
        self.valve = clamp(self.valve + error * dt / 60, 0.15, 1.0)
        product, glycol = PRODUCT_HEAT * flow, GLYCOL_HEAT * GLYCOL_FLOW * self.valve
        self.duty = (
            self._effectiveness(product, glycol)
            * min(product, glycol)
            * (self.inlet - self.glycol_inlet)
        )
        self.outlet = approach(self.outlet, self.inlet - self.duty / product, dt, 25.0)
        self.glycol_outlet = approach(
            self.glycol_outlet, self.glycol_inlet + self.duty / glycol, dt, 25.0
        )

    def _effectiveness(self, product: float, glycol: float) -> float:
        low, high = min(product, glycol), max(product, glycol)
        transfer = RATED_TRANSFER * (self.flow / RATED_FLOW) ** 0.5 * self.valve**0.4
        units = transfer * (1.0 - 0.8 * self.fouling) / low
        ratio = min(low / high, 0.999)
        decay = exp(-units * (1.0 - ratio))
        return (1.0 - decay) / (1.0 - ratio * decay)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS, but the outlet as a drifting sensor gives it."""
        return (
            self.inlet,
            self.outlet + 4.0 * self.drift,
            self.glycol_inlet,
            self.glycol_outlet,
            self.difference,
            self.flow,
        )


@dataclass(slots=True)
class Chiller:
    """CH-302: R-134a screw chiller on the roof; pressures in bar gauge, superheat in K."""

    SENSORS: ClassVar = (
        ("supply temperature", 0.05),
        ("return temperature", 0.05),
        ("evaporator pressure", 0.008),
        ("condenser pressure", 0.03),
        ("compressor load", 0.5),
        ("superheat", 0.12),
        ("glycol flow", 0.1),
    )

    asset: str
    drive: Drive = field(default_factory=Drive)
    supply_setpoint: float = -2.0
    # condition
    leak: float = 0.0
    condenser_fouling: float = 0.0
    # state
    supply: float = -2.0
    returned: float = 2.0
    evaporator: float = 1.24
    condenser: float = 8.4
    load: float = 65.0
    superheat: float = 6.0
    glycol: float = GLYCOL_FLOW

    def capacity(self, outdoor: float) -> float:
        """Cooling it can give at full load, in kW."""
        weather = 1.0 - 0.008 * (outdoor - 20.0)
        level = 1.0 + 0.03 * (self.supply + 2.0)
        charge = 1.0 - 0.75 * float(self.leak**1.5)
        lift = 1.0 - 0.035 * max(self.condenser - 8.5, 0.0)
        return 225.0 * weather * level * charge * lift

    def step(self, dt: float, duty: float, outdoor: float, wander: float) -> None:
        """Take the heat the cooler gave to the glycol (`duty` in kW, plus pipe and pump)."""
        run = self.drive.available
        self.drive.running = run
        self.glycol = approach(self.glycol, GLYCOL_FLOW + 0.3 * wander, dt, 60.0)
        stream = GLYCOL_HEAT * GLYCOL_FLOW
        self.returned = approach(self.returned, self.supply + (duty + 7.0) / stream, dt, 60.0)
        need = max(stream * (self.returned - self.supply_setpoint), 0.0)
        full = self.capacity(outdoor)
        given = min(need, full) if run else 0.0
        self.supply = approach(self.supply, min(self.returned - given / stream, outdoor), dt, 150.0)
        self.load = approach(self.load, 100.0 * given / full if run else 0.0, dt, 40.0)
        self._refrigerant(dt, run, outdoor)

    def _refrigerant(self, dt: float, run: bool, outdoor: float) -> None:
        part = self.load / 100.0
        lift = 13.0 * (0.35 + 0.65 * part) * (1.0 + 3.2 * self.condenser_fouling)
        condensing = max(outdoor + lift - 4.0 * self.leak, 36.0)
        pressure = 8.0 + 0.305 * (condensing - 36.0)
        rest = 4.7
        self.condenser = approach(self.condenser, pressure if run else rest, dt, 60.0)
        warmth = 0.045 * (self.supply_setpoint + 2.0) + 0.01 * (self.supply - self.supply_setpoint)
        boiling = 1.24 + warmth - 0.44 * self.leak
        self.evaporator = approach(self.evaporator, boiling if run else rest, dt, 60.0)
        heat = 6.0 + 13.0 * self.leak**1.6
        self.superheat = approach(self.superheat, heat if run else 0.0, dt, 60.0)
        if not run:
            return
        reason, delay = "", 30.0
        if self.evaporator < 0.85:
            reason = "evaporator pressure low"
        elif self.condenser > 17.0:
            reason, delay = "condenser pressure high", 2.0
        elif self.superheat > 18.0:
            reason, delay = "superheat high", 120.0
        self.drive.guard(reason, delay, dt)

    def readings(self) -> tuple[float, ...]:
        """True values in the order of SENSORS."""
        return (
            self.supply,
            self.returned,
            self.evaporator,
            self.condenser,
            self.load,
            self.superheat,
            self.glycol,
        )
