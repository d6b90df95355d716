"""What pages show of published files: the data page's list and gallery, the card's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from ..core.markdown import Image, render_markdown
from .access import Access
from .definition import Definition
from .downloads import may_download, picture_address
from .models import PublishedFile
from .pictures import shown_picture
from .service import Published, published_files


@dataclass(frozen=True)
class FileView:
    """A download as one reader sees it: what it holds and shows is for who may have it."""

    file: PublishedFile
    filename: str
    may: bool
    preview: dict[str, Any] | None
    picture: Image | None


def file_views(access: Access, files: Sequence[Published]) -> list[FileView]:
    """The downloads as the actor sees them."""
    return [_view(access, one) for one in files]


def _view(access: Access, published: Published) -> FileView:
    file = published.file
    may = may_download(access, file)
    picture = _picture(access, file)
    preview = file.details if may and picture is None else None
    return FileView(file, published.filename, may, preview, picture)


def _picture(access: Access, file: PublishedFile) -> Image | None:
    picture = shown_picture(file.details)
    if picture is None or not may_download(access, file):
        return None
    address = picture_address(access.challenge.slug, file)
    return Image(address, picture.width, picture.height)


def render_card(session: Session, access: Access, now: datetime) -> str:
    """The card as HTML, with those of its pictures that the actor may see."""
    text = access.challenge.card
    pictures = card_pictures(session, access, now) if "![" in text else {}
    return render_markdown(text, pictures)


def card_pictures(session: Session, access: Access, now: datetime) -> Mapping[str, Image]:
    """The pictures that the actor may see, by their paths in `challenge.toml`."""
    paths = Definition.model_validate(access.challenge.definition).published()
    files = published_files(session, access.challenge, now, organiser=access.organiser)
    return {
        paths[one.file.name].path: image
        for one in files
        if (image := _picture(access, one.file)) is not None
    }
