"""The data page in a real Chromium: pictures are seen, hostile ones do nothing."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from challenge_folder import tiny_toml, write_tiny_challenge
from live_site import Running, Visitor
from pictures import GOOD_SVG, hostile, png
from playwright.sync_api import Error, Page, expect
from server_processes import server

pytestmark = pytest.mark.browser
WIDTHS = (390, 1280)
SETTLED = 400
PATIENCE = 20
RAW = "/raw/"
# What Chromium keeps from acting by itself: the others would act but for our policy.
HARMLESS = {"use", "animated"}
CARD = "# Gallery\n\n![The mass](figures/mass.svg)\n"


@dataclass
class Elsewhere:
    """Another host, which nothing on our pages should ever call."""

    url: str
    asked: list[str] = field(default_factory=list)

    def called(self) -> bool:
        """Whether anybody asked for more than the pictures that it serves itself."""
        return any(not path.startswith(RAW) for path in self.asked)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    """A server that notes who calls."""
    found = Elsewhere("")

    class Notes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/favicon.ico":  # the browser's own wish, some time after a visit
                found.asked.append(self.path)
            self.send_response(200)
            drawing = hostile(found.url).get(self.path.removeprefix(RAW))
            self.send_header("Content-Type", "image/svg+xml" if drawing else "text/plain")
            self.end_headers()
            with suppress(ConnectionError):  # whose page was closed meanwhile
                self.wfile.write(drawing or b"")

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its base's name
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Notes) as listening:
        found.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield found
        listening.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def gallery(
    running: Running, elsewhere: Elsewhere, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A challenge with good pictures and hostile ones, open to all; its address."""
    folder = tmp_path_factory.mktemp("gallery") / "gallery"
    (folder / "figures").mkdir(parents=True)
    pictures = {"mass.svg": GOOD_SVG, "pixels.png": png(400, 300), "wide.png": png(900, 200)}
    pictures |= {f"bad-{name}.svg": one for name, one in hostile(elsewhere.url).items()}
    pictures |= {"no-picture.png": b"<script>document.title = 'owned'</script>"}
    for name, content in pictures.items():
        (folder / "figures" / name).write_bytes(content)
    files = {
        Path(name).stem: {
            "path": f"figures/{name}",
            "title": f"About {name}",
            "members_only": False,
        }
        for name in pictures
    }
    phase = tiny_toml()["phases"][0]
    phase["opens"] = phase["opens"].replace(year=2020)
    phase["closes"] = phase["closes"].replace(year=2099)
    files |= {"train": {"members_only": False}, "test": {"members_only": False}}
    write_tiny_challenge(folder, slug="gallery", phases=[phase], files=files)
    (folder / "README.md").write_text(CARD)
    server("challenge", "load", str(folder), "--data-dir", str(running.data))
    return "/challenges/gallery"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_seen_on_phone_and_projector_in_both_themes(
    visitor: Visitor, gallery: str, scheme: str
) -> None:
    page = visitor.page()
    page.emulate_media(color_scheme=scheme)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{gallery}/data")
        for name, sizes in (("mass", [400, 200]), ("pixels", [400, 300]), ("wide", [900, 200])):
            figure = page.locator(f"#file-{name}")
            figure.scroll_into_view_if_needed()
            picture = figure.locator("img")
            page.wait_for_function(
                "one => one.complete && one.naturalWidth", arg=picture.element_handle()
            )
            assert picture.evaluate("one => [one.naturalWidth, one.naturalHeight]") == sizes
            box = picture.bounding_box()
            assert box
            assert box["width"] > 200
            # Never distorted: a picture that would be too high stands in the middle of its box.
            assert box["width"] / box["height"] >= 0.98 * sizes[0] / sizes[1]
            assert picture.evaluate("one => getComputedStyle(one).objectFit") == "contain"
            ground = figure.locator("a").first.evaluate(
                "one => getComputedStyle(one).backgroundColor"
            )
            assert min(int(part) for part in ground[4:-1].split(",")) > 220  # light in both themes
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("#file-no-picture img").count() == 0
        page.goto(gallery)
        card = page.locator(".prose img")
        card.scroll_into_view_if_needed()
        page.wait_for_function("one => one.complete && one.naturalWidth", arg=card.element_handle())
    assert visitor.foreign == []


def test_hostile_pictures_do_nothing_in_the_gallery(
    visitor: Visitor, gallery: str, elsewhere: Elsewhere
) -> None:
    page = visitor.page()
    page.goto(f"{gallery}/data")
    for figure in page.locator("figure.picture").all():
        figure.scroll_into_view_if_needed()
    page.wait_for_timeout(SETTLED)
    assert page.evaluate("window.owned === undefined")
    assert page.title() != "owned"
    assert (visitor.foreign, elsewhere.asked) == ([], [])


@pytest.mark.parametrize("name", sorted(hostile("").keys() - HARMLESS))
def test_without_our_policy_it_would_act(visitor: Visitor, elsewhere: Elsewhere, name: str) -> None:
    page = visitor.page()
    page.goto(f"{elsewhere.url}{RAW}{name}")
    page.mouse.click(20, 20)
    try:
        assert acts_in_time(page, elsewhere)
    finally:
        elsewhere.asked.clear()


def acts_in_time(page: Page, elsewhere: Elsewhere) -> bool:
    """Whether a page does something within the seconds that a busy machine may take."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with suppress(Error):  # a page on its way to another one can't be asked
            if elsewhere.called() or page.evaluate("window.owned === true"):
                return True
        page.wait_for_timeout(100)
    return False


@pytest.mark.parametrize("name", hostile(""))
def test_a_hostile_picture_opened_by_itself_does_nothing(
    visitor: Visitor, gallery: str, elsewhere: Elsewhere, name: str
) -> None:
    elsewhere.asked.clear()  # of what those without our policy asked for
    page = visitor.page()
    address = f"{gallery}/pictures/bad-{name}"
    answer = page.goto(address)
    assert answer
    assert answer.header_value("content-type") == "image/svg+xml"
    page.wait_for_timeout(SETTLED)
    page.mouse.click(20, 20)  # those with a link cover everything with it
    page.wait_for_timeout(SETTLED)
    assert page.url.endswith(address)
    assert page.evaluate("window.owned === undefined")
    assert page.title() != "owned"
    assert elsewhere.asked == []


def test_a_script_called_a_picture_is_only_ever_downloaded(visitor: Visitor, gallery: str) -> None:
    page = visitor.page()
    answer = page.goto(f"{gallery}/pictures/no-picture")
    assert answer
    assert answer.status == 404
    page.goto(f"{gallery}/data")
    with page.expect_download() as download:
        page.get_by_role("link", name="no-picture.png").click()
    assert download.value.path().read_bytes().startswith(b"<script>")


def test_the_page_says_it_all_without_scripts(plain_visitor: Visitor, gallery: str) -> None:
    page = plain_visitor.page()
    page.goto(f"{gallery}/data")
    train = page.locator("#file-train")
    expect(train).to_contain_text("fivesigma download gallery -f train")
    train.get_by_text("Columns and first rows").click()
    expect(train.get_by_role("columnheader").nth(1)).to_contain_text("x")
    expect(train.get_by_role("row")).to_have_count(6)
    with page.expect_download():
        train.get_by_role("link", name="train.csv").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert plain_visitor.foreign == []
