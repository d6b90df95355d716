"""Pictures among published files: which files are some, how large they are, what is kept of them.

A file is looked at once, when its challenge is loaded; only what was found to be a whole picture
is ever shown. Nothing is decoded here: browsers do that, under `core.middleware.DRAWING_POLICY`.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, NoReturn
from xml.parsers import expat

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
LARGEST_PICTURE = 4 * 1024**2
MOST_PIXELS = 40_000_000  # 160 MB once decoded
LONGEST_SIDE = 20_000
SVG = "http://www.w3.org/2000/svg"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 13
CHECK_BYTES = 4
LONGEST_LENGTH = 40
NUMBER = re.compile(r"\s*(\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(px|pt|pc|in|cm|mm|)\s*")
# CSS pixels of a unit (CSS Values 4, 6.2).
UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4}


class NotShown(ValueError):
    """Why a file that is called a picture is not shown as one, and what would help."""


@dataclass(frozen=True)
class Picture:
    """A picture's kind (a key of MEDIA_TYPES) and its size in CSS pixels."""

    form: str
    width: int
    height: int

    def as_json(self) -> dict[str, Any]:
        """How it is stored among the details of its file."""
        return {"kind": "picture", "form": self.form, "width": self.width, "height": self.height}


def is_called_picture(path: str) -> bool:
    """Whether the name of a file says that it is a picture."""
    return PurePosixPath(path).suffix.lower().removeprefix(".") in MEDIA_TYPES


def look_at_picture(path: Path) -> Picture:
    """The kind and size of a picture that is what its name says. Raises NotShown."""
    form = path.suffix.lower().removeprefix(".")
    size = path.stat().st_size
    if size > LARGEST_PICTURE:
        raise NotShown(f"it has {size:,} bytes and pages show up to {LARGEST_PICTURE:,}")
    with path.open("rb") as file:
        width, height = _png_size(file) if form == "png" else _svg_size(file)
    if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
        raise NotShown(f"it is {width:,} × {height:,} pixels large; make it smaller")
    return Picture(form, width, height)


def _png_size(file: IO[bytes]) -> tuple[int, int]:
    """Sizes from the header; the chunks are followed to the last one, so that it is whole."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise NotShown("it is not a PNG file, whatever its name says")
    name, header = _chunk(file)
    if name != b"IHDR" or len(header) != HEADER_BYTES:
        raise NotShown("its header is damaged; save it again")
    while name != b"IEND":
        name, _ = _chunk(file)
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (0, 4))
    if not width or not height:
        raise NotShown("it has no pixels")
    return width, height


def _chunk(file: IO[bytes]) -> tuple[bytes, bytes]:
    """The name and the contents of the next chunk of a PNG (PNG specification, 5.3)."""
    head = file.read(8)
    length = int.from_bytes(head[:4], "big")
    body = file.read(length + CHECK_BYTES) if length <= LARGEST_PICTURE else b""
    if len(head) < 8 or len(body) < length + CHECK_BYTES:
        raise NotShown("it ends too early; copy it again")
    name, contents = head[4:], body[:length]
    if zlib.crc32(name + contents) != int.from_bytes(body[length:], "big"):
        raise NotShown("its checksums are wrong; copy it again")
    return name, contents


def _svg_size(file: IO[bytes]) -> tuple[int, int]:
    """Sizes from the root element; all of it is parsed, so that it is well-formed to the end."""
    root: list[dict[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if not root and name != f"{SVG} svg":
            raise NotShown(f'it is not an SVG drawing: it must begin with <svg xmlns="{SVG}">')
        if not root:
            root.append(attributes)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.ParseFile(file)
    except NotShown:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the latter for encodings
        raise NotShown(f"it is not well-formed XML ({error}); save it again") from error
    return _drawn_size(root[0])


def _refuse_entities(*_declaration: object) -> NoReturn:
    raise NotShown("it declares entities; save it without a document type of its own")


def _drawn_size(attributes: dict[str, str]) -> tuple[int, int]:
    """The size in CSS pixels: `width` and `height`, else those of `viewBox`."""
    sizes = [_pixels(attributes.get(name, "")) for name in ("width", "height")]
    if not all(sizes):
        box = attributes.get("viewBox", "").replace(",", " ").split()
        sizes = [_pixels(text) for text in box[2:]] if len(box) == 4 else []
    if len(sizes) != 2 or not all(sizes):
        raise NotShown("it says no size; give its <svg> a width and a height, or a viewBox")
    width, height = (math.ceil(min(size, LONGEST_SIDE + 1)) for size in sizes)
    return width, height


def _pixels(length: str) -> float:
    """CSS pixels of a length; 0 for one that depends on the page, such as 100 %."""
    found = NUMBER.fullmatch(length) if len(length) <= LONGEST_LENGTH else None
    return float(found[1]) * UNITS[found[2]] if found else 0.0


def shown_picture(details: dict[str, Any] | None) -> Picture | None:
    """The picture that the details of a file tell of."""
    if details is None or details.get("kind") != "picture":
        return None
    return Picture(details["form"], details["width"], details["height"])
