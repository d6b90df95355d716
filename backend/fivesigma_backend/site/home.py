"""What the home page shows: the challenges one may see, and where one stands in each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fivesigma_scoring import METRICS, Metric
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge, Organiser, Participation, Phase
from ..challenges.rules import Window, current_phase, next_change, window
from ..core.security import Actor
from ..submissions.counting import Board
from ..submissions.models import Entry, Standing
from ..submissions.views import sight
from ..teams.models import TeamMember


@dataclass(frozen=True)
class Best:
    """The best public score of one's team, as far as the phase lets the team see it."""

    metric: Metric
    score: float
    sigma: float | None


@dataclass(frozen=True)
class Card:
    """One challenge on the home page.

    `moment` is when the shown phase opens (upcoming), closes (open) or closed; None for never.
    """

    slug: str
    title: str
    summary: str
    kind: str
    published: bool
    joined: bool
    phase: str | None
    window: Window | None
    moment: datetime | None
    best: Best | None


@dataclass(frozen=True)
class _Mine:
    """What a person has to do with challenges: ids of challenges, lines on boards."""

    joined: frozenset[str] = frozenset()
    organised: frozenset[str] = frozenset()
    standings: Mapping[str, Standing] | None = None


def home_cards(
    session: Session, actor: Actor, now: datetime, *, public_boards: bool
) -> dict[Window | None, list[Card]]:
    """Cards of the visible challenges by window; what changes next comes first."""
    mine = _mine(session, actor)
    visible = [
        challenge
        for challenge in session.scalars(
            select(Challenge).where(Challenge.trashed_at.is_(None)).order_by(Challenge.title)
        )
        if _may_see(challenge, actor, mine, public_boards=public_boards)
    ]
    phases = _phases(session, [challenge.id for challenge in visible])
    groups: dict[Window | None, list[Card]] = defaultdict(list)
    for challenge in visible:
        card = _card(challenge, phases[challenge.id], mine, now)
        groups[card.window].append(card)
    for state, cards in groups.items():
        cards.sort(key=_by_moment, reverse=state is Window.CLOSED)
    return groups


def _mine(session: Session, actor: Actor) -> _Mine:
    if not actor.known:
        return _Mine()
    joined = select(Participation.challenge_id).where(
        Participation.user_id == actor.user_id, Participation.banned_at.is_(None)
    )
    organised = select(Organiser.challenge_id).where(Organiser.user_id == actor.user_id)
    standings = (
        select(Standing)
        .join(Entry, Entry.id == Standing.entry_id)
        .join(TeamMember, TeamMember.team_id == Entry.team_id)
        .where(TeamMember.user_id == actor.user_id)
        .where(Standing.board == Board.PUBLIC, Standing.late.is_(False))
    )
    return _Mine(
        joined=frozenset(session.scalars(joined)),
        organised=frozenset(session.scalars(organised)),
        standings={one.phase_id: one for one in session.scalars(standings)},
    )


def _may_see(challenge: Challenge, actor: Actor, mine: _Mine, *, public_boards: bool) -> bool:
    """The rule of `challenges.access.find_access`, for the whole list in one statement."""
    if actor.is_admin or challenge.id in mine.organised:
        return True
    if not challenge.published:
        return False
    return actor.known or (public_boards and challenge.definition.get("visibility") != "members")


def _phases(session: Session, challenge_ids: Sequence[str]) -> dict[str, list[Phase]]:
    found: dict[str, list[Phase]] = defaultdict(list)
    rows = select(Phase).where(Phase.challenge_id.in_(challenge_ids)).order_by(Phase.position)
    for phase in session.scalars(rows):
        found[phase.challenge_id].append(phase)
    return found


def _card(challenge: Challenge, phases: Sequence[Phase], mine: _Mine, now: datetime) -> Card:
    phase = current_phase(phases, now)
    state = window(phase.opens_at, phase.closes_at, now) if phase else None
    moment = None
    if phase is not None:
        moment = next_change(phase.opens_at, phase.closes_at, now)
        moment = phase.closes_at if state is Window.CLOSED else moment
    return Card(
        slug=challenge.slug,
        title=challenge.title,
        summary=challenge.summary,
        kind=challenge.kind,
        published=challenge.published,
        joined=challenge.id in mine.joined,
        phase=phase.title if phase and len(phases) > 1 else None,
        window=state,
        moment=moment,
        best=_best(phase, mine) if phase else None,
    )


def _best(phase: Phase, mine: _Mine) -> Best | None:
    own = (mine.standings or {}).get(phase.id)
    if own is None or not sight(phase, organiser=False).public:
        return None
    metric = METRICS[PhaseDefinition.model_validate(phase.definition).metric]
    return Best(metric, own.score, own.sigma)


def _by_moment(card: Card) -> tuple[bool, float]:
    """Soonest first; what never changes stands last."""
    return card.moment is None, card.moment.timestamp() if card.moment else 0.0
