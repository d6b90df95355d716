"""Errors of accounts that a user may see.

Problem
├── InvalidFields 422 ── InvalidResetCode 422
├── WrongCredentials 401
├── SignupClosed 403
└── LastAdmin 409
"""

from __future__ import annotations

from ..core.errors import Conflict, Forbidden, Problem, Unprocessable


class InvalidFields(Unprocessable):
    """Some fields are not valid. `errors` maps a field to what is wrong with it."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(
            " ".join(f"{field}: {text}" for field, text in errors.items()), errors=errors
        )


class InvalidResetCode(Unprocessable):
    """The link has expired or was used already. Ask an administrator for a new one."""

    code = "invalid_reset_code"


class WrongCredentials(Problem):
    """The username or the password is not right. Try again; an administrator can reset it."""

    status, code = 401, "wrong_credentials"


class SignupClosed(Forbidden):
    """Sign-up is closed on this site. Ask the organisers for an account."""

    code = "signup_closed"


class LastAdmin(Conflict):
    """No other administrator would be left. Make somebody else an administrator first."""

    code = "last_admin"
