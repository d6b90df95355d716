"""What one does after handing in: lists, finals, limits, boards."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

from conftest import FrozenClock
from fivesigma_backend.submissions.waiting import WAITS
from live_server import LiveServer, eventually
from shell import Shell
from unkind_network import Relay, answer


def hand_in(shell: Shell, live: LiveServer, *cuts: float) -> list[str]:
    """The ids of scored submissions."""
    words = ("submit", "tiny", "--wait", "--json", "-m")
    return [shell(*words, f"cut at {cut}", "-f", live.prediction(cut)).json["id"] for cut in cuts]


def test_the_list_of_submissions(ada: Shell, live: LiveServer) -> None:
    first, second = hand_in(ada, live, 0.0, 0.5)
    found = ada("submissions", "tiny", "--json").json["items"]
    assert [one["id"] for one in found] == [second, first]
    ran = ada("submissions", "tiny")
    assert ran.code == 0
    assert "cut at 0.5" in ran.out.splitlines()[1]
    assert "ams " in ran.out.splitlines()[1]


def test_all_pages_are_read(shell: Shell, invented: Relay) -> None:
    shell.at(invented.url)
    item = {"title": "", "kind": "", "summary": "", "joined": False, "phases": []}
    invented.fates = [
        answer(200, {"items": [item | {"slug": "a"}], "next": "cursor a"}),
        answer(200, {"items": [item | {"slug": "b"}], "next": None}),
    ]
    ran = shell("challenges", "list", "--json")
    assert [one["slug"] for one in ran.json["items"]] == ["a", "b"]
    assert "cursor=cursor" in invented.heads()[1]


def test_choosing_the_finals(ada: Shell, live: LiveServer) -> None:
    first, second, third = hand_in(ada, live, 0.0, 0.5, 1.0)
    chosen = ada("select", first, second, "--json")
    assert chosen.code == 0
    assert [one["selected"] for one in chosen.json["items"]] == [True, True]
    too_many = ada("select", third, "--json")
    assert too_many.code == 3
    assert set(too_many.json["selected"]) == {first, second}
    assert ada("select", first, "--unselect").code == 0
    assert ada("select", third).code == 0
    listed = ada("submissions", "tiny")
    assert listed.out.count("selected") == 2
    assert "by public score" not in listed.out
    assert "final: As things stand, the best of these" in listed.err
    assert ada("select").code == 2
    assert ada("select", "no-such-id").code == 3


def test_what_counts_is_said_after_each_choice(ada: Shell, live: LiveServer) -> None:
    first, second = hand_in(ada, live, 0.0, 0.5)
    ran = ada("select", first, "--note", "Boosted trees")
    assert "1 that your team selected and 1 with the best public score" in ran.err
    assert "Until 2026-12-21T00:00:00Z." in ran.err
    assert ada("submission", first, "--json").json["note"] == "Boosted trees"
    found = ada("submissions", "tiny", "--json").json["finals"][0]
    assert [(one["id"], one["how"]) for one in found["items"]] == [
        (first, "selected"),
        (second, "filled"),
    ]
    assert "by public score" in ada("submissions", "tiny").out
    quiet = ada("select", first, "--unselect", "-q")
    assert quiet.err == ""


def test_the_result_is_told_after_the_unblinding(
    ada: Shell, live: LiveServer, clock: FrozenClock
) -> None:
    (only,) = hand_in(ada, live, 0.5)
    blind = ada("result", "tiny", "--json")
    assert (blind.code, blind.json["code"]) == (3, "blinded")
    clock.advance(days=30)
    live.story.tick()
    ran = ada("result", "tiny", "--phase", "final")
    assert "Your team “ada” takes 1st place of 1" in ran.err
    assert only in ran.out
    assert ada("result", "tiny", "--json").json["would_have_been"][0]["rank"] == 1


def test_others_submissions_are_not_there(ada: Shell, live: LiveServer) -> None:
    (mine,) = hand_in(ada, live, 0.0)
    ada.at(live.url, live.person("eve").token)
    assert ada("submission", mine).code == 3
    assert ada("cancel", mine).code == 3
    assert ada("submission", "../challenges").code == 3


def test_the_limits(ada: Shell, live: LiveServer) -> None:
    hand_in(ada, live, 0.0)
    found = ada("limits", "tiny", "--json").json
    assert (found["used_today"], found["remaining"], found["per_day"]) == (1, 4, 5)
    ran = ada("limits", "tiny", "--phase", "final")
    assert ran.code == 0
    assert "today (rolling)  1     5" in ran.out
    assert "Left: 4." in ran.err
    assert ada("limits", "tiny", "--phase", "other").code == 3


def test_the_board_in_each_form(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    hand_in(ada, live, 0.5)
    table = ada("leaderboard", "tiny")
    assert table.code == 0
    assert table.out.split()[:4] == ["rank", "team", "ams", "±"]
    assert table.out.splitlines()[1].split()[:2] == ["1", "ada"]
    assert "public split, live" in table.err

    board = ada("leaderboard", "tiny", "--format", "json").json
    assert board == ada("leaderboard", "tiny", "--json").json
    rows = list(csv.DictReader(io.StringIO(ada("leaderboard", "tiny", "--format", "csv").out)))
    assert [one["TeamName"] for one in rows] == ["ada"]
    assert float(rows[0]["Score"]) == board["rows"][0]["score"]

    for name in ("board.csv", "board.json", "board.txt"):
        ran = ada("leaderboard", "tiny", "-d", tmp_path / name)
        assert (ran.code, ran.out) == (0, "")
    assert (tmp_path / "board.csv").read_bytes().startswith(b"Rank,TeamId,TeamName")
    assert (tmp_path / "board.txt").read_bytes() == (tmp_path / "board.csv").read_bytes()
    assert json.loads((tmp_path / "board.json").read_text()) == board
    assert ada("leaderboard", "tiny", "--format", "table", "-d", tmp_path / "x").code == 2
    assert ada("leaderboard", "tiny", "-d", tmp_path / "no" / "folder.csv").code == 1


def test_the_private_board_before_and_after_unblinding(
    ada: Shell, live: LiveServer, clock: FrozenClock
) -> None:
    hand_in(ada, live, 0.5)
    blind = ada("leaderboard", "tiny", "--split", "private", "--json")
    assert blind.code == 3
    assert blind.json["code"] == "blinded"
    clock.advance(days=30)
    live.story.tick()
    opened = ada("leaderboard", "tiny", "--split", "private", "--json")
    assert opened.json["state"] == "unblinded"
    assert ada("leaderboard", "tiny", "--split", "middle").code == 2
    assert ada("leaderboard", "tiny", "--phase", "other").code == 3


def test_a_hidden_board_is_empty(ada: Shell, live: LiveServer) -> None:
    live.hide_board()
    hand_in(ada, live, 0.5)
    ran = ada("leaderboard", "tiny")
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 1
    assert "hidden" in ran.err
    assert ada("submissions", "tiny").code == 0


def test_a_board_of_many_pages(shell: Shell, invented: Relay) -> None:
    row = {"rank": 1, "members": ["x"], "score": 1, "sigma": None, "entries": 1,
           "submitted_at": None}  # fmt: skip
    board = {"phase": "final", "split": "public", "metric": "ams", "higher_is_better": True,
             "state": "live"}  # fmt: skip
    invented.fates = [
        answer(200, board | {"rows": [row | {"team": "a"}], "next": "1"}),
        answer(200, board | {"rows": [row | {"team": "=evil\x1b[1m"}], "next": None}),
    ]
    shell.at(invented.url)
    ran = shell("leaderboard", "tiny", "-q")
    assert [line.split()[1] for line in ran.out.splitlines()[1:]] == ["a", "=evil�[1m"]
    assert ran.err == ""


def test_interrupting_is_told(ada: Shell, live: LiveServer) -> None:
    live.worker.busy_elsewhere.set()
    sent = ada("submit", "tiny", "-f", live.prediction(), "-m", "x", "--json").json
    command = Path(sys.executable).with_name("fivesigma")
    with subprocess.Popen(
        [command, "submission", sent["id"], "--wait"], stderr=subprocess.PIPE, text=True
    ) as waiting:
        eventually(lambda: sum(WAITS._taken.values()), "it waits")
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate()
    assert waiting.returncode == 130
    assert err == "Interrupted.\n"
