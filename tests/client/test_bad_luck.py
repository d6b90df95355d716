"""`submit` on a network that loses, cuts and invents answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live_server import LiveServer
from shell import Shell
from unkind_network import Cut, Relay, answer


def test_a_server_that_is_not_there(ada: Shell, live: LiveServer) -> None:
    live.web.stop()
    ran = ada("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json", "--retries", 1)
    assert ran.code == 6
    assert ran.err.count("can't be reached") == 2
    assert ran.json["code"] == "unreachable"


def test_an_answer_that_was_lost_is_asked_for_again(
    ada: Shell, unkind: Relay, live: LiveServer
) -> None:
    ada.at(unkind.url)
    unkind.fates = [Cut(0), answer(503, {}, Retry_After="0"), answer(502, b"<html>")]
    words = ("submit", "tiny", "-f", live.prediction(), "-m", "once", "--json")
    ran = ada(*words, "--retries", 3)
    assert ran.code == 0
    assert ran.err.count("Trying again") == 3
    found = ada("submissions", "tiny", "--json").json["items"]
    assert [one["id"] for one in found] == [ran.json["id"]]


def test_waiting_outlasts_a_restart(ada: Shell, live: LiveServer) -> None:
    live.worker.busy_elsewhere.set()
    sent = ada("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json").json
    live.web.stop()
    gone = ada("submission", sent["id"], "--wait")
    assert gone.code == 6
    live.web.start()
    live.worker.busy_elsewhere.clear()
    assert ada("submission", sent["id"], "--wait").code == 0


QUEUED: dict[str, Any] = {
    "id": "01abc", "status": "queued", "phase": "final", "team": "ada", "sha256": "", "message": "",
    "submitted_at": "", "scores": None, "findings": [], "selected": False, "url": "",
}  # fmt: skip


def test_a_server_lost_while_waiting_leaves_the_id(shell: Shell, invented: Relay) -> None:
    shell.at(invented.url)
    invented.fates = [answer(201, QUEUED), answer(200, QUEUED), b""]
    ran = shell("submit", "tiny", "-f", __file__, "-m", "x", "--wait", "--json")
    assert ran.code == 6
    assert ran.json["id"] == "01abc"
    assert "Error: " in ran.err


def test_a_server_that_lets_nobody_wait_is_asked_now_and_then(
    shell: Shell, invented: Relay
) -> None:
    shell.at(invented.url)
    nobody = answer(429, {"detail": "No more than 4 may wait.", "code": "too_many"})
    scored = QUEUED | {"status": "scored", "scores": {"public": {"ams": {"value": 1.0}}}}
    invented.fates = [answer(201, QUEUED), nobody, answer(200, scored)]
    ran = shell("submit", "tiny", "-f", __file__, "-m", "x", "--wait", "0.5")
    assert ran.code == 0
    assert "wait=0.5" in invented.heads()[1]
    assert "wait=" not in invented.heads()[2]


@pytest.mark.parametrize(
    ("fate", "code"),
    [
        (answer(500, {"detail": "Tell the organisers X1.", "code": "error"}), 6),
        (answer(200, b"<html>a login page of the network</html>"), 6),
        (answer(200, {"unknown": 1}), 6),
        (answer(200, []), 6),
        (answer(201, {"id": 7}), 6),
        (b"SSH-2.0-OpenSSH_9.6\r\n", 6),
        (answer(403, b"\xff\xfe"), 3),
        (answer(422, {"detail": ["a", "list"], "findings": "none"}), 2),
        (answer(429, {"detail": "Slowly.", "code": "too_many"}), 3),
        (answer(429, {"detail": "Slowly.", "code": "too_many"}, Retry_After="86400"), 3),
        (answer(503, {"detail": "Too long.", "code": "check_failed"}), 5),
        (answer(408, {"detail": "Too slow.", "code": "timeout"}), 6),
    ],
)
def test_strange_answers(shell: Shell, invented: Relay, fate: bytes, code: int) -> None:
    shell.at(invented.url, "some-token")
    invented.fates = [fate]
    ran = shell("submit", "tiny", "-f", __file__, "-m", "x", "--json", "--retries", 0)
    assert ran.code == code
    assert ran.json["exit_code"] == code
    assert ran.err.startswith("Error: ")
    assert len(invented.requests) == 1


def test_a_pause_that_is_asked_for_is_kept(shell: Shell, invented: Relay) -> None:
    shell.at(invented.url)
    invented.fates = [
        answer(429, {"detail": "Slowly.", "code": "too_many"}, Retry_After="0"),
        answer(200, {"items": [], "next": None}),
    ]
    ran = shell("challenges", "list", "--json", "--retries", 1)
    assert ran.code == 0
    assert "Slowly. Trying again in 0 s" in ran.err


def test_a_limit_is_not_waited_for(shell: Shell, invented: Relay) -> None:
    shell.at(invented.url)
    invented.fates = [answer(429, {"detail": "Two are running.", "code": "limit"}, Retry_After="0")]
    assert shell("submit", "tiny", "-f", __file__, "-m", "x", "--retries", 3).code == 3
    assert len(invented.requests) == 1


def test_the_request_is_streamed_with_its_fields_first(shell: Shell, invented: Relay) -> None:
    shell.at(invented.url, "some-token")
    invented.fates = [answer(500, {})]
    shell("submit", "tiny", "-f", __file__, "-m", "words", "--phase", "final")
    head, _, body = invented.requests[0].partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert b"idempotency-key: " in head.lower()
    assert body.index(b'name="phase"') < body.index(b'name="message"') < body.index(b'name="file"')
    assert Path(__file__).read_bytes() in body


def test_a_text_from_the_server_can_not_drive_the_terminal(shell: Shell, invented: Relay) -> None:
    shell.at(invented.url)
    finding = {"code": "x", "severity": "error", "message": "\x1b]0;[red]owned\x07"}
    problem = {"detail": "a\x1b[2Jb", "code": "refused", "findings": [finding]}
    invented.fates = [answer(422, problem)]
    ran = shell("submit", "tiny", "-f", __file__, "-m", "x")
    assert ran.code == 4
    assert "\x1b" not in ran.err
    assert "\x07" not in ran.err
    assert "[red]owned" in ran.err
