"""REST calls of teams: joining a challenge."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
