"""Reading boards: one phase, one split, in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fivesigma_scoring import METRICS
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.access import Access
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..challenges.rules import Window, current_phase, window
from ..core.clock import rfc3339
from ..core.errors import Blinded, NotFound
from ..submissions.models import Entry, Evaluation, Submission
from ..submissions.standings import board_rule
from ..submissions.views import Sight, seen, sight
from ..teams.models import Team, TeamMember
from .rules import BoardState, Line, Ranked, Split, board_state, rank
from .schemas import BoardOut, RowOut

SPLITS = ("public", "private")


@dataclass(frozen=True)
class BoardKey:
    """Everything that a board depends on: equal keys, equal boards."""

    phase_id: str
    split: Split
    version: int
    state: BoardState
    precise: bool

    @property
    def etag(self) -> str:
        """As an HTTP entity tag."""
        precision = "full" if self.precise else "rounded"
        return f'"{self.phase_id}-{self.split}-{self.version}-{self.state}-{precision}"'


@dataclass(frozen=True)
class BoardView:
    """A board that the asker may see: what it depends on, and how to read it."""

    key: BoardKey
    phase: Phase
    definition: PhaseDefinition
    sight: Sight


def view_board(access: Access, phase: Phase, split: str, now: datetime) -> BoardView:
    """Decide whether a board may be seen, and how much of it.

    Raises NotFound for an unknown split, Blinded for a private board before unblinding.
    """
    if split not in SPLITS:
        raise NotFound("A board is of the split “public” or “private”.")
    shown = sight(phase, organiser=access.organiser)
    if split == "private" and not shown.private:
        raise Blinded
    definition = PhaseDefinition.model_validate(phase.definition)
    state = board_state(
        hidden=not shown.public,
        closed=window(phase.opens_at, phase.closes_at, now) is Window.CLOSED,
        unblinded=phase.unblinded_at is not None,
        split=split,
    )
    key = BoardKey(phase.id, split, phase.board_version, state, shown.precise)
    return BoardView(key, phase, definition, shown)


def choose_phase(phases: Sequence[Phase], slug: str | None, now: datetime) -> Phase:
    """The named phase, or the one that a board shows first. Raises NotFound."""
    if slug is None:
        found = current_phase(phases, now)
    else:
        found = next((phase for phase in phases if phase.slug == slug), None)
    if found is None:
        names = ", ".join(phase.slug for phase in phases) or "none"
        raise NotFound(f"There is no such phase. The phases are: {names}.")
    return found


def read_board(session: Session, view: BoardView) -> BoardOut:
    """The whole board; empty while it is hidden."""
    hidden = view.key.state is BoardState.HIDDEN
    ranked = [] if hidden else rank(_lines(session, view))
    metric = METRICS[view.definition.metric]
    columns = [view.definition.metric, *view.definition.metrics]
    unblinded_at = view.phase.unblinded_at
    return BoardOut.model_construct(  # our own rows need no validation
        phase=view.phase.slug,
        split=view.key.split,
        metric=metric.name,
        metrics=columns,
        higher_is_better=metric.higher_is_better,
        digits={name: METRICS[name].digits for name in columns},
        version=view.key.version,
        unblinded_at=rfc3339(unblinded_at) if unblinded_at else None,
        state=view.key.state,
        teams=sum(one.rank is not None for one in ranked),
        rule=ranking_rule(view.definition, view.key.split),
        rows=[_row(one, view) for one in ranked],
    )


def ranking_rule(definition: PhaseDefinition, split: Split) -> str:
    """How this board ranks, in a sentence for the people on it."""
    metric = METRICS[definition.metric]
    if split == "public":
        which = "latest submission" if definition.public_rule == "latest" else "best public score"
        counts = f"each team's {which} counts"
    elif definition.finals == 0:
        counts = "each team's best private score counts"
    else:
        counts = (
            f"the best private score among each team's {definition.finals} final submissions "
            "counts (free places are filled by best public score)"
        )
    return (
        f"Ranked by {metric.title}, {metric.direction}; {counts}. Equal scores share a rank and "
        "are listed by earlier submission."
    )


def _lines(session: Session, view: BoardView) -> list[Line]:
    score, sigma, at, submission_id, scores = _columns(view.key.split)
    # On the connection: without entities there is nothing for the session to do, row by row.
    rows = session.connection().execute(
        select(
            Team.id, Team.name, score, sigma, Entry.scored_count, at,
            Entry.last_submitted_at, submission_id, Team.staff, Submission.declared, scores,
        )
        .join(Team, Team.id == Entry.team_id)
        .join(Submission, Submission.id == submission_id)
        .join(Evaluation, Evaluation.id == Submission.evaluation_id)
        .where(Entry.phase_id == view.phase.id, score.is_not(None))
    )  # fmt: skip
    members = _members(session, view.phase.challenge_id)
    goodness = board_rule(view.definition).goodness
    return [Line._make((*row, members[row[0]], goodness(row[2]))) for row in rows.all()]


def _columns(split: Split) -> tuple[Any, ...]:
    """Score, sigma, time and submission of an entry on a split, and where all its scores are."""
    if split == "private":
        return (
            Entry.private_score,
            Entry.private_sigma,
            Entry.private_submitted_at,
            Entry.private_submission_id,
            Evaluation.private_scores,
        )
    return (
        Entry.public_score,
        Entry.public_sigma,
        Entry.public_submitted_at,
        Entry.public_submission_id,
        Evaluation.public_scores,
    )


def _members(session: Session, challenge_id: str) -> dict[str, list[str]]:
    """User names by team."""
    members: dict[str, list[str]] = defaultdict(list)
    rows = session.connection().execute(
        select(TeamMember.team_id, User.username)
        .join(User, User.id == TeamMember.user_id)
        .where(TeamMember.challenge_id == challenge_id)
        .order_by(User.username)
    )
    for team_id, username in rows:
        members[team_id].append(username)
    return members


def _row(one: Ranked, view: BoardView) -> RowOut:
    line = one.line
    metrics: dict[str, Any] = seen(line.metrics, view.sight) or {}
    own = metrics.get(view.definition.metric, {})
    return {
        "rank": one.rank,
        "team": line.team,
        "team_id": line.team_id,
        "members": line.members,
        "score": own.get("value", line.score),
        "sigma": own.get("sigma"),
        "entries": line.entries,
        "submitted_at": line.submitted_at,
        "last_submitted_at": line.last_submitted_at,
        "submission": line.submission_id,
        "baseline": False,
        "staff": line.staff,
        "late": False,
        "carried": False,
        "move": None,
        "metadata": line.metadata,
        "metrics": metrics,
    }
