"""How a copilot is set up for the demo plant: its settings, its executor's, and its people."""

from pathlib import Path

from copilot import db
from copilot.accounts.accounts import Accounts
from copilot.actor import EVERYWHERE, Actor, Role
from copilot.demo.home import DemoError, DemoHome
from copilot.demo.simulate import PLANT_TOML
from copilot.plant import utc_now
from copilot.settings import (
    ChangeSettings,
    DatabaseSettings,
    HealthSettings,
    HistorySettings,
    OpcUaSettings,
    Settings,
)
from copilot_tools.site.load import load_site

PASSWORD = "riverbend-demo"
PEOPLE = (
    ("olga", Role.OPERATOR, ("PH", "SR", "UT", "BH", "PK")),
    ("timo", Role.TECHNICIAN, (EVERYWHERE,)),
    ("sara", Role.SUPERVISOR, (EVERYWHERE,)),
    ("samir", Role.SUPERVISOR, (EVERYWHERE,)),
    ("erik", Role.ENGINEER, (EVERYWHERE,)),
    ("ada", Role.ADMIN, (EVERYWHERE,)),
)
CONFIGURATION = """\
# The demo plant's configuration, written whenever its server starts.
[opcua]
url = "{url}"

[database]
plant = "sqlite:///plant.db"
own = "sqlite:///copilot.db"
reviews = "sqlite:///plant.db"

[changes]
mode = "propose"

[health]
models = "models"

[audit]
public_key = "executor/audit.key.pub"
checkpoints = ["executor/checkpoints.jsonl"]
"""
EXECUTOR = """\
# The demo plant's executor; only this process has the right to write.
plant = "../plant.toml"
state = "."
lease_s = 7.0

[opcua]
url = "{url}"
user = "executor"
password = "{password}"

[database]
own = "sqlite:///../copilot.db"
erp = "sqlite:///../plant.db"

[audit]
key = "audit.key"
files = ["checkpoints.jsonl"]
"""


def demo_settings(home: Path, url: str, cache: Path | None = None) -> Settings:
    """The settings of a copilot that asks the demo plant in `home` at the OPC UA `url`."""
    return Settings(
        plant=home / "plant.toml",
        manuals=home / "manuals",
        images=home / "images",
        opcua=OpcUaSettings(url=url),
        database=DatabaseSettings(
            plant=f"sqlite:///{home / 'plant.db'}",
            own=f"sqlite:///{home / 'copilot.db'}",
            reviews=f"sqlite:///{home / 'plant.db'}",
        ),
        history=HistorySettings(path=home / "history"),
        cache=cache or Settings().cache,
        changes=ChangeSettings(mode="propose"),
        health=HealthSettings(models=home / "models"),
    )


def configure(home: DemoHome, url: str) -> None:
    """Write copilot.toml and the executor's own file for a plant that runs at `url`."""
    (home.root / "copilot.toml").write_text(CONFIGURATION.format(url=url), encoding="utf-8")
    file = executor_file(home.root)
    file.touch(0o600)
    content = EXECUTOR.format(url=url, password=home.executor_password)
    file.write_text(content, encoding="utf-8")


def executor_file(home: Path) -> Path:
    """The executor's configuration; the chat never reads it."""
    return home / "executor" / "executor.toml"


def settle_people(own_database: str) -> None:
    """Give the demo's people their accounts in a copilot's database, unless they have them."""
    engine = db.open_database(own_database)
    try:
        db.migrate(engine)
        accounts = Accounts(engine, load_site(PLANT_TOML), utc_now)
        known = {account.name for account in accounts.list()}
        for name, role, areas in PEOPLE:
            if name not in known:
                accounts.add(name, role, areas, PASSWORD, by="demo")
    finally:
        engine.dispose()


def demo_actor(name: str) -> Actor:
    """One of the demo's people, signed in with one tap: the demo asks for no password to chat."""
    for known, role, areas in PEOPLE:
        if known == name:
            return Actor(name, role, person=name, areas=areas, authenticated=True)
    raise DemoError(f"nobody is called {name!r} here; there are {', '.join(p[0] for p in PEOPLE)}")
