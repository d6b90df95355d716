"""What every page of ours must be, checked on the HTML that was sent."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

VOID = frozenset({"input", "meta", "link", "br", "hr", "img"})
ADDRESSES = frozenset({"href", "src", "action", "formaction", "data-events", "data-openapi"})


class Page(HTMLParser):
    """The tags of a page and the text of those that must say something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, dict[str, str], str]] = []
        self.open: list[tuple[str, dict[str, str], list[str]]] = []
        self.unbalanced: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag not in VOID:
            self.open.append((tag, found, []))

    def handle_data(self, data: str) -> None:
        for _, _, text in self.open:
            text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            self.unbalanced.append(tag)
            return
        name, attributes, text = self.open.pop()
        self.texts.append((name, attributes, " ".join("".join(text).split())))

    def of(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every `tag`."""
        return [attributes for name, attributes in self.tags if name == tag]

    def text_of(self, tag: str) -> list[str]:
        """Texts of every `tag`."""
        return [text for name, _, text in self.texts if name == tag]


def faults(html: str) -> list[str]:
    """What is wrong with a page; empty for a good one."""
    page = Page(html)
    return [
        *(f"</{tag}> closes something else" for tag in page.unbalanced),
        *_frame(page),
        *_names(page),
        *_forms(page),
        *_policy(page),
    ]


def _frame(page: Page) -> list[str]:
    found = []
    if page.of("html") != [{"lang": "en"}]:
        found.append("the language is missing")
    if not page.text_of("title") or not page.text_of("title")[0]:
        found.append("the title is missing")
    if len(page.of("main")) != 1:
        found.append("there must be one <main>")
    if not page.of("h1"):
        found.append("there is no heading")
    if not any("width=device-width" in tag.get("content", "") for tag in page.of("meta")):
        found.append("a phone would shrink this page")
    return found


def _names(page: Page) -> list[str]:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    found = [f"id {name} occurs twice" for name in {one for one in ids if ids.count(one) > 1}]
    for _, attributes in page.tags:
        for key in ("for", "aria-describedby", "aria-labelledby"):
            missing = set(attributes.get(key, "").split()) - set(ids)
            found += [f"{key} names {name}, which is not there" for name in missing]
    for tag, attributes, text in page.texts:
        if tag in {"a", "button"} and not (text or attributes.get("aria-label")):
            found.append(f"a <{tag}> says nothing: {attributes}")
    found += [f"an image says nothing: {image}" for image in page.of("img") if "alt" not in image]
    return found


def _forms(page: Page) -> list[str]:
    labelled = {label.get("for") for label in page.of("label")}
    found = []
    for tag in ("input", "select", "textarea"):
        for field in page.of(tag):
            hidden = field.get("type") in {"hidden", "submit"}
            if not hidden and field.get("id") not in labelled and "aria-label" not in field:
                found.append(f"a field has no label: {field.get('name')}")
    posts = sum(form.get("method", "get").lower() == "post" for form in page.of("form"))
    tokens = sum(field.get("name") == "csrf_token" for field in page.of("input"))
    if posts != tokens:
        found.append(f"{posts} forms are posted, {tokens} carry a CSRF token")
    return found


def _policy(page: Page) -> list[str]:
    found = []
    for tag, attributes in page.tags:
        found += [
            f"<{tag}> has an inline {key}" for key in attributes if re.match("on|style$", key)
        ]
        for key in ADDRESSES & set(attributes):
            split = urlsplit(attributes[key])
            outside = split.scheme or split.netloc
            if outside and not (tag == "a" and split.scheme in {"http", "https", "mailto"}):
                found.append(f"<{tag} {key}> leads elsewhere: {attributes[key]}")
    found += ["a script is inline" for script in page.of("script") if "src" not in script]
    found += ["a style is inline" for _ in page.of("style")]
    return found
