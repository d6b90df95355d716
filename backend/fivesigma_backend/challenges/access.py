"""Policies of the routes of one challenge.

Each yields an `Access`: who asks, which challenge, and in which role. What one may not see
answers 404, as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..accounts.access import OfferedCsrf, PlatformOf, check_csrf, identify, require_scope
from ..core.errors import Forbidden, NotAuthenticated, NotFound
from ..core.platform import Platform
from ..core.security import Actor
from ..core.web import policy
from .models import Challenge, Organiser, Participation
from .neighbours import application_state
from .rules import banned_text, registration_policy

AccessPolicy = Callable[..., "Access"]


@dataclass(frozen=True)
class Access:
    """A request's actor in one challenge.

    `joined_at` is None for who has not joined; `rules_due` says that the rules have changed (or
    were never accepted) and must be accepted before the next submission. `applied` is `waiting` or
    `refused` for who asked to take part and was not let in.
    """

    actor: Actor
    challenge: Challenge
    organiser: bool = False
    joined_at: datetime | None = None
    rules_due: bool = False
    banned: bool = False
    banned_reason: str | None = None
    applied: str | None = None

    @property
    def participant(self) -> bool:
        """Whether the actor takes part and may hand in."""
        return self.joined_at is not None and not self.banned

    @property
    def registration(self) -> str:
        """How the challenge lets people in."""
        return registration_policy(self.challenge.definition)

    @property
    def banned_text(self) -> str:
        """What the actor reads who was excluded."""
        return banned_text(self.banned_reason)


def find_access(session: Session, actor: Actor, slug: str, *, public_boards: bool) -> Access:
    """The actor's role in the challenge `slug`. Raises NotFound for what may not be seen."""
    challenge = session.scalar(select(Challenge).where(Challenge.slug == slug))
    if challenge is None or challenge.trashed_at is not None:
        raise NotFound
    if actor.challenge_id not in (None, challenge.id):
        raise NotFound
    access = _role(session, actor, challenge)
    for_members = challenge.definition.get("visibility") == "members" or not public_boards
    hidden = not challenge.published or (for_members and access.joined_at is None)
    # Whoever is logged in may see that a members' challenge exists, in order to join it.
    if hidden and not access.organiser and not (challenge.published and actor.known):
        raise NotFound
    return access


def _role(session: Session, actor: Actor, challenge: Challenge) -> Access:
    if not actor.known:
        return Access(actor, challenge)
    organises = session.get(Organiser, (challenge.id, actor.user_id)) is not None
    joined = session.get(Participation, (challenge.id, actor.user_id))
    may_organise = (organises or actor.is_admin) and "organise" in actor.scopes
    if joined is None:
        asked = registration_policy(challenge.definition) == "approval"
        applied = application_state(session, challenge.id, str(actor.user_id)) if asked else None
        return Access(actor, challenge, organiser=may_organise, applied=applied)
    return Access(
        actor,
        challenge,
        organiser=may_organise,
        joined_at=joined.joined_at,
        rules_due=joined.rules_version != challenge.rules_version,
        banned=joined.banned_at is not None,
        banned_reason=joined.banned_reason,
    )


def require_participant(access: Access) -> None:
    """Refuse whoever has not joined, is banned, or has yet to accept the present rules."""
    if access.banned:
        raise Forbidden(access.banned_text, code="banned")
    if access.joined_at is None:
        raise Forbidden("Join the challenge first.", code="not_joined")
    if access.rules_due:
        raise Forbidden("The rules have changed: accept them first.", code="rules_changed")


def _access(request: Request, platform: Platform, slug: str) -> Access:
    actor = identify(request, platform)
    with platform.db.read() as session:
        access = find_access(session, actor, slug, public_boards=platform.settings.public_boards)
    request.state.access = access
    return access


@policy("challenge: visible")
def visible(request: Request, slug: str, platform: PlatformOf, offered: OfferedCsrf) -> Access:
    """Whoever may see the challenge; a token needs `read`."""
    access = _access(request, platform, slug)
    if access.actor.by_token:
        require_scope(access.actor, "read")
    check_csrf(request, platform, access.actor, offered)
    return access


def known(scope: str) -> AccessPolicy:
    """Any person who may see the challenge, joined or not; a token needs `scope`."""

    @policy(f"challenge: known ({scope})")
    def check(request: Request, slug: str, platform: PlatformOf, offered: OfferedCsrf) -> Access:
        access = _access(request, platform, slug)
        require_scope(access.actor, scope)
        check_csrf(request, platform, access.actor, offered)
        return access

    return check


def participant(scope: str) -> AccessPolicy:
    """Whoever joined, has accepted the rules and is not banned; a token needs `scope`."""

    @policy(f"challenge: participant ({scope})")
    def check(request: Request, slug: str, platform: PlatformOf, offered: OfferedCsrf) -> Access:
        access = _access(request, platform, slug)
        require_scope(access.actor, scope)
        check_csrf(request, platform, access.actor, offered)
        require_participant(access)
        return access

    return check


@policy("challenge: uploader")
def uploader(request: Request, slug: str, platform: PlatformOf) -> Access:
    """A participant who sends a file. The body is not read here: it may be a gigabyte.

    The CSRF token of a browser comes in the header or as the form's first field, which the upload
    parser checks before it takes any byte of the file.
    """
    access = _access(request, platform, slug)
    require_scope(access.actor, "submit")
    require_participant(access)
    return access


@policy("challenge: organiser")
def organiser(request: Request, slug: str, platform: PlatformOf, offered: OfferedCsrf) -> Access:
    """An organiser of the challenge or an administrator; nobody else learns that this exists."""
    access = _access(request, platform, slug)
    if not access.actor.known:
        raise NotAuthenticated
    if not access.organiser:
        raise NotFound
    check_csrf(request, platform, access.actor, offered)
    return access
