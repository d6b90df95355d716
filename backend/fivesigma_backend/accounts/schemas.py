"""What the REST calls of accounts take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints

from ..core.clock import rfc3339
from .rules import DEFAULT_TOKEN_DAYS, LONGEST_EMAIL
from .tokens import TokenRow, TokenWish

Time = Annotated[datetime, PlainSerializer(rfc3339)]
Short = Annotated[str, StringConstraints(max_length=LONGEST_EMAIL)]


class TokenRequest(BaseModel):
    """A token to be made; without `scopes` it gets all that its user can make use of."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Short
    scopes: list[Short] | None = None
    expires_days: int = DEFAULT_TOKEN_DAYS
    challenge: Short | None = None

    def wish(self) -> TokenWish:
        """The same for the service."""
        return TokenWish(self.name, self.scopes, self.expires_days, self.challenge)


class TokenItem(BaseModel):
    """A token, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    scopes: list[str]
    challenge: str | None
    created_at: Time
    expires_at: Time


class NewToken(TokenItem):
    """A token that has just been made, with its secret, which is shown this once."""

    secret: str

    @classmethod
    def of(cls, row: TokenRow, secret: str) -> NewToken:
        """`row` with its secret."""
        return cls(**TokenItem.model_validate(row).__dict__, secret=secret)


class TokenList(BaseModel):
    """One page of tokens; `next` is the cursor of the next page."""

    items: list[TokenItem]
    next: str | None
