"""Who may stop all changes, and who may let them go on again; it needs neither policy nor plant."""

from datetime import datetime

from sqlalchemy import Engine

from copilot import db
from copilot.actor import Actor
from copilot.approvals import switches
from copilot.approvals.decide import check_reason
from copilot.approvals.sitting import IN_CHARGE
from copilot.approvals.switches import Switch
from copilot_tools.errors import Denied


def stop_changes(engine: Engine, actor: Actor, reason: str, at: datetime) -> Switch:
    """Stop all changes; everybody who has signed in may."""
    with db.writing(engine) as connection:
        return switches.stop(connection, actor.name, check_reason(reason), at)


def release_changes(engine: Engine, actor: Actor, reason: str, at: datetime) -> Switch:
    """Let changes go on; that takes somebody in charge, whose password was given again."""
    if not may_release(actor):
        raise Denied("changes are released by a supervisor, an engineer or an administrator")
    with db.writing(engine) as connection:
        return switches.release(connection, actor.name, check_reason(reason), at)


def may_release(actor: Actor) -> bool:
    """Whether this actor is in charge somewhere."""
    return actor.role in IN_CHARGE
