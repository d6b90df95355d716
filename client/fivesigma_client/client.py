"""The Python client: every call of a participant, with typed answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from .answers import (
    Board,
    Challenge,
    File,
    Finals,
    Limits,
    Membership,
    Page,
    Report,
    Result,
    Submission,
)
from .downloads import download_file, target_names
from .errors import BadAnswer, Misused, Problem
from .progress import Watch, unwatched
from .reading import read
from .transport import RETRIES, Tell, Transport, decoded, segment
from .uploads import clean, upload
from .waiting import Follow, wait_until_finished

KEY = re.compile(r"[!-~]([ -~]{0,198}[!-~])?")


class Client:
    """A participant on one site; `token` None sees what everybody sees.

    A token is sent over https or on this machine only, unless `insecure`. What fails for a reason
    that passes is tried `retries` times more; `tell` is told before each pause.

    >>> with Client("https://challenges.example.org", token) as client:
    ...     one = client.submit("higgsml", Path("mine.csv"), "first try")
    ...     print(client.wait(one.id).scores)
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        insecure: bool = False,
        retries: int = RETRIES,
        tell: Tell | None = None,
    ) -> None:
        self._transport = Transport(url, token, insecure=insecure, retries=retries, tell=tell)

    @property
    def url(self) -> str:
        """The address of the site."""
        return self._transport.url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def challenges(self) -> list[Challenge]:
        """The challenges that one may see, newest first."""
        return [read(Challenge, item) for item in self._items("challenges")]

    def challenge(self, slug: str) -> Challenge:
        """One challenge with its rules and how it scores."""
        return read(Challenge, self._transport.json("GET", f"challenges/{segment(slug)}"))

    def join(self, slug: str, *, accept_rules: bool = False, code: str | None = None) -> Membership:
        """Take part, or ask to where organisers approve; again, it accepts newer rules.

        `code` is for challenges that ask for an invite code or a one-time code.
        """
        body: dict[str, Any] = {"accept_rules": accept_rules}
        if code is not None:
            body["code"] = code
        path = f"challenges/{segment(slug)}/join"
        return read(Membership, self._transport.json("POST", path, json=body))

    def files(self, slug: str) -> list[File]:
        """The published files."""
        return [read(File, item) for item in self._items(f"challenges/{segment(slug)}/files")]

    def download(
        self,
        slug: str,
        name: str | None = None,
        folder: Path | str = ".",
        *,
        force: bool = False,
        watch: Watch = unwatched,
    ) -> list[Path]:
        """Fetch all published files, or the one called `name`, and check their SHA-256.

        What is complete already is left alone, what was cut off is continued. Raises Misused for a
        file that is there with other contents, unless `force`.
        """
        files = self.files(slug)
        targets = target_names(files)
        wanted = [one for one in files if name in (None, one.name, one.filename)]
        if not wanted:
            names = ", ".join(one.name for one in files) or "none yet"
            raise Misused(f"There is no file “{name}”. The files are: {names}.")
        into = Path(folder)
        into.mkdir(parents=True, exist_ok=True)
        return [
            download_file(
                self._transport,
                f"challenges/{segment(slug)}/files/{segment(one.name)}",
                one,
                into / targets[one.name],
                force=force,
                watch=watch,
            )
            for one in wanted
        ]

    def validate(
        self, slug: str, file: Path | str, *, phase: str | None = None, watch: Watch = unwatched
    ) -> Report:
        """Check a file on the server without handing it in; costs no quota."""
        path = f"challenges/{segment(slug)}/validate"
        response = upload(self._transport, path, Path(file), {"phase": phase}, watch=watch)
        return read(Report, decoded(response))

    def submit(
        self,
        slug: str,
        file: Path | str,
        message: str = "",
        *,
        phase: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        watch: Watch = unwatched,
    ) -> Submission:
        """Hand in a file. However often it must be sent, it is one submission.

        The key makes it so; without one each call takes a new one.
        """
        key = idempotency_key if idempotency_key is not None else uuid4().hex
        if not KEY.fullmatch(key):
            raise Misused("An idempotency key has 1 to 200 plain characters.")
        response = upload(
            self._transport,
            f"challenges/{segment(slug)}/submissions",
            Path(file),
            {
                "phase": phase,
                "message": message,
                "metadata": None if metadata is None else json.dumps(dict(metadata)),
            },
            headers={"Idempotency-Key": key},
            watch=watch,
        )
        left = response.headers.get("x-submissions-remaining", "")
        submission = read(Submission, decoded(response))
        return replace(submission, remaining=int(left) if left.isdecimal() else None)

    def submission(self, submission_id: str, *, wait: float = 0) -> Submission:
        """A submission; with `wait`, once it is finished or so many seconds (60 at most) later."""
        params = {"wait": f"{wait:.1f}"} if wait > 0 else {}
        path = f"submissions/{segment(submission_id)}"
        return read(Submission, self._transport.json("GET", path, params=params))

    def wait(
        self, submission_id: str, seconds: float = 600, *, follow: Follow | None = None
    ) -> Submission:
        """The submission once it is finished. `follow` sees it each time the server was asked.

        Raises StillWaiting after `seconds`.
        """
        return wait_until_finished(
            lambda wait: self.submission(submission_id, wait=wait), seconds, follow
        )

    def submissions(self, slug: str) -> list[Submission]:
        """All of the team's submissions, the newest first."""
        path = f"challenges/{segment(slug)}/submissions"
        return [read(Submission, item) for item in self._items(path)]

    def select(
        self, submission_id: str, *, selected: bool = True, note: str | None = None
    ) -> Submission:
        """Choose a submission as one of the finals, or no longer; `note` says how it was made."""
        path = f"submissions/{segment(submission_id)}"
        body: dict[str, Any] = {"selected": selected}
        if note is not None:
            body["note"] = clean(note)
        return read(Submission, self._transport.json("PATCH", path, json=body))

    def finals(self, slug: str, *, phase: str | None = None) -> Finals:
        """What counts of the team as things stand, and until when it may choose."""
        path = f"challenges/{segment(slug)}/finals"
        return read(Finals, self._transport.json("GET", path, params=_given(phase=phase)))

    def result(self, slug: str, *, phase: str | None = None) -> Result:
        """The team's final place in an unblinded phase, and what else it could have been."""
        path = f"challenges/{segment(slug)}/result"
        return read(Result, self._transport.json("GET", path, params=_given(phase=phase)))

    def cancel(self, submission_id: str) -> Submission:
        """Take back a submission that is still queued."""
        try:
            path = f"submissions/{segment(submission_id)}/cancel"
            return read(Submission, self._transport.json("POST", path))
        except Problem as problem:
            if problem.status != 409:
                raise
            # An earlier attempt whose answer was lost may have done it.
            now = self.submission(submission_id)
            if now.status != "cancelled":
                raise
            return now

    def limits(self, slug: str, *, phase: str | None = None) -> Limits:
        """What the team may still hand in, and when."""
        path = f"challenges/{segment(slug)}/limits"
        return read(Limits, self._transport.json("GET", path, params=_given(phase=phase)))

    def leaderboard(self, slug: str, *, phase: str | None = None, split: str = "public") -> Board:
        """The whole board."""
        path = f"challenges/{segment(slug)}/leaderboard"
        pages = list(self._pages(path, "rows", _given(phase=phase, split=split)))
        rows = [row for page in pages for row in page["rows"]]
        return read(Board, {**pages[0], "rows": rows, "next": None})

    def leaderboard_csv(self, slug: str, *, phase: str | None = None, split: str = "public") -> str:
        """The board as CSV with Kaggle's columns first."""
        params = _given(phase=phase, split=split, format="csv")
        return self._transport.text(f"challenges/{segment(slug)}/leaderboard", params=params)

    def _items(self, path: str) -> Iterator[Any]:
        for page in self._pages(path, "items", {}):
            yield from page["items"]

    def _pages(self, path: str, what: str, params: dict[str, str]) -> Iterator[Any]:
        following: str | None = None
        while True:
            further = {} if following is None else {"cursor": following}
            page = self._transport.json("GET", path, params=params | further)
            following = read(Page, page).next
            if not isinstance(page.get(what), list):
                raise BadAnswer(f"The server's answer has no {what}. Check the address.")
            yield page
            if following is None:
                return


def _given(**params: str | None) -> dict[str, str]:
    return {name: clean(value) for name, value in params.items() if value is not None}
