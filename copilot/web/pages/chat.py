"""The chat: ask, see the steps as they run, stop, say whether it was right."""

from fastapi import APIRouter

router = APIRouter()
