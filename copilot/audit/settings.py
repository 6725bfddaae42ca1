"""How checkpoints are made and where they go: a section of the executor's settings."""

from pathlib import Path
from typing import Annotated, Literal, Self, cast
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from copilot.audit.sinks import FileSink, Sink, SyslogSink
from copilot.settings import APP


class CheckpointSettings(BaseModel):
    """Checkpoints every so many rows or minutes, pushed to `files` and `syslog`.

    `syslog` is `tcp://host:port` or `udp://host:port`. With `require_sinks` nothing is written to
    the plant unless every sink has taken the newest checkpoint.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Path = user_data_path(APP) / "audit.key"
    every_rows: Annotated[int, Field(ge=1)] = 100
    every_minutes: Annotated[float, Field(gt=0)] = 10.0
    files: tuple[Path, ...] = ()
    syslog: tuple[str, ...] = ()
    require_sinks: bool = False

    @field_validator("syslog")
    @classmethod
    def _are_addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            parts = urlsplit(url)
            if parts.scheme not in ("tcp", "udp") or not parts.hostname or not parts.port:
                raise ValueError(f"{url!r} is not tcp://host:port or udp://host:port")
        return urls

    @model_validator(mode="after")
    def _can_be_required(self) -> Self:
        if self.require_sinks and not (self.files or self.syslog):
            raise ValueError("require_sinks needs at least one file or syslog")
        if self.require_sinks and any(url.startswith("udp:") for url in self.syslog):
            raise ValueError("require_sinks needs syslog over tcp: a loss over udp is not noticed")
        return self

    def sinks(self) -> tuple[Sink, ...]:
        """Every place checkpoints go to; nothing is opened yet."""
        files = (FileSink(path) for path in self.files)
        return (*files, *(_syslog(url) for url in self.syslog))


def _syslog(url: str) -> SyslogSink:
    parts = urlsplit(url)
    transport = cast(Literal["tcp", "udp"], parts.scheme)
    return SyslogSink(parts.hostname or "", parts.port or 0, transport)
