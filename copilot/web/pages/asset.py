"""One asset: live signals, trend, alarms, health, life left, work orders, parts, documents."""

from fastapi import APIRouter

router = APIRouter()
