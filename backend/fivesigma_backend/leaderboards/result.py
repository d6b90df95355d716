"""A team's final place in unblinded phases, and what another choice would have given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge, Participation, Phase
from ..core.errors import Blinded
from ..submissions.counting import Board, Place, Scored
from ..submissions.models import Entry, Evaluation, Standing, Submission
from ..submissions.rules import State
from ..submissions.standings import board_rule, scored_from
from ..teams.models import FormerMember, Team, TeamMember
from .result_rules import Choice, Choices, Final, choices_of, in_words
from .result_schemas import ChoiceOut, PlaceOut, ResultOut
from .rules import Split
from .schemas import BoardOut, RowOut

Boards = Callable[[Phase, Split], BoardOut]


@dataclass(frozen=True)
class Entered:
    """An entry of one's own in an unblinded phase. `reason`: why what stands is disqualified."""

    phase: Phase
    challenge: Challenge
    entry: Entry
    team: Team
    reason: str | None


def entered_in(
    session: Session, user_id: str, challenge_id: str, *, phase_id: str | None = None
) -> list[Entered]:
    """What the user's teams have in the unblinded phases of a challenge, in their order."""
    wanted = [Phase.challenge_id == challenge_id]
    if phase_id is not None:
        wanted.append(Phase.id == phase_id)
    return _entered(session, user_id, *wanted)


def entered_since(session: Session, user_id: str, since: datetime) -> list[Entered]:
    """What the user's teams have in phases that were unblinded since then, in all challenges."""
    published = and_(Challenge.published, Challenge.trashed_at.is_(None))
    return _entered(session, user_id, Phase.unblinded_at >= since, published)


def _entered(session: Session, user_id: str, *wanted: ColumnElement[bool]) -> list[Entered]:
    member = select(TeamMember.team_id).where(TeamMember.user_id == user_id)
    merged = select(FormerMember.team_id).where(
        FormerMember.user_id == user_id, FormerMember.merged
    )
    line = and_(
        Standing.entry_id == Entry.id,
        Standing.board == Board.PRIVATE,
        Standing.late.is_(False),
    )
    taking_part = and_(
        Participation.challenge_id == Phase.challenge_id,
        Participation.user_id == user_id,
        Participation.banned_at.is_(None),
    )
    rows = session.execute(
        select(Phase, Challenge, Entry, Team, Submission.disqualified_reason)
        .select_from(Entry)
        .join(Phase, Phase.id == Entry.phase_id)
        .join(Challenge, Challenge.id == Phase.challenge_id)
        .join(Participation, taking_part)
        .join(Team, Team.id == Entry.team_id)
        .outerjoin(Standing, line)
        .outerjoin(Submission, Submission.id == Standing.submission_id)
        .where(Entry.team_id.in_(member.union_all(merged)), Phase.unblinded_at.is_not(None))
        .where(*wanted)
        .order_by(Phase.challenge_id, Phase.position, Entry.id)
    ).all()
    return [
        Entered(phase, challenge, entry, team, entry.disqualified_reason or reason)
        for phase, challenge, entry, team, reason in rows
    ]


def places_of(entered: Sequence[Entered], boards: Boards) -> list[PlaceOut]:
    """The final places of one's teams: one for each phase in which they stand on the board."""
    by_phase: dict[str, list[Entered]] = defaultdict(list)
    for one in entered:
        by_phase[one.phase.id].append(one)
    found = [place_of(mine, boards) for mine in by_phase.values()]
    return [place for place in found if place.mark != "none"]


