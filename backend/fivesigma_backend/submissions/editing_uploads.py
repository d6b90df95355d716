"""Folders and solutions that organisers send: received under a cap, tried out, then stored.

Between a look at the changes and the word to make them, the folder waits in the store; what names
it is signed for one challenge. Nothing of an uploaded folder is ever executed.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from fastapi import Request
from itsdangerous import BadSignature, URLSafeSerializer

from ..accounts.access import check_csrf
from ..challenges.definition import DefinitionError
from ..challenges.loading import LoadResult, load_challenge
from ..challenges.models import Challenge
from ..challenges.service import phases_of
from ..challenges.stored import export_challenge, present_definition
from ..challenges.zips import LARGEST_ZIP, unpack_zip
from ..core.errors import BadRequest, NotFound, Unprocessable
from ..core.platform import Platform
from ..core.security import CSRF_FIELD, CSRF_HEADER, Actor
from .editing import LiveEditing
from .receiving import UploadTimedOut
from .rescoring_schemas import LoadOut
from .upload import Received, Spool, receive

SALT = "challenge folder"


@asynccontextmanager
async def received_file(
    request: Request, platform: Platform, actor: Actor
) -> AsyncIterator[Received]:
    """One file of a form, in the spool until the block ends."""

    async def ask(fields: dict[str, str]) -> int:
        offered = request.headers.get(CSRF_HEADER) or fields.get(CSRF_FIELD)
        check_csrf(request, platform, actor, offered)
        return LARGEST_ZIP

    with Spool(platform.storage.spool) as spool:
        try:
            async with asyncio.timeout(platform.settings.upload_timeout):
                received = await receive(request, spool, ask)
        except TimeoutError:
            raise UploadTimedOut from None
        yield received


@contextmanager
def unpacked(platform: Platform, received: Received) -> Iterator[Path]:
    """The folder that came as a zip."""
    with tempfile.TemporaryDirectory(dir=platform.storage.spool) as scratch:
        folder = Path(scratch) / "folder"
        with as_problem():
            unpack_zip(received.path, folder)
        yield folder


@contextmanager
def with_solution(
    platform: Platform, challenge: Challenge, name: str, received: Received
) -> Iterator[Path]:
    """The challenge's present folder with another solution of the test set `name`."""
    with platform.db.read() as session:
        definition = present_definition(challenge, phases_of(session, challenge.id))
    if name not in definition.test_sets:
        names = ", ".join(definition.test_sets)
        raise NotFound(f"There is no test set “{name}”. There are: {names}.")
    path = definition.test_sets[name].solution
    sent = Path(received.filename).suffix
    if sent.lower() != Path(path).suffix.lower():
        raise BadRequest(
            f"The solution of “{name}” is “{path}”; send a file of the same format, or the whole "
            "folder with another path in challenge.toml."
        )
    with tempfile.TemporaryDirectory(dir=platform.storage.spool) as scratch:
        folder = Path(scratch) / "folder"
        export_challenge(platform, challenge.slug, folder)
        shutil.copy(received.path, folder / path)
        yield folder


def load_folder(
    platform: Platform,
    folder: Path,
    *,
    slug: str | None,
    preview: bool,
    reason: str = "",
    actor_id: str | None,
) -> LoadOut:
    """Load a new challenge (`slug` None), or bring the one called so to what the folder says.

    Raises Unprocessable for a folder that can't be used, Conflict for changes that can't be made.
    """
    lines: list[str] = []
    with as_problem():
        result = load_challenge(
            platform,
            folder,
            update=slug is not None,
            preview=preview,
            organiser_ids=[actor_id] if slug is None and actor_id else [],
            actor_id=actor_id,
            report=lines.append,
            live=LiveEditing(platform, reason),
            expected=slug,
        )
    return _load_out(result, lines, preview=preview)


@contextmanager
def as_problem() -> Iterator[None]:
    """What is wrong with a folder, as an answer to a request."""
    try:
        yield
    except DefinitionError as error:
        problems = list(error.problems)
        raise Unprocessable("; ".join(problems), code="bad_folder", problems=problems) from error


def _load_out(result: LoadResult, lines: list[str], *, preview: bool) -> LoadOut:
    return LoadOut(
        slug=result.slug,
        created=result.created,
        preview=preview,
        changes=list(result.changes),
        rescored=list(result.rescored),
        report=lines,
    )


def keep_folder(platform: Platform, challenge: Challenge, folder: Path) -> str:
    """Keep a folder until its organiser has looked; returns a signed word for it."""
    sha256 = platform.storage.put_folder(folder)
    return _signer(platform).dumps([challenge.id, sha256])


def kept_folder(platform: Platform, challenge: Challenge, word: str) -> Path:
    """The folder that `keep_folder` kept for this challenge. Raises BadRequest for any other."""
    try:
        challenge_id, sha256 = _signer(platform).loads(word)
    except (BadSignature, ValueError, TypeError):
        challenge_id, sha256 = None, ""
    if challenge_id != challenge.id or not platform.storage.exists(sha256):
        raise BadRequest("These changes are not kept any more. Upload the folder again.")
    return platform.storage.local_folder(sha256)


def _signer(platform: Platform) -> URLSafeSerializer:
    return URLSafeSerializer(platform.secret, salt=SALT)
