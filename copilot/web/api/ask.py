"""Asking a question over REST."""

from fastapi import APIRouter

router = APIRouter()