def place_of(mine: Sequence[Entered], boards: Boards) -> PlaceOut:
    """The final place of one's entries (of which there are two after a merge) in one phase."""
    phase = mine[0].phase
    private, public = boards(phase, "private"), boards(phase, "public")
    one = chosen_of(mine, private)
    row, before = _row(private, one.team.id), _row(public, one.team.id)
    rank = row["rank"] if row else None
    final = Final(
        of=private.teams,
        rank=rank,
        shared=rank is not None and sum(other["rank"] == rank for other in private.rows) > 1,
        public_rank=before["rank"] if before else None,
        move=row["move"] if row else None,
        mark=_mark(row),
        reason=one.reason,
    )
    return PlaceOut(
        phase=phase.slug,
        title=phase.title,
        team=one.team.name,
        rank=final.rank,
        of=final.of,
        shared=final.shared,
        public_rank=final.public_rank,
        move=final.move,
        mark=final.mark,
        score=row["score"] if row else None,
        sigma=row["sigma"] if row else None,
        metric=private.metric,
        text=in_words(final, one.team.name, phase.title),
    )


def chosen_of(mine: Sequence[Entered], board: BoardOut) -> Entered:
    """The entry that one took part with: that of a team since merged before that of its heir."""

    def rank(one: Entered) -> tuple[bool, bool]:
        return _row(board, one.team.id) is None, one.team.merged_into_id is None

    return min(mine, key=rank)


def _row(board: BoardOut, team_id: str) -> RowOut | None:
    """The row of a team; what came late stands for it only where it has nothing else."""
    rows = [row for row in board.rows if row["team_id"] == team_id]
    return min(rows, key=lambda row: row["late"], default=None)


def _mark(row: RowOut | None) -> str | None:
    if row is None:
        return "none"
    if row["rank"] is not None:
        return None
    return row["mark"] or ("staff" if row["staff"] else "none")


def result_of(session: Session, one: Entered, place: PlaceOut) -> ResultOut:
    """A final place, and what each other choice would have given. Raises Blinded when early."""
    if one.phase.unblinded_at is None:
        raise Blinded
    definition = PhaseDefinition.model_validate(one.phase.definition)
    submissions, scored = _scored(session, one.entry.id, definition)
    ranked = not one.team.staff and one.entry.disqualified_at is None
    choices = choices_of(scored, board_rule(definition), _others(session, one), ranked=ranked)
    public = {each.submission_id: each.public for each in scored}
    would = [
        _choice_out(choice, choices, submissions[choice.submission_id], public)
        for choice in choices.every
    ]
    return ResultOut(**place.model_dump(), finals=definition.finals, would_have_been=would)


def _scored(
    session: Session, entry_id: str, definition: PhaseDefinition
) -> tuple[dict[str, Submission], list[Scored]]:
    rows = session.execute(
        select(Submission, Evaluation.public_scores, Evaluation.private_scores)
        .join(Evaluation, Submission.evaluation_id == Evaluation.id)
        .where(Submission.entry_id == entry_id, Evaluation.state == State.SCORED)
        .where(Submission.hidden_at.is_(None), Submission.superseded_at.is_(None))
    ).all()
    submissions = {row[0].id: row[0] for row in rows}
    return submissions, [scored_from(definition, *row) for row in rows]


def _others(session: Session, one: Entered) -> list[Place]:
    """The private places of all other teams that are ranked."""
    rows = session.scalars(
        select(Standing.place)
        .join(Entry, Entry.id == Standing.entry_id)
        .join(Team, Team.id == Entry.team_id)
        .where(
            Standing.phase_id == one.phase.id,
            Standing.board == Board.PRIVATE,
            Standing.late.is_(False),
            Standing.mark.is_(None),
            Standing.entry_id != one.entry.id,
            Team.staff.is_(False),
            Team.banned_at.is_(None),
        )
    )
    return [tuple(place) for place in rows]


def _choice_out(
    choice: Choice, choices: Choices, submission: Submission, public: dict[str, Any]
) -> ChoiceOut:
    split = public[choice.submission_id]
    return ChoiceOut(
        submission=submission.id,
        filename=submission.filename,
        message=submission.message,
        note=submission.note,
        submitted_at=submission.submitted_at,
        selected=submission.selected,
        counted=submission.id == choices.counted,
        automatic=submission.id == choices.automatic,
        best=submission.id == choices.best,
        public_score=split.score if split is not None else None,
        score=choice.private.score,
        sigma=choice.private.sigma,
        rank=choice.rank,
    )
