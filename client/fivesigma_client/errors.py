"""Everything that can go wrong for a client, and the exit code that the command ends with.

FivesigmaError 1       this machine failed: a full disk, a file that can't be read
├── Misused 2          what was asked for can't be done this way
├── Problem            the server's problem document; `exit_code_of` says which code
├── Unreachable 6      no answer
│   └── BadAnswer 6    an answer that is not one of a Fivesigma server
└── StillWaiting 7     not scored within the time that one was willing to wait
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answers import Finding, Submission

FORBIDDEN = (401, 403, 404, 409, 429)
TEMPORARY = (502, 503, 504)


class FivesigmaError(Exception):
    """Something on this machine failed."""

    exit_code = 1
    code = "failed"

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints: always with `code`, `detail` and `exit_code`."""
        return {"code": self.code, "detail": str(self), "exit_code": self.exit_code}


class Misused(FivesigmaError):
    """What was asked for can't be done this way."""

    exit_code = 2
    code = "usage"


class Unreachable(FivesigmaError):
    """The server gave no answer."""

    exit_code = 6
    code = "unreachable"


class BadAnswer(Unreachable):
    """The answer is not one that a Fivesigma server gives."""

    code = "bad_answer"


class StillWaiting(FivesigmaError):
    """The submission was not finished in time; `submission` is how it stood last."""

    exit_code = 7
    code = "still_waiting"

    def __init__(self, submission: Submission, seconds: float) -> None:
        super().__init__(
            f"Not scored within {seconds:g} seconds, but it is in the queue. Look again with "
            f"`fivesigma submission {submission.id} --wait`."
        )
        self.submission = submission


class Problem(FivesigmaError):
    """The server refused, and says why.

    `document` is its problem document; `retry_after` the seconds after which it may be tried again.
    """

    def __init__(
        self,
        status: int,
        document: Mapping[str, Any],
        *,
        findings: tuple[Finding, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        detail = document.get("detail")
        super().__init__(detail if isinstance(detail, str) else f"The server answered {status}.")
        self.status = status
        self.code = str(document.get("code", "error"))
        self.document = document
        self.findings = findings
        self.retry_after = retry_after
        self.exit_code = exit_code_of(status, self.code)

    @property
    def temporary(self) -> bool:
        """Whether the same request may well succeed in a moment."""
        if self.code in ("limit", "check_failed"):
            return False
        return self.status in TEMPORARY or (self.status == 429 and self.retry_after is not None)

    def as_json(self) -> dict[str, Any]:
        """The problem document with the exit code."""
        return {**super().as_json(), **self.document, "exit_code": self.exit_code}


def exit_code_of(status: int, code: str) -> int:
    """The exit code for a refusal: 3 not allowed, 4 file, 5 scorer, 6 server, otherwise 2."""
    if code == "refused" or status == 413:
        return 4
    if code == "check_failed":
        return 5
    if status in FORBIDDEN or code == "too_many_selected":
        return 3
    return 6 if status >= 500 or status == 408 else 2
