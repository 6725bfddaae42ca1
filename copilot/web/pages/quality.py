"""Vision quality control: yield, Pareto of defects, wall of pictures."""

from fastapi import APIRouter

router = APIRouter()
