"""The faults of the demo plant: what grows where, which component it is and what mends it."""

from dataclasses import dataclass
from typing import Any

from copilot.demo.physics.plant import PlantPhysics


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault: it raises the `condition` of one of `assets` from 0 towards 1.

    `days` is how long it usually takes to grow, `curve` the exponent of its growth, `hours` the
    repair; `spare` is the part number used, empty when nothing is replaced.
    """

    label: str
    assets: tuple[str, ...]
    condition: str
    component: str
    remedy: str
    days: float
    curve: float
    hours: float
    spare: str = ""


FAULTS: dict[str, Fault] = {
    fault.label: fault
    for fault in (
        Fault("clogged_strainer", ("P-101",), "strainer", "suction strainer", "clean", 7, 1.3, 1.5),
        Fault(
            "bearing_wear",
            ("P-101", "P-102"),
            "bearing",
            "DE bearing",
            "replace",
            22,
            1.9,
            5.0,
            "BRG-6309",
        ),
        Fault(
            "seal_leak", ("P-203",), "seal", "mechanical seal", "replace", 6, 1.2, 3.0, "SEAL-DP25"
        ),
        Fault(
            "filter_fouling",
            ("FLT-103",),
            "fouling",
            "filter cartridges",
            "replace",
            26,
            1.8,
            2.0,
            "FLT-CF8-10",
        ),
        Fault(
            "cooler_fouling", ("HX-204",), "fouling", "plate pack", "clean in place", 14, 1.3, 3.0
        ),
        Fault(
            "refrigerant_leak",
            ("CH-302",),
            "leak",
            "expansion valve joint",
            "repair and recharge",
            8,
            1.2,
            6.0,
            "TXV-180",
        ),
        Fault(
            "condenser_fouling",
            ("CH-302",),
            "condenser_fouling",
            "condenser coil",
            "clean",
            12,
            1.2,
            2.5,
        ),
        Fault("air_leak", ("C-301",), "leak", "air hose", "repair", 4, 1.2, 1.5),
        Fault("oil_cooler_fouling", ("C-301",), "oil_cooler", "oil cooler", "clean", 14, 1.3, 2.5),
        Fault(
            "valve_wear",
            ("FIL-12", "FIL-22"),
            "valve",
            "filling valve",
            "replace seal kit",
            16,
            1.2,
            4.0,
            "FV-KIT24",
        ),
        Fault(
            "nozzle_clog", ("FIL-22", "FIL-12"), "nozzle", "filling nozzle", "clean", 2.5, 1.2, 1.0
        ),
        Fault(
            "clutch_wear",
            ("CAP-13", "CAP-23"),
            "clutch",
            "capping head clutch",
            "replace",
            6,
            2.5,
            2.5,
            "CLU-RC8",
        ),
        Fault(
            "glue_heater_failing",
            ("LBL-14", "LBL-24"),
            "heater",
            "glue heater",
            "replace",
            1.5,
            1.1,
            1.5,
            "HTR-WL12",
        ),
        Fault(
            "belt_slip", ("CV-11", "CV-21"), "stretch", "conveyor belt", "retension", 6, 1.3, 1.0
        ),
        Fault(
            "gearbox_wear",
            ("MX-201",),
            "gear",
            "agitator gearbox",
            "overhaul",
            20,
            1.8,
            9.0,
            "GBX-SM30",
        ),
        Fault("burner_fouling", ("B-303",), "burner", "burner nozzle", "clean", 14, 1.2, 5.0),
        Fault(
            "vacuum_leak",
            ("PAL-16", "PCK-15"),
            "leak",
            "vacuum cup",
            "replace",
            4,
            1.2,
            0.8,
            "VC-60",
        ),
        Fault(
            "sensor_frozen",
            ("TK-101",),
            "frozen",
            "level transmitter",
            "replace",
            0.4,
            1.0,
            1.5,
            "LT-RAD",
        ),
        Fault(
            "sensor_drift",
            ("HX-204",),
            "drift",
            "product outlet temperature sensor",
            "calibrate",
            8,
            1.0,
            0.8,
        ),
    )
}


def set_fault(plant: PlantPhysics, label: str, asset: str, severity: float) -> None:
    """Let a fault have a severity (0..1) on a machine.

    Raises KeyError for an unknown label and ValueError for a machine it does not fit.
    """
    fault = FAULTS[label]
    if asset not in fault.assets:
        raise ValueError(f"{label} happens on {' or '.join(fault.assets)}, not on {asset}")
    if not 0.0 <= severity <= 1.0:
        raise ValueError("severity lies between 0 and 1")
    machine: Any = next(m for m in plant.machines if m.asset == asset)
    setattr(machine, fault.condition, severity)


def repair_fault(plant: PlantPhysics, label: str, asset: str) -> None:
    """Mend a fault as its remedy would, with what belongs to it (a refilled seal pot)."""
    set_fault(plant, label, asset, 0.0)
    if label == "seal_leak":
        plant.syrup.pump.pot = 76.0
