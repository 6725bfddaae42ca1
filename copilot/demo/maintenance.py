"""The demo plant's maintenance: repairs that follow faults, and preventive work by plan."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from copilot.demo.chronicle import Episode
from copilot.demo.faults import FAULTS
from copilot.demo.schedule import EPOCH
from copilot_tools.records import WorkOrder, WorkOrderStatus

TECHNICIANS = ("R. Keller", "M. Novak", "A. Brandt", "S. Yilmaz")
TAKEN_UP_AFTER = timedelta(hours=1)
LEAD = timedelta(days=5)
LONGEST_PREVENTIVE = timedelta(days=12)


@dataclass(frozen=True, slots=True)
class Repair:
    """What the work order of a fault says; `consumed` is used besides the fault's spare part."""

    title: str
    cause: str
    done: str
    consumed: tuple[str, ...] = ()


REPAIRS = {
    "clogged_strainer": Repair(
        "clean suction strainer",
        "strainer clogged with scale and fibres",
        "strainer basket cleaned, suction pressure back to normal",
    ),
    "bearing_wear": Repair(
        "replace DE bearing",
        "bearing worn, grease dark and metallic",
        "DE bearing replaced, coupling aligned, vibration checked",
        ("GRS-EP2",),
    ),
    "seal_leak": Repair(
        "replace mechanical seal",
        "seal faces worn, barrier fluid lost",
        "mechanical seal replaced, seal pot filled",
    ),
    "filter_fouling": Repair(
        "replace filter cartridges",
        "cartridges loaded with fine sediment",
        "eight cartridges and the housing O-rings replaced",
        ("ORING-CF8",),
    ),
    "cooler_fouling": Repair(
        "clean plate pack in place",
        "mineral and sugar film on the plates",
        "cleaned in place with caustic and acid",
        ("CIP-L25", "CIP-A25"),
    ),
    "refrigerant_leak": Repair(
        "repair refrigerant leak and recharge",
        "joint at the expansion valve leaked",
        "expansion valve and drier changed, circuit evacuated and recharged",
        ("FD-180",),
    ),
    "condenser_fouling": Repair(
        "clean condenser coil",
        "coil blocked with dust and pollen",
        "coil washed from inside out, fans checked",
    ),
    "air_leak": Repair(
        "repair compressed air leak",
        "air hose chafed through",
        "hose section and fittings replaced, leak test passed",
        ("HOSE-PU8", "FIT-PU8"),
    ),
    "oil_cooler_fouling": Repair(
        "clean oil cooler", "cooler fins blocked", "oil cooler blown out and degreased"
    ),
    "valve_wear": Repair(
        "replace filling valve seal kits",
        "valve seats worn, closing late",
        "seal kits replaced, fill weights calibrated",
    ),
    "nozzle_clog": Repair(
        "clean filling nozzles",
        "sugar and pulp deposits in the nozzles",
        "nozzles dismantled and cleaned, fill weights checked",
    ),
    "clutch_wear": Repair(
        "replace capping head clutch",
        "magnetic clutch demagnetised",
        "clutch replaced, torque verified with the tester",
    ),
    "glue_heater_failing": Repair(
        "replace glue heater",
        "one heating element open circuit",
        "glue heater replaced, temperature loop checked",
    ),
    "belt_slip": Repair(
        "retension conveyor belt",
        "belt stretched beyond the take-up mark",
        "belt retensioned and tracked",
    ),
    "gearbox_wear": Repair(
        "overhaul agitator gearbox",
        "gear teeth pitted, oil full of metal",
        "gearbox exchanged and aligned, oil changed",
        ("OIL-CLP220",),
    ),
    "burner_fouling": Repair(
        "clean burner nozzle",
        "soot on nozzle and diffuser",
        "nozzle and diffuser cleaned, combustion set",
    ),
    "vacuum_leak": Repair(
        "replace vacuum cups", "cup lips torn", "vacuum cups replaced, circuit leak-tested"
    ),
    "sensor_frozen": Repair(
        "replace level transmitter",
        "transmitter output frozen",
        "transmitter replaced and spanned",
    ),
    "sensor_drift": Repair(
        "calibrate temperature sensor",
        "sensor reads beside the reference",
        "sensor calibrated against the reference",
    ),
}


@dataclass(frozen=True, slots=True)
class Routine:
    """Preventive work on some machines every so many days."""

    assets: tuple[str, ...]
    days: int
    component: str
    title: str
    hours: float
    parts: tuple[str, ...] = ()


