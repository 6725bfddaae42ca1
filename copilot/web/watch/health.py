"""Whether the server lives and is ready."""

from fastapi import APIRouter

router = APIRouter()
