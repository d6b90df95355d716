"""Challenges as they are stored: their present definition, their files, and giving them back."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select

from ..core.errors import Conflict, NotFound
from ..core.platform import Platform
from ..core.storage import CHUNK, Storage
from .definition import FILE_NAME, Definition, DefinitionError, as_toml, read_definition
from .models import Challenge, Phase


def present_definition(challenge: Challenge, phases: Iterable[Phase]) -> Definition:
    """The definition with the times that the phases have now: an organiser may have moved them."""
    plain: dict[str, Any] = dict(challenge.definition)
    rows = {phase.slug: phase for phase in phases}
    plain["phases"] = [_with_times(phase, rows[phase["slug"]]) for phase in plain["phases"]]
    return Definition.model_validate(plain)


def _with_times(plain: dict[str, Any], row: Phase) -> dict[str, Any]:
    return {**plain, "opens": row.opens_at, "closes": row.closes_at}


def stored_hashes(storage: Storage, folder_sha256: str) -> Mapping[str, str]:
    """SHA-256 of every file of a stored folder, by its path inside."""
    found = {}
    with tarfile.open(storage.local(folder_sha256)) as archive:
        for member in archive:
            file = archive.extractfile(member) if not member.isdir() else None
            if file is not None:
                found[member.name] = _digest(file)
    return found


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def export_challenge(platform: Platform, slug: str, out: Path) -> None:
    """Write the folder of the challenge `slug` to `out`, which must not exist or be empty.

    The files are those that were loaded, byte for byte. `challenge.toml` is too, unless the
    challenge has changed since (a close was moved, the seed of a split was drawn).
    """
    with platform.db.read() as session:
        challenge = session.scalar(select(Challenge).where(Challenge.slug == slug))
        if challenge is None:
            raise NotFound(f"There is no challenge “{slug}”.")
        phases = session.scalars(select(Phase).where(Phase.challenge_id == challenge.id)).all()
        definition = present_definition(challenge, phases)
    out = out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Conflict(f"“{out}” exists already. Choose a new or an empty folder.")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        _unpack(platform.storage.local(challenge.folder_sha256), partial)
        if not _says(partial, definition):
            (partial / FILE_NAME).write_text(as_toml(definition))
        partial.chmod(0o777 & ~_umask())
        partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _unpack(tar: Path, folder: Path) -> None:
    with tarfile.open(tar) as archive:
        archive.extractall(folder, filter="data")


def _says(folder: Path, definition: Definition) -> bool:
    try:
        return read_definition(folder) == definition
    except DefinitionError:  # written for an earlier version
        return False


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
