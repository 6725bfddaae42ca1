"""Inspection pictures with what the inspection marked on them."""

from fastapi import APIRouter

router = APIRouter()
