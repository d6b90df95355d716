"""Rules for templates and static files that can be read off their source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import fivesigma_backend
import pytest
from fivesigma_backend.core.pages import _environment
from fivesigma_frontend import STATIC, TEMPLATES

TEMPLATE_FILES = sorted(TEMPLATES.rglob("*.html"))
STATIC_FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())
BACKEND = Path(fivesigma_backend.__file__).parent
COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
# Text that organisers write is sanitised where it is rendered, in core/markdown.py.
SANITISED = {
    "challenges/overview.html": {"card"},
    "challenges/rules.html": {"rules"},
    "teams/announcements.html": {"preview"},
    "teams/news.html": {"html"},
}
LARGEST_STATIC = 60_000


def named(path: Path) -> str:
    return path.relative_to(TEMPLATES).as_posix()


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=named)
def test_a_template_keeps_the_content_security_policy(path: Path) -> None:
    text = COMMENT.sub("", path.read_text())
    assert not re.search(r"<[^>]*\s(on\w+|style)\s*=", text), "inline handler or style"
    assert not re.search(r"<style|javascript:", text), "inline style or script"
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "inline script"
    assert not re.search(r"""(src|href|action)=["']?\s*(https?:)?//""", text), "another host"


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=named)
def test_every_posted_form_carries_the_csrf_field_first(path: Path) -> None:
    text = COMMENT.sub("", path.read_text())
    for form in re.findall(r'<form[^>]*method="post"[^>]*>(.*?)</form>', text, re.DOTALL):
        assert form.lstrip().startswith("{{ csrf_field() }}"), form[:200]


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=named)
def test_only_sanitised_text_is_let_through_unescaped(path: Path) -> None:
    unescaped = set(re.findall(r"(\w+)\s*\|\s*safe\b", path.read_text()))
    assert unescaped <= SANITISED.get(named(path), set())
    assert "autoescape false" not in path.read_text()


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=named)
def test_a_template_compiles_and_fills_only_blocks_that_its_frame_has(path: Path) -> None:
    _environment().get_template(named(path))
    source = COMMENT.sub("", path.read_text())
    filled = set(re.findall(r"{%-?\s*block\s+(\w+)", source))
    parent = re.search(r'{% extends "([^"]+)" %}', source)
    offered: set[str] = set()
    while parent:
        frame = COMMENT.sub("", (TEMPLATES / parent[1]).read_text())
        offered |= set(re.findall(r"{%-?\s*block\s+(\w+)", frame))
        parent = re.search(r'{% extends "([^"]+)" %}', frame)
    if offered:
        nested = {"page", "page_title"} if named(path) == "challenges/frame.html" else set()
        assert filled <= offered | nested


@pytest.mark.parametrize("path", STATIC_FILES, ids=lambda path: path.name)
def test_a_static_file_is_small_and_asks_no_other_host(path: Path) -> None:
    text = path.read_text()
    assert len(text) <= LARGEST_STATIC
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|\beval\(|new Function|innerHTML|document\.write", text)
    if path.suffix == ".svg":
        assert not re.search(r"<script|<style|\son\w+=|\sstyle=", text)


@pytest.mark.parametrize("path", TEMPLATE_FILES, ids=named)
def test_every_static_file_that_is_named_exists(path: Path) -> None:
    for name in re.findall(r"static\('([^']+)'\)", path.read_text()):
        assert (STATIC / name).is_file(), name


def notices_in_code() -> set[str]:
    """Every literal `notice="…"` of a call in the backend."""
    return {
        keyword.value.value
        for path in BACKEND.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "notice"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }


def test_every_notice_of_the_code_has_a_sentence() -> None:
    texts = _environment().get_template("notices.html").module.TEXTS  # type: ignore[attr-defined]  # set in it
    used = notices_in_code()
    assert len(used) >= 5
    assert used <= set(texts)
