"""The sandbox: files from strangers are read, checked and scored in processes of their own.

    sandbox = Sandbox({"score": "package.module:function"})
    answer = sandbox.run("score", {"file": "…"}, readable=[Path("…")])

A job is a function from a JSON object to a JSON object (no NaN), named in a literal table. With
a second parameter it is given a function to call with the name of what it does next; the error of
a job that died carries the last such name as its `stage`.

Each run is a fresh child of a warm fork server (`server`), confined before it sees the request's
files (`child`): limits on memory, time, files and threads; Landlock; an empty network; a filter of
system calls; no capabilities, no credentials, no environment, nothing of any earlier job. Only
`readable` and the interpreter can be read, only a scratch folder (the current and temporary
directory, gone afterwards) can be written. Layers that the kernel or a container doesn't grant
are left out, and `layers()` says so.
"""

from __future__ import annotations

from fivesigma_backend.core.sandbox.errors import (
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    SandboxError,
    SandboxUnavailable,
)
from fivesigma_backend.core.sandbox.limits import Limits
from fivesigma_backend.core.sandbox.owner import Sandbox

__all__ = [
    "JobCancelled",
    "JobCrashed",
    "JobOutOfMemory",
    "JobTimedOut",
    "Limits",
    "Sandbox",
    "SandboxError",
    "SandboxUnavailable",
]
