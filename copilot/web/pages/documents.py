"""The manuals, page by page, with the passage that was quoted marked."""

from fastapi import APIRouter

router = APIRouter()
