"""Looking at proposals over REST."""

from fastapi import APIRouter

router = APIRouter()
