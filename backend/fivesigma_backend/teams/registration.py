"""Taking part by the policy of the challenge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from ..accounts.rules import address_key
from ..accounts.service import get_user
from ..challenges.access import Access
from ..challenges.models import Challenge
from ..challenges.rules import registration_policy
from ..challenges.service import is_organiser
from ..core.errors import Forbidden, TooMany
from ..core.platform import Platform
from ..core.security import Actor
from .applications import ask, decision_of
from .invite_codes import use_invite_code
from .registration_rules import CODE_POLICIES, Step, step
from .roster import claim_row
from .service import Joined, join, participation_of, require_acceptance

ATTEMPTS = "10/15 minutes"
# A school sits behind one address, where a whole class mistypes its codes at the same time.
ATTEMPTS_OF_ADDRESS = "200/15 minutes"


class WrongCode(Forbidden):
    """The code is not valid or was used already. Check it, or ask the organisers for a new one."""

    code = "wrong_code"


@dataclass(frozen=True)
class Wish:
    """What somebody sends who wants to take part. `message` is for organisers who approve."""

    accept_rules: bool
    code: str | None = None
    message: str = ""


def take_part(platform: Platform, access: Access, wish: Wish, address: str) -> Joined | None:
    """Take part, or ask to: None says that the organisers have yet to decide.

    Raises Forbidden for the banned, while the rules are not accepted, for a code that is missing
    or wrong, and for who was refused; TooMany after too many wrong codes.
    """
    with (
        _counted_attempt(platform, access, wish.code, address),
        platform.db.transaction() as session,
    ):
        return register(session, access.challenge, access.actor, wish, now=platform.clock())


@contextmanager
def _counted_attempt(
    platform: Platform, access: Access, code: str | None, address: str
) -> Iterator[None]:
    """Count attempts at a code, those of a person and those from an address.

    Counted before the look, so that guesses sent at the same moment count as well.
    """
    if not code or access.joined_at is not None or access.registration not in CODE_POLICIES:
        yield
        return
    person = (ATTEMPTS, "code", str(access.actor.user_id))
    place = (ATTEMPTS_OF_ADDRESS, "code", address_key(address))
    platform.throttle.check(*place)
    platform.throttle.hit(*person)
    try:
        yield
    except WrongCode:
        _count(platform, place)
        raise
    platform.throttle.forget(*person)


def _count(platform: Platform, limit: tuple[str, ...]) -> None:
    try:
        platform.throttle.hit(*limit)
    except TooMany:  # the answer to this attempt is the usual one; the next is refused
        return


def register(
    session: Session, challenge: Challenge, actor: Actor, wish: Wish, *, now: datetime
) -> Joined | None:
    """`take_part` in the caller's transaction, without counting attempts."""
    # A person's second attempt waits here for the first, and then finds that it is in already.
    user_id = get_user(session, actor.user_id, lock=True).id
    present = participation_of(session, challenge.id, user_id)
    require_acceptance(challenge, present, accept_rules=wish.accept_rules)
    decided = step(
        registration_policy(challenge.definition),
        joined=present is not None,
        staff=actor.is_admin or is_organiser(session, challenge.id, user_id),
        decision=decision_of(session, challenge.id, user_id),
        code=bool(wish.code),
    )
    if decided is Step.ASK:
        ask(session, challenge, user_id, wish.message, now=now)
    if decided in (Step.ASK, Step.WAIT):
        return None
    _require_way_in(session, challenge, user_id, decided, wish.code or "", now)
    return join(session, challenge, actor, accept_rules=wish.accept_rules, now=now)


def _require_way_in(
    session: Session, challenge: Challenge, user_id: str, decided: Step, code: str, now: datetime
) -> None:
    match decided:
        case Step.REFUSED:
            raise Forbidden(
                "The organisers have refused your application. Ask them if you think it a mistake.",
                code="application_refused",
            )
        case Step.CODE_MISSING:
            raise Forbidden(
                "Taking part needs a code. Get it from the organisers, then enter it on the "
                "challenge's page, or give it to the client with --code.",
                code="code_needed",
            )
        case Step.TRY_INVITE_CODE:
            if not use_invite_code(session, challenge.id, code):
                raise WrongCode
        case Step.TRY_ROSTER_CODE:
            if not claim_row(session, challenge.id, code, user_id=user_id, now=now):
                raise WrongCode
