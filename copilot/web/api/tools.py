"""The read tools over REST."""

from fastapi import APIRouter

router = APIRouter()
