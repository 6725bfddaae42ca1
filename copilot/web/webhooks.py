"""Webhooks: other systems hear of proposals that are filed and decided."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from copilot.web.services import Services


@asynccontextmanager
async def tell_webhooks(services: Services) -> AsyncIterator[None]:
    """Tell the site's webhooks while the application runs."""
    yield
