"""The parts that pages are made of: what they say, and that nobody's words become markup."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fivesigma_backend.core.pages import _environment
from fivesigma_scoring import METRICS
from page_checks import Page

HOSTILE = """<script>alert(1)</script>"'>"""
MOMENT = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)


def made(call: str, **context: Any) -> str:
    """What `{{ ui.<call> }}` becomes."""
    source = '{% import "macros.html" as ui %}{{ ui.' + call + " }}"
    return _environment().from_string(source).render(**context)


def test_a_field_ties_label_hint_and_error_together() -> None:
    page = Page(made("field('name', 'Name', 'Ada', hint='h', error='too short', minlength=3)"))
    (field,) = page.of("input")
    assert field["value"] == "Ada"
    assert field["minlength"] == "3"
    assert "required" in field
    assert field["aria-invalid"] == "true"
    assert field["aria-describedby"] == "name-error name-hint"
    ids = {attributes.get("id") for _, attributes in page.tags}
    assert {"name", "name-error", "name-hint"} <= ids
    assert page.of("label") == [{"for": "name"}]


def test_a_good_optional_field_says_that_it_is_optional() -> None:
    page = Page(made("field('name', 'Name', None, required=False, spellcheck='false')"))
    (field,) = page.of("input")
    assert field["value"] == ""
    assert "required" not in field
    assert "aria-invalid" not in field
    assert "aria-describedby" not in field
    assert "Name optional" in page.text_of("label")


def test_two_forms_may_share_a_name() -> None:
    page = Page(made("checkbox('ok', 'Yes', id='ok-2', hint='h')"))
    (box,) = page.of("input")
    assert (box["name"], box["id"], box["aria-describedby"]) == ("ok", "ok-2", "ok-2-hint")


def test_further_attributes_come_as_html_writes_them() -> None:
    html = made(
        "button('Go', 'danger', name='a', value=0, formaction='/x', disabled=True, title=None)"
    )
    (button,) = Page(html).of("button")
    assert button == {
        "class": "button danger",
        "type": "submit",
        "name": "a",
        "value": "0",
        "formaction": "/x",
        "disabled": "",
    }


@pytest.mark.parametrize("options", [[("a", "A"), ("b", "B")], ["a", "b"]])
def test_the_present_value_of_a_choice_is_selected(options: list[Any]) -> None:
    chosen = Page(made("select('s', 'S', options, 'b')", options=options)).of("option")
    assert ["selected" in option for option in chosen] == [False, True]


def test_a_file_field_knows_its_limit() -> None:
    (field,) = Page(made("file('f', 'File', max_bytes=1000, accept='.csv')")).of("input")
    assert (field["data-max-bytes"], field["accept"]) == ("1000", ".csv")


@pytest.mark.parametrize(
    "call",
    [
        "field('n', hostile, hostile, hint=hostile, error=hostile, placeholder=hostile)",
        "textarea('n', hostile, hostile)",
        "checkbox('n', hostile, value=hostile)",
        "select('n', 'N', [(hostile, hostile)])",
        "button(hostile, value=hostile)",
        "notice('error', hostile)",
        "errors(hostile)",
        "empty(hostile, hostile, '/', hostile)",
        "findings([{'severity': hostile, 'message': hostile, 'column': hostile, 'rows': [1]}])",
        "copyable(hostile, hostile)",
        "chip(hostile)",
        "status(hostile)",
        "tabs([('a', hostile, hostile)], 'a')",
        "pager(hostile)",
    ],
)
def test_nobodys_words_become_markup(call: str) -> None:
    html = made(call, hostile=HOSTILE)
    page = Page(html)
    assert page.of("script") == []
    assert page.unbalanced == []
    assert HOSTILE not in html
    assert "alert(1)" in html


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("estimate(3.41189, 0.0923, ams)", "3.4119 ± 0.0923"),
        ("estimate(3.41189, None, ams)", "3.4119"),
        ("estimate(3.41189, 0.0923, ams, True)", "≥ 3.4119 ± 0.0923"),
        ("estimate(0, 0, ams)", "0.0000 ± 0.0000"),
        ("estimate(None, None, ams)", "–"),
        ("estimate(0.2404, 0.00123, mre)", "24.04 ± 0.12 %"),
    ],
)
def test_a_value_comes_with_its_uncertainty(call: str, text: str) -> None:
    spans = Page(made(call, **METRICS)).text_of("span")
    assert spans[-1].replace("\xa0", " ") == text


def test_findings_tell_column_lines_and_count() -> None:
    found = [
        {"severity": "error", "message": "m", "column": "Class", "rows": [3, 7], "count": 1200},
        {"severity": "warning", "message": "w", "column": None, "rows": [], "count": None},
        {"severity": "error", "message": "one", "column": None, "rows": [9], "count": 1},
    ]
    text = " ".join(Page(made("findings(found)", found=found)).text_of("li"))
    assert "Error m column Class" in text.replace("Class", " Class").replace("  ", " ")
    assert "lines 3, 7, …" in text
    assert "1,200 places" in text
    assert "Warning w" in text
    assert "line 9" in text
    assert "1 place" not in text


def test_a_countdown_keeps_the_time_for_who_has_no_script() -> None:
    html = made("countdown(moment, 'closes')", moment=MOMENT)
    assert '<time datetime="2026-12-01T12:30:00.000Z">1 Dec 2026, 12:30 UTC</time>' in html
    assert "closes" in html


def test_nothing_is_shown_where_there_is_nothing_to_show() -> None:
    assert made("errors(None)").strip() == ""
    assert made("pager(None)").strip() == ""


def test_a_table_scrolls_by_itself_and_can_be_reached_by_keyboard() -> None:
    source = '{% import "macros.html" as ui %}{% call ui.table("Board") %}<tr></tr>{% endcall %}'
    page = Page(_environment().from_string(source).render())
    (region,) = (attributes for tag, attributes in page.tags if tag == "div")
    assert region["tabindex"] == "0"
    assert region["aria-label"] == "Board"
    assert page.text_of("caption") == ["Board"]
