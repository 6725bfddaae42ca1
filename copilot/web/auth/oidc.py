"""Signing in with the identity provider of the site."""

from fastapi import APIRouter

router = APIRouter()
