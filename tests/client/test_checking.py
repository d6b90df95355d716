"""`validate` and `score`, on the server and without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from challenge_folder import write_prediction, write_tiny_challenge
from live_server import LiveServer
from shell import Shell
from unkind_network import Relay, answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tiny challenge's folder, without a server."""
    return write_tiny_challenge(tmp_path / "challenge")


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A file with a bad class on line 4 and an id twice, on line 7."""
    return write_broken(write_tiny_challenge(tmp_path / "broken"))


def write_broken(folder: Path) -> Path:
    path = write_prediction(folder, folder / "broken.csv")
    lines = path.read_text().splitlines()
    lines[3] = lines[3][:-1] + "x"
    lines[6] = lines[5]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_own_truth(folder: Path) -> Path:
    """Labels and weights of the test events, as a participant has them of validation events."""
    path = folder / "own.parquet"
    pl.read_csv(folder / "solution.csv").drop("usage").write_parquet(path)
    return path


def test_a_good_file_is_fine_everywhere(ada: Shell, live: LiveServer) -> None:
    file = live.prediction()
    for where in (
        ["tiny"],
        ["--sample", live.folder / "sample_submission.csv"],
        ["--challenge", live.folder],
    ):
        ran = ada("validate", *where, "-f", file)
        assert (ran.code, ran.out) == (0, "")
        assert "fine" in ran.err
    assert ada("validate", "tiny", "-q", "-f", file).err == ""


def test_the_server_and_the_client_find_the_same(
    ada: Shell, live: LiveServer, broken: Path
) -> None:
    sample = live.folder / "sample_submission.csv"
    by_server = ada("validate", "tiny", "-f", broken, "--json")
    offline = ada("validate", "--sample", sample, "-f", broken, "--json")
    assert by_server.code == offline.code == 4
    assert by_server.json == offline.json
    assert by_server.json["ok"] is False
    lines = {one["code"]: one["rows"] for one in by_server.json["findings"]}
    assert lines["bad_class_label"] == [4]


def test_the_table_names_the_lines(shell: Shell, folder: Path, broken: Path) -> None:
    ran = shell("validate", "--challenge", folder, "-f", broken)
    assert ran.code == 4
    heading, *findings = ran.out.splitlines()
    assert heading.split() == ["severity", "message", "column", "lines"]
    line = next(one for one in findings if "Class" in one)
    assert line.startswith("error")
    assert line.split()[-2:] == ["Class", "4"]
    assert "refused" in ran.err


def test_many_lines_are_counted(shell: Shell, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "all-wrong.csv"
    file.write_text((folder / "sample_submission.csv").read_text().replace(",b", ",?"))
    ran = shell("validate", "--challenge", folder, "-f", file)
    assert ran.code == 4
    assert "… (" in ran.out
    assert "in all)" in ran.out


def test_what_is_refused_at_the_door_is_told_the_same_way(
    ada: Shell, live: LiveServer, tmp_path: Path
) -> None:
    file = tmp_path / "prediction.csv"
    file.write_bytes(b"%PDF-1.7 a thesis")
    ran = ada("validate", "tiny", "-f", file)
    assert ran.code == 4
    assert "PDF" in ran.out + ran.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["tiny", "--sample", __file__],
        ["--sample", "nothing.csv"],
        ["--challenge", "no-such-folder"],
    ],
)
def test_wrong_use_of_validate(shell: Shell, broken: Path, words: list[str]) -> None:
    assert shell("validate", *words, "-f", broken).code == 2


def test_a_missing_prediction_is_wrong_use(shell: Shell, tmp_path: Path) -> None:
    shell.at("http://127.0.0.1:1")
    assert shell("validate", "tiny", "-f", tmp_path / "nothing.csv").code == 2
    assert shell("validate", "tiny", "-f", tmp_path).code == 2
    assert shell("validate", "tiny").code == 2


def test_scoring_with_the_folder_is_scoring_on_the_server(ada: Shell, live: LiveServer) -> None:
    file = live.prediction(0.5)
    sent = ada("submit", "tiny", "-f", file, "-m", "x", "--wait", "--json").json
    ran = ada("score", "--challenge", live.folder, "-f", file, "--json")
    assert ran.code == 0
    scores = ran.json["scores"]
    assert set(scores) == {"public", "private"}
    for metric, score in sent["scores"]["public"].items():
        assert round(scores["public"][metric]["value"], 4) == score["value"]


def test_scoring_as_the_site_does_works_without_it_afterwards(ada: Shell, live: LiveServer) -> None:
    truth, file = write_own_truth(live.folder), live.prediction(0.5)
    online = ada("score", "tiny", "--truth", truth, "-f", file, "--json")
    assert online.code == 0
    assert set(online.json["scores"]["all"]) == {"ams", "signal_efficiency", "purity"}
    by_hand = ada(
        *("score", "--metric", "ams", "--options", '{"regularisation": 10}'),
        *("--normalise", '{"s": 100, "b": 1000}', "--truth", truth, "-f", file, "--json"),
    )
    assert by_hand.json["scores"]["all"]["ams"] == online.json["scores"]["all"]["ams"]

    live.web.stop()
    offline = ada("score", "tiny", "--truth", truth, "-f", file, "--json")
    assert offline.code == 0
    assert offline.json == online.json
    assert "can't be reached" in offline.err
    never_seen = ada("score", "other", "--truth", truth, "-f", file)
    assert never_seen.code == 6


def test_weights_that_had_to_be_scaled_are_told(shell: Shell, folder: Path) -> None:
    truth = write_own_truth(folder)
    file = write_prediction(folder, folder / "mine.csv")
    ran = shell(
        *("score", "--metric", "ams", "--normalise", '{"s": 100, "b": 1000}'),
        *("--truth", truth, "-f", file),
    )
    assert ran.code == 0
    assert "warning" in ran.err
    assert ran.out.split()[:6] == ["split", "metric", "score", "all", "ams", ran.out.split()[5]]
    assert "±" in ran.out


def test_what_the_truth_tells_is_shown_with_the_scores(shell: Shell, tmp_path: Path) -> None:
    folder = write_tiny_challenge(tmp_path / "large", rows=2000)
    good = write_prediction(folder, folder / "good.csv")
    swapped = pl.when(pl.col("Class") == "s").then(pl.lit("b")).otherwise(pl.lit("s"))
    bad = folder / "bad.csv"
    pl.read_csv(good).with_columns(swapped.alias("Class")).write_csv(bad)
    own = write_own_truth(folder)
    for where in (["--challenge", folder], ["--metric", "ams", "--truth", own]):
        ran = shell("score", *where, "-f", bad)
        assert ran.code == 0
        assert "The classes look inverted" in ran.err
        assert "look" not in shell("score", *where, "-f", good).err
        document = shell("score", *where, "-f", bad, "--json").json
        assert [one["code"] for one in document["diagnoses"]] == ["looks_inverted"]
    assert "look" not in shell("validate", "--challenge", folder, "-f", bad).err


def test_scoring_a_broken_file(shell: Shell, folder: Path, broken: Path) -> None:
    ran = shell("score", "--challenge", folder, "-f", broken, "--json")
    assert ran.code == 4
    assert ran.json["scores"] is None
    in_words = shell("score", "--metric", "ams", "--truth", write_own_truth(folder), "-f", broken)
    assert in_words.code == 4
    assert "Class" in in_words.out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--metric", "ams"],
        ["tiny"],
        ["--metric", "nothing", "--truth", "TRUTH"],
        ["--metric", "ams", "--options", "[1]", "--truth", "TRUTH"],
        ["--metric", "ams", "--options", '{"colour": 1}', "--truth", "TRUTH"],
        ["--metric", "ams", "--normalise", '{"s": "many"}', "--truth", "TRUTH"],
        ["--metric", "ams", "--normalise", '{"q": 1}', "--truth", "TRUTH"],
        ["--metric", "ams", "--truth", "PREDICTION"],
        ["tiny", "--metric", "ams", "--truth", "TRUTH"],
        ["tiny", "--options", "{}", "--truth", "TRUTH"],
        ["--challenge", "FOLDER", "--truth", "TRUTH"],
        ["--challenge", "FOLDER", "--phase", "other"],
    ],
)
def test_wrong_use_of_score(shell: Shell, folder: Path, words: list[str]) -> None:
    file = write_prediction(folder, folder / "mine.csv")
    meant = {"TRUTH": write_own_truth(folder), "PREDICTION": file, "FOLDER": folder}
    ran = shell("score", *(meant.get(word, word) for word in words), "-f", file)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err


def test_scoring_with_a_folder_shows_its_slices(shell: Shell, tmp_path: Path) -> None:
    """The metrics of a column such as `accuracy@label=b` are computed like any other."""
    folder = write_tiny_challenge(
        tmp_path / "sliced", rows=1000, test_sets={"main": {"slices": ["label"]}}
    )
    toml = (folder / "challenge.toml").read_text()
    named = toml.replace('"purity",', '"accuracy@label=b",')
    assert named != toml
    (folder / "challenge.toml").write_text(named)
    file = write_prediction(folder, folder / "mine.csv")
    ran = shell("score", "--challenge", folder, "-f", file)
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    of_slice = [line for line in lines if line[:3] == ["private", "label=b", "accuracy"]]
    assert len(of_slice) == 1
    assert ["private", "label=b", "ams", "–"] in lines
    document = json.loads(shell("score", "--challenge", folder, "-f", file, "--json").out)
    value = document["slices"]["private"]["label=b"]["accuracy"]
    assert document["columns"]["private"]["accuracy@label=b"] == value
    assert float(of_slice[0][3]) == pytest.approx(value["value"], abs=1e-3)


@pytest.mark.parametrize(
    "toml",
    [
        b"",
        b"slug = ",
        b"\xff\xfe",
        b"phases = 3",
        b'kind = "selection"\n[[phases]]\nslug = "final"\nmetric = "ams"',
        b'kind = "selection"\n[[phases]]\nslug = "final"\nmetric = "ams"\n[test_sets.main]\n'
        b'solution = "../../secret.csv"\nsample = "sample_submission.csv"',
        b'kind = "selection"\n[[phases]]\nslug = "final"\nmetric = "ams"\n[test_sets]\nmain = 3',
        b'kind = "selection"\n[[phases]]\nslug = "final"\nmetric = "ams"\n[test_sets.main]\n'
        b'solution = "solution.csv"\nsample = "sample_submission.csv"\nsplit = {public = 0.5}',
        b'kind = "nothing"\n[[phases]]\nslug = "final"\nmetric = "ams"\n[test_sets.main]\n'
        b'solution = "solution.csv"\nsample = "sample_submission.csv"\nusage = 4',
    ],
)
def test_a_folder_that_is_no_challenge(shell: Shell, folder: Path, toml: bytes) -> None:
    file = write_prediction(folder, folder / "mine.csv")
    (folder / "challenge.toml").write_bytes(toml)
    ran = shell("score", "--challenge", folder, "-f", file)
    assert ran.code == 2
    assert "challenge.toml" in ran.err or "Unknown kind" in ran.err


def test_a_site_that_scores_in_ways_unknown_here(
    shell: Shell, invented: Relay, folder: Path
) -> None:
    phase: dict[str, Any] = {
        "slug": "final", "title": "x", "state": "open", "opens": "", "closes": None,
        "metric": "from_the_future", "metrics": [], "options": {}, "normalise": None,
    }  # fmt: skip
    challenge = {
        "slug": "tiny", "title": "x", "kind": "selection", "summary": "", "joined": True,
        "phases": [phase],
    }  # fmt: skip
    shell.at(invented.url)
    invented.fates = [answer(200, challenge)]
    file = write_prediction(folder, folder / "mine.csv")
    ran = shell("score", "tiny", "--truth", write_own_truth(folder), "-f", file)
    assert ran.code == 2
    assert "from_the_future" in ran.err


def test_json_stays_one_document(shell: Shell, folder: Path) -> None:
    file = write_prediction(folder, folder / "mine.csv")
    ran = shell("--json", "score", "--challenge", folder, "-f", file)
    assert list(json.loads(ran.out)) == ["ok", "findings", "scores", "scorer_version", "diagnoses"]
