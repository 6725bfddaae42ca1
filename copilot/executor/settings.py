"""What an executor needs to know: its own file and its own secrets, never those of the chat."""

import os
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from copilot.audit.settings import CheckpointSettings
from copilot.settings import OpcUaSettings, SettingsError
from copilot_tools.site.toml_lines import find_line

FILE = Path("executor.toml")
ENVIRONMENT = "COPILOT_EXECUTOR_"

Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ExecutorDatabases(_Section):
    """SQLAlchemy URLs: `own` holds proposals and the audit log, `erp` the records it may make."""

    own: str
    erp: str


class ExecutorSettings(_Section):
    """One executor: the plant it works in, who it is there, and how long it looks.

    `state` is a folder outside the databases, on this machine. `lease_s` is how long another
    executor waits when this one falls silent; it is more than three times `opcua.timeout_s`, so
    that it outlasts a request. `observe_s` is how long the plant is watched where the fate of a
    write is open. `live_age_s` is how old a live value may be when it is relied on.
    """

    plant: Path
    state: Path
    database: ExecutorDatabases
    opcua: OpcUaSettings
    policy: Path | None = None
    audit: CheckpointSettings = CheckpointSettings()
    poll_s: Seconds = 1.0
    lease_s: Annotated[Seconds, Field(validate_default=True)] = 15.0
    observe_s: Seconds = 30.0
    live_age_s: Seconds = 30.0

    @field_validator("lease_s")
    @classmethod
    def _outlasts_a_change(cls, lease_s: float, info: ValidationInfo) -> float:
        opcua = info.data.get("opcua")
        if opcua is not None and lease_s <= 3 * opcua.timeout_s:
            raise ValueError(f"must be more than 3 x opcua.timeout_s, {3 * opcua.timeout_s:g}")
        return lease_s


class _LayeredSettings(BaseSettings, ExecutorSettings):
    """The same settings; a variable such as COPILOT_EXECUTOR_OPCUA__PASSWORD wins over the file."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT, env_nested_delimiter="__", extra="forbid"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file; there is no `.env`, which the chat reads."""
        return env_settings, init_settings


def load_executor_settings(path: Path = FILE) -> ExecutorSettings:
    """The settings in a file; raises SettingsError. Relative paths start from its folder."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsError(
            f"{path}: no such configuration; write one (see docs/executor.md) or name it with "
            "--config"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None
    try:
        settings = _LayeredSettings(**content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        names = [str(part) for part in first["loc"]]
        raise SettingsError(f"{_origin(path, text, names)}: {first['msg']}") from None
    return _anchored(settings, path.parent.absolute())


def _origin(path: Path, text: str, names: list[str]) -> str:
    """Where a wrong setting stands: a variable of the environment, or a line of the file."""
    variable = ENVIRONMENT + "__".join(names).upper()
    if variable in os.environ:
        return f"environment variable {variable}"
    return f"{path}:{find_line(text, names)}: {'.'.join(names)}"


def _anchored(settings: ExecutorSettings, folder: Path) -> ExecutorSettings:
    audit, database = settings.audit, settings.database
    files = tuple(folder / file for file in audit.files)
    return ExecutorSettings(
        plant=folder / settings.plant,
        state=folder / settings.state,
        database=ExecutorDatabases(
            own=_anchored_url(database.own, folder), erp=_anchored_url(database.erp, folder)
        ),
        opcua=settings.opcua.anchored(folder),
        policy=settings.policy and folder / settings.policy,
        audit=audit.model_copy(update={"key": folder / audit.key, "files": files}),
        poll_s=settings.poll_s,
        lease_s=settings.lease_s,
        observe_s=settings.observe_s,
        live_age_s=settings.live_age_s,
    )


def _anchored_url(text: str, folder: Path) -> str:
    """A SQLite file is meant from `folder`; other URLs stay as they are."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the text itself may tell a password
        raise SettingsError("an address in [database] is not a database URL") from None
    if url.get_backend_name() != "sqlite" or not url.database:
        return text
    return f"{url.drivername}:///{folder / url.database}"
