"""Errors that a user may see. The class docstring is the text that the user reads.

    Problem
    ├── BadRequest 400        ├── Closed 403           ├── Conflict 409
    ├── NotAuthenticated 401  ├── Blinded 403          ├── TooLarge 413
    ├── Forbidden 403         ├── NotFound 404         ├── Unprocessable 422
    └── TooMany 429 …

A subclass carries `status` and `code` (a finer code may be given); a detail given to the
constructor replaces the docstring, and `extra` adds members to the problem document, such as
`findings`, `remaining` and `next_at`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class Problem(Exception):
    """Something went wrong. Please try again."""

    status: int = 500
    code: str = "error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.code = code or type(self).code
        self.detail = detail or " ".join((type(self).__doc__ or "").split())
        self.headers = headers or {}
        self.extra = extra
        super().__init__(self.detail)

    def as_json(self) -> dict[str, Any]:
        """The members of `application/problem+json` (RFC 9457)."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.extra,
        }


class BadRequest(Problem):
    """The request can't be understood. Check its fields and try again."""

    status, code = 400, "bad_request"


class NotAuthenticated(Problem):
    """Log in first, or send a token as `Authorization: Bearer …`."""

    status, code = 401, "not_authenticated"


class Forbidden(Problem):
    """Your account is not allowed to do this. Ask an organiser if you think it should be."""

    status, code = 403, "forbidden"


class CsrfFailed(Forbidden):
    """The form has expired. Go back, reload the page and send it again."""

    code = "csrf"


class Closed(Problem):
    """The phase is closed: nothing can be handed in now."""

    status, code = 403, "closed"


class Blinded(Problem):
    """The private board opens when the organisers unblind this phase."""

    status, code = 403, "blinded"


class NotFound(Problem):
    """There is nothing here, or you may not see it. Check the address, or log in."""

    status, code = 404, "not_found"


class Conflict(Problem):
    """Somebody else changed this meanwhile. Reload and try again."""

    status, code = 409, "conflict"


class TooLarge(Problem):
    """The request is larger than allowed."""

    status, code = 413, "too_large"


class Unprocessable(Problem):
    """Some values are not valid. Correct them and send again."""

    status, code = 422, "invalid"


class TooMany(Problem):
    """Too many requests. Wait a moment and try again."""

    status, code = 429, "too_many"


class Unavailable(Problem):
    """The service can't do this at the moment. Try again in a minute; nothing was lost."""

    status, code = 503, "unavailable"
