"""Pictures for tests: good ones, and those that mean harm."""

from __future__ import annotations

import struct
import zlib

SVG = "http://www.w3.org/2000/svg"
GOOD_SVG = f"""<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="{SVG}" width="300pt" height="150pt" viewBox="0 0 300 150">
  <style>rect {{ fill: #0a5a85 }}</style><rect width="300" height="150"/>
</svg>
""".encode()


def svg(inside: str, *, size: str = 'width="300" height="150"', before: str = "") -> bytes:
    """A drawing with `inside` in it."""
    links = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'{before}<svg xmlns="{SVG}" {links} {size}>{inside}</svg>'.encode()


def chunk(name: bytes, contents: bytes) -> bytes:
    """A chunk of a PNG file."""
    check = struct.pack(">I", zlib.crc32(name + contents))
    return struct.pack(">I", len(contents)) + name + contents + check


def png(width: int = 40, height: int = 20, *, pixels: bool = True, more: bytes = b"") -> bytes:
    """A blue picture; without `pixels` it only says how large it is."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + b"\x0a\x5a\x85" * width for _ in range(height)) if pixels else b""
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + body + chunk(b"IEND", b"")


def hostile(elsewhere: str) -> dict[str, bytes]:
    """Whole pictures that try to act, or to call `elsewhere`, by what they try."""
    script = f"fetch('{elsewhere}/fetched'); document.title = 'owned'; window.owned = true"
    page = '<foreignObject width="300" height="150"><div xmlns="http://www.w3.org/1999/xhtml">{}'
    return {
        "script": svg(f"<script>{script}</script>"),
        "script-file": svg(f'<script xlink:href="{elsewhere}/x.js"/>'),
        "onload": svg("", size=f'width="9" height="9" onload="{script}"'),
        "link": svg(f'<a xlink:href="javascript:{script}"><rect width="300" height="150"/></a>'),
        "animated": svg(
            '<a><set attributeName="href" to="javascript:window.owned=true"/>'
            '<rect width="300" height="150"/></a>'
        ),
        "image": svg(f'<image href="{elsewhere}/i.png" width="9" height="9"/>'),
        "use": svg(f'<use href="{elsewhere}/u.svg#a"/>'),
        "font": svg(f'<style>@import url("{elsewhere}/s.css"); @font-face {{ font-family: f; '
                    f'src: url("{elsewhere}/f.woff") }} text {{ font-family: f }}</style>'
                    '<text y="50">x</text>'),
        "stylesheet": svg("", before=f'<?xml-stylesheet href="{elsewhere}/p.css"?>'),
        "html-script": svg(page.format(f"<script>{script}</script></div></foreignObject>")),
        "html-frame": svg(page.format(f'<iframe src="{elsewhere}/f"/></div></foreignObject>')),
        "html-image": svg(
            page.format(f'<img src="{elsewhere}/h.png" onerror="{script}"/></div></foreignObject>')
        ),
        "html-refresh": svg(
            page.format(
                f'<meta http-equiv="refresh" content="0;url={elsewhere}/r"/></div></foreignObject>'
            )
        ),
    }  # fmt: skip


UNFIT = {
    "empty.svg": (b" ", "not well-formed"),
    "cut.svg": (GOOD_SVG[:-10], "not well-formed"),
    "text.svg": (b"no picture", "not well-formed"),
    "page.svg": (b'<html xmlns="http://www.w3.org/1999/xhtml"/>', "not an SVG drawing"),
    "plain.svg": (b'<svg width="9" height="9"/>', "not an SVG drawing"),
    "sizeless.svg": (svg("", size=""), "says no size"),
    "relative.svg": (svg("", size='width="100%" height="100%"'), "says no size"),
    "nothing.svg": (svg("", size='width="0" height="9"'), "says no size"),
    "long.svg": (svg("", size=f'width="{"9" * 100_000}x" height="9"'), "says no size"),
    "vast.svg": (svg("", size='width="1e300" height="9"'), "pixels large"),
    "encoded.svg": (b'<?xml version="1.0" encoding="utf-7"?><svg/>', "not well-formed"),
    "bomb.svg": (
        svg("&c;", before='<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY c "&a;&a;">]>'),
        "declares entities",
    ),
    "file.svg": (
        svg("&x;", before='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "declares entities",
    ),
    "heavy.svg": (svg(f"<!--{'x' * 2**22}-->"), "bytes and pages show"),
    "gif.png": (b"GIF89a" + b"\0" * 100, "not a PNG"),
    "svg.png": (GOOD_SVG, "not a PNG"),
    "cut.png": (png()[:-20], "ends too early"),
    "signature.png": (png()[:8], "ends too early"),
    "headless.png": (png()[:8] + chunk(b"IEND", b""), "header is damaged"),
    "damaged.png": (png().replace(b"IDAT", b"IDAX"), "checksums are wrong"),
    "lying.png": (png()[:8] + b"\xff\xff\xff\xffIHDR", "ends too early"),
    "flat.png": (png(0, 20), "no pixels"),
    "vast.png": (png(15_000, 15_000, pixels=False), "pixels large"),
    "wide.png": (png(2**31 - 1, 1, pixels=False), "pixels large"),
    "heavy.png": (png(more=chunk(b"tEXt", b"x" * 2**22)), "bytes and pages show"),
}
"""Files that are called pictures and are not shown: contents, and words of the reason."""
