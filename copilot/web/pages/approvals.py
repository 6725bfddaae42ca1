"""The inbox of approvals: what waits, the card of one, the history."""

from fastapi import APIRouter

router = APIRouter()