ROUTINES = (
    Routine(("P-101", "P-102"), 30, "DE bearing", "grease bearings", 0.5, ("GRS-EP2",)),
    Routine(("P-101", "P-102"), 42, "suction strainer", "inspect suction strainer", 1.0),
    Routine(("P-203",), 30, "mechanical seal", "check seal pot and barrier fluid", 0.5),
    Routine(("TK-101", "TK-202"), 56, "level transmitter", "verify level transmitter", 1.0),
    Routine(("FLT-103",), 28, "filter cartridges", "check differential pressure log", 0.5),
    Routine(("MX-201",), 45, "agitator gearbox", "take gearbox oil sample", 0.5),
    Routine(("HX-204",), 21, "plate pack", "clean in place", 3.0, ("CIP-L25",)),
    Routine(
        ("C-301",), 40, "air filter", "replace air and oil filter", 2.0, ("AF-RS55", "OF-RS55")
    ),
    Routine(("CH-302",), 28, "condenser coil", "check condenser and charge", 1.5),
    Routine(("B-303",), 28, "burner nozzle", "burner inspection and safety test", 3.0),
    Routine(("CV-11", "CV-21"), 21, "conveyor belt", "check belt tension and tracking", 0.5),
    Routine(("FIL-12", "FIL-22"), 14, "filling nozzle", "clean and check filling valves", 2.0),
    Routine(("CAP-13", "CAP-23"), 14, "capping head clutch", "closing torque test", 1.0),
    Routine(("LBL-14", "LBL-24"), 14, "glue heater", "clean glue system", 1.5, ("GLUE-20",)),
    Routine(("PCK-15", "PCK-25"), 21, "vacuum cup", "check vacuum cups", 0.5),
    Routine(("PAL-16", "PAL-26"), 21, "vacuum cup", "check vacuum cups and hoist brake", 1.0),
)


def corrective(episodes: Iterable[Episode], moment: datetime, seed: int) -> Iterator[WorkOrder]:
    """The unnumbered work orders that follow noticed faults, as they stand at `moment`."""
    for episode in episodes:
        if episode.noticed is None or episode.noticed > moment:
            continue
        fault, repair = FAULTS[episode.fault], REPAIRS[episode.fault]
        draw = Random(f"repair {seed} {episode.asset} {episode.noticed:%Y%m%d%H%M}")
        done = episode.repaired is not None and episode.repaired <= moment
        taken_up = moment - episode.noticed >= TAKEN_UP_AFTER
        priority, within = _urgency(episode)
        spares = (fault.spare,) if fault.spare else ()
        yield WorkOrder(
            number="",
            asset=episode.asset,
            title=repair.title,
            kind="corrective",
            priority=priority,
            status=_status(done, taken_up),
            created=_minute(episode.noticed),
            due=_minute(episode.noticed + within),
            finished=_minute(episode.repaired) if done and episode.repaired else None,
            component=fault.component,
            cause=repair.cause if done else "",
            remedy=repair.done if done else "",
            assignee=draw.choice(TECHNICIANS) if taken_up or done else "",
            hours=round(fault.hours * draw.uniform(0.8, 1.3), 1) if done else 0.0,
            parts=spares + repair.consumed if done else (),
        )


def preventive(start: datetime, end: datetime, seed: int) -> Iterator[WorkOrder]:
    """The unnumbered preventive work orders created in [start, end), as they stand at `end`."""
    for routine in ROUTINES:
        for asset in routine.assets:
            draw = Random(f"offset {seed} {asset} {routine.title}")
            first = EPOCH + timedelta(days=draw.randrange(routine.days), hours=4) - LEAD
            index = (start - first) // timedelta(days=routine.days)
            while (created := first + index * timedelta(days=routine.days)) < end:
                if created >= start:
                    yield _preventive(routine, asset, created, end, seed)
                index += 1


def _preventive(
    routine: Routine, asset: str, created: datetime, moment: datetime, seed: int
) -> WorkOrder:
    draw = Random(f"preventive {seed} {asset} {routine.title} {created:%Y%m%d}")
    hours = round(routine.hours * draw.uniform(0.8, 1.4), 1)
    late = timedelta(days=draw.uniform(1, 6)) if draw.random() < 0.15 else timedelta()
    due = created + LEAD + timedelta(hours=8)
    finished = _minute(due - timedelta(hours=draw.uniform(0, 30)) + late)
    done = finished <= moment
    taken_up = finished - timedelta(hours=hours) <= moment
    return WorkOrder(
        number="",
        asset=asset,
        title=routine.title,
        kind="preventive",
        priority="low",
        status=_status(done, taken_up),
        created=created,
        due=due,
        finished=finished if done else None,
        component=routine.component,
        cause="",
        remedy="done, nothing unusual" if done else "",
        assignee=draw.choice(TECHNICIANS),
        hours=hours if done else 0.0,
        parts=routine.parts if done else (),
    )


def _status(done: bool, taken_up: bool) -> WorkOrderStatus:
    if done:
        return WorkOrderStatus.DONE
    return WorkOrderStatus.IN_PROGRESS if taken_up else WorkOrderStatus.OPEN


def _urgency(episode: Episode) -> tuple[str, timedelta]:
    if episode.failed:
        return "urgent", timedelta(hours=4)
    if episode.peak > 0.6:
        return "high", timedelta(days=1)
    return "medium", timedelta(days=5)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
