"""The modules of the pages, each in a real Chromium."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from fivesigma_frontend import STATIC
from playwright.sync_api import Route, expect
from served_pages import ORIGIN, Site, document

pytestmark = pytest.mark.browser
TIME = '<time datetime="2026-12-01T12:30:00.000Z">1 Dec 2026, 12:30 UTC</time>'
TOGGLE = '<button type="button" data-theme-toggle>Colours</button>'
FORM = """
<form method="post" action="/submit" data-upload>
  <input type="hidden" name="csrf_token" value="token">
  <div data-drop><input id="file" name="file" type="file" required data-max-bytes="10"></div>
  <button type="submit">Hand in</button>
  <button type="submit" formaction="/check">Only check</button>
</form>
"""


def paper(site: Site) -> str:
    """The colour behind the page."""
    colour: str = site.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def choose(site: Site, content: bytes) -> None:
    site.page.set_input_files("#file", {"name": "a.csv", "mimeType": "text/csv", "buffer": content})


def test_the_colours_are_the_systems_until_one_chooses_and_the_choice_stays(site: Site) -> None:
    site.show(TOGGLE, "theme")
    light = paper(site)
    site.page.emulate_media(color_scheme="dark")
    dark = paper(site)
    assert light != dark
    button = site.page.locator("button")
    button.click()
    assert paper(site) == light
    expect(button).to_have_attribute("aria-label", "Colours: light")
    site.page.reload()
    assert paper(site) == light
    button.click()
    button.click()
    assert paper(site) == dark
    expect(button).to_have_attribute("aria-label", "Colours: as the system")
    assert site.complaints == []


def test_what_needs_a_script_is_hidden_without_one(site: Site) -> None:
    page = site.show('<button class="js-only">Copy</button>')
    expect(page.locator("button")).to_be_hidden()
    site.show('<button class="js-only">Copy</button>', "theme")
    expect(page.locator("button")).to_be_visible()


def test_times_are_in_the_readers_zone_with_utc_in_the_title(site: Site) -> None:
    page = site.show(TIME, "time")
    expect(page.locator("time")).to_have_text("1 Dec 2026, 13:30")
    expect(page.locator("time")).to_have_attribute("title", "1 Dec 2026, 12:30 UTC")


@pytest.mark.parametrize(
    ("now", "text"),
    [
        ((2026, 11, 28, 12, 30), "(in 3 days)"),
        ((2026, 11, 30, 12, 31), "(in 23 hours)"),
        ((2026, 12, 1, 11, 0), "(in 90 minutes)"),
        ((2026, 12, 1, 12, 29), "(in 60 seconds)"),
        ((2026, 12, 4, 12, 30), "(3 days ago)"),
    ],
)
def test_a_countdown_says_how_long_it_is(site: Site, now: tuple[int, ...], text: str) -> None:
    site.page.clock.set_fixed_time(datetime(*now, tzinfo=UTC))  # type: ignore[arg-type, misc]  # year to minute
    page = site.show(f"<span data-countdown>closes {TIME}</span>", "time")
    expect(page.locator(".left")).to_have_text(text)


def test_a_time_that_is_none_is_left_alone(site: Site) -> None:
    page = site.show('<p data-countdown><time datetime="soon">soon</time></p>', "time")
    expect(page.locator("p")).to_have_text("soon")
    assert site.complaints == []


# The clipboard is for secure origins; a school's site may be plain http under a name.
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost"])
def test_the_copy_button_copies_the_text_of_its_block(site: Site, origin: str) -> None:
    site.origin = origin
    block = "<pre><code>fivesigma login &lt;URL&gt;</code></pre>"
    button = '<button type="button" data-copy>Copy</button>'
    page = site.show(f"<div data-copyable>{block}{button}</div><textarea></textarea>", "copy")
    page.click("button")
    expect(page.locator("button")).to_have_text("Copied")
    page.focus("textarea")
    page.keyboard.press("Control+V")
    expect(page.locator("textarea")).to_have_value("fivesigma login <URL>")


def board(score: str) -> str:
    """A live page whose part `board` shows `score`, with a field and a link to stand on."""
    part = f'<b>{score}</b> <a href="/team/1">Team</a> <input id="note" name="note"> {TIME}'
    events = '<div data-events="/events"></div>'
    return f'{events}<p id="still">{score}</p><div data-live="board">{part}</div>'


def hear_one_event(site: Site, data: str) -> None:
    """The event stream says `data` once, then stays silent."""
    told: list[str] = []

    def stream(route: Route) -> None:
        body = "" if told else f"retry: 100\ndata: {data}\n\n"
        told.append(data)
        route.fulfill(content_type="text/event-stream", body=body)

    site.answers["/events"] = stream


@pytest.mark.parametrize(
    "event", ['{"type": "board", "version": 2}', '{"type": "submission"}', '{"type": "resync"}']
)
def test_an_event_exchanges_the_live_parts_and_nothing_else(site: Site, event: str) -> None:
    page = site.show(board("1.0"), "time", "live")
    page.evaluate("window.unharmed = true")
    page.fill("#note", "half a thou")
    page.focus("#note")
    hear_one_event(site, event)
    site.serve("/", document(board("2.0"), "live"))
    expect(page.locator("b")).to_have_text("2.0")
    expect(page.locator("#still")).to_have_text("1.0")
    assert page.evaluate("window.unharmed") is True
    assert page.evaluate("document.activeElement.id") == "note"
    expect(page.locator("#note")).to_have_value("half a thou")
    expect(page.locator("time")).to_have_text("1 Dec 2026, 13:30")


def test_the_focus_stays_on_a_link_without_an_id(site: Site) -> None:
    page = site.show(board("1.0"), "live")
    page.focus("a")
    hear_one_event(site, '{"type": "board"}')
    site.serve("/", document(board("2.0"), "live"))
    expect(page.locator("b")).to_have_text("2.0")
    expect(page.locator("a")).to_be_focused()


def test_a_server_in_trouble_leaves_the_page_as_it_was_and_is_asked_again(site: Site) -> None:
    page = site.show(board("1.0"), "live")
    hear_one_event(site, '{"type": "board"}')
    with page.expect_response(lambda answer: answer.status == 500):
        site.serve("/", "oh no", status=500)
    expect(page.locator("b")).to_have_text("1.0")
    site.serve("/", document(board("2.0"), "live"))
    expect(page.locator("b")).to_have_text("2.0")


def test_a_page_without_events_opens_no_stream(site: Site) -> None:
    with_stream: list[str] = []
    site.answers["/events"] = lambda route: with_stream.append(route.request.url)
    page = site.show(board("1.0").replace("data-events", "data-nothing"), "live")
    page.wait_for_load_state("networkidle")
    assert with_stream == []


def test_a_file_that_is_too_large_is_not_sent(site: Site) -> None:
    sent: list[str] = []
    site.answers["/submit"] = lambda route: sent.append(route.request.url)
    page = site.show(FORM, "upload")
    choose(site, b"x" * 11)
    page.click("text=Hand in")
    message = page.evaluate("document.querySelector('#file').validationMessage")
    assert message == "This file has 11 B; at most 10 B are allowed."
    assert sent == []


def test_an_empty_file_is_not_sent(site: Site) -> None:
    page = site.show(FORM, "upload")
    choose(site, b"")
    assert page.evaluate("document.querySelector('form').checkValidity()") is False


class Taker(BaseHTTPRequestHandler):
    """A server that takes a file and leads to another page (a route can't lead a browser on)."""

    taken: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(303)
        self.send_header("Location", "/submissions/1")
        self.end_headers()

    def do_GET(self) -> None:
        file = STATIC / self.path.removeprefix("/static/")
        known = self.path.startswith("/static/")
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if known else "text/html")
        self.end_headers()
        page = document(FORM if self.path == "/" else "<h1>Queued</h1>", "upload")
        self.wfile.write(file.read_bytes() if known else page.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_after_an_upload_one_is_where_the_server_leads(site: Site) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Taker) as server:
        threading.Thread(target=server.serve_forever).start()
        site.page.unroute_all()
        origin = f"http://127.0.0.1:{server.server_port}"
        site.page.goto(origin)
        choose(site, b"1,s\n")
        site.page.click("text=Hand in")
        expect(site.page.locator("h1")).to_have_text("Queued")
        assert site.page.url == f"{origin}/submissions/1"
        server.shutdown()
    (body,) = Taker.taken
    assert body.index(b"csrf_token") < body.index(b'filename="a.csv"')
    assert b"1,s\n" in body


