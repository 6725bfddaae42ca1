"""The OpenAPI document of the interfaces."""

from fastapi import APIRouter

router = APIRouter()
