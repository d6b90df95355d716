"""The documentation of the API comes from our own server, under our own policy."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from people import Browser


def test_everything_on_the_page_is_served_here(visitor: Browser) -> None:
    page = visitor.get("/api/docs")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    addresses = re.findall(r'(?:src|href|data-openapi)="([^"]+)"', page.text)
    assert len(addresses) >= 6
    for address in addresses:
        assert address.startswith("/")
        assert visitor.get(address).status_code == 200, address


def test_the_page_carries_what_a_browsers_call_needs(annas: Browser) -> None:
    token = re.search(r'data-csrf="([0-9a-f]{64})"', annas.get("/api/docs").text)
    assert token
    assert token[1] == annas.csrf("/account")


@pytest.mark.parametrize("name", ["main.py", "..%2Fmain.py", "swagger-ui.css.map", "__init__.py"])
def test_no_other_file_of_the_wheel_is_served(web: TestClient, name: str) -> None:
    assert web.get(f"/api/docs/{name}").status_code == 404


def test_the_document_lists_operations_and_no_pages(web: TestClient) -> None:
    paths = web.get("/api/v1/openapi.json").json()["paths"]
    assert {"/healthz", "/readyz", "/metrics"} <= set(paths)
    assert "/" not in paths
    assert "/login" not in paths
