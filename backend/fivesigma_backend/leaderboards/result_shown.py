"""Final places on pages: read from the boards that are kept, so that they say what those say."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request

from ..challenges.access import Access
from ..challenges.models import Challenge, Phase
from ..core.errors import Blinded
from ..core.platform import Platform
from ..core.security import Actor
from .api import board_cache, cached_board
from .result import Boards, Entered, chosen_of, entered_in, entered_since, place_of, places_of
from .result import result_of as full_result
from .result_schemas import PlaceOut, ResultOut
from .rules import Split
from .schemas import BoardOut
from .service import view_board

NEWS_FOR = timedelta(days=30)
MOST_ON_HOME = 5


def own_places(request: Request, platform: Platform, access: Access) -> list[PlaceOut]:
    """The final places of the actor's teams in the unblinded phases of a challenge."""
    user_id = access.actor.user_id
    if user_id is None or not access.participant:
        return []
    with platform.db.read() as session:
        entered = entered_in(session, user_id, access.challenge.id)
    return places_of(entered, boards_of(request, platform, access.actor, access.challenge))


def recent_places(
    request: Request, platform: Platform, actor: Actor
) -> list[tuple[Challenge, PlaceOut]]:
    """The actor's final places in phases that were unblinded lately, the newest first."""
    if actor.user_id is None:
        return []
    with platform.db.read() as session:
        entered = entered_since(session, actor.user_id, platform.clock() - NEWS_FOR)
    found = []
    for mine in _newest(entered):
        challenge = mine[0].challenge
        if actor.challenge_id in (None, challenge.id):
            boards = boards_of(request, platform, actor, challenge)
            found += [(challenge, place) for place in places_of(mine, boards)]
    return found


def _newest(entered: list[Entered]) -> list[list[Entered]]:
    """By phase, the one that was unblinded last first."""
    phases = {one.phase.id: one.phase for one in entered}
    newest = sorted(phases.values(), key=lambda one: str(one.unblinded_at), reverse=True)
    return [[one for one in entered if one.phase.id == phase.id] for phase in newest[:MOST_ON_HOME]]


def own_result(
    request: Request, platform: Platform, access: Access, phase: Phase
) -> ResultOut | None:
    """The final place of the actor's team with what else it could have been; None without entry.

    Raises Blinded before the unblinding.
    """
    if phase.unblinded_at is None:
        raise Blinded
    user_id = str(access.actor.user_id)
    with platform.db.read() as session:
        mine = entered_in(session, user_id, access.challenge.id, phase_id=phase.id)
    if not mine:
        return None
    boards = boards_of(request, platform, access.actor, access.challenge)
    place = place_of(mine, boards)
    with platform.db.read() as session:
        return full_result(session, chosen_of(mine, boards(phase, "private")), place)


def boards_of(request: Request, platform: Platform, actor: Actor, challenge: Challenge) -> Boards:
    """The boards of a challenge as everybody sees them."""
    access, now = Access(actor, challenge), platform.clock()

    def read(phase: Phase, split: Split) -> BoardOut:
        return cached_board(board_cache(request), platform, view_board(access, phase, split, now))

    return read
