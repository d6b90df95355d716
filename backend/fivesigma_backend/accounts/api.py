"""REST calls of accounts: API tokens, which only a logged-in browser may see, make and revoke."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ..core.security import Actor
from .access import PlatformOf, browser_session
from .schemas import NewToken, TokenItem, TokenList, TokenRequest
from .service import get_user
from .tokens import grant_token, list_tokens, revoke_token, token_of_secret

router = APIRouter(tags=["tokens"])
Browser = Annotated[Actor, Depends(browser_session)]


@router.get("/tokens")
def read_tokens(
    actor: Browser,
    platform: PlatformOf,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: str | None = None,
) -> TokenList:
    """The valid tokens of the user, newest first, without their secrets."""
    with platform.db.read() as session:
        user = get_user(session, actor.user_id)
        rows, following = list_tokens(
            session, user.id, platform.clock(), limit=limit, cursor=cursor
        )
    return TokenList(items=[TokenItem.model_validate(row) for row in rows], next=following)


@router.post("/tokens", status_code=201)
def make_token(
    actor: Browser, platform: PlatformOf, wanted: TokenRequest, response: Response
) -> NewToken:
    """Make a token. Its secret is in this answer and nowhere else, ever."""
    with platform.db.transaction() as session:
        user = get_user(session, actor.user_id, lock=True)
        secret = grant_token(session, user=user, wish=wanted.wish(), now=platform.clock())
        row = token_of_secret(session, secret)
    response.headers["Cache-Control"] = "no-store"
    return NewToken.of(row, secret)


@router.delete("/tokens/{token_id}", status_code=204)
def delete_token(actor: Browser, platform: PlatformOf, token_id: str) -> None:
    """Revoke one of the user's tokens; it stops working at once."""
    with platform.db.transaction() as session:
        revoke_token(session, get_user(session, actor.user_id).id, token_id)
