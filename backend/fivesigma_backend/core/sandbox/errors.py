"""Why a sandboxed job gave no answer.

    SandboxError
    ├── JobCrashed           exception, signal, exit code, or an answer that isn't one
    ├── JobTimedOut          wall or CPU time
    ├── JobOutOfMemory       resident memory or address space
    ├── JobCancelled         the caller asked for it
    └── SandboxUnavailable   no fault of the job: try again

`str(error)` says what happened in words that anyone may read; `detail` holds the traceback or the
end of what the job printed. It is for operators and their logs only, as it may quote the input.
`stage` is what the job last said it was doing, "" if it said nothing: a hint from an untrusted
process, good for wording and nothing else.
"""

from __future__ import annotations


class SandboxError(Exception):
    """The job gave no answer."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
        self.stage = ""


class JobCrashed(SandboxError):
    """The job raised an exception, was ended by a signal, or answered nonsense."""


class JobTimedOut(SandboxError):
    """The job used up its wall or CPU time."""


class JobOutOfMemory(SandboxError):
    """The job needed more memory than it may have."""


class JobCancelled(SandboxError):
    """The caller cancelled the job while it ran."""


class SandboxUnavailable(SandboxError):
    """The sandbox could not run the job or lost it; the same call may succeed later."""
