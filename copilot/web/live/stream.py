"""The one stream of events of a tab."""

from fastapi import APIRouter

router = APIRouter()
