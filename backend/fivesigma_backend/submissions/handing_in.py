"""Handing in: the short locked transaction that decides again and stores the submission."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ..challenges.access import Access
from ..core.errors import Closed, Conflict
from ..core.ids import new_id
from .admission import Admission, require_open
from .generations import accompany
from .holding import as_it_is_now, hold
from .models import Entry, Evaluation, IdempotencyKey, Submission
from .quota import limits_of, require_allowance, usage_and_same
from .rules import KEY_LIFETIME, State
from .standings import lock_entry

Row = dict[str, Any]
_INSERT_SUBMISSION = insert(Submission)
_INSERT_EVALUATION = insert(Evaluation)


@dataclass(frozen=True)
class Upload:
    """A file that has arrived whole, and what was said with it."""

    sha256: str
    size: int
    filename: str
    message: str = ""
    declared: dict[str, Any] | None = None
    key: str | None = None

    def request_hash(self, phase_id: str) -> str:
        """What must be equal for a request to be a replay of another."""
        said = [self.sha256, phase_id, self.message, self.declared]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Accepted:
    """The submission that a request led to; `replayed` if an earlier request had made it."""

    submission_id: str
    remaining: int | None
    replayed: bool = False


def earlier_by_key(
    session: Session, access: Access, key: str | None, now: datetime
) -> IdempotencyKey | None:
    """What this user's idempotency key stands for, if it was used in the last 24 hours."""
    if key is None:
        return None
    found = session.get(IdempotencyKey, (access.actor.user_id, access.challenge.id, key))
    return found if found is not None and found.created_at > now - KEY_LIFETIME else None


def accept(
    session: Session,
    access: Access,
    admission: Admission,
    upload: Upload,
    *,
    began_at: datetime,
    now: datetime,
) -> Accepted:
    """Lock the entry, decide again, and store the submission with its evaluation.

    A replay (same key, or the same file again within ten minutes) answers the first one. Raises
    Conflict for a key that was used for something else, Closed and TooMany as `admit`.
    """
    # The team may have changed while the file travelled: it counts for the present one.
    held = hold(session, access, admission.test_set.id)
    admission = replace(admission, team_id=held.team_id)
    entry = lock_entry(session, admission.phase.id, held.team_id)
    file = upload.sha256 if upload.key is None else None
    usage, same = usage_and_same(session, entry, file, now)
    replayed = same or _replayed(session, access, admission, upload, now)
    if replayed is not None:
        return Accepted(replayed, None, replayed=True)
    admission, rescoring = as_it_is_now(session, admission, entry)
    late = require_open(admission, began_at)
    limits = limits_of(access.challenge, admission.definition, entry)
    left = require_allowance(limits, usage, now)
    if held.solution_id is None:
        raise Closed("This phase has no solution yet, so nothing can be scored.")
    submission = _submission(access, entry, upload, began_at=began_at, late=late)
    evaluation = _evaluation(submission, admission, held.solution_id, now)
    _insert(session, submission, evaluation)
    if rescoring is not None:
        accompany(session, rescoring, [Evaluation(**evaluation)])
    if upload.key is not None:
        _remember_key(session, access, admission, upload, submission["id"], now)
    remaining = None if left.remaining is None else left.remaining - 1
    return Accepted(submission["id"], remaining)


def _replayed(
    session: Session, access: Access, admission: Admission, upload: Upload, now: datetime
) -> str | None:
    earlier = earlier_by_key(session, access, upload.key, now)
    if earlier is None:
        return None
    if earlier.request_hash != upload.request_hash(admission.phase.id):
        raise Conflict("This Idempotency-Key was used for another submission. Take a new one.")
    return earlier.submission_id


def _insert(session: Session, submission: Row, evaluation: Row) -> None:
    # As rows: nobody asks for the objects, and keeping track of them takes longer than storing.
    connection = session.connection()
    connection.execute(_INSERT_SUBMISSION, submission)
    connection.execute(_INSERT_EVALUATION, evaluation)


def _submission(
    access: Access, entry: Entry, upload: Upload, *, began_at: datetime, late: bool
) -> Row:
    return {
        "id": new_id(),
        "entry_id": entry.id,
        "challenge_id": access.challenge.id,
        "user_id": access.actor.user_id,
        "sha256": upload.sha256,
        "size": upload.size,
        "filename": upload.filename,
        "message": upload.message,
        "declared": upload.declared,
        "submitted_at": began_at,
        "late": late,
        "evaluation_id": new_id(),
    }


def _evaluation(submission: Row, admission: Admission, solution_id: str, now: datetime) -> Row:
    return {
        "id": submission["evaluation_id"],
        "submission_id": submission["id"],
        "challenge_id": submission["challenge_id"],
        "phase_id": admission.phase.id,
        "team_id": admission.team_id,
        "solution_id": solution_id,
        "state": State.QUEUED,
        "queued_at": now,
    }


def _remember_key(
    session: Session,
    access: Access,
    admission: Admission,
    upload: Upload,
    submission_id: str,
    now: datetime,
) -> None:
    where = (access.actor.user_id, access.challenge.id, upload.key)
    expired = session.get(IdempotencyKey, where)
    if expired is not None:
        session.delete(expired)
        session.flush()
    session.add(
        IdempotencyKey(
            user_id=access.actor.user_id,
            challenge_id=access.challenge.id,
            key=upload.key,
            request_hash=upload.request_hash(admission.phase.id),
            submission_id=submission_id,
            created_at=now,
        )
    )