def test_a_refusal_is_shown_in_place_and_one_can_send_again(site: Site) -> None:
    site.serve("/submit", document(f"<h1>Refused</h1>{FORM}"), status=422)
    page = site.show(FORM, "upload")
    for _ in range(2):
        choose(site, b"1,x\n")
        page.click("text=Hand in")
        expect(page.locator("h1")).to_have_text("Refused")
        expect(page.locator("main")).to_be_focused()
        assert page.url == f"{ORIGIN}/"
        assert page.evaluate("document.querySelector('#file').files.length") == 0


def test_a_file_that_was_only_checked_stays_chosen(site: Site) -> None:
    site.serve("/check", document(f"<h1>Valid</h1>{FORM}"))
    page = site.show(FORM, "upload")
    choose(site, b"1,s\n")
    page.click("text=Only check")
    expect(page.locator("h1")).to_have_text("Valid")
    assert page.evaluate("document.querySelector('#file').files[0].name") == "a.csv"


def test_a_broken_line_is_told_and_the_form_works_again(site: Site) -> None:
    site.answers["/submit"] = lambda route: route.abort("connectionreset")
    page = site.show(FORM, "upload")
    choose(site, b"1,s\n")
    page.click("text=Hand in")
    expect(page.get_by_role("alert")).to_contain_text("The connection broke")
    expect(page.get_by_text("Hand in", exact=True)).to_be_enabled()


def test_a_file_can_be_dropped(site: Site) -> None:
    page = site.show(FORM, "upload")
    transfer = page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        " data.items.add(new File(['1,s'], 'dropped.csv')); return data; }"
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})
    assert page.evaluate("document.querySelector('#file').files[0].name") == "dropped.csv"
