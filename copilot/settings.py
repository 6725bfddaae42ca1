"""What a site configures: one tree, read from `copilot.toml`, then `.env`, then the environment."""

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from platformdirs import user_cache_path, user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from copilot_tools.site.toml_lines import find_line
from copilot_tools.sources.opcua_security import ChannelSecurity

APP = "industrial-copilot"


class SettingsError(Exception):
    """The configuration cannot be used; the message says where, why and how to mend it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OpcUaSettings(_Section):
    """The OPC UA server that is read from; the chat only ever uses a read-only identity.

    With all three files (PEM or DER) the channel is signed and encrypted, and no server with
    another certificate is talked to; without them it is neither.
    """

    url: str = "opc.tcp://127.0.0.1:4840/"
    user: str | None = None
    password: SecretStr | None = None
    timeout_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    certificate: Path | None = None
    private_key: Path | None = None
    server_certificate: Path | None = None

    @model_validator(mode="after")
    def _secures_all_or_nothing(self) -> Self:
        files = (self.certificate, self.private_key, self.server_certificate)
        if any(files) and not all(files):
            raise ValueError("certificate, private_key and server_certificate go together")
        return self

    def security(self) -> ChannelSecurity | None:
        """How the channel is secured; None when it is not."""
        if not (self.certificate and self.private_key and self.server_certificate):
            return None
        return ChannelSecurity(self.certificate, self.private_key, self.server_certificate)

    def anchored(self, folder: Path) -> Self:
        """The same, with relative files meant from `folder`."""
        files = ("certificate", "private_key", "server_certificate")
        found = {name: getattr(self, name) for name in files}
        return self.model_copy(update={n: folder / path for n, path in found.items() if path})


class DatabaseSettings(_Section):
    """SQLAlchemy URLs: `plant` is read (ERP, CMMS, journal, quality), `own` holds conversations.

    `reviews` is the plant database by a login that may write what people decide of inspected parts;
    without it that is done at the terminal of the station.
    """

    plant: str = "sqlite:///plant.db"
    reviews: str = ""
    own: str = f"sqlite:///{user_data_path(APP) / 'copilot.db'}"


class HistorySettings(_Section):
    """Where telemetry history is kept: a Parquet folder, or a table of the site's SQL historian."""

    kind: Literal["parquet", "sql"] = "parquet"
    path: Path = Path("history")
    url: str = ""


class ModelSettings(_Section):
    """The planner: the embedded model, or an OpenAI-compatible server inside the plant."""

    kind: Literal["embedded", "openai"] = "embedded"
    threads: Annotated[int, Field(ge=1, le=64)] | None = None
    turn_s: Annotated[float, Field(gt=0)] = 30.0
    url: str = ""
    name: str = ""
    api_key: SecretStr | None = None


class ChangeSettings(_Section):
    """Whether changes may be proposed here, and how they are decided.

    Without `mode = "propose"` no code that writes, or asks for a write, is loaded at all. `policy`
    is the site's Cedar file; without one the policy that comes with the copilot is in force. After
    `breaker_count` refused proposals within `breaker_minutes` nothing more may be proposed by that
    user until a supervisor resets it.
    """

    mode: Literal["read-only", "propose"] = "read-only"
    policy: Path | None = None
    ttl_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 30.0
    step_up_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    live_age_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    breaker_count: Annotated[int, Field(ge=1, le=100)] = 5
    breaker_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 15.0


class AuditSettings(_Section):
    """What the audit log is checked against: the executor's public key, and the files that its
    checkpoints are pushed to.
    """

    public_key: Path = user_data_path(APP) / "audit.key.pub"
    checkpoints: tuple[Path, ...] = ()


class OidcSettings(_Section):
    """The site's identity provider: people that an administrator has linked may sign in by it."""

    issuer: str
    client_id: str
    client_secret: SecretStr
    name: str = "company account"


class WebhookSettings(_Section):
    """Where the news of proposals is posted to, signed with `secret` (HMAC-SHA256)."""

    url: str
    secret: SecretStr


