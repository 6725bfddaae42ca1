"""What `copilot doctor` looks at where changes may be proposed: policy, people and the executor."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from copilot import db
from copilot.accounts.accounts import Account, Accounts
from copilot.actor import Role
from copilot.approvals.switches import stopped
from copilot.cli.check import Check
from copilot.plant import utc_now
from copilot.policy.errors import PolicyError
from copilot.policy.policy import Policy
from copilot.settings import Settings
from copilot.tables import lease
from copilot_tools.display import format_time
from copilot_tools.errors import Unavailable
from copilot_tools.site.model import Site

DECIDING = (Role.SUPERVISOR, Role.ENGINEER)


def check_changes(settings: Settings, site: Site) -> list[Check]:
    """The policy, the accounts that can decide, and whether an executor is at work."""
    engine = db.open_database(settings.database.own)
    try:
        with db.reading(engine) as connection:
            held, switch = _lease(connection), stopped(connection)
        accounts = Accounts(engine, site, utc_now).list()
    except Unavailable as error:
        mend = "see database.own in the configuration"
        return [_policy(settings, site), Check("changes", False, str(error), mend)]
    finally:
        engine.dispose()
    checks = [_policy(settings, site), *_people(accounts), _executor(held, site)]
    if switch is not None:
        why = f"stopped by {switch.by}: {switch.reason}"
        checks.append(Check("kill switch", False, why, "copilot executor release"))
    return checks


def _policy(settings: Settings, site: Site) -> Check:
    changes = settings.changes
    try:
        policy = Policy.load(changes.policy, site, live_age_s=changes.live_age_s)
    except PolicyError as error:
        return Check("policy", False, str(error), "mend it; copilot policy check tells more")
    return Check("policy", True, f"{policy.origin}, {len(policy.rules)} rules")


def _people(accounts: tuple[Account, ...]) -> Iterator[Check]:
    deciding = [a for a in accounts if a.role in DECIDING and not a.disabled]
    detail = f"{len(accounts)} accounts, {len(deciding)} of them may approve"
    mend = "copilot user add NAME --role supervisor --area ..."
    yield Check("people", bool(deciding), detail, mend)


def _lease(connection: Connection) -> tuple[str, datetime] | None:
    """Which executor works here, and until when unless it goes on."""
    row = connection.execute(select(lease.c.holder, lease.c.expires)).one_or_none()
    return (row.holder, db.unstamp(row.expires)) if row else None


def _executor(held: tuple[str, datetime] | None, site: Site) -> Check:
    mend = "copilot executor run; until then nothing that is approved is carried out"
    if held is None:
        return Check("executor", False, "none has ever run here", mend)
    holder, expires = held
    if expires < utc_now():
        return Check("executor", False, f"{holder} does not work now", mend)
    until = format_time(expires, site.time_zone)
    return Check("executor", True, f"{holder} works, lease until {until}")
