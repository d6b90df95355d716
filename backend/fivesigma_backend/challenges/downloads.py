"""Sending published files: who may have one, and its bytes with ranges and checksums."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import FileResponse, Response

from ..core.errors import NotAuthenticated, NotFound
from ..core.middleware import DRAWING_POLICY
from ..core.platform import Platform
from .access import Access, require_participant
from .models import PublishedFile
from .pictures import MEDIA_TYPES, shown_picture
from .service import Published

FOR_EVER = "private, max-age=31536000, immutable"
VERSION = 12


def may_download(access: Access, file: PublishedFile) -> bool:
    """Whether the actor has this file, and is shown what it holds."""
    participates = access.participant and not access.rules_due
    return access.organiser or not file.members_only or participates


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


def send_picture(
    request: Request, platform: Platform, published: Published, version: str
) -> Response:
    """A picture to be shown, under a policy that lets nothing in it act or call elsewhere.

    Raises NotFound for a file that is none.
    """
    file = published.file
    picture = shown_picture(file.details)
    if picture is None:
        raise NotFound
    lasting = version == file.sha256[:VERSION]
    headers = {
        "ETag": f'"{file.sha256}"',
        # Another file may come to this address: only with its version it lasts.
        "Cache-Control": FOR_EVER if lasting else "private, no-cache",
        "Content-Security-Policy": DRAWING_POLICY,
    }
    if _has_already(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        platform.storage.local(file.sha256),
        headers=headers,
        media_type=MEDIA_TYPES[picture.form],
        filename=published.filename,
        content_disposition_type="inline",
    )


def picture_address(slug: str, file: PublishedFile) -> str:
    """Where a page has the picture; it changes with the bytes, so that it may be kept."""
    return f"/challenges/{slug}/pictures/{file.name}?v={file.sha256[:VERSION]}"


def _has_already(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    offered = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return etag in offered or "*" in offered
