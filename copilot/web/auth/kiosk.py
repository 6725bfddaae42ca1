"""A terminal on the floor: a badge and its PIN open reading and asking."""

from fastapi import APIRouter

router = APIRouter()
