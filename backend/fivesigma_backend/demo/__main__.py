"""`python -m fivesigma_backend.demo`: bring what is missing, and say how to log in."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from pathlib import Path

import httpx2
from fivesigma_datasets import BUILTINS, demo_submissions
from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table

from .. import tables
from ..challenges.builtin import load_builtin
from ..challenges.definition import DefinitionError
from ..challenges.stored import export_challenge
from ..core.errors import Conflict, Problem
from ..core.platform import Platform, platform
from ..core.settings import load_settings
from ..logs import configure_logging
from .handing_in import DemoFile, hand_in
from .notes import Notes
from .people import ORGANISER, PARTICIPANTS, PEOPLE, bring_people, is_peopled, token_of

logger = logging.getLogger(__name__)


def main() -> None:
    """Bring what is missing, and say how to log in."""
    settings, site = load_settings(), os.environ["FIVESIGMA_URL"]
    configure_logging(settings)
    assert tables.Base.metadata.tables  # rows refer to each other across features
    path = settings.data_dir / "secrets" / "demo.json"
    with platform(settings) as opened:
        if not path.exists() and is_peopled(opened):
            _say("This data folder has people of its own: the demo leaves it alone.")
            return
        notes = Notes.read(path)
        missing = [name for name in BUILTINS if name not in notes.challenges]
        if missing:
            _bring(opened, site, notes, missing)
        else:
            _tell(site, notes)
            _say("Everything is as the last run left it: people, challenges, submissions.")


def _bring(opened: Platform, site: str, notes: Notes, missing: list[str]) -> None:
    """The people, then the challenges, then submissions; each challenge is noted once it is done.

    One that can't be loaded is told, and tried again by the next run; the others come all the same.
    """
    ids = bring_people(opened, notes)
    loaded = [name for name in missing if _load(opened, name, ids[ORGANISER])]
    _tell(site, notes)  # before the submissions, which take a while
    for name in loaded:
        _hand_in_all(opened, site, name, ids)
        notes.challenges.append(name)
        notes.keep()


def _load(opened: Platform, name: str, organiser_id: str) -> bool:
    """Whether the challenge is there afterwards."""
    try:
        load_builtin(opened, name, organiser_ids=[organiser_id], report=_quiet)
    except Conflict as there:  # an earlier run loaded another version of it
        _say(f"{name} stays as it is: {there}")
    except (Problem, DefinitionError, OSError) as reason:
        _say(f"{name} is not loaded: {reason}")
        return False
    except Exception:
        logger.exception("%s is not loaded, for a reason that is a fault of the platform", name)
        return False
    return True


def _hand_in_all(opened: Platform, site: str, name: str, ids: dict[str, str]) -> None:
    for number, file in enumerate(_files(opened, name)):
        username = PARTICIPANTS[number % len(PARTICIPANTS)]
        with token_of(opened, ids[username]) as token:
            outcome = hand_in(site, token, name, file)
        _say(f"{username} handed in {file.name} to {name}: {outcome}")


def _files(opened: Platform, name: str) -> list[DemoFile]:
    """The reference submissions, made from the challenge's own published files."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        try:
            export_challenge(opened, name, folder)
            return [DemoFile(*one) for one in demo_submissions(folder)]
        except Exception:
            logger.exception("there are no reference submissions of %s", name)
            return []


def _tell(site: str, notes: Notes) -> None:
    table = Table(box=ROUNDED, title="Fivesigma demo", title_justify="left", show_header=False)
    table.add_row("site", site)
    for name in PEOPLE:
        table.add_row(name, f"password {notes.passwords[name]}")
    Console(file=sys.stdout, width=100).print(table)
    sys.stdout.flush()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _quiet(_line: str) -> None:
    """The report of a load is for organisers who load a challenge of their own."""


if __name__ == "__main__":
    try:
        main()
    except (Problem, httpx2.HTTPError) as failure:
        raise SystemExit(f"the demo is not complete yet: {failure}") from failure
