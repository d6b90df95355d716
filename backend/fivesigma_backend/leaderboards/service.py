"""Reading boards: one phase, one split, in a fixed number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fivesigma_scoring import METRICS, metric_of
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ..accounts.models import User
from ..challenges.access import Access
from ..challenges.columns import column_of
from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge, Phase
from ..challenges.rules import Window, current_phase, window
from ..core.clock import rfc3339
from ..core.errors import Blinded, NotFound
from ..submissions.counting import Board, Mark
from ..submissions.models import Entry, Standing
from ..submissions.views import Sight, seen, sight
from ..teams.models import FormerMember, Team, TeamMember
from .rules import BoardState, Line, Ranked, Split, board_state, moves, rank
from .schemas import BoardOut, RowOut
from .wording import ranking_rule

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
    """A board that the asker may see: what it depends on, and how to read it.

    `finals` are the titles of the closed finals that its entries are carried over to.
    """

    key: BoardKey
    phase: Phase
    definition: PhaseDefinition
    sight: Sight
    finals: tuple[str, ...] = ()

    @property
    def board(self) -> Board | None:
        """Which lines are shown; None while the board is hidden."""
        match self.key.state:
            case BoardState.HIDDEN:
                return None
            case BoardState.FROZEN:
                return Board.FROZEN
            case _:
                return Board(self.key.split)


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
        frozen=_frozen(definition, now) and not access.organiser,
        closed=window(phase.opens_at, phase.closes_at, now) is Window.CLOSED,
        unblinded=phase.unblinded_at is not None,
        split=split,
    )
    key = BoardKey(phase.id, split, phase.board_version, state, shown.precise)
    return BoardView(key, phase, definition, shown, _finals_fed(access.challenge, phase.slug))


def _finals_fed(challenge: Challenge, slug: str) -> tuple[str, ...]:
    """Titles of the phases that take no uploads and are fed from the phase `slug`."""
    phases = challenge.definition["phases"]
    fed = (one for one in phases if one.get("carry_from") == slug)
    return tuple(one["title"] for one in fed if not one.get("uploads", True))


def _frozen(definition: PhaseDefinition, now: datetime) -> bool:
    return definition.freeze_at is not None and definition.freeze_at <= now


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
    ranked = [] if view.board is None else _ranked(session, view, view.board)
    former = _former(session, ranked)
    moved = _moves(session, view, ranked)
    metric = METRICS[view.definition.metric]
    columns = _columns(view.definition, ranked)
    unblinded_at = view.phase.unblinded_at
    return BoardOut.model_construct(  # our own rows need no validation
        phase=view.phase.slug,
        split=view.key.split,
        metric=metric.name,
        metrics=columns,
        higher_is_better=metric.higher_is_better,
        digits={name: column_of(name).digits for name in columns},
        version=view.key.version,
        unblinded_at=rfc3339(unblinded_at) if unblinded_at else None,
        state=view.key.state,
        teams=sum(one.rank is not None for one in ranked),
        rule=ranking_rule(view.definition, view.key.split, view.finals),
        rows=[_row(one, view, former, moved) for one in ranked],
    )


def _columns(definition: PhaseDefinition, ranked: Sequence[Ranked]) -> list[str]:
    """The phase's columns, and its metric on each variant, which the scores of any row name."""
    named = definition.columns
    scores = ranked[0].line.metrics if ranked else None
    of_variants = [name for name in scores or () if metric_of(name) != name and name not in named]
    return [named[0], *of_variants, *named[1:]]


def _moves(session: Session, view: BoardView, ranked: Sequence[Ranked]) -> dict[str, int]:
    """The move from public to private rank, once both are known to everybody."""
    if view.board is not Board.PRIVATE or view.key.state is not BoardState.UNBLINDED:
        return {}
    return moves(ranked, _ranked(session, view, Board.PUBLIC))


def _ranked(session: Session, view: BoardView, board: Board) -> list[Ranked]:
    return rank(_lines(session, view, board))


def _lines(session: Session, view: BoardView, board: Board) -> list[Line]:
    names = _names(view.phase.challenge_id).subquery()
    # On the connection: without entities there is nothing for the session to do, row by row.
    rows = session.connection().execute(
        select(
            Team.id, Team.name, Standing.score, Standing.sigma, Standing.entries,
            Standing.submitted_at, Standing.last_submitted_at, Standing.submission_id, Team.staff,
            Standing.declared, Standing.metrics, Standing.carried, Standing.mark,
            Standing.place, names.c.members, Standing.note,
        )
        .select_from(Standing)
        .join(Entry, Entry.id == Standing.entry_id)
        .join(Team, Team.id == Entry.team_id)
        .outerjoin(names, names.c.team_id == Team.id)
        .where(Standing.phase_id == view.phase.id, Standing.board == board)
        .where(Team.banned_at.is_(None))
    )  # fmt: skip
    return [Line._make(row) for row in rows.all()]


def _names(challenge_id: str) -> Select[str, str]:
    """User names by team, joined by commas, which no name has."""
    return (
        select(TeamMember.team_id, func.aggregate_strings(User.username, ",").label("members"))
        .join(User, User.id == TeamMember.user_id)
        .where(TeamMember.challenge_id == challenge_id)
        .group_by(TeamMember.team_id)
    )


def _former(session: Session, ranked: Sequence[Ranked]) -> dict[str, list[str]]:
    """User names of teams without members: those that were merged into others since."""
    merged = [one.line.team_id for one in ranked if one.line.members is None]
    if not merged:
        return {}
    rows = session.execute(
        select(FormerMember.team_id, User.username)
        .join(User, User.id == FormerMember.user_id)
        .where(FormerMember.team_id.in_(merged), FormerMember.merged)
    )
    members: dict[str, list[str]] = defaultdict(list)
    for team_id, username in rows:
        members[team_id].append(username)
    return members


def _row(
    one: Ranked, view: BoardView, former: Mapping[str, list[str]], moved: Mapping[str, int]
) -> RowOut:
    line = one.line
    members = line.members.split(",") if line.members else former.get(line.team_id, [])
    metrics: dict[str, Any] = seen(line.metrics, view.sight) or {}
    own = metrics.get(view.definition.metric, {})
    return {
        "rank": one.rank,
        "team": line.team,
        "team_id": line.team_id,
        "members": sorted(members),
        "score": own.get("value", line.score),
        "sigma": own.get("sigma"),
        "entries": line.entries,
        "submitted_at": line.submitted_at,
        "last_submitted_at": line.last_submitted_at,
        "submission": line.submission_id,
        "baseline": False,
        "staff": line.staff,
        "late": line.mark == Mark.LATE,
        "carried": line.carried,
        "mark": line.mark,
        "move": moved.get(line.team_id) if one.rank is not None else None,
        "metadata": line.metadata,
        "note": line.note if view.key.state is BoardState.UNBLINDED else None,
        "metrics": metrics,
    }
