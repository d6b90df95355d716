"""The audit log of a challenge: a page, a REST call, and a CSV file of all of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from sqlalchemy import Row, select
from sqlalchemy.orm import Session
from starlette.responses import Response

from ..accounts.access import PlatformOf
from ..accounts.models import User
from ..core.audit import AuditEvent
from ..core.clock import rfc3339
from ..core.pages import render
from ..core.sheets import MEDIA_TYPES, csv_text
from .access import Access, organiser
from .service import phases_of

api = APIRouter(tags=["organisers"])
pages = APIRouter()
Organised = Annotated[Access, Depends(organiser)]
Action = Annotated[str | None, Query(max_length=60)]
Cursor = Annotated[str | None, Query(max_length=40)]
PAGE = 50
COLUMNS = ("id", "at", "who", "action", "target", "before", "after")
EventRow = Row[AuditEvent, str | None]


class AuditOut(BaseModel):
    """One recorded act; `who` is null where the platform acted by itself."""

    id: str
    at: str
    who: str | None
    action: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditList(BaseModel):
    """A page of the log, the newest first."""

    items: list[AuditOut]
    next: str | None


@api.get("/admin/challenges/{slug}/audit", response_model=AuditList)
def get_audit(
    platform: PlatformOf,
    access: Organised,
    action: Action = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Cursor = None,
    format: Literal["json", "csv"] = "json",  # noqa: A002 - as for boards
) -> Response:
    """Who did what to what, when, and how it was before and after; as CSV all of it."""
    whole = format == "csv"
    with platform.db.read() as session:
        rows, following = read_audit(
            session, access.challenge.id, action, None if whole else limit, cursor
        )
    items = [_out(row) for row in rows]
    if not whole:
        page = AuditList(items=items, next=following).model_dump_json()
        return Response(page, media_type="application/json")
    name = f"{access.challenge.slug}-audit.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    text = csv_text(COLUMNS, [_flat(one) for one in items])
    return Response(text, media_type=MEDIA_TYPES["csv"], headers=headers)


@pages.get("/challenges/{slug}/organise/audit")
def audit_page(
    request: Request,
    platform: PlatformOf,
    access: Organised,
    action: Action = None,
    cursor: Cursor = None,
) -> Response:
    """The log, page by page."""
    challenge_id = access.challenge.id
    with platform.db.read() as session:
        phases = phases_of(session, challenge_id)
        rows, following = read_audit(session, challenge_id, action or None, PAGE, cursor)
        actions = session.scalars(
            select(AuditEvent.action)
            .where(AuditEvent.challenge_id == challenge_id)
            .distinct()
            .order_by(AuditEvent.action)
        ).all()
    query = {"action": action or "", "cursor": following}
    return render(
        request,
        "challenges/audit.html",
        access=access,
        phases=phases,
        rows=[(event, who, _changes(event)) for event, who in rows],
        actions=actions,
        action=action or "",
        next_page=f"?{urlencode(query)}" if following else None,
    )


def read_audit(
    session: Session, challenge_id: str, action: str | None, limit: int | None, before: str | None
) -> tuple[Sequence[EventRow], str | None]:
    """A page of acts with who did them, the newest first, and where the next begins."""
    wanted = (
        select(AuditEvent, User.username)
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(AuditEvent.challenge_id == challenge_id)
        .order_by(AuditEvent.id.desc())
    )
    if action:
        wanted = wanted.where(AuditEvent.action == action)
    if before is not None:
        wanted = wanted.where(AuditEvent.id < before)
    if limit is None:
        return session.execute(wanted).all(), None
    rows = session.execute(wanted.limit(limit + 1)).all()
    return rows[:limit], rows[limit - 1][0].id if len(rows) > limit else None


def _out(row: EventRow) -> AuditOut:
    event, who = row
    return AuditOut(
        id=event.id,
        at=rfc3339(event.at),
        who=who,
        action=event.action,
        target=event.target,
        before=event.before,
        after=event.after,
    )


def _flat(one: AuditOut) -> dict[str, Any]:
    changes = {
        name: json.dumps(value, ensure_ascii=False, sort_keys=True) if value is not None else ""
        for name, value in (("before", one.before), ("after", one.after))
    }
    return one.model_dump() | {"who": one.who or ""} | changes


def _changes(event: AuditEvent) -> list[tuple[str, str, str]]:
    """What the act changed: name, before, after."""
    before, after = event.before or {}, event.after or {}
    names = dict.fromkeys([*before, *after])
    return [
        (name, _text(before.get(name)), _text(after.get(name)))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
