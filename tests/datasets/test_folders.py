"""Folders appear complete or not at all, and shipped ones are what their manifest says."""

import json
from pathlib import Path

import pytest
from fivesigma_datasets import DataError
from fivesigma_datasets.folders import (
    card_with,
    checksums,
    finish,
    settings_with,
    start,
    verified,
)


def test_a_folder_has_its_name_only_when_complete(tmp_path: Path) -> None:
    out = tmp_path / "higgsml"
    out.mkdir()
    staging = start(out)
    (staging / "train.csv").write_text("a\n1\n")
    assert list(out.iterdir()) == []
    finish(staging, out)
    assert (out / "train.csv").read_text() == "a\n1\n"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_there_is_never_written_over(tmp_path: Path, is_file: bool) -> None:
    out = tmp_path / "taken"
    if is_file:
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine").touch()
    with pytest.raises(DataError, match="name another folder"):
        start(out)


def test_what_an_ended_run_left_is_cleared(tmp_path: Path) -> None:
    (start(tmp_path / "x") / "half").touch()
    assert list(start(tmp_path / "x").iterdir()) == []


def test_shipped_files_are_checked(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"five sigma")
    sums = checksums(tmp_path, ["a.bin"])
    (tmp_path / "manifest.json").write_text(json.dumps({"sha256": sums}))
    assert verified(tmp_path) == {"sha256": sums}
    (tmp_path / "a.bin").write_bytes(b"four sigma")
    with pytest.raises(DataError, match="reinstall"):
        verified(tmp_path)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"sha256": 3}', '{"sha256": {"b": "0"}}'])
def test_a_manifest_that_says_nothing_is_damage(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(DataError, match="reinstall"):
        verified(tmp_path)


def test_settings_are_replaced_line_by_line() -> None:
    text = 'slug = "x"\ntruth_public = true\n'
    assert settings_with(text, {"truth_public": "false"}) == 'slug = "x"\ntruth_public = false\n'
    with pytest.raises(ValueError, match="not enough values"):
        settings_with(text, {"min_selected": "5"})


def test_a_card_ends_with_its_data() -> None:
    assert card_with("# X\n", ["made by Pythia"]) == "# X\n\n## These data\n\n- made by Pythia\n"
