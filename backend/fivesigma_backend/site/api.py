"""Health and metrics, for whatever watches the service."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from ..accounts.access import PlatformOf
from .access import operator, unasked
from .health import readiness_of
from .metrics import metrics_text

router = APIRouter(tags=["operations"])
NEVER_KEPT = {"Cache-Control": "no-store"}


class Alive(BaseModel):
    """The process answers."""

    alive: bool = True


class Ready(BaseModel):
    """Whether requests can be served, and which parts work."""

    ready: bool
    database: bool
    broker: bool
    storage: bool


@router.get("/healthz", dependencies=[Depends(unasked)])
async def healthz() -> Alive:
    """The process is alive. It asks nothing else, so that a broken database restarts no web."""
    return Alive()


@router.get("/readyz", dependencies=[Depends(unasked)], responses={503: {"model": Ready}})
def readyz(request: Request, platform: PlatformOf) -> Response:
    """Database at the present schema, broker reachable, storage writable; else 503 and which."""
    parts = readiness_of(request.app, platform).parts()
    ready = Ready(ready=all(parts.values()), **parts)
    return JSONResponse(ready.model_dump(), 200 if ready.ready else 503, NEVER_KEPT)


@router.get("/metrics", dependencies=[Depends(operator)], response_class=Response)
def metrics(platform: PlatformOf) -> Response:
    """Gauges for Prometheus. Answers callers on this machine, or with the metrics token."""
    return Response(metrics_text(platform), headers=NEVER_KEPT, media_type=CONTENT_TYPE_LATEST)
