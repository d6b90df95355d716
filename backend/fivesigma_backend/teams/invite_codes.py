"""Invite codes: made by organisers, shown once, kept as a hash. Callers own the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ..accounts.rules import searchable
from ..core.audit import record_act
from ..core.errors import NotFound, Unprocessable
from ..core.ids import new_id
from .models import InviteCode
from .registration_codes import code_hash, new_code
from .registration_rules import LONGEST_LABEL, line_problem, one_line


def make_invite_code(
    session: Session, challenge_id: str, label: str, *, now: datetime, actor_id: str | None
) -> tuple[InviteCode, str]:
    """A new code with a label for organisers; the code itself can't be had again."""
    label = one_line(label)
    if problem := line_problem(label, "the label", LONGEST_LABEL):
        raise Unprocessable(problem)
    code = new_code()
    row = InviteCode(
        id=new_id(),
        challenge_id=challenge_id,
        label=label,
        code_hash=code_hash(code),
        created_by=actor_id,
        created_at=now,
    )
    session.add(row)
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action="invite_code.made",
        target=row.id,
        challenge_id=challenge_id,
        after={"label": label},
    )
    session.flush()
    return row, code


def revoke_invite_code(
    session: Session, challenge_id: str, code_id: str, *, now: datetime, actor_id: str | None
) -> InviteCode:
    """Let nobody in by this code any more; who came in by it stays. Twice is as good as once."""
    if not searchable(code_id):
        raise NotFound
    row = session.scalar(
        select(InviteCode)
        .where(InviteCode.id == code_id, InviteCode.challenge_id == challenge_id)
        .with_for_update()
    )
    if row is None:
        raise NotFound("There is no such code. Reload the list.")
    if row.revoked_at is None:
        row.revoked_at = now
        record_act(
            session,
            now=now,
            actor_id=actor_id,
            action="invite_code.revoked",
            target=row.id,
            challenge_id=challenge_id,
            before={"label": row.label, "revoked": False, "uses": row.uses},
            after={"label": row.label, "revoked": True, "uses": row.uses},
        )
        session.flush()
    return row


def use_invite_code(session: Session, challenge_id: str, code: str) -> bool:
    """Count one use of the code; False where it is none of the challenge, or a revoked one."""
    used = session.scalar(
        update(InviteCode)
        .where(InviteCode.code_hash == code_hash(code), InviteCode.challenge_id == challenge_id)
        .where(InviteCode.revoked_at.is_(None))
        .values(uses=InviteCode.uses + 1)
        .returning(InviteCode.id)
    )
    return used is not None


def invite_codes(session: Session, challenge_id: str) -> Sequence[InviteCode]:
    """The codes of a challenge, the newest first."""
    return session.scalars(
        select(InviteCode)
        .where(InviteCode.challenge_id == challenge_id)
        .order_by(InviteCode.id.desc())
    ).all()
