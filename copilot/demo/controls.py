"""What can be set and commanded in the demo plant: setpoints, start, stop, reset, lock-out."""

from typing import Any, Literal

from copilot.demo.physics.plant import PlantPhysics
from copilot_tools.facts import Range
from copilot_tools.site.model import SafetyClass, Setpoint, Site

Command = Literal["start", "stop", "reset"]

ATTRIBUTES = {
    "speed": "speed_setpoint",
    "belt speed": "speed_setpoint",
    "agitator speed": "speed_setpoint",
    "product temperature": "temperature_setpoint",
    "supply temperature": "supply_setpoint",
    "header pressure": "pressure_setpoint",
    "steam pressure": "pressure_setpoint",
    "fill weight target": "target",
    "closing torque": "torque_setpoint",
    "glue temperature": "glue_setpoint",
}
FIXED = {"high pressure trip": 10.0, "high temperature trip": 110.0}
WEIGHT_BAND = 5.0  # g around the weight of the format


class Controls:
    """The operator panel of the plant, by asset and setpoint name."""

    def __init__(self, plant: PlantPhysics, site: Site) -> None:
        self._plant = plant
        self._machines: dict[str, Any] = {machine.asset: machine for machine in plant.machines}
        self.setpoints = tuple(s for asset in site.assets.values() for s in asset.setpoints)

    def value(self, setpoint: Setpoint) -> float:
        """The target in force."""
        if setpoint.safety is SafetyClass.SIS:
            return FIXED[setpoint.name]
        return float(getattr(self._machines[setpoint.asset], ATTRIBUTES[setpoint.name]))

    def bounds(self, setpoint: Setpoint) -> Range:
        """The bounds in force; the weight of a bottle depends on the format that is loaded."""
        if setpoint.name != "fill weight target":
            return setpoint.bounds
        line = next(line for line in self._plant.lines if line.filler.asset == setpoint.asset)
        weight = line.product.weight
        return Range(weight - WEIGHT_BAND, weight + WEIGHT_BAND)

    def set(self, setpoint: Setpoint, value: float) -> None:
        """Set a target; raises ValueError out of bounds, PermissionError for safety trips."""
        if setpoint.safety is SafetyClass.SIS:
            raise PermissionError(f"{setpoint.name} belongs to the safety system")
        if value not in self.bounds(setpoint):
            raise ValueError(f"{setpoint.name} must lie within its bounds")
        setattr(self._machines[setpoint.asset], ATTRIBUTES[setpoint.name], value)

    def is_locked_out(self, asset: str) -> bool:
        """Whether the machine's lock-out switch is on."""
        return self._plant.drives[asset].locked_out

    def is_ready(self, asset: str) -> bool:
        """Whether the machine takes commands: neither tripped nor locked out."""
        drive = self._plant.drives[asset]
        return not drive.trip and not drive.locked_out

    def lock_out(self, asset: str, on: bool) -> None:
        """Turn a machine's lock-out switch; raises KeyError for one that has none."""
        self._plant.drives[asset].lock_out(on)

    def command(self, asset: str, command: Command) -> bool:
        """Carry a command out; False when the machine refuses (start of a tripped one)."""
        drive = self._plant.drives[asset]
        match command:
            case "start":
                return drive.start()
            case "stop":
                return drive.stop()
            case "reset":
                return drive.reset()
