"""What becomes of submissions and used quota when teams change. Callers hold the lock of teams.

In phases that are open, whoever leaves takes the used quota along, and of two teams that merge one
entry remains; phases that have closed keep what they have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ..challenges.definition import PhaseDefinition
from ..challenges.models import Challenge, Phase
from ..challenges.rules import Window, window
from ..challenges.service import phases_of
from ..core.errors import Conflict
from ..core.events import Events
from .announcing import announce_board
from .merging_rules import Moments, most_together, read_moments, still_inherited, write_moments
from .models import Entry, Evaluation, Submission
from .quota import limits_of, used_moments
from .standings import lock_entry, restand


@dataclass(frozen=True)
class PhaseShare:
    """What a merge would mean in one open phase.

    `used` are the submissions that the two teams have used between them, `allowed` the most there
    may be (None: no limit), `moves` how many submissions of the joining team would move, and
    `finals` how many selected finals of both would be cleared.
    """

    slug: str
    title: str
    used: int
    allowed: int | None
    moves: int
    finals: int
    disqualified: bool

    @property
    def possible(self) -> bool:
        """Whether this phase lets the teams merge."""
        return not self.disqualified and (self.allowed is None or self.used <= self.allowed)


def inherit_quota(
    session: Session, challenge: Challenge, old_team_id: str, new_team_id: str, now: datetime
) -> None:
    """Charge a new team with what its founder's old one has used of every open phase."""
    for phase in phases_of(session, challenge.id):
        old = _entry(session, phase.id, old_team_id)
        if old is None or not _open(phase, [old], now):
            continue
        old = lock_entry(session, phase.id, old_team_id)
        new = lock_entry(session, phase.id, new_team_id)
        used = Counter(used_moments(session, old.id))
        new.inherited = write_moments(used + _inherited(session, old))
    session.flush()


def shares(
    session: Session, challenge: Challenge, from_id: str, into_id: str, now: datetime
) -> list[PhaseShare]:
    """What it would mean, phase by phase, that one team becomes part of another."""
    found = []
    for phase in phases_of(session, challenge.id):
        entries = [_entry(session, phase.id, team_id) for team_id in (from_id, into_id)]
        if _open(phase, entries, now):
            found.append(_share(session, challenge, phase, entries, now))
    return found


def absorb(
    session: Session,
    events: Events,
    challenge: Challenge,
    from_id: str,
    into_id: str,
    now: datetime,
) -> list[PhaseShare]:
    """Make one entry of two in every open phase, and say what became of each.

    Raises Conflict where the two have used more than one team could have by now, or where one of
    them was disqualified.
    """
    locked = _lock_open(session, challenge, from_id, into_id, now)
    done = [_share(session, challenge, phase, entries, now) for phase, *entries in locked]
    require_possible(done)
    for (phase, leaving, staying), share in zip(locked, done, strict=True):
        _join_entries(session, phase, leaving, staying, share)
        announce_board(session, events, phase.id)
    return done


def require_possible(found: Sequence[PhaseShare]) -> None:
    """Refuse a merge that some phase does not allow, naming it."""
    for share in found:
        if share.disqualified:
            raise Conflict(
                f"One of the two teams is disqualified in “{share.title}”, so they can't merge.",
                code="disqualified",
            )
        if not share.possible:
            raise Conflict(
                f"Together you have used {share.used} submissions of “{share.title}”, and one team "
                f"could have used {share.allowed} by now. Wait until more days have begun, or "
                "until the phase has closed.",
                code="merge_quota",
                phase=share.slug,
                used=share.used,
                allowed=share.allowed,
            )


def has_submissions(session: Session, team_id: str) -> bool:
    """Whether anything stands in the name of a team."""
    found = select(Submission.id).join(Entry).where(Entry.team_id == team_id).limit(1)
    return session.scalar(found) is not None


def _entry(session: Session, phase_id: str, team_id: str) -> Entry | None:
    return session.scalar(
        select(Entry)
        .where(Entry.phase_id == phase_id, Entry.team_id == team_id)
        .execution_options(populate_existing=True)
    )


def _open(phase: Phase, entries: Sequence[Entry | None], now: datetime) -> bool:
    """Whether the phase is open for one of the teams, by its own close if it was given one.

    One that is unblinded is not: a final that takes carried entries only has no close, but its
    result stands.
    """
    if phase.unblinded_at is not None:
        return False
    closes = [entry.closes_at for entry in entries if entry is not None and entry.closes_at]
    return any(
        window(phase.opens_at, close, now) is Window.OPEN for close in (phase.closes_at, *closes)
    )


def _lock_open(
    session: Session, challenge: Challenge, from_id: str, into_id: str, now: datetime
) -> list[tuple[Phase, Entry, Entry]]:
    # Every entry before any board: a worker holds its entry when it comes to the board.
    locked = []
    for phase in phases_of(session, challenge.id):
        entries = [_entry(session, phase.id, team_id) for team_id in (from_id, into_id)]
        if _open(phase, entries, now):
            both = {one: lock_entry(session, phase.id, one) for one in sorted((from_id, into_id))}
            locked.append((phase, both[from_id], both[into_id]))
    return locked


def _share(
    session: Session,
    challenge: Challenge,
    phase: Phase,
    entries: Sequence[Entry | None],
    now: datetime,
) -> PhaseShare:
    leaving, staying = entries
    definition = PhaseDefinition.model_validate(phase.definition)
    own = [one for entry in entries if entry for one in used_moments(session, entry.id)]
    moves, finals = _count(session, leaving)
    return PhaseShare(
        slug=phase.slug,
        title=phase.title,
        used=len(own) + _inherited(session, *entries).total(),
        allowed=most_together(limits_of(challenge, definition, staying), phase.opens_at, now),
        moves=moves,
        finals=finals + _count(session, staying)[1] if moves else 0,
        disqualified=any(entry is not None and entry.disqualified_at for entry in entries),
    )


def _inherited(session: Session, *entries: Entry | None) -> Moments:
    """What one or two entries have inherited and have no submission of."""
    there = [entry for entry in entries if entry is not None]
    own = [one for entry in there for one in used_moments(session, entry.id)]
    return still_inherited(own, *(read_moments(entry.inherited) for entry in there))


def _count(session: Session, entry: Entry | None) -> tuple[int, int]:
    """How many submissions an entry has, and how many of them are selected."""
    if entry is None:
        return 0, 0
    rows = session.execute(
        select(Submission.selected, func.count())
        .where(Submission.entry_id == entry.id)
        .group_by(Submission.selected)
    )
    counts = dict(rows.all())
    return sum(counts.values()), counts.get(True, 0)


def _join_entries(
    session: Session, phase: Phase, leaving: Entry, staying: Entry, share: PhaseShare
) -> None:
    inherited = _inherited(session, leaving, staying)
    if share.moves:
        session.execute(
            update(Submission)
            .where(Submission.entry_id.in_((leaving.id, staying.id)))
            .values(entry_id=staying.id, selected=False)
        )
        session.execute(
            update(Evaluation)
            .where(Evaluation.phase_id == phase.id, Evaluation.team_id == leaving.team_id)
            .values(team_id=staying.team_id)
        )
    leaving.inherited, staying.inherited = None, write_moments(inherited)
    session.flush()
    for entry in (leaving, staying):
        restand(session, entry, phase)
