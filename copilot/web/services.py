"""What the pages and interfaces work with; made once, when the application is made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from copilot.accounts.accounts import Accounts
from copilot.accounts.badges import Badges
from copilot.accounts.identities import Identities
from copilot.accounts.service_tokens import ServiceTokens
from copilot.accounts.sessions import Sessions
from copilot.accounts.sign_in import SignIn
from copilot.app import Copilot
from copilot.runs.runs import Runs
from copilot.settings import Settings
from copilot.web.live.values import LiveValues
from copilot.web.looks import Looks


@dataclass(frozen=True, slots=True)
class Services:
    """The parts behind the pages; `guests` are the demo's people, who sign in with one tap."""

    settings: Settings
    copilot: Copilot
    accounts: Accounts
    sign_in: SignIn
    sessions: Sessions
    tokens: ServiceTokens
    badges: Badges
    identities: Identities
    runs: Runs
    values: LiveValues
    guests: tuple[str, ...] = ()
    looks: Looks = field(default_factory=Looks)

    @property
    def now(self) -> Callable[[], datetime]:
        """The plant's time."""
        return self.copilot.plant.now


def open_services(settings: Settings, copilot: Copilot, guests: tuple[str, ...] = ()) -> Services:
    """The services of a running copilot, whose database has its tables already."""
    engine, now = copilot.database, copilot.plant.now
    desk = copilot.desk
    accounts = desk.accounts if desk else Accounts(engine, copilot.plant.site, now)
    web = settings.web
    idle, longest = timedelta(minutes=web.idle_minutes), timedelta(hours=web.session_hours)
    return Services(
        settings=settings,
        copilot=copilot,
        accounts=accounts,
        sign_in=SignIn(engine, accounts, now),
        sessions=Sessions(engine, accounts, now, idle, longest),
        tokens=ServiceTokens(engine, now),
        badges=Badges(engine, accounts, now),
        identities=Identities(engine, accounts, now),
        runs=Runs(copilot.agent, engine, now),
        values=LiveValues(copilot.plant),
        guests=guests,
    )
