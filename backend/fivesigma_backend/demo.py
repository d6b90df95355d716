"""`up --demo`: HiggsML, an organiser, two participants, and submissions made through the REST API.

Runs beside the web process and ends once everything is there. Each step looks first whether it
has been done, so that it may be killed anywhere, and a folder that has the demo keeps it. The
passwords of the three stand in the data folder, since the folder belongs to whoever runs the demo.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx2
from fivesigma_datasets import demo_submissions
from rich.box import ROUNDED
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from . import tables
from .accounts.models import ApiToken, User
from .accounts.passwords import hash_password
from .accounts.service import add_user, find_user
from .accounts.tokens import create_token
from .challenges.builtin import load_builtin
from .challenges.stored import export_challenge
from .core.errors import Problem
from .core.platform import Platform, platform
from .core.security import SCOPES
from .core.settings import load_settings
from .logs import configure_logging

CHALLENGE = "higgsml"
ORGANISER, PARTICIPANTS = "organiser", ("ada", "ben")
PEOPLE = (ORGANISER, *PARTICIPANTS)
TOKEN_NAME, TOKEN_LIFE = "demo", timedelta(hours=1)
WAIT_SECONDS = 60
TIMEOUT = httpx2.Timeout(WAIT_SECONDS + 30)


@dataclass
class Notes:
    """What the demo remembers of itself, in a file for its owner alone."""

    path: Path
    passwords: dict[str, str] = field(default_factory=dict)
    finished: bool = False

    @classmethod
    def read(cls, path: Path) -> Notes:
        """The notes of an earlier run, or fresh ones."""
        try:
            known = json.loads(path.read_text())
            return cls(path, dict(known["passwords"]), bool(known["finished"]))
        except FileNotFoundError:
            return cls(path)
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(
                f"{path} can't be read ({error}): remove it and start again"
            ) from error

    def keep(self) -> None:
        """Write the file, at once or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=self.path.parent)
        with os.fdopen(handle, "w") as file:
            json.dump({"passwords": self.passwords, "finished": self.finished}, file)
        Path(name).rename(self.path)


def main() -> None:
    """Bring what is missing, and say how to log in."""
    settings, site = load_settings(), os.environ["FIVESIGMA_URL"]
    configure_logging(settings)
    assert tables.Base.metadata.tables  # rows refer to each other across features
    path = settings.data_dir / "secrets" / "demo.json"
    with platform(settings) as opened:
        if not path.exists() and _has_people(opened):
            _say("This data folder has people of its own: the demo leaves it alone.")
            return
        notes = Notes.read(path)
        if notes.finished:
            _tell(site, notes)
            _say("Everything is as the last run left it: people, challenge, submissions.")
            return
        ids = _people(opened, notes)
        _challenge_and_submissions(opened, site, ids)
        notes.finished = True
        notes.keep()
    _tell(site, notes)


def _has_people(opened: Platform) -> bool:
    with opened.db.read() as session:
        return session.scalar(select(User.id).limit(1)) is not None


def _people(opened: Platform, notes: Notes) -> dict[str, str]:
    """The ids of the three by name; whoever is missing is added, with a password of their own."""
    with opened.db.read() as session:
        ids = {name: user.id for name in PEOPLE if (user := find_user(session, name))}
    missing = [name for name in PEOPLE if name not in ids]
    for name in missing:
        notes.passwords.setdefault(name, secrets.token_urlsafe(9))
    notes.keep()  # before the accounts: a password that nobody knows is worse than a spare one
    for name in missing:
        hashed = hash_password(notes.passwords[name])
        with opened.db.transaction() as session:
            ids[name] = add_user(
                session,
                username=name,
                email=None,
                password_hash=hashed,
                is_admin=name == ORGANISER,
                now=opened.clock(),
            ).id
    return ids


def _challenge_and_submissions(opened: Platform, site: str, ids: dict[str, str]) -> None:
    load_builtin(opened, CHALLENGE, organiser_ids=[ids[ORGANISER]], report=_quiet)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / CHALLENGE
        export_challenge(opened, CHALLENGE, folder)
        files = demo_submissions(folder)
    for number, (filename, message, content) in enumerate(files):
        username = PARTICIPANTS[number % len(PARTICIPANTS)]
        token = _token(opened, ids[username])
        try:
            outcome = _hand_in(site, token, filename, message, content)
        finally:
            _revoke(opened, ids[username])
        _say(f"{username} handed in {filename}: {outcome}")


def _token(opened: Platform, user_id: str) -> str:
    now = opened.clock()
    with opened.db.transaction() as session:
        return create_token(
            session,
            user=session.get_one(User, user_id),
            name=TOKEN_NAME,
            scopes=[scope for scope in SCOPES if scope != "organise"],
            expires_at=now + TOKEN_LIFE,
            challenge_id=None,
            now=now,
        )


def _revoke(opened: Platform, user_id: str) -> None:
    with opened.db.transaction() as session:
        for token in session.scalars(
            select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.name == TOKEN_NAME)
        ):
            session.delete(token)


def _hand_in(site: str, token: str, filename: str, message: str, content: bytes) -> str:
    """Join and hand in as any participant's script does; how it went, in words."""
    headers = {"Authorization": f"Bearer {token}"}
    address = f"{site}/api/v1/challenges/{CHALLENGE}"
    with httpx2.Client(headers=headers, timeout=TIMEOUT) as client:
        joined = client.post(f"{address}/join", json={"accept_rules": True})
        if joined.is_error:
            return _reason(joined)
        answer = client.post(
            f"{address}/submissions",
            params={"wait": WAIT_SECONDS},
            headers={"Idempotency-Key": f"demo {filename}"},
            data={"message": message},
            files={"file": (filename, content)},
        )
    return _reason(answer) if answer.is_error else str(answer.json()["status"])


def _reason(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError):
        return f"{answer.status_code} {answer.reason_phrase}"


def _tell(site: str, notes: Notes) -> None:
    table = Table(box=ROUNDED, title="Fivesigma demo", title_justify="left", show_header=False)
    table.add_row("site", site)
    table.add_row("board", f"{site}/challenges/{CHALLENGE}/leaderboard")
    for name in PEOPLE:
        table.add_row(name, f"password {notes.passwords[name]}")
    Console(file=sys.stdout, width=100).print(table)


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
