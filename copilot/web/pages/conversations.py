"""The list of one's conversations, searching them, handing one over."""

from fastapi import APIRouter

router = APIRouter()
