"""`submit`: every exit code, on a server that works and on a network that does not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from challenge_folder import tiny_toml
from conftest import FrozenClock
from fivesigma_backend.challenges.models import Solution
from live_server import LiveServer
from shell import Shell
from sqlalchemy import select


def phases(*changes: dict[str, Any]) -> dict[str, Any]:
    """The tiny challenge with a phase for each of `changes`."""
    return {"phases": [tiny_toml()["phases"][0] | change for change in changes]}


def test_handing_in_says_where_and_how_many_are_left(ada: Shell, live: LiveServer) -> None:
    live.worker.busy_elsewhere.set()
    ran = ada("submit", "tiny", "-f", live.prediction(), "-m", "first")
    assert ran.code == 0
    submission_id, status = ran.out.split()
    assert status == "queued"
    assert f"/submissions/{submission_id}" in ran.err
    assert "4 more are left" in ran.err

    shown = ada("submission", submission_id, "--json").json
    assert shown["message"] == "first"
    assert shown["scores"] is None


def test_waiting_ends_with_the_scores(ada: Shell, live: LiveServer) -> None:
    ran = ada("submit", "tiny", "-f", live.prediction(0.5), "-m", "x", "--wait")
    assert ran.code == 0
    assert ran.out.splitlines()[0].endswith(" scored")
    assert {line.split()[1] for line in ran.out.splitlines()[2:]} == {
        "ams",
        "signal_efficiency",
        "purity",
    }
    assert "±" in ran.out
    assert "\x1b" not in ran.out + ran.err


def test_json_is_the_submission_and_nothing_else(ada: Shell, live: LiveServer) -> None:
    file = live.prediction(0.5)
    ran = ada("submit", "tiny", "-f", file, "-m", "x", "--json", "--wait", "30", "-q")
    assert ran.err == ""
    assert ran.json["status"] == "scored"
    assert set(ran.json["scores"]) == {"public"}
    assert ran.json["findings"] == []


def test_what_is_declared_is_sent(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    declared = tmp_path / "declared.json"
    declared.write_text('{"method": "a cut", "hardware": "laptop"}')
    words = ("submit", "tiny", "-f", live.prediction(), "-m", "Schnitt bei ½", "--json")
    ran = ada(*words, "--metadata", declared, "--phase", "final")
    assert ran.json["metadata"] == {"method": "a cut", "hardware": "laptop"}
    assert ran.json["message"] == "Schnitt bei ½"


@pytest.mark.parametrize("content", ["[1]", "", "{", '{"a": "' + "x" * 70_000 + '"}', "[" * 9999])
def test_what_is_no_declaration_is_wrong_use(shell: Shell, tmp_path: Path, content: str) -> None:
    declared = tmp_path / "declared.json"
    declared.write_text(content)
    shell.at("http://127.0.0.1:1")
    ran = shell("submit", "tiny", "-f", declared, "-m", "x", "--metadata", declared)
    assert ran.code == 2
    assert "64 kB" in ran.err


def test_a_file_refused_by_the_worker(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    lines = live.prediction().read_text().splitlines()
    lines[9] = lines[9][:-1] + "?"
    file = tmp_path / "bad.csv"
    file.write_text("\n".join(lines))
    ran = ada("submit", "tiny", "-f", file, "-m", "x", "--wait")
    assert ran.code == 4
    assert ran.out.splitlines()[0].endswith(" rejected")
    assert "Class   10" in ran.out
    later = ada("submission", ran.out.split()[0])
    assert later.code == 0
    assert "Class   10" in later.out


def test_a_file_refused_at_the_door(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("EventId,RankOrder\n1,1\n")
    ran = ada("submit", "tiny", "-f", file, "-m", "x")
    assert (ran.code, ran.out) == (4, "")
    assert "missing" in ran.err
    assert "Class" in ran.err
    as_json = ada("submit", "tiny", "-f", file, "-m", "x", "--json")
    assert as_json.code == 4
    assert as_json.json["code"] == "refused"
    assert as_json.json["exit_code"] == 4
    assert as_json.json["findings"][0]["code"] == "missing_column"


def test_an_empty_file_is_refused(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    assert ada("submit", "tiny", "-f", tmp_path / "empty.csv", "-m", "x").code == 4


def test_scoring_that_fails(ada: Shell, live: LiveServer) -> None:
    live.worker.busy_elsewhere.set()
    sent = ada("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json").json
    storage = live.platform.storage
    with live.platform.db.read() as session:
        compiled = session.scalars(select(Solution.compiled_sha256)).one()
    shutil.rmtree(storage.local_folder(compiled))
    storage.delete(compiled)
    live.worker.busy_elsewhere.clear()
    ran = ada("submission", sent["id"], "--wait")
    assert ran.code == 5
    assert ran.out.splitlines()[0].endswith(" failed")
    assert "reference" in ran.err


def test_what_was_taken_back_is_not_scored(ada: Shell, live: LiveServer) -> None:
    live.worker.busy_elsewhere.set()
    sent = ada("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json").json
    assert ada("cancel", sent["id"]).out.split() == [sent["id"], "cancelled"]
    assert ada("submission", sent["id"], "--wait").code == 5
    # Said twice it is done all the same; what is scored can't be taken back.
    assert ada("cancel", sent["id"]).code == 0
    live.worker.busy_elsewhere.clear()
    scored = ada("submit", "tiny", "-f", live.prediction(1.0), "-m", "x", "--wait", "--json").json
    assert ada("cancel", scored["id"]).code == 3


@pytest.mark.parametrize("toml", [phases({"limits": {"per_day": 1}})])
def test_over_the_limit(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    assert ada("submit", "tiny", "-f", live.prediction(), "-m", "x").code == 0
    ran = ada("submit", "tiny", "-f", live.prediction(1.0), "-m", "x", "--json", "--retries", 4)
    assert ran.code == 3
    assert ran.json["rule"] == "per_day"
    assert ran.json["next_at"].startswith("2026-12-02T12:00:00")
    assert "1 submissions of the day" in ran.err
    assert "Trying again" not in ran.err
    # The server says so before it has read a large file, and is heard all the same.
    large = tmp_path / "large.csv"
    large.write_bytes(b"1234567\n" * 4_000_000)
    assert ada("submit", "tiny", "-f", large, "-m", "x").code == 3


def test_too_large_a_file(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(300 * 2**20)
    ran = ada("submit", "tiny", "-f", large, "-m", "x")
    assert ran.code == 4
    assert "larger than" in ran.err


def test_a_closed_phase(ada: Shell, live: LiveServer, clock: FrozenClock) -> None:
    clock.advance(days=30)
    ran = ada("submit", "tiny", "-f", live.prediction(), "-m", "x")
    assert ran.code == 3
    assert "closed" in ran.err


def test_who_has_not_joined(live: LiveServer, shell: Shell) -> None:
    shell.at(live.url, live.person("eve", joined=False).token)
    ran = shell("submit", "tiny", "-f", live.prediction(), "-m", "x")
    assert ran.code == 3
    assert "Join the challenge" in ran.err
    shell.as_nobody()
    shell.at(live.url)
    assert shell("submit", "tiny", "-f", live.prediction(), "-m", "x").code == 3


@pytest.mark.parametrize("toml", [phases({"slug": "one"}, {"slug": "two"})])
def test_two_open_phases_need_a_name(ada: Shell, live: LiveServer) -> None:
    words = ("submit", "tiny", "-f", live.prediction(), "-m", "x")
    ran = ada(*words)
    assert ran.code == 2
    assert "one, two" in ran.err
    bounded = ada(*words, "--fail-under", "ams=0.1")
    assert bounded.code == 2
    assert "one, two" in bounded.err
    assert ada(*words, "--phase", "two", "--fail-under", "ams=0.1", "--json").json["phase"] == "two"
    assert ada(*words, "--phase", "three").code == 3


def test_not_scored_in_time(ada: Shell, live: LiveServer) -> None:
    live.worker.busy_elsewhere.set()
    words = ("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json")
    ran = ada(*words, "--wait=0.3")
    assert ran.code == 7
    assert ran.json["status"] == "queued"
    assert f"fivesigma submission {ran.json['id']} --wait" in ran.err
    live.worker.busy_elsewhere.clear()
    assert ada("submission", ran.json["id"], "--wait").code == 0


def test_a_score_under_the_bound(ada: Shell, live: LiveServer) -> None:
    words = ("submit", "tiny", "-f", live.prediction(0.5), "-m", "x", "--json")
    ran = ada(*words, "--fail-under", "ams=1000", "--fail-under", "purity=0")
    assert ran.code == 8
    assert ran.json["status"] == "scored"
    assert "under 1000" in ran.err
    assert "purity" not in ran.err
    exactly = ran.json["scores"]["public"]["ams"]["value"]
    shown = ("submission", ran.json["id"], "--fail-under")
    assert ada(*shown, f"ams={exactly}").code == 0
    assert ada(*shown, f"ams={exactly + 0.0001}").code == 8


@pytest.mark.parametrize("bound", ["ams", "ams=", "ams=nan", "ams=inf", "=3", "colour=3"])
def test_what_is_no_bound(shell: Shell, bound: str) -> None:
    shell.at("http://127.0.0.1:1")
    ran = shell("submit", "tiny", "-f", __file__, "-m", "x", "--fail-under", bound)
    assert ran.code == 2


def test_a_bound_that_can_not_be_judged_costs_nothing(ada: Shell, live: LiveServer) -> None:
    words = ("submit", "tiny", "-f", live.prediction(), "-m", "x")
    ran = ada(*words, "--fail-under", "accuracy=0.5")
    assert ran.code == 2
    assert "ams, signal_efficiency, purity" in ran.err
    assert ada("limits", "tiny", "--json").json["used_today"] == 0


def test_where_the_board_is_hidden(ada: Shell, live: LiveServer) -> None:
    live.hide_board()
    words = ("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json")
    ran = ada(*words, "--wait", "--fail-under", "ams=1000")
    assert ran.code == 0
    assert ran.json["status"] == "scored"
    assert ran.json["scores"] is None
    assert "hidden" in ran.err


def test_wrong_use(shell: Shell) -> None:
    shell.at("http://127.0.0.1:1")
    assert shell("submit", "tiny", "-f", __file__).code == 2
    assert shell("submit", "tiny", "-m", "x").code == 2
    ran = shell("submit", "--wait", "tiny", "-f", __file__, "-m", "x")
    assert ran.code == 2
    assert "--wait=600" in ran.err
    assert shell("submit", "tiny", "-f", __file__, "-m", "x", "--wait=-1").code == 2
    key = shell("submit", "tiny", "-f", __file__, "-m", "x", "--idempotency-key", "a\nb")
    assert key.code == 2


@pytest.mark.parametrize("toml", [phases({"limits": {}})])
def test_each_call_is_a_submission_of_its_own_unless_it_has_a_key(
    ada: Shell, live: LiveServer, clock: FrozenClock
) -> None:
    words = ("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json")
    first, second = ada(*words).json["id"], ada(*words).json["id"]
    assert first != second
    keyed = (*words, "--idempotency-key", "run 17")
    third = ada(*keyed).json["id"]
    clock.advance(hours=1)
    assert ada(*keyed).json["id"] == third
    other = ("submit", "tiny", "-f", live.prediction(1.0), "-m", "x", "--idempotency-key", "run 17")
    ran = ada(*other)
    assert ran.code == 3
    assert "Idempotency-Key" in ran.err
