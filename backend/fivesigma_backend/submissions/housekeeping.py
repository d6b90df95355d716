"""Clearing away what is over: tickets, keys and blobs that nothing refers to."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, union
from sqlalchemy.orm import Session

from ..challenges.models import Challenge, PublishedFile, Solution
from ..challenges.preparing import SOURCE
from ..core.storage import Storage
from .models import IdempotencyKey, StoredFigure, Submission, UploadTicket
from .rules import KEY_LIFETIME

# A blob is stored before the row that refers to it, so a young one may still get its row.
YOUNGEST_ORPHAN = timedelta(hours=24)


def forget_expired(session: Session, now: datetime) -> None:
    """Delete tickets of uploads that never ended, and old idempotency keys."""
    session.execute(delete(UploadTicket).where(UploadTicket.expires_at <= now))
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEY_LIFETIME))


def referred_blobs(session: Session) -> set[str]:
    """Every blob that a row refers to."""
    columns = (
        Submission.sha256,
        PublishedFile.sha256,
        Challenge.folder_sha256,
        Solution.compiled_sha256,
        Solution.universe_sha256,
        Solution.summary[SOURCE].as_string(),
    )
    found = session.scalars(union(*(select(column) for column in columns)))
    referred = {sha256 for sha256 in found if sha256 is not None}
    drawn = select(StoredFigure.images).where(StoredFigure.images.is_not(None))
    for images in session.scalars(drawn):
        referred.update((images or {}).values())
    return referred


def delete_orphans(storage: Storage, referred: set[str], now: datetime) -> int:
    """Delete old blobs that no row refers to; returns how many."""
    orphans = [
        sha256
        for sha256, stored_at in storage.blobs()
        if sha256 not in referred and stored_at < now - YOUNGEST_ORPHAN
    ]
    for sha256 in orphans:
        storage.delete(sha256)
    return len(orphans)
