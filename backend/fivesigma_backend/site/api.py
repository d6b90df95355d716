"""Health, metrics and the API's own documentation."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
