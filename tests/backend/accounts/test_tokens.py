"""API tokens, by REST and by page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fivesigma_backend.accounts import tokens
from fivesigma_backend.accounts.models import ApiToken, User
from fivesigma_backend.accounts.service import actor_of_token, get_user
from fivesigma_backend.accounts.tokens import create_token
from fivesigma_backend.core.platform import Platform
from fivesigma_backend.core.security import digest
from people import Advancing, Browser, make_challenge, make_token, make_user, token_works
from sqlalchemy import select

pytestmark = pytest.mark.stores

TOKENS = "/api/v1/tokens"


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_is_made_shown_once_listed_and_revoked(
    web: TestClient, platform: Platform, annas: Browser
) -> None:
    answer = annas.api("POST", TOKENS, json={"name": "laptop"})
    assert answer.headers["cache-control"] == "no-store"
    made = answer.json()
    assert set(made) == {
        *("id", "name", "scopes", "challenge", "created_at", "expires_at", "secret")
    }
    assert made["scopes"] == ["read", "submit"]
    assert made["challenge"] is None
    assert made["created_at"] == "2026-12-01T12:00:00.000Z"
    assert made["expires_at"] == "2027-03-01T12:00:00.000Z"
    assert re.fullmatch(r"fs_[A-Za-z0-9_-]{43}", made["secret"])
    listed = annas.http.get(TOKENS)
    assert listed.json()["next"] is None
    (item,) = listed.json()["items"]
    assert item == {key: value for key, value in made.items() if key != "secret"}
    assert token_works(platform, made["secret"])
    assert annas.api("DELETE", f"{TOKENS}/{made['id']}").status_code == 204
    assert not token_works(platform, made["secret"])
    assert annas.http.get(TOKENS).json() == {"items": [], "next": None}
    assert annas.api("DELETE", f"{TOKENS}/{made['id']}").status_code == 404


def test_only_a_digest_is_stored(platform: Platform, annas: Browser) -> None:
    secret = make_token(annas)["secret"]
    with platform.db.read() as session:
        (row,) = session.scalars(select(ApiToken))
    assert row.token_hash == digest(secret)
    assert all(secret not in str(value) for value in vars(row).values())


INVALID: tuple[Any, ...] = (
    {},
    {"name": ""},
    {"name": "x" * 81},
    {"name": "=1+1"},
    {"name": "a\x00b"},
    {"name": "\ud800"},
    {"name": 1},
    {"name": "x", "scopes": []},
    {"name": "x", "scopes": ["admin"]},
    {"name": "x", "scopes": "read"},
    {"name": "x", "expires_days": 0},
    {"name": "x", "expires_days": 366},
    {"name": "x", "expires_days": 10**30},
    {"name": "x", "expires_days": "90"},
    {"name": "x", "expires_days": True},
    {"name": "x", "challenge": "no-such"},
    {"name": "x", "challenge": "a\x00b"},
    {"name": "x", "challenge": "secret"},
    {"name": "x", "user_id": "somebody"},
    [],
    "x",
    None,
)


def test_what_is_not_valid_is_refused(platform: Platform, annas: Browser) -> None:
    make_challenge(platform, "secret", published=False)
    for body in INVALID:
        answer = annas.api("POST", TOKENS, json=body)
        assert answer.status_code == 422, body
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert annas.http.get(TOKENS).json()["items"] == []


def test_what_is_no_json_is_refused(annas: Browser) -> None:
    for content in (b"", b"{", b"\xff", b'{"name": "x"' + b" " * 2_000_000 + b"}"):
        answer = annas.api("POST", TOKENS, content=content)
        assert 400 <= answer.status_code < 500, content[:20]


def test_organisers_and_administrators_get_their_scope_by_default(
    platform: Platform, annas: Browser, anna: User, roots: Browser
) -> None:
    assert make_token(roots)["scopes"] == ["organise", "read", "submit"]
    make_challenge(platform, "hers", published=False, organiser=anna)
    assert make_token(annas)["scopes"] == ["organise", "read", "submit"]
    assert make_token(annas, scopes=["read", "read"])["scopes"] == ["read"]


def test_a_token_can_be_for_one_challenge_that_its_user_may_see(
    platform: Platform, annas: Browser, anna: User
) -> None:
    ids = {
        "open": make_challenge(platform, "open"),
        "hers": make_challenge(platform, "hers", published=False, organiser=anna),
    }
    for slug, challenge_id in ids.items():
        made = make_token(annas, challenge=slug)
        assert made["challenge"] == slug
        with platform.db.read() as session:
            actor = actor_of_token(session, digest(made["secret"]), platform.clock())
        assert actor is not None
        assert actor.challenge_id == challenge_id
        assert actor.by_token


def test_a_token_can_not_touch_passwords_tokens_sessions_or_roles(
    web: TestClient, platform: Platform, roots: Browser, anna: User
) -> None:
    headers = bearer(make_token(roots, scopes=["read", "submit", "organise"])["secret"])
    bare = TestClient(web.app, follow_redirects=False)
    for method, path in [
        ("GET", TOKENS),
        ("POST", TOKENS),
        ("DELETE", f"{TOKENS}/x"),
        ("GET", "/account"),
        ("POST", "/account/tokens"),
        ("POST", "/account/tokens/x/revoke"),
        ("POST", "/account/password"),
        ("POST", "/account/delete"),
        ("POST", "/account/logout-everywhere"),
    ]:
        assert bare.request(method, path, headers=headers).status_code == 403, path
    for method, path in [
        ("GET", "/admin/users"),
        ("POST", f"/admin/users/{anna.id}/reset-link"),
        ("POST", f"/admin/users/{anna.id}/admin"),
    ]:
        assert bare.request(method, path, headers=headers).status_code == 404, path


def test_visitors_are_asked_to_log_in(web: TestClient) -> None:
    for method, path in [("GET", TOKENS), ("POST", TOKENS), ("DELETE", f"{TOKENS}/x")]:
        answer = web.request(method, path)
        assert answer.status_code == 401
        assert answer.json()["code"] == "not_authenticated"


def test_a_wrong_token_is_refused_even_beside_a_good_cookie(annas: Browser) -> None:
    for header in (b"", b"fs_x", b"Bearer ", b"Bearer x", b"Bearer fs_\xe9", b"Basic Zm9vOmJhcg=="):
        headers = [(b"authorization", header)]
        assert annas.http.get(TOKENS, headers=headers).status_code == 401, header


def test_nobody_sees_or_revokes_the_tokens_of_another(
    platform: Platform, annas: Browser, web: TestClient
) -> None:
    made = make_token(annas)
    bertas = Browser(web).log_in(platform, make_user(platform, "berta"))
    assert bertas.http.get(TOKENS).json()["items"] == []
    assert bertas.api("DELETE", f"{TOKENS}/{made['id']}").status_code == 404
    answer = bertas.post(f"/account/tokens/{made['id']}/revoke", page="/account")
    assert answer.status_code == 404
    assert token_works(platform, made["secret"])


def test_no_such_token(annas: Browser) -> None:
    for token_id in ("x", "%00", "%F0%9F%92%A9", "x" * 5000):
        assert annas.api("DELETE", f"{TOKENS}/{token_id}").status_code == 404


def test_a_token_expires(
    web: TestClient, platform: Platform, annas: Browser, anna: User, clock: Advancing
) -> None:
    secret = make_token(annas, expires_days=1)["secret"]
    clock.advance(days=1, seconds=-1)
    assert token_works(platform, secret)
    clock.advance(seconds=1)
    assert not token_works(platform, secret)
    assert annas.http.get(TOKENS).json()["items"] == []
    answer = TestClient(web.app).get(TOKENS, headers=bearer(secret))
    assert answer.status_code == 401
    assert "expired" in answer.json()["detail"]


def test_the_list_comes_in_pages(platform: Platform, annas: Browser, anna: User) -> None:
    with platform.db.transaction() as session:
        user = get_user(session, anna.id)
        for number in range(5):
            create_token(
                session,
                user=user,
                name=f"t{number}",
                scopes=["read"],
                expires_at=platform.clock().replace(year=2030),
                challenge_id=None,
                now=platform.clock(),
            )
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = annas.http.get(TOKENS, params=query).json()
        assert len(page["items"]) <= 2
        seen += [item["name"] for item in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == [f"t{number}" for number in range(5)]
    assert len(seen) == 5
    for bad in ("limit=0", "limit=101", "limit=x"):
        assert annas.http.get(f"{TOKENS}?{bad}").status_code == 422
    assert annas.http.get(f"{TOKENS}?cursor=%00").json() == {"items": [], "next": None}


def test_there_is_an_end_to_tokens(annas: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 2)
    for _ in range(2):
        make_token(annas)
    answer = annas.api("POST", TOKENS, json={"name": "third"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "too_many_tokens"


def test_the_page_makes_shows_and_revokes(
    web: TestClient, platform: Platform, annas: Browser
) -> None:
    make_challenge(platform, "open")
    answer = annas.post(
        "/account/tokens",
        page="/account",
        name="my laptop",
        scope_read="1",
        expires_days="30",
        challenge="open",
    )
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r"fs_[\w-]{43}", answer.text)
    assert found
    assert token_works(platform, found[0])
    overview = annas.get("/account").text
    assert "my laptop" in overview
    assert found[0] not in overview
    (item,) = annas.http.get(TOKENS).json()["items"]
    assert (item["scopes"], item["challenge"]) == (["read"], "open")
    answer = annas.post(f"/account/tokens/{item['id']}/revoke", page="/account")
    assert answer.headers["location"] == "/account?notice=token-revoked"
    assert not token_works(platform, found[0])


def test_errors_of_the_page_stand_at_their_field(platform: Platform, annas: Browser) -> None:
    make_challenge(platform, "secret", published=False)
    for field, value in (
        ("name", ""),
        ("name", "x" * 500_000),
        ("scope_read", ""),
        ("expires_days", "soon"),
        ("expires_days", "9" * 5000),
        ("expires_days", "²"),
        ("challenge", "secret"),
    ):
        sent = {"name": "typed", "scope_read": "1", "expires_days": "77", field: value}
        answer = annas.post("/account/tokens", page="/account", **sent)
        assert answer.status_code == 422
        at = [] if field == "scope_read" else [field]
        assert re.findall(r'id="(\w+)-error"', answer.text) == at
        assert 'class="field-error"' in answer.text
        assert len(answer.text) < 30_000
        assert field == "name" or 'value="typed"' in answer.text
    assert annas.http.get(TOKENS).json()["items"] == []
