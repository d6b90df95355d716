"""Telling live pages, after the commit, that something changed: ids and states, never values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.models import Phase
from ..core.db import after_commit
from ..core.events import Events
from .claiming import Claim
from .figures_queue import FiguresClaim
from .models import Evaluation, Submission
from .rules import State


@dataclass(frozen=True)
class Announced:
    """A submission as far as live pages go. Claims and evaluations have these attributes too."""

    challenge_id: str
    team_id: str
    submission_id: str


def announce_submission(
    session: Session, events: Events, one: Announced | Claim | Evaluation, state: State
) -> None:
    """Once committed, tell the team's pages that a submission is in another state.

    What happens to an evaluation that does not count (yet) is no state of the submission.
    """
    if not _counts(session, one):
        return
    event = {
        "type": "submission",
        "id": one.submission_id,
        "state": state,
        "team": one.team_id,
    }
    _later(session, events, one.challenge_id, event)


def _counts(session: Session, one: Announced | Claim | Evaluation) -> bool:
    if isinstance(one, Claim):
        return one.counts
    if not isinstance(one, Evaluation):
        return True
    current = select(Submission.evaluation_id).where(Submission.id == one.submission_id)
    return session.scalar(current) == one.id


def announce_figures(
    session: Session, events: Events, one: Announced | FiguresClaim | Evaluation
) -> None:
    """Once committed, tell the team's pages that a submission's figures have changed."""
    event = {"type": "figures", "id": one.submission_id, "team": one.team_id}
    _later(session, events, one.challenge_id, event)


def announce_board(session: Session, events: Events, phase_id: str) -> None:
    """Once committed, tell every page that a phase's boards have a new version."""
    slug, version, challenge_id = session.execute(
        select(Phase.slug, Phase.board_version, Phase.challenge_id).where(Phase.id == phase_id)
    ).one()
    event = {"type": "board", "phase": slug, "version": version}
    _later(session, events, challenge_id, event)


def _later(session: Session, events: Events, challenge_id: str, event: dict[str, Any]) -> None:
    after_commit(session, lambda: events.publish(challenge_id, event))
