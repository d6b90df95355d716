"""Pages that a test serves to a real Chromium itself, under the site's own security policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fivesigma_backend.core.middleware import CONTENT_SECURITY_POLICY
from fivesigma_frontend import STATIC
from playwright.sync_api import ConsoleMessage, Page, Route

ORIGIN = "http://fivesigma.test"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
Answer = Callable[[Route], None]


@dataclass
class Site:
    """A site of a few addresses, and a page that looks at it."""

    page: Page
    origin: str = ORIGIN
    answers: dict[str, Answer] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def serve(self, path: str, body: str, *, status: int = 200, kind: str = "text/html") -> None:
        """Answer `path` with `body`, as the site would."""
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
        self.answers[path] = lambda route: route.fulfill(
            status=status, body=body, content_type=kind, headers=headers
        )

    def show(self, main: str, *modules: str, path: str = "/") -> Page:
        """Open a page of ours with `main` as its content and the `modules` loaded."""
        self.serve(path, document(main, *modules))
        self.page.goto(self.origin + path)
        return self.page

    def handle(self, route: Route) -> None:
        """Answer a request of the browser."""
        path = urlsplit(route.request.url).path
        file = STATIC / path.removeprefix("/static/")
        if path in self.answers:
            self.answers[path](route)
        elif path.startswith("/static/") and file.is_file():
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        else:
            route.fulfill(status=404)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep what the browser complains about, such as a breach of the policy."""
        if message.type == "error":
            self.complaints.append(message.text)


def document(main: str, *modules: str) -> str:
    """A whole page around `main`."""
    scripts = "".join(
        f'<script type="module" src="/static/{module}.js"></script>' for module in modules
    )
    head = f'<title>Test</title><link rel="stylesheet" href="/static/style.css">{scripts}'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head>'
        f'<body><main id="main" tabindex="-1">{main}</main></body></html>'
    )
