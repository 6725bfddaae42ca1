"""OEE of the lines and what was lost to what."""

from fastapi import APIRouter

router = APIRouter()
