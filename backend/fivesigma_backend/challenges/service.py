"""What others ask about challenges. Callers own the transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from sqlalchemy import Select, false, or_, select
from sqlalchemy.orm import Session

from ..core.errors import NotFound
from ..core.security import Actor
from .builtin import load_builtin
from .definition import Definition
from .loading import LoadResult, load_challenge
from .models import Challenge, Organiser, Participation, Phase, PublishedFile, Solution, TestSet
from .stored import export_challenge

__all__ = [
    "Listed",
    "LoadResult",
    "Published",
    "all_test_sets",
    "current_solution",
    "export_challenge",
    "is_organiser",
    "list_challenges",
    "load_builtin",
    "load_challenge",
    "phase_by_slug",
    "phases_of",
    "published_file",
    "published_files",
]


@dataclass(frozen=True)
class Listed:
    """One challenge of a list, as its reader sees it."""

    challenge: Challenge
    phases: Sequence[Phase]
    joined: bool


@dataclass(frozen=True)
class Published:
    """A download: its row, and the name of the file that one gets."""

    file: PublishedFile
    filename: str


def phases_of(session: Session, challenge_id: str) -> Sequence[Phase]:
    """The phases of a challenge in the order of its definition."""
    return session.scalars(
        select(Phase).where(Phase.challenge_id == challenge_id).order_by(Phase.position)
    ).all()


def phase_by_slug(session: Session, challenge_id: str, slug: str) -> Phase:
    """The phase `slug`. Raises NotFound, which names the phases there are."""
    phases = phases_of(session, challenge_id)
    for phase in phases:
        if phase.slug == slug:
            return phase
    names = ", ".join(phase.slug for phase in phases)
    raise NotFound(f"There is no phase “{slug}”. The phases are: {names}.")


def all_test_sets(session: Session, challenge_id: str) -> Sequence[TestSet]:
    """The test sets of a challenge, by name."""
    return session.scalars(
        select(TestSet).where(TestSet.challenge_id == challenge_id).order_by(TestSet.name)
    ).all()


def current_solution(session: Session, test_set_id: str) -> Solution:
    """The version of the truth that new submissions are scored against."""
    return session.scalars(
        select(Solution)
        .join(TestSet, TestSet.current_solution_id == Solution.id)
        .where(TestSet.id == test_set_id)
    ).one()


def is_organiser(session: Session, challenge_id: str, user_id: str) -> bool:
    """Whether the user runs the challenge."""
    return session.get(Organiser, (challenge_id, user_id)) is not None


def list_challenges(
    session: Session,
    actor: Actor,
    *,
    public_boards: bool,
    limit: int = 50,
    after: str | None = None,
) -> list[Listed]:
    """The challenges that the actor may see, newest first, from the one after `after` (an id)."""
    wanted = _visible(actor, public_boards=public_boards).order_by(Challenge.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(Challenge.id < after)
    challenges = session.scalars(wanted).all()
    ids = [challenge.id for challenge in challenges]
    phases: dict[str, list[Phase]] = defaultdict(list)
    for phase in session.scalars(
        select(Phase).where(Phase.challenge_id.in_(ids)).order_by(Phase.position)
    ):
        phases[phase.challenge_id].append(phase)
    joined = set(
        session.scalars(
            select(Participation.challenge_id).where(
                Participation.challenge_id.in_(ids), Participation.user_id == actor.user_id
            )
        )
    )
    return [Listed(one, phases[one.id], one.id in joined) for one in challenges]


def _visible(actor: Actor, *, public_boards: bool) -> Select[Challenge]:
    """The rule of `access.find_access`, for a list."""
    wanted = select(Challenge).where(Challenge.trashed_at.is_(None))
    if actor.challenge_id is not None:
        wanted = wanted.where(Challenge.id == actor.challenge_id)
    if not actor.known:
        open_to_all = Challenge.definition["visibility"].as_string() != "members"
        wanted = wanted.where(Challenge.published, open_to_all)
        return wanted if public_boards else wanted.where(false())
    if actor.is_admin and "organise" in actor.scopes:
        return wanted
    own = select(Organiser.challenge_id).where(Organiser.user_id == actor.user_id)
    if "organise" not in actor.scopes:
        return wanted.where(Challenge.published)
    return wanted.where(or_(Challenge.published, Challenge.id.in_(own)))


def published_files(
    session: Session, challenge: Challenge, now: datetime, *, organiser: bool
) -> list[Published]:
    """The downloads in their order; organisers see those that are still hidden, too."""
    definition = Definition.model_validate(challenge.definition).published()
    rows = session.scalars(
        select(PublishedFile)
        .where(PublishedFile.challenge_id == challenge.id)
        .order_by(PublishedFile.position)
    )
    return [
        Published(row, PurePosixPath(definition[row.name].path).name)
        for row in rows
        if organiser or row.visible_from is None or row.visible_from <= now
    ]


def published_file(
    session: Session, challenge: Challenge, name: str, now: datetime, *, organiser: bool
) -> Published:
    """The download called `name`, or whose file is. Raises NotFound, also before its time."""
    files = published_files(session, challenge, now, organiser=organiser)
    for one in files:
        if name in (one.file.name, one.filename):
            return one
    names = ", ".join(one.file.name for one in files) or "none yet"
    raise NotFound(f"There is no file “{name}”. The files are: {names}.")
