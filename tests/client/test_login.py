"""Logging in: what is kept, for whom, and where the token never goes."""

from __future__ import annotations

import stat

import pytest
from fivesigma_client import Client, Misused
from fivesigma_client.credentials import Login, keep_login, login_file, present_login
from live_server import LiveServer
from shell import Shell
from unkind_network import Relay, answer


@pytest.fixture
def token(live: LiveServer) -> str:
    return live.person("ada", joined=False).token


def test_a_token_is_kept_for_its_owner_alone(live: LiveServer, shell: Shell, token: str) -> None:
    ran = shell("login", live.url + "/", "--token-stdin", given=f" {token}\n")
    assert (ran.code, ran.out) == (0, "")
    assert live.url in ran.err
    assert token not in ran.err
    assert stat.S_IMODE(login_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(login_file().parent.stat().st_mode) == 0o700
    assert [one.name for one in login_file().parent.iterdir()] == ["login.json"]
    listed = shell("challenges", "list", "--json")
    assert [one["slug"] for one in listed.json["items"]] == ["tiny"]


def test_logging_out_forgets_it(live: LiveServer, shell: Shell, token: str) -> None:
    shell("login", live.url, "--token-stdin", given=token)
    assert shell("logout", "--json").json == {"logged_out": True}
    assert not login_file().exists()
    assert shell("logout").code == 0
    ran = shell("files", "tiny")
    assert ran.code == 2
    assert "Log in first" in ran.err


def test_a_wrong_token_is_not_kept(live: LiveServer, shell: Shell) -> None:
    wrong = "fs_" + "x" * 40
    ran = shell("login", live.url, "--token-stdin", given=wrong)
    assert ran.code == 3
    assert wrong not in ran.err + ran.out
    assert not login_file().exists()


@pytest.mark.parametrize("given", ["", "two words", "new\nline", "ünïcode"])
def test_what_can_be_no_token_is_not_sent(shell: Shell, given: str) -> None:
    ran = shell("login", "http://127.0.0.1:1", "--token-stdin", given=given)
    assert ran.code == 2
    assert "no token" in ran.err


def test_nobody_is_asked_without_a_terminal(shell: Shell) -> None:
    ran = shell("login", "http://127.0.0.1:1", given="something\n")
    assert ran.code == 2
    assert "--token-stdin" in ran.err


@pytest.mark.parametrize(
    "url",
    ["example.org", "ftp://example.org", "https://", "https://a:b@example.org", "http://[", ""],
)
def test_what_is_no_address_is_refused(shell: Shell, url: str) -> None:
    assert shell("login", url, "--token-stdin", given="abc").code == 2


def test_the_environment_wins(shell: Shell) -> None:
    keep_login(Login("https://kept.example", "kept-token"))
    assert present_login({}) == Login("https://kept.example", "kept-token")
    assert present_login({"FIVESIGMA_TOKEN": "t"}).token == "t"
    both = present_login({"FIVESIGMA_URL": "https://other.example/", "FIVESIGMA_TOKEN": "t"})
    assert both == Login("https://other.example", "t")


def test_a_kept_token_goes_to_its_own_site_only(shell: Shell) -> None:
    keep_login(Login("https://kept.example", "kept-token", insecure=True))
    assert present_login({"FIVESIGMA_URL": "https://other.example"}) == Login(
        "https://other.example", None
    )
    assert present_login({"FIVESIGMA_URL": "https://kept.example/"}).token == "kept-token"


def test_a_damaged_file_says_what_to_do(shell: Shell) -> None:
    keep_login(Login("https://kept.example", "kept-token"))
    login_file().write_text('{"url": 1')
    ran = shell("challenges", "list")
    assert ran.code == 2
    assert "Log in again" in ran.err


def test_a_token_needs_an_encrypted_line(shell: Shell) -> None:
    for url in ("http://example.org", "http://127.0.0.1.example.org", "http://10.0.0.1"):
        with pytest.raises(Misused, match="not encrypted"):
            Client(url, "secret")
    for url in ("https://example.org", "http://localhost:1", "http://[::1]:1", "http://127.8.9.1"):
        Client(url, "secret").close()
    Client("http://example.org", None).close()
    Client("http://example.org", "secret", insecure=True).close()
    shell.at("http://example.org", "secret-token")
    assert shell("challenges", "list").code == 2


def test_a_redirect_is_not_followed_with_the_token(invented: Relay, shell: Shell) -> None:
    shell.at(invented.url, "some-token")
    invented.fates = [answer(302, b"", Location="https://elsewhere.example/api/v1/challenges")]
    ran = shell("challenges", "list")
    assert ran.code == 6
    assert "https://elsewhere.example" in ran.err
