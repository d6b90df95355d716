"""What names, passwords, tokens and addresses may be."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from fivesigma_backend.accounts.rules import (
    account_problems,
    address_key,
    email_problem,
    local_path,
    numbered,
    password_problem,
    reserved_problem,
    token_problems,
    username_from_email,
    username_problem,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["ada", "Marie.Curie", "x_1", "9lives", "a" * 40])
def test_usernames_that_are_fine(name: str) -> None:
    assert username_problem(name) is None
    assert reserved_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 41,
        "=cmd",
        "+1abc",
        "-abc",
        "@abc",
        ".abc",
        "a b c",
        "müller",
        "аnna",
        "a\x00bc",
        "abc\n",
        "a/../b",
        "deleted-abc",
        "Deleted-abc",
        pytest.param("x" * 1000000, id="a megabyte"),
        "<script>",
        "anna\u200b",
    ],
)
def test_usernames_that_are_refused(name: str) -> None:
    assert username_problem(name)


@pytest.mark.parametrize("name", ["admin", "Organiser", "ROOT", "baseline"])
def test_names_of_authority_are_reserved(name: str) -> None:
    assert username_problem(name) is None
    assert reserved_problem(name)


@pytest.mark.parametrize("email", ["", "a@b.org", "jörg.müller@uni-köln.de", "a+b@c.d.ch"])
def test_addresses_that_are_fine(email: str) -> None:
    assert email_problem(email) is None


@pytest.mark.parametrize(
    "email",
    [
        "a",
        "a@b",
        "a@b@c.de",
        "a b@c.de",
        "=a@b.de",
        "a@b.de\x00",
        pytest.param("a" * 250 + "@b.de", id="long"),
        "a@b.de\n",
        pytest.param("ΐ" * 120 + "@b.de", id="long when folded"),
        "a@b.",
        "@b.de",
        pytest.param("x" * 1000000, id="a megabyte"),
    ],
)
def test_addresses_that_are_refused(email: str) -> None:
    assert email_problem(email)


def test_passwords() -> None:
    assert password_problem("ten chars!", "anna") is None
    assert password_problem("a" * 1000, "anna") is None
    assert password_problem("a" * 1001, "anna")
    assert password_problem("nine char", "anna")
    assert password_problem("Marie.Curie", "marie.curie")
    assert password_problem("anna@example.org", "anna", "Anna@example.org")


def test_a_token_needs_a_name_a_scope_and_a_sensible_life() -> None:
    assert token_problems("ci", ["read"], 365) == {}
    assert set(token_problems("", [], 0)) == {"name", "scopes", "expires_days"}
    assert set(token_problems("=x", ["admin"], 366)) == {"name", "scopes", "expires_days"}
    assert "name" in token_problems("a\x00", ["read"], 1)


@given(st.text(max_size=60))
def test_a_name_made_of_any_address_is_a_valid_username(local: str) -> None:
    name = username_from_email(f"{local}@example.org")
    assert username_problem(name) is None
    assert username_problem(numbered(name, 12_345)) is None
    assert account_problems(name, "") == {}


@pytest.mark.parametrize("path", ["/", "/account", "/c/higgsml/submit?phase=1#top", "/a%20b"])
def test_paths_of_this_site_are_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "//evil.org",
        "/\\evil.org",
        "\\\\evil.org",
        "https://evil.org",
        "javascript:alert(1)",
        "",
        "/%2fevil.org",
        "/%5cevil.org",
        "/%255cevil.org",
        "%2f%2fevil.org",
        "/\t/evil.org",
        "/\n/evil.org",
        "evil.org",
        "/%09/evil.org",
        " //evil.org",
        "/a\r\nSet-Cookie: x=y",
    ],
)
def test_other_hosts_are_not_gone_to(path: str) -> None:
    assert local_path(path) == "/"


@given(st.text(alphabet="/\\%259abc:.@?#\t\n 2fFcC5", max_size=30))
def test_no_path_leads_to_another_host(path: str) -> None:
    kept = local_path(path)
    browser_reads = kept.replace("\\", "/").replace("\t", "").replace("\n", "")
    assert urlsplit(urljoin("http://here/login", browser_reads)).netloc == "here"


def test_a_whole_ipv6_network_is_one_address() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:1")
    assert address_key("2001:db8::1") != address_key("2001:db8:0:1::1")
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1")
    assert address_key("192.0.2.1") != address_key("192.0.2.2")
    assert address_key("testclient") == "testclient"
