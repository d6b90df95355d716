"""News as pages and REST calls show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from ..challenges.access import Access
from ..core.clock import rfc3339
from ..core.markdown import render_markdown
from .models import Notice
from .notices import ANNOUNCEMENT, notices_for, team_id_of


class NoticeOut(BaseModel):
    """One piece of news.

    `audience` is `everybody`, `team` or `you`. `html` is the sanitised form of an announcement's
    Markdown; null for plain text.
    """

    id: str
    kind: str
    audience: str
    text: str
    html: str | None
    created_at: str

    @classmethod
    def of(cls, notice: Notice) -> NoticeOut:
        """The notice as its readers see it."""
        html = render_markdown(notice.text) if notice.kind == ANNOUNCEMENT else None
        return cls(
            id=notice.id,
            kind=notice.kind,
            audience=_audience(notice),
            text=notice.text,
            html=html,
            created_at=rfc3339(notice.created_at),
        )


class NoticeList(BaseModel):
    """A page of news, the newest first."""

    items: list[NoticeOut]
    next: str | None


class AnnouncementIn(BaseModel):
    """What organisers tell everybody, in Markdown."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=100_000)


class AnnouncementOut(BaseModel):
    """An announcement as it would look, with its notice unless it was a preview."""

    html: str
    notice: NoticeOut | None


@dataclass(frozen=True)
class News:
    """One piece of news on a page: Markdown is there as sanitised HTML."""

    notice: Notice
    audience: str
    html: str | None


def news_for(session: Session, access: Access, limit: int) -> list[News]:
    """The latest news that the actor may read."""
    return as_news(read_notices(session, access, limit))


def read_notices(
    session: Session, access: Access, limit: int, before: str | None = None
) -> list[Notice]:
    """The notices that the actor may read."""
    challenge_id, user_id = access.challenge.id, access.actor.user_id
    team_id = team_id_of(session, challenge_id, user_id) if user_id else None
    return notices_for(session, challenge_id, team_id, user_id, limit, before=before)


def as_news(notices: Sequence[Notice]) -> list[News]:
    """Notices as a page shows them."""
    return [
        News(
            one,
            _audience(one),
            render_markdown(one.text) if one.kind == ANNOUNCEMENT else None,
        )
        for one in notices
    ]


def _audience(notice: Notice) -> str:
    if notice.user_id is not None:
        return "you"
    return "everybody" if notice.team_id is None else "team"
