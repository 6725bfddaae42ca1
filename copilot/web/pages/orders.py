"""Production, purchase and work orders."""

from fastapi import APIRouter

router = APIRouter()
