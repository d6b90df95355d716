"""The application as a whole: policies, error answers, headers."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from fivesigma_backend.core.pages import static
from fivesigma_backend.core.web import (
    MissingPolicyError,
    api_routes,
    require_policies,
    route_policies,
)


def test_every_route_declares_exactly_one_policy(web: TestClient) -> None:
    assert isinstance(web.app, FastAPI)
    routes = list(api_routes(web.app))
    assert routes
    for route in routes:
        assert len(route_policies(route)) == 1, route.path


def test_an_app_with_an_unguarded_route_does_not_start() -> None:
    router = APIRouter()

    @router.get("/open-door")
    def open_door() -> None: ...

    app = FastAPI()
    app.include_router(router)
    with pytest.raises(MissingPolicyError, match="/open-door"):
        require_policies(app)


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(
    web: TestClient,
) -> None:
    page = web.get("/no/such/page")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    problem = web.get("/api/v1/no/such/call")
    assert problem.status_code == 404
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["code"] == "not_found"


def test_every_answer_carries_the_security_headers(web: TestClient) -> None:
    headers = web.get("/no/such/page").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def test_static_files_are_kept_for_ever_by_their_version_only(web: TestClient) -> None:
    versioned = web.get(static("style.css"))
    assert versioned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "cache-control" not in web.get("/static/style.css").headers
    assert web.get("/static/../base.html").status_code == 404


def test_the_api_says_that_it_takes_tokens(web: TestClient) -> None:
    document = web.get("/api/v1/openapi.json").json()
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert document["paths"]["/api/v1/challenges"]["get"]["security"] == [{"HTTPBearer": []}]


def test_whoever_must_log_in_comes_back_to_the_same_page(web: TestClient) -> None:
    answer = web.get("/account?tab=a%26b", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/account%3Ftab%3Da%2526b"
