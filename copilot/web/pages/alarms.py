"""The alarm list: what stands, what came and went."""

from fastapi import APIRouter

router = APIRouter()
