"""Validation: the full check of a file, in the sandbox, at once and without any truth."""

from __future__ import annotations

import logging

from fastapi import Request
from fivesigma_scoring.run import READING
from starlette.concurrency import run_in_threadpool

from ..challenges.access import Access
from ..challenges.service import current_solution
from ..core.errors import Unavailable
from ..core.platform import Platform
from ..core.sandbox import SandboxError, SandboxUnavailable
from .admission import Admission
from .mishaps import explain, job_limits
from .receiving import Delivery
from .schemas import FindingOut, ValidationOut
from .upload import Received, Spool

logger = logging.getLogger(__name__)


class CheckFailed(Unavailable):
    """The file could not be checked, through no fault of its own."""

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
    limits = job_limits(platform)
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
        logger.exception("checking %s\n%s", received.sha256, error.detail)
        if error.stage != READING:
            raise CheckFailed from error
        finding = FindingOut(**explain(error, limits).as_json())
        return ValidationOut(ok=False, findings=[finding])
    findings = [FindingOut(**finding) for finding in answer["findings"]]
    return ValidationOut(ok=answer["ok"], findings=findings)
