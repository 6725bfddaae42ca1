"""The log: JSON where a machine reads it, key and value on a terminal; uvicorn's lines too."""

import logging
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

# Alembic would tell of every start that there is nothing to upgrade.
LOUD = ("alembic", "asyncua", "httpx", "httpx2", "httpcore", "mcp", "watchfiles")


def configure_logs(stream: TextIO | None = None, file: Path | None = None) -> None:
    """Write what is logged to `file`, or to `stream` (standard error)."""
    handler: logging.Handler
    if file is not None:
        handler = logging.FileHandler(file, encoding="utf-8", delay=True)
        terminal = False
    else:
        stream = stream or sys.stderr
        handler, terminal = logging.StreamHandler(stream), stream.isatty()
    handler.setFormatter(_formatter(terminal))
    handler.setLevel(logging.INFO)  # some libraries set their own loggers to more
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)


def _formatter(terminal: bool) -> logging.Formatter:
    time = structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal)
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        time,
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(colors=terminal)]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _tidy, *last],
    )


def _tidy(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Leave out what uvicorn says twice."""
    event.pop("color_message", None)
    return event
