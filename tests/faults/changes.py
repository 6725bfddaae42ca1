"""Changes to the small works of `faults.plc`, as the propose tools would ask for them."""

from copilot_tools.changes import Change, Target
from copilot_tools.site.load import parse_site
from copilot_tools.site.model import Site
from faults.plc import SITE as TEXT

SITE: Site = parse_site(TEXT)


def set_to(name: str, new: float, old: float, site: Site = SITE) -> Change:
    """Set a setpoint of the mixer."""
    setpoint = site.setpoint(f"M-1.{name}")
    assert setpoint is not None
    return Change(
        tool="write_setpoint",
        target=Target("setpoint", setpoint.id, "M-1", setpoint.node, setpoint.handshake),
        arguments={"asset": "M-1", "setpoint": name, "value": new},
        says=f"M-1 {name} {old:g} -> {new:g} {setpoint.unit}",
        old=old,
        new=new,
        unit=setpoint.unit,
        reason="a test wants it",
    )


def command(name: str, old: str, site: Site = SITE) -> Change:
    """Give the mixer a command while it is in the state `old`."""
    wanted = site.command(f"M-1.{name}")
    assert wanted is not None
    return Change(
        tool="send_command",
        target=Target("command", wanted.id, "M-1", wanted.node),
        arguments={"asset": "M-1", "command": name},
        says=f"{name} M-1",
        old=old,
        reason="a test wants it",
    )


def acknowledge(comment: str = "seen", site: Site = SITE) -> Change:
    """Acknowledge the mixer's alarm."""
    (alarm,) = site.alarms()
    return Change(
        tool="acknowledge_alarm",
        target=Target("alarm", alarm.id, "M-1", alarm.node),
        arguments={"alarm": alarm.id, "comment": comment},
        says=f"acknowledge {alarm.id}",
        reason=comment,
    )
