"""Every request in the log, in the metrics and in a trace."""

from fastapi import FastAPI


def observe(app: FastAPI) -> None:
    """Watch the requests of an application."""
