"""What the commands of `copilot station` are given, and what they open."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from copilot.settings import Settings
    from copilot_tools.models.registry.registry import Key, Registry

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="The site's copilot.toml.", show_default=False)
]
Models = Annotated[
    Path | None,
    typer.Option("--models", help="Where models lie.", show_default="[health] models"),
]
Name = Annotated[str, typer.Option("--name", help="Which model.")]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="COPILOT_STATION_DATABASE",
        help="The plant database by a login that may write.",
        show_default="[database] plant",
    ),
]
By = Annotated[str, typer.Option("--by", help="Who does this.", show_default="your login")]


def settings_of(config: Path | None) -> "Settings":
    """The settings of a site."""
    from copilot.settings import load_settings

    return load_settings(config)


def engine_of(database: str | None, config: Path | None) -> "Engine":
    """The plant database by a login that may write."""
    from copilot.station.database import open_writing

    return open_writing(database or settings_of(config).database.plant)


def registry_of(folder: Path | None, config: Path | None) -> "Registry":
    """The folder of models."""
    from copilot_tools.models.registry.registry import Registry

    return Registry(folder if folder is not None else settings_of(config).health.models)


def lines_of(settings: "Settings") -> tuple[str, ...]:
    """The ids of the plant's lines."""
    from copilot_tools.site.load import load_site

    return tuple(load_site(settings.plant).lines)


def key_of(name: str) -> "Key":
    """A vision model in the registry."""
    from copilot.station.models import KIND
    from copilot_tools.models.registry.registry import Key

    return Key(KIND, name)


def now() -> "datetime":
    """The time."""
    from copilot.plant import utc_now

    return utc_now()


def login() -> str:
    """Who is at this terminal."""
    from getpass import getuser

    return getuser()