class WebSettings(_Section):
    """The web application: where it listens, how it is reached, how long sessions last.

    With `certificate` and `private_key` (PEM) it speaks TLS. `hosts` are the names it may be
    called by besides localhost; `trusted_proxies` the addresses whose forwarding headers count.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8180
    hosts: tuple[str, ...] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    idle_minutes: Annotated[float, Field(gt=0, le=12 * 60)] = 15.0
    session_hours: Annotated[float, Field(gt=0, le=24)] = 12.0
    oidc: OidcSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()

    @model_validator(mode="after")
    def _speaks_tls_or_not(self) -> Self:
        if bool(self.certificate) != bool(self.private_key):
            raise ValueError("certificate and private_key go together")
        return self

    def anchored(self, folder: Path) -> Self:
        """The same, with relative files meant from `folder`."""
        found = {name: getattr(self, name) for name in ("certificate", "private_key")}
        return self.model_copy(update={n: folder / path for n, path in found.items() if path})


class HealthSettings(_Section):
    """Trained models of machines: where they lie, who trains them, and when they are due again.

    `scheduler` is the address of a Dask scheduler ("tcp://..."); without one `workers` processes
    of this machine train and score. A model is due when it is older than `retrain_days`, when a
    signal's PSI against its training data exceeds `retrain_psi`, or when its 80 % interval held
    less than `retrain_coverage` of the last 50 outcomes.
    """

    models: Path = user_data_path(APP) / "models"
    scheduler: str = ""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    retrain_days: Annotated[float, Field(gt=0)] = 180.0
    retrain_psi: Annotated[float, Field(gt=0)] = 0.25
    retrain_coverage: Annotated[float, Field(gt=0, lt=1)] = 0.7


class Settings(_Section):
    """Everything a copilot needs to know about its site."""

    plant: Path = Path("plant.toml")
    manuals: Path = Path("manuals")
    images: Path = Path("images")
    library: Path | None = None
    cache: Path = user_cache_path(APP)
    opcua: OpcUaSettings = OpcUaSettings()
    database: DatabaseSettings = DatabaseSettings()
    history: HistorySettings = HistorySettings()
    model: ModelSettings = ModelSettings()
    changes: ChangeSettings = ChangeSettings()
    audit: AuditSettings = AuditSettings()
    web: WebSettings = WebSettings()
    health: HealthSettings = HealthSettings()

    @property
    def watch_folder(self) -> Path:
        """What the watch over live readings keeps of this site, beside the copilot's own database.

        Beside the trained models where that is no file.
        """
        scheme, _, path = self.database.own.partition(":///")
        home = Path(path).parent if scheme == "sqlite" and path else self.health.models.parent
        site = hashlib.sha256(str(self.plant.absolute()).encode()).hexdigest()[:12]
        return home / "watch" / site

    @property
    def library_file(self) -> Path:
        """The database of what the manuals hold; it can be made anew from the manuals."""
        return self.library or self.cache / "library.db"


class _LayeredSettings(BaseSettings, Settings):
    """The same settings, looked up in the environment, then `.env`, then the TOML file."""

    model_config = SettingsConfigDict(
        env_prefix="COPILOT_", env_nested_delimiter="__", env_file=".env", extra="ignore"
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
        """The environment wins over `.env`, which wins over the TOML file."""
        file = TomlConfigSettingsSource(settings_cls, config_file())
        return init_settings, env_settings, dotenv_settings, file


def load_settings(path: Path | None = None) -> Settings:
    """The settings of `path`, of $COPILOT_CONFIG or of ./copilot.toml; raises SettingsError."""
    if path is not None:
        os.environ["COPILOT_CONFIG"] = str(path)
    file = config_file()
    if not file.is_file():
        raise SettingsError(
            f"{file}: no such configuration; write one (see docs/configuration.md), "
            "name it with --config, or try `copilot demo`"
        )
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: is not UTF-8 text") from None
    for name in content.keys() - Settings.model_fields.keys():
        raise SettingsError(f"{file}:{find_line(text, [name])}: there is no setting {name!r}")
    try:
        settings = _LayeredSettings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = _origin(file, text, content, [str(part) for part in first["loc"]])
        raise SettingsError(f"{where}: {first['msg']}") from None
    return _relative_to(file.parent, settings)


def _origin(file: Path, text: str, content: dict[str, object], path: list[str]) -> str:
    """Where a wrong setting stands: a line of the file, or else a variable of the environment."""
    inner: object = content
    for name in path[:-1]:
        inner = inner.get(name) if isinstance(inner, dict) else None
    variable = f"COPILOT_{'__'.join(path).upper()}"
    if variable in os.environ or not isinstance(inner, dict):
        return f"environment variable {variable}"
    return f"{file}:{find_line(text, path)}: {'.'.join(path)}"


def config_file() -> Path:
    """The file that `load_settings` reads without being given one."""
    return Path(os.environ.get("COPILOT_CONFIG", "copilot.toml"))


def _relative_to(folder: Path, settings: Settings) -> Settings:
    """Relative paths in the file are meant from where the file lies."""
    folder = folder.absolute()
    history = settings.history.model_copy(update={"path": folder / settings.history.path})
    urls = settings.database.model_dump()
    database = {name: url and _anchor_sqlite(url, folder) for name, url in urls.items()}
    policy = settings.changes.policy and folder / settings.changes.policy
    health = settings.health.model_copy(update={"models": folder / settings.health.models})
    audit = AuditSettings(
        public_key=folder / settings.audit.public_key,
        checkpoints=tuple(folder / path for path in settings.audit.checkpoints),
    )
    return settings.model_copy(
        update={
            "plant": folder / settings.plant,
            "opcua": settings.opcua.anchored(folder),
            "manuals": folder / settings.manuals,
            "library": settings.library and folder / settings.library,
            "images": folder / settings.images,
            "cache": folder / settings.cache,
            "history": history,
            "database": DatabaseSettings(**database),
            "changes": settings.changes.model_copy(update={"policy": policy}),
            "audit": audit,
            "web": settings.web.anchored(folder),
            "health": health,
        }
    )


def _anchor_sqlite(url: str, folder: Path) -> str:
    """A SQLite URL whose file is meant from `folder`; other URLs stay as they are."""
    scheme, slashes, path = url.partition(":///")
    return f"{scheme}{slashes}{folder / path}" if scheme == "sqlite" and path else url
