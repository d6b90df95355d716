"""Moving the times of a phase: an audited act, and everybody who takes part is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..challenges.definition import Definition, PhaseDefinition
from ..challenges.definition_checks import problems_of
from ..challenges.models import Challenge, Phase
from ..challenges.rules import Window, window
from ..core.audit import record_act
from ..core.clock import rfc3339
from ..core.errors import Conflict, Unprocessable
from ..teams.notices import notify
from .models import Entry, Submission
from .standings import bump_board
from .succession import forget_carrying, lock_phases
from .times import in_words


def close_early(session: Session, phase: Phase, *, now: datetime, actor_id: str | None) -> None:
    """End the window of an open phase now; teams with an extension keep theirs."""
    challenge, _, phase = _lock(session, phase)
    if window(phase.opens_at, phase.closes_at, now) is not Window.OPEN or phase.opens_at == now:
        raise Conflict(f"“{phase.title}” is not open, so it can't be closed.")
    definition = PhaseDefinition.model_validate(phase.definition)
    changes: dict[str, Any] = {"closes": now}
    if definition.freeze_at is not None and definition.freeze_at >= now:
        changes |= {"board": "live", "freeze_at": None}  # the freeze would come after the close
    _store(challenge, phase, definition.model_copy(update=changes))
    _tell(session, challenge, phase, "phase.close", definition, now, actor_id)


def move(
    session: Session,
    phase: Phase,
    times: dict[str, datetime | None],
    *,
    now: datetime,
    actor_id: str | None,
) -> None:
    """Give a phase other times (`opens`, `closes`; the latter None for no close).

    A phase that has closed opens again, for which what follows from it waits. Raises Conflict for
    an unblinded phase, Unprocessable for times that can't be.
    """
    challenge, phases, phase = _lock(session, phase)
    before = PhaseDefinition.model_validate(phase.definition)
    before = before.model_copy(update={"opens": phase.opens_at, "closes": phase.closes_at})
    changes = {key: value for key, value in times.items() if value != getattr(before, key)}
    if not changes:
        return
    _require_possible(session, phase, changes, now)
    _store(challenge, phase, before.model_copy(update=changes))
    _require_valid(challenge, phase)
    if window(phase.opens_at, phase.closes_at, now) is not Window.CLOSED:
        forget_carrying(phases, phase)
    _tell(session, challenge, phase, "phase.move", before, now, actor_id)


def _lock(session: Session, phase: Phase) -> tuple[Challenge, list[Phase], Phase]:
    """The challenge, whose definition says the times too, and its phases, in that order."""
    challenge = session.scalars(
        select(Challenge)
        .where(Challenge.id == phase.challenge_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    phases = list(lock_phases(session, challenge.id))
    return challenge, phases, next(one for one in phases if one.id == phase.id)


def _require_possible(
    session: Session, phase: Phase, changes: dict[str, datetime | None], now: datetime
) -> None:
    if phase.unblinded_at is not None:
        raise Conflict(f"“{phase.title}” is unblinded, so its times are final.", code="unblinded")
    closes = changes.get("closes")
    if closes is not None and closes <= now:
        raise Unprocessable("The close lies in the past. To end the phase at once, close it now.")
    opens = changes.get("opens")
    if opens is not None and opens > now >= phase.opens_at and _has_submissions(session, phase):
        raise Conflict(
            f"“{phase.title}” has opened and has submissions, so it can't open later.",
            code="frozen",
        )


def _has_submissions(session: Session, phase: Phase) -> bool:
    found = select(Submission.id).join(Entry).where(Entry.phase_id == phase.id).limit(1)
    return session.scalar(found) is not None


def _store(challenge: Challenge, phase: Phase, definition: PhaseDefinition) -> None:
    """Times stand in columns and in two definitions, which say the same."""
    phase.opens_at, phase.closes_at = definition.opens, definition.closes
    phase.definition = definition.model_dump(mode="json")
    phases = [
        phase.definition if one["slug"] == phase.slug else one
        for one in challenge.definition["phases"]
    ]
    challenge.definition = {**challenge.definition, "phases": phases}


def _require_valid(challenge: Challenge, phase: Phase) -> None:
    """Refuse times that a folder could not have either."""
    definition = Definition.model_validate(challenge.definition)
    index = [one.slug for one in definition.phases].index(phase.slug)
    place = f"phases[{index}]."
    wrong = [one.removeprefix(place) for one in problems_of(definition) if one.startswith(place)]
    if wrong:
        raise Unprocessable(
            f"“{phase.title}” can't have these times. {'; '.join(wrong)}. Choose other times, or "
            "change both keys in challenge.toml and update the challenge from its folder."
        )


def _tell(
    session: Session,
    challenge: Challenge,
    phase: Phase,
    action: str,
    was: PhaseDefinition,
    now: datetime,
    actor_id: str | None,
) -> None:
    """Record what changed, tell everybody, and give the boards a new version."""
    session.flush()
    bump_board(session, phase.id)
    times = {"opens": (was.opens, phase.opens_at), "closes": (was.closes, phase.closes_at)}
    moved = {key: both for key, both in times.items() if both[0] != both[1]}
    record_act(
        session,
        now=now,
        actor_id=actor_id,
        action=action,
        target=phase.slug,
        challenge_id=challenge.id,
        before={f"{key}_at": _as_text(both[0]) for key, both in moved.items()},
        after={f"{key}_at": _as_text(both[1]) for key, both in moved.items()},
    )
    zone = challenge.definition.get("timezone", "UTC")
    said = [
        f"“{phase.title}” now {key} at {in_words(after, zone)}; it was {in_words(before, zone)}."
        if after
        else f"“{phase.title}” has no set close any more; it was {in_words(before, zone)}."
        for key, (before, after) in moved.items()
    ]
    notify(session, challenge.id, "close", " ".join(said), now=now, actor_id=actor_id)


def _as_text(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
