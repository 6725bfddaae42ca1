"""The model context protocol: the same tools for other agents."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

router = APIRouter()


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Serve the protocol while the application runs."""
    yield


def mount(app: FastAPI) -> None:
    """Put the protocol's endpoint into the application."""
