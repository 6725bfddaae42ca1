"""Opens the desk of a site: its database brought up to date, its policy, its accounts."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from copilot.accounts.accounts import Accounts
from copilot.accounts.step_up import StepUps
from copilot.approvals.desk import Desk
from copilot.db import migrate
from copilot.policy.policy import Policy
from copilot.policy.record import record_policy
from copilot.settings import Settings
from copilot_tools.site.model import Site


def open_desk(settings: Settings, site: Site, engine: Engine, now: Callable[[], datetime]) -> Desk:
    """The desk as the settings describe it; its policy goes on record.

    Raises PolicyError when the policy cannot be used, Unavailable without the database.
    """
    changes = settings.changes
    policy = Policy.load(changes.policy, site, live_age_s=changes.live_age_s)
    migrate(engine)
    record_policy(engine, policy, "desk", now())
    accounts = Accounts(engine, site, now)
    step_ups = StepUps(engine, accounts, now, changes.step_up_s)
    return Desk(engine, site, policy, accounts, step_ups, changes, now)
