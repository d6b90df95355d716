"""Making figures when there is nothing to score: first their numbers, then their pictures.

One evaluation at a time in each process, whoever is the newest. The numbers come from the sandbox,
as scores do; pictures are drawn by a process of low priority. Nothing here takes a slot of scoring.
"""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.sandbox import (
    JobCancelled,
    JobCrashed,
    JobOutOfMemory,
    JobTimedOut,
    SandboxUnavailable,
)
from fivesigma_backend.submissions.announcing import announce_figures
from fivesigma_backend.submissions.evaluating import anything_waits
from fivesigma_backend.submissions.figures_queue import (
    FiguresClaim,
    MadeFigure,
    claim_figures,
    figures_missed,
    give_figures_back,
    renew_figures,
    store_figures,
    store_images,
    undrawn,
)
from fivesigma_backend.submissions.figures_rules import SPLITS, FiguresState
from fivesigma_backend.submissions.mishaps import job_limits
from fivesigma_scoring.binning import Detail
from fivesigma_scoring.figures import Figure
from sqlalchemy.orm import Session

from .artist import Stopped, draw_all
from .scoring import Keeper

logger = logging.getLogger(__name__)
NICENESS = 19
MOST_FIGURES = 200
PICTURES = frozenset({"light.svg", "light.png", "dark.svg", "dark.png"})


def drain_figures(platform: Platform, stopping: threading.Event) -> int:
    """Make figures until none wait, or something is to be scored; returns how many steps."""
    done = 0
    if not platform.easel.acquire(blocking=False):
        return done
    try:
        while not stopping.is_set() and (held := _claim(platform)) is not None:
            if not _work(platform, held, stopping):
                break
            done += 1
    finally:
        platform.easel.release()
    return done


def _claim(platform: Platform) -> FiguresClaim | None:
    lease = timedelta(seconds=platform.settings.lease_seconds)
    with platform.db.transaction() as session:
        if anything_waits(session):
            return None
        return claim_figures(session, now=platform.clock(), lease=lease)


def _work(platform: Platform, held: FiguresClaim, stopping: threading.Event) -> bool:
    """Do one step for the figures of one evaluation; False where going on makes no sense."""
    lease = timedelta(seconds=platform.settings.lease_seconds)
    keeper = Keeper(platform, lambda s, now: renew_figures(s, held, now + lease), stopping)
    step = _make if held.state == FiguresState.DUE else _draw
    try:
        step(platform, held, keeper)
    except (JobCancelled, Stopped):
        _change(platform, held, give_figures_back)
        return not stopping.is_set()
    except SandboxUnavailable:  # the lease is left to end, as a pause before the next attempt
        logger.exception("figures are not possible at present")
        return False
    except (JobCrashed, JobTimedOut, JobOutOfMemory, FileNotFoundError, ValueError) as error:
        logger.warning("figures of %s failed: %s", held.submission_id, error)
        _change(platform, held, figures_missed)
    return True


def _make(platform: Platform, held: FiguresClaim, keeper: Keeper) -> None:
    """The numbers, from the sandbox."""
    file = platform.storage.local(held.file_sha256)
    compiled = platform.storage.local_folder(held.compiled_sha256)
    arguments = {
        "file": str(file),
        "filename": held.filename,
        "compiled": str(compiled),
        "phase": held.phase,
        "truth_public": held.truth_public,
    }
    limits = dataclasses.replace(job_limits(platform), nice=NICENESS)
    answer = platform.sandbox.run(
        "figures", arguments, readable=[file, compiled], limits=limits, cancelled=keeper
    )
    made = _checked(answer)
    _change(platform, held, lambda session, claim: store_figures(session, claim, made))


def _checked(answer: dict[str, Any]) -> list[MadeFigure]:
    """What the child says, which has read a stranger's file. Raises ValueError for nonsense."""
    exhibits = answer.get("figures")
    if not isinstance(exhibits, list) or len(exhibits) > MOST_FIGURES:
        raise ValueError("the answer holds no list of figures, or too many")
    try:
        made = [
            MadeFigure(one["split"], Detail(one["detail"]), Figure.from_json(one["figure"]))
            for one in exhibits
        ]
    except (KeyError, TypeError) as error:
        raise ValueError("an exhibit of the answer has the wrong form") from error
    places = {(one.split, one.detail, one.figure.name) for one in made}
    if len(places) < len(made) or any(one.split not in SPLITS for one in made):
        raise ValueError("an exhibit of the answer is there twice, or of no split")
    return made


def _draw(platform: Platform, held: FiguresClaim, keeper: Keeper) -> None:
    """The pictures, from a process of low priority."""
    with platform.db.read() as session:
        rows = undrawn(session, held.evaluation_id)
    fonts = platform.settings.data_dir.resolve() / "fonts"
    fonts.mkdir(exist_ok=True, mode=0o700)
    drawn: dict[str, dict[str, str]] = {}
    spoilt: list[str] = []
    with tempfile.TemporaryDirectory(dir=platform.storage.spool, prefix="drawing-") as folder:
        for place, images in draw_all([row.data for row in rows], Path(folder), fonts, keeper):
            if images is None or set(images) != PICTURES:
                spoilt.append(rows[place].id)
            else:
                drawn[rows[place].id] = {
                    form: platform.storage.put(Path(folder) / images[form]) for form in images
                }
    _change(platform, held, lambda session, claim: store_images(session, claim, drawn, spoilt))


def _change(
    platform: Platform, held: FiguresClaim, change: Callable[[Session, FiguresClaim], bool]
) -> None:
    with platform.db.transaction() as session:
        if change(session, held):
            announce_figures(session, platform.events, held)
        else:
            logger.info(
                "attempt %d at figures of %s came too late", held.attempt, held.submission_id
            )
