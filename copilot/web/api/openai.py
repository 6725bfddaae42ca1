"""The chat completions interface, so that any chat client can ask."""

from fastapi import APIRouter

router = APIRouter()
