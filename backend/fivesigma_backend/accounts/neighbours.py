"""The few columns of other features' tables that accounts must know.

Accounts stand below challenges and teams, and so may not import them; the database knows them by
foreign key all the same. A token is restricted to a challenge, and a deleted person's name has to
leave the boards.
"""

from __future__ import annotations

from sqlalchemy import Boolean, ColumnElement, column, func, or_, select, table, update
from sqlalchemy.orm import Session

CHALLENGES = table(
    "challenges", column("id"), column("slug"), column("title"), column("published", Boolean)
)
_ORGANISERS = table("organisers", column("challenge_id"), column("user_id"))
_TEAMS = table("teams", column("id"), column("name"), column("name_key"))
_MEMBERS = table("team_members", column("team_id"), column("user_id"))
_ROSTER_ROWS = table("roster_rows", column("user_id"))
_APPLICATIONS = table("applications", column("user_id"), column("message"))


def _visible_to(user_id: str) -> ColumnElement[bool]:
    organised = select(_ORGANISERS.c.challenge_id).where(_ORGANISERS.c.user_id == user_id)
    return or_(CHALLENGES.c.published, CHALLENGES.c.id.in_(organised))


def visible_challenges(session: Session, user_id: str) -> list[tuple[str, str]]:
    """Slug and title of the challenges to which a token of the user can be restricted."""
    rows = session.execute(
        select(CHALLENGES.c.slug, CHALLENGES.c.title)
        .where(_visible_to(user_id))
        .order_by(CHALLENGES.c.slug)
        .limit(500)
    )
    return [(slug, title) for slug, title in rows]


def visible_challenge_id(session: Session, slug: str, user_id: str) -> str | None:
    """Id of the challenge `slug`; None if there is none that the user may see."""
    found: str | None = session.scalar(
        select(CHALLENGES.c.id).where(CHALLENGES.c.slug == slug, _visible_to(user_id))
    )
    return found


def organises_any(session: Session, user_id: str) -> bool:
    """Whether the user is an organiser of some challenge."""
    found = session.scalar(
        select(_ORGANISERS.c.user_id).where(_ORGANISERS.c.user_id == user_id).limit(1)
    )
    return found is not None


def forget_registrations(session: Session, user_id: str) -> None:
    """Take the person off the class lists and empty what they wrote to organisers."""
    session.execute(
        update(_ROSTER_ROWS).where(_ROSTER_ROWS.c.user_id == user_id).values(user_id=None)
    )
    session.execute(
        update(_APPLICATIONS).where(_APPLICATIONS.c.user_id == user_id).values(message="")
    )


def rename_teams_of_one(session: Session, user_id: str, name: str) -> None:
    """Give the teams whose only member is the user another name."""
    alone = select(_MEMBERS.c.team_id).group_by(_MEMBERS.c.team_id).having(func.count() == 1)
    own = select(_MEMBERS.c.team_id).where(_MEMBERS.c.user_id == user_id)
    session.execute(
        update(_TEAMS)
        .where(_TEAMS.c.id.in_(own), _TEAMS.c.id.in_(alone))
        .values(name=name, name_key=name.casefold())
    )
