"""Validation: the full check of a file, in the sandbox, at once and without any truth."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from ..challenges.access import Access
from ..challenges.service import current_solution
from ..core.errors import Unavailable
from ..core.platform import Platform
from ..core.sandbox import Limits, SandboxError, SandboxUnavailable
from .admission import Admission
from .receiving import Delivery
from .schemas import FindingOut, ValidationOut
from .upload import Received, Spool


class CheckFailed(Unavailable):
    """The file could not be checked: reading it took too long or needed too much memory."""

    code = "check_failed"


async def check_upload(request: Request, platform: Platform, access: Access) -> ValidationOut:
    """Receive a file and check it. It costs no quota, so it is throttled per user."""
    limit = f"{platform.settings.validations_per_minute}/minute"
    await run_in_threadpool(platform.throttle.hit, limit, "validate", access.actor.user_id or "")
    with Spool(platform.storage.spool) as spool:
        received, admission = await Delivery(request, platform, access).bring(spool)
        return await run_in_threadpool(_check, platform, received, admission)


def _check(platform: Platform, received: Received, admission: Admission) -> ValidationOut:
    with platform.db.read() as session:
        solution = current_solution(session, admission.test_set.id)
    # The universe is a folder of its own: the sandbox can open nothing of the truth.
    universe = platform.storage.local_folder(solution.universe_sha256)
    seconds = platform.settings.scoring_seconds
    limits = Limits(
        memory_bytes=platform.settings.scoring_memory, cpu_seconds=seconds, wall_seconds=seconds
    )
    arguments = {
        "file": str(received.path),
        "filename": received.filename,
        "universe": str(universe),
    }
    try:
        answer = platform.sandbox.run(
            "check", arguments, readable=[received.path, universe], limits=limits
        )
    except SandboxUnavailable:
        raise Unavailable from None
    except SandboxError as error:
        raise CheckFailed from error
    findings = [FindingOut(**finding) for finding in answer["findings"]]
    return ValidationOut(ok=answer["ok"], findings=findings)
