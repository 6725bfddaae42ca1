"""One's account: where one is signed in, and ending that."""

from fastapi import APIRouter

router = APIRouter()
