"""What a participant is told when checking or scoring a file ended without an answer."""

from __future__ import annotations

from fivesigma_scoring import mishaps
from fivesigma_scoring.report import Finding
from fivesigma_scoring.run import READING

from ..core.platform import Platform
from ..core.sandbox import JobOutOfMemory, JobTimedOut, Limits


def job_limits(platform: Platform) -> Limits:
    """What checking or scoring one file may use, by the settings."""
    seconds = platform.settings.scoring_seconds
    return Limits(
        memory_bytes=platform.settings.scoring_memory, cpu_seconds=seconds, wall_seconds=seconds
    )


def explain(error: Exception, limits: Limits) -> Finding:
    """The reason in plain words, without anything that the job printed.

    A file is blamed only where the job died while it read the file: scoring starts with arrays of
    a known size, and what fails there or before is ours to repair.
    """
    if getattr(error, "stage", "") != READING:
        return mishaps.scoring_failed()
    if isinstance(error, JobOutOfMemory):
        return mishaps.reading_too_hungry(limits.memory_bytes)
    if isinstance(error, JobTimedOut):
        return mishaps.reading_too_slow(limits.wall_seconds)
    return mishaps.reader_crashed()
