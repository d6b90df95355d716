"""Listing, joining and downloading."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fivesigma_client import BadAnswer, Client
from live_server import LiveServer
from shell import Shell
from unkind_network import Cut, Relay, answer

NAMES = ["sample_submission.csv", "test.csv", "train.csv"]


def test_visitors_see_the_challenges(live: LiveServer, shell: Shell) -> None:
    shell.at(live.url)
    ran = shell("challenges", "list")
    assert (ran.code, ran.err) == (0, "")
    heading, line = ran.out.splitlines()
    assert heading.split() == ["slug", "title", "kind", "phases", "joined"]
    assert "tiny" in line
    assert "final open until 2026-12-21T00:00:00" in line
    assert "\x1b" not in ran.out


def test_joining_needs_the_rules_accepted(live: LiveServer, shell: Shell) -> None:
    shell.at(live.url, live.person("ada", joined=False).token)
    refused = shell("challenges", "join", "tiny", "--json", given="y\n")
    assert refused.code == 3
    assert refused.json["code"] == "rules_not_accepted"
    assert refused.json["exit_code"] == 3
    joined = shell("challenges", "join", "tiny", "--accept-rules")
    assert joined.code == 0
    assert "as the team “ada”" in joined.err
    assert shell("challenges", "join", "tiny", "--json").json["team"] == "ada"


def test_what_is_not_there_or_not_for_visitors(
    live: LiveServer, shell: Shell, tmp_path: Path
) -> None:
    shell.at(live.url)
    assert shell("files", "nothing").code == 3
    assert shell("files", "No/Slug").code == 2
    assert shell("challenges", "join", "tiny", "--accept-rules").code == 3
    assert shell("download", "tiny", "-p", tmp_path / "into").code == 3
    assert list((tmp_path / "into").iterdir()) == []


def test_the_files_are_listed_and_fetched(ada: Shell, live: LiveServer, tmp_path: Path) -> None:
    listed = ada("files", "tiny", "--json").json["items"]
    assert sorted(one["filename"] for one in listed) == NAMES
    assert "Training events" in ada("files", "tiny").out

    into = tmp_path / "new" / "folder"
    ran = ada("download", "tiny", "-p", into)
    assert ran.code == 0
    assert sorted(ran.out.split()) == [str(into / name) for name in NAMES]
    assert sorted(one.name for one in into.iterdir()) == NAMES
    for name in NAMES:
        assert (into / name).read_bytes() == (live.folder / name).read_bytes()


def test_one_file_by_either_of_its_names(ada: Shell, tmp_path: Path) -> None:
    assert ada("download", "tiny", "-f", "train", "-p", tmp_path / "a").code == 0
    assert ada("download", "tiny", "-f", "test.csv", "-p", tmp_path / "a").code == 0
    assert sorted(one.name for one in (tmp_path / "a").iterdir()) == ["test.csv", "train.csv"]
    ran = ada("download", "tiny", "-f", "solution", "-p", tmp_path / "a")
    assert ran.code == 2
    assert "train" in ran.err


def test_what_is_complete_is_not_fetched_again(
    ada: Shell, unkind: Relay, live: LiveServer, tmp_path: Path
) -> None:
    ada.at(unkind.url)
    ada("download", "tiny", "-f", "train", "-p", tmp_path)
    unkind.requests.clear()
    assert ada("download", "tiny", "-f", "train", "-p", tmp_path).code == 0
    assert len(unkind.requests) == 1
    assert "/files HTTP" in unkind.heads()[0]


def test_other_contents_are_replaced_by_force_only(ada: Shell, tmp_path: Path) -> None:
    mine = tmp_path / "train.csv"
    mine.write_text("my own work")
    ran = ada("download", "tiny", "-f", "train", "-p", tmp_path)
    assert ran.code == 2
    assert "--force" in ran.err
    assert mine.read_text() == "my own work"
    assert ada("download", "tiny", "-f", "train", "-p", tmp_path, "--force").code == 0
    assert mine.read_bytes() != b"my own work"


@pytest.mark.parametrize("toml", [{"rows": 20_000}])
def test_a_download_that_was_cut_goes_on_where_it_ended(
    ada: Shell, unkind: Relay, live: LiveServer, tmp_path: Path
) -> None:
    ada.at(unkind.url)
    unkind.fates = [Cut(300_000)]
    cut = ada("download", "tiny", "-f", "train", "-p", tmp_path)
    assert cut.code == 6
    part = tmp_path / "train.csv.part"
    have = part.stat().st_size
    assert 0 < have < 300_000
    assert not (tmp_path / "train.csv").exists()

    assert ada("download", "tiny", "-f", "train", "-p", tmp_path).code == 0
    assert f"\nrange: bytes={have}-" in unkind.heads()[-1].lower()
    whole = (live.folder / "train.csv").read_bytes()
    assert (tmp_path / "train.csv").read_bytes() == whole
    assert not part.exists()


@pytest.mark.parametrize("toml", [{"rows": 20_000}])
def test_a_cut_download_is_repeated_by_itself(
    ada: Shell, unkind: Relay, live: LiveServer, tmp_path: Path
) -> None:
    ada.at(unkind.url)
    unkind.fates = [Cut(300_000), Cut(100_000)]
    ran = ada("download", "tiny", "-f", "train", "-p", tmp_path, "--retries", 2)
    assert ran.code == 0
    assert "Trying again" in ran.err
    assert (tmp_path / "train.csv").read_bytes() == (live.folder / "train.csv").read_bytes()


@pytest.mark.parametrize("length", [10, 10_000_000])
def test_a_part_of_something_else_is_thrown_away(
    ada: Shell, live: LiveServer, tmp_path: Path, length: int
) -> None:
    (tmp_path / "train.csv.part").write_bytes(b"?" * length)
    assert ada("download", "tiny", "-f", "train", "-p", tmp_path).code == 0
    assert (tmp_path / "train.csv").read_bytes() == (live.folder / "train.csv").read_bytes()
    assert [one.name for one in tmp_path.glob("train*")] == ["train.csv"]


def listing(**changes: Any) -> bytes:
    file = {"name": "train", "filename": "train.csv", "size": 4, "sha256": "0" * 64}
    return answer(200, {"items": [file | changes], "next": None})


@pytest.mark.parametrize(
    "name",
    ["../escaped", "/etc/escaped", "..", ".bashrc", "a/b", "a\\b", "C:x", "", "-rf", "a\x1b[2J"],
)
def test_a_server_can_not_choose_where_a_file_goes(
    shell: Shell, invented: Relay, tmp_path: Path, name: str
) -> None:
    shell.at(invented.url)
    invented.fates = [listing(filename=name), answer(200, b"evil")]
    into = tmp_path / "into"
    ran = shell("download", "tiny", "-p", into)
    assert ran.code == 6
    assert "not safe" in ran.err
    assert not into.exists()
    assert len(invented.requests) == 1


def test_a_damaged_file_is_not_kept(shell: Shell, invented: Relay, tmp_path: Path) -> None:
    shell.at(invented.url)
    invented.fates = [listing(), answer(200, b"evil"), answer(200, b"evil")]
    ran = shell("download", "tiny", "-p", tmp_path / "into")
    assert ran.code == 6
    assert "damaged" in ran.err
    assert list((tmp_path / "into").iterdir()) == []


def test_more_than_was_announced_is_not_written(invented: Relay, tmp_path: Path) -> None:
    invented.fates = [listing(), *[answer(200, os.urandom(8_000_000))] * 2]
    written: list[int] = []

    @contextmanager
    def watch(_name: str, _size: int) -> Iterator[Callable[[int], None]]:
        yield written.append

    with Client(invented.url, retries=0) as client, pytest.raises(BadAnswer):
        client.download("tiny", folder=tmp_path / "into", watch=watch)
    assert 4 < max(written) < 1_000_000
    assert list((tmp_path / "into").iterdir()) == []


def test_two_files_of_one_name_do_not_meet(shell: Shell, invented: Relay, tmp_path: Path) -> None:
    shell.at(invented.url)
    sums = {
        "a": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        "b": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
    }
    items = [{"name": name, "filename": "x.csv", "size": 1, "sha256": sums[name]} for name in "ab"]
    invented.fates = [
        answer(200, {"items": items, "next": None}),
        answer(200, b"a"),
        answer(200, b"b"),
    ]
    assert shell("download", "tiny", "-p", tmp_path / "into").code == 0
    found = {one.name: one.read_text() for one in (tmp_path / "into").iterdir()}
    assert found == {"a-x.csv": "a", "b-x.csv": "b"}


def test_a_full_or_forbidden_folder_is_told(ada: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = ada("download", "tiny", "-p", tmp_path / "file" / "below", "--json")
    assert ran.code == 1
    assert json.loads(ran.out)["exit_code"] == 1
    assert str(tmp_path / "file") in ran.err


@pytest.mark.parametrize("toml", [{"registration": {"policy": "code"}}])
def test_joining_by_an_invite_code(live: LiveServer, shell: Shell) -> None:
    root = live.story.person("root", joined=False, admin=True)
    path = "/api/v1/admin/challenges/tiny/participants/codes"
    code = root.post(path, json={"label": "class"}).json()["code"]
    shell.at(live.url, live.person("ada", joined=False).token)
    without = shell("challenges", "join", "tiny", "--accept-rules", "--json")
    assert (without.code, without.json["code"]) == (3, "code_needed")
    assert "--code" in without.json["detail"]
    wrong = shell("challenges", "join", "tiny", "--accept-rules", "--code", "0000", "--json")
    assert (wrong.code, wrong.json["code"]) == (3, "wrong_code")
    right = shell("challenges", "join", "tiny", "--accept-rules", "--code", code.lower(), "--json")
    assert (right.code, right.json["team"]) == (0, "ada")
    assert code not in right.out + right.err


@pytest.mark.parametrize("toml", [{"registration": {"policy": "approval"}}])
def test_asking_to_take_part_and_waiting_is_no_failure(live: LiveServer, shell: Shell) -> None:
    root = live.story.person("root", joined=False, admin=True)
    shell.at(live.url, live.person("ada", joined=False).token)
    for _ in range(2):
        asked = shell("challenges", "join", "tiny", "--accept-rules", "--json")
        assert (asked.code, asked.json["state"], asked.json["team"]) == (0, "waiting", None)
    said = shell("challenges", "join", "tiny", "--accept-rules")
    assert (said.code, said.out) == (0, "")
    assert "The organisers have yet to decide" in said.err
    path = "/api/v1/admin/challenges/tiny/participants/applications/approve"
    assert root.post(path, json={"usernames": ["ada"]}).status_code == 200
    joined = shell("challenges", "join", "tiny", "--accept-rules", "--json")
    assert (joined.code, joined.json["state"], joined.json["team"]) == (0, "joined", "ada")
