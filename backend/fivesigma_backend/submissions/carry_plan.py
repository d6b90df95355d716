"""What carrying over would do: which submissions a phase takes over, and what becomes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Phase
from ..core.errors import Conflict
from ..teams.models import Team
from .carry_rules import CarryOver, Fate, chosen, fates, last_team
from .models import Entry, Evaluation, Submission
from .rules import State
from .standings import board_rule, scored_from
from .succession import source_of
from .unblinding import settled

AT_ONCE = 500


@dataclass(frozen=True)
class Carried:
    """What becomes of the submission `source_id` in the phase that takes over.

    `submission` is the carried one once there is one, before that the one to be carried;
    `team_id` is the team that has it there.
    """

    source_id: str
    submission: Submission
    team_id: str
    fate: Fate


@dataclass(frozen=True)
class CarryPlan:
    """What a phase takes over from which; `ready` once the source has settled."""

    source: Phase
    target: Phase
    ready: bool
    items: Sequence[Carried]

    def with_fate(self, *wanted: Fate) -> list[Carried]:
        """The items with one of these fates."""
        return [one for one in self.items if one.fate in wanted]


def plan(session: Session, phases: Sequence[Phase], target: Phase, now: datetime) -> CarryPlan:
    """What carrying over would do as things stand. Raises Conflict where it is never done."""
    source = source_of(phases, target)
    if source is None:
        raise Conflict(f"“{target.title}” takes nothing over from another phase.", code="none")
    if target.unblinded_at is not None:
        raise Conflict(
            f"“{target.title}” is unblinded, so it takes nothing over any more.", code="unblinded"
        )
    items = _items(_chosen(session, source, target), _present(session, target))
    return CarryPlan(source, target, settled(session, source, now), items)


def _chosen(session: Session, source: Phase, target: Phase) -> dict[str, tuple[Submission, str]]:
    """The submissions that move, by their id, each with the team that has it from now on."""
    definition = PhaseDefinition.model_validate(source.definition)
    rule = board_rule(definition)
    which = CarryOver(PhaseDefinition.model_validate(target.definition).carry_over)
    merged = merged_teams(session, source.challenge_id)
    found = {}
    rows = session.execute(
        select(Entry, Submission, Evaluation.public_scores, Evaluation.private_scores)
        .join(Submission, Submission.entry_id == Entry.id)
        .join(Evaluation, Submission.evaluation_id == Evaluation.id)
        .where(Entry.phase_id == source.id, Evaluation.state == State.SCORED)
        .where(Submission.hidden_at.is_(None), Submission.superseded_at.is_(None))
        .order_by(Entry.id)
        .execution_options(yield_per=AT_ONCE)
    )
    for _, group in groupby(rows, key=lambda row: row[0].id):
        own = list(group)
        entry = own[0][0]
        scored = [scored_from(definition, *row[1:]) for row in own]
        by_id = {row[1].id: row[1] for row in own}
        for one in chosen(scored, which, rule, disqualified=entry.disqualified_at is not None):
            found[one.submission_id] = by_id[one.submission_id], last_team(entry.team_id, merged)
    return found


def merged_teams(session: Session, challenge_id: str) -> dict[str, str]:
    """What the merged teams of a challenge have become, by their ids."""
    rows = session.execute(
        select(Team.id, Team.merged_into_id).where(
            Team.challenge_id == challenge_id, Team.merged_into_id.is_not(None)
        )
    )
    return {team_id: into for team_id, into in rows if into is not None}


def _present(session: Session, target: Phase) -> dict[str, tuple[Submission, str]]:
    """What was carried into the phase before, by the id it has in the source, with its team."""
    rows = session.execute(
        select(Submission, Entry.team_id)
        .join(Entry, Entry.id == Submission.entry_id)
        .where(Entry.phase_id == target.id, Submission.carried_from_id.is_not(None))
        .order_by(Submission.id)
        .execution_options(populate_existing=True)
    )
    return {str(row.carried_from_id): (row, team_id) for row, team_id in rows}


def _items(
    wanted: Mapping[str, tuple[Submission, str]], present: Mapping[str, tuple[Submission, str]]
) -> list[Carried]:
    superseded = {key: row.superseded_at is not None for key, (row, _) in present.items()}
    known = {**wanted, **present}
    items = fates(wanted, superseded).items()
    return [Carried(key, known[key][0], known[key][1], fate) for key, fate in items]
