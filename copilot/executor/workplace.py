"""What the executor works with: the plant and its actuators, the desk, the lease, the clock."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from copilot.accounts.accounts import Accounts
from copilot.accounts.step_up import StepUps
from copilot.approvals.desk import Desk
from copilot.audit.signer import Signer
from copilot.db import SOURCE, migrate, open_database
from copilot.executor.actuators import Actuator, actuators
from copilot.executor.clock import Clock
from copilot.executor.erp_writer import ErpActuator, open_erp
from copilot.executor.opcua_write import WriteConnection
from copilot.executor.settings import ExecutorSettings
from copilot.executor.tenure import Tenure
from copilot.executor.watermark import Watermark
from copilot.policy.policy import Policy
from copilot.settings import ChangeSettings
from copilot_tools.errors import Unavailable
from copilot_tools.plant import Plant
from copilot_tools.site.load import load_site
from copilot_tools.site.model import Site
from copilot_tools.site.resolve import Resolver
from copilot_tools.sources.opcua_alarms import OpcUaAlarms


@dataclass(frozen=True, slots=True)
class Workplace:
    """Everything one executor works with; `plant` is read over the session that writes."""

    engine: Engine
    plant: Plant
    desk: Desk
    policy: Policy
    actuators: Mapping[str, Actuator]
    opcua: WriteConnection
    erp: Engine
    tenure: Tenure
    watermark: Watermark
    signer: Signer
    clock: Clock
    changes: ChangeSettings
    observe_s: float

    async def close(self) -> None:
        """Release every connection."""
        await self.opcua.close()
        self.engine.dispose()
        self.erp.dispose()


def open_workplace(settings: ExecutorSettings, clock: Clock) -> Workplace:
    """The workplace of a site; brings the own database up to date.

    Raises Unavailable when the own database does not answer, PolicyError or the plant model's own
    errors when these cannot be used. Nothing else is connected before it is needed.
    """
    site = load_site(settings.plant)
    policy = Policy.load(settings.policy, site, live_age_s=settings.live_age_s)
    engine = _open_own(settings.database.own)
    secret = settings.opcua.password
    opcua = WriteConnection(
        settings.opcua.url,
        settings.opcua.user,
        secret.get_secret_value() if secret else None,
        settings.opcua.timeout_s,
        settings.opcua.security(),
    )
    erp = open_erp(settings.database.erp)
    watermark = Watermark(settings.state)
    changes = ChangeSettings(mode="propose", live_age_s=settings.live_age_s)
    return Workplace(
        engine=engine,
        plant=_plant(site, opcua, clock),
        desk=_desk(engine, site, policy, clock, changes),
        policy=policy,
        actuators=actuators(site, opcua, ErpActuator(erp, clock.now)),
        opcua=opcua,
        erp=erp,
        tenure=Tenure(engine, watermark, clock, _holder(), settings.lease_s),
        watermark=watermark,
        signer=Signer(engine, settings.audit, site.id, clock.now),
        clock=clock,
        changes=changes,
        observe_s=settings.observe_s,
    )


def _open_own(url: str) -> Engine:
    engine = open_database(url)
    try:
        migrate(engine)
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        why = str(getattr(error, "orig", error)).partition("\n")[0]
        raise Unavailable(SOURCE, why) from error
    return engine


def _plant(site: Site, opcua: WriteConnection, clock: Clock) -> Plant:
    """The plant as `plant_state.observe` looks at it; the executor answers no questions."""
    unused: Any = None
    return Plant(
        site=site,
        resolver=Resolver(site),
        telemetry=opcua.telemetry,
        history=unused,
        alarms=OpcUaAlarms(opcua.telemetry, site),
        journal=unused,
        erp=unused,
        inspections=unused,
        library=unused,
        now=clock.now,
    )


def _desk(
    engine: Engine, site: Site, policy: Policy, clock: Clock, changes: ChangeSettings
) -> Desk:
    accounts = Accounts(engine, site, clock.now)
    step_ups = StepUps(engine, accounts, clock.now, changes.step_up_s)
    return Desk(engine, site, policy, accounts, step_ups, changes, clock.now)


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:120]
