"""Sending published files: who may have one, and its bytes with ranges and checksums."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import FileResponse, Response

from ..core.errors import NotAuthenticated
from ..core.platform import Platform
from .access import Access, require_participant
from .service import Published


def require_download(access: Access, published: Published) -> None:
    """Refuse who has not joined a file that is for participants only."""
    if access.organiser or not published.file.members_only:
        return
    if not access.actor.known:
        raise NotAuthenticated("Log in and join the challenge to download this file.")
    require_participant(access)


def send_file(request: Request, platform: Platform, published: Published) -> Response:
    """The file, a part of it, or 304 where the caller has it already. The ETag is its SHA-256."""
    etag = f'"{published.file.sha256}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if _has_already(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        platform.storage.local(published.file.sha256),
        headers=headers,
        media_type="application/octet-stream",
        filename=published.filename,
    )


def _has_already(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    offered = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return etag in offered or "*" in offered
