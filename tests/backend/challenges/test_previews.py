"""What published files hold, at a glance: made at load, for whom it is, and of damaged files."""

from __future__ import annotations

import gzip
import io
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from challenge_folder import write_tiny_challenge
from fastapi.testclient import TestClient
from fivesigma_backend.challenges import previews
from fivesigma_backend.challenges.loading import load_challenge
from fivesigma_backend.challenges.models import PublishedFile
from fivesigma_backend.challenges.previews import COLUMNS, ROWS, preview_of
from fivesigma_backend.core.platform import Platform
from page_checks import faults
from people import Browser, make_user
from rescorings import other_truth, rescorings, update
from sqlalchemy import select
from stories import Story

TABLE = pl.DataFrame(
    {
        "id": [7, 8],
        "pt": [551.123456789, None],
        "name": ["a|b", "ü" * 40],
        "px": [[1.5, 2.0, 3.0, 4.0], [0.25]],
    },
    schema_overrides={"px": pl.List(pl.Float32)},
)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def numbers(rows: int = 3, columns: int = 2) -> pl.DataFrame:
    return pl.DataFrame({f"c{one}": np.arange(rows) + 0.5 for one in range(columns)})


def test_a_parquet_table_shows_its_columns_types_and_first_rows(tmp_path: Path) -> None:
    TABLE.write_parquet(tmp_path / "t.parquet")
    assert preview_of(tmp_path / "t.parquet") == {
        "kind": "table",
        "columns": [["id", "int64"], ["pt", "float64"], ["name", "text"],
                    ["px", "list of float32"]],
        "more_columns": 0,
        "rows": [
            ["7", "551.123", "a|b", "[1.5, 2, 3, …]"],
            ["8", "–", "ü" * 23 + "…", "[0.25]"],
        ],
        "count": 2,
    }  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_text_table_shows_its_first_rows(tmp_path: Path, separator: str, packed: bool) -> None:
    text = numbers(1000).write_csv(separator=separator).encode()
    name = "t.csv.gz" if packed else "t.csv"
    found = preview_of(written(tmp_path / name, gzip.compress(text) if packed else text))
    assert found is not None
    assert found["columns"] == [["c0", "float64"], ["c1", "float64"]]
    assert found["rows"] == [[f"{row}.5"] * 2 for row in range(ROWS)]
    assert found["count"] == (None if packed else 1000)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a\n1\n2\n", 2),
        ("a\n1\n2", 2),
        ("a\r\n1\r\n", 1),
        ("a\n", 0),
        ("a", 0),
        ('a\n"1\n"\n', None),
    ],
)
def test_rows_of_a_text_table_are_counted_where_lines_are_rows(
    tmp_path: Path, text: str, count: int | None
) -> None:
    found = preview_of(written(tmp_path / "t.csv", text.encode()))
    assert found is not None
    assert found["count"] == count
    assert found["columns"][0][0] == "a"
    assert len(found["rows"]) == (count if count is not None else 1)


def test_a_long_text_table_is_looked_at_by_its_beginning(tmp_path: Path) -> None:
    found = preview_of(written(tmp_path / "t.csv", b"a,b\n" + b"1,2\n" * 200_000))
    assert found is not None
    assert (found["count"], len(found["rows"])) == (200_000, ROWS)


def test_a_large_parquet_file_is_looked_at_by_its_footer_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers().write_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(previews, "LARGEST_SAMPLED", 10)
    found = preview_of(tmp_path / "t.parquet")
    assert found is not None
    assert (found["count"], found["rows"], len(found["columns"])) == (3, [], 2)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_of_many_columns_the_first_are_shown(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    wide = numbers(3, COLUMNS + 7)
    wide.write_csv(path) if suffix == "csv" else wide.write_parquet(path)
    found = preview_of(path)
    assert found is not None
    assert (len(found["columns"]), found["more_columns"]) == (COLUMNS, 7)
    assert {len(row) for row in found["rows"]} == {COLUMNS}


def test_arrays_are_named_with_shape_and_type(tmp_path: Path) -> None:
    images, ids = np.zeros((1200, 4, 4), np.uint8), np.arange(3)
    np.save(tmp_path / "images.npy", images)
    np.savez(tmp_path / "a.npz", images=images, ids=ids)
    np.savez_compressed(tmp_path / "c.npz", images=images, ids=ids)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/images"] = images
        file["one"] = 2.5
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    rows = [["images", "1,200 × 4 × 4", "uint8"], ["ids", "3", "int64"]]
    assert preview_of(tmp_path / "images.npy") == {"kind": "arrays", "arrays": rows[:1], "more": 0}
    for name in ("a.npz", "c.npz"):
        assert preview_of(tmp_path / name) == {"kind": "arrays", "arrays": rows, "more": 0}
    assert preview_of(tmp_path / "a.h5") == {
        "kind": "arrays",
        "arrays": [["group/images", "1,200 × 4 × 4", "uint8"], ["one", "one value", "float64"]],
        "more": 0,
    }


def test_a_script_can_be_read(tmp_path: Path) -> None:
    script = "import numpy\n\nprint('é <b>')\n"
    assert preview_of(written(tmp_path / "s.py", script.encode())) == {
        "kind": "text",
        "text": script.rstrip("\n"),
        "whole": True,
    }
    long = preview_of(written(tmp_path / "l.py", b"x = 1\n" * 1000))
    assert long is not None
    assert (len(long["text"].splitlines()), long["whole"]) == (previews.TEXT_LINES, False)
    wide = preview_of(written(tmp_path / "w.py", ("é" * 20_000).encode()))
    assert wide is not None
    assert len(wide["text"].encode()) <= previews.TEXT_BYTES


def damaged() -> dict[str, bytes]:
    """Files that are not what their names say, or only half of it."""
    file = io.BytesIO()
    numbers(5000).write_parquet(file)
    parquet = file.getvalue()
    archive = io.BytesIO()
    np.savez(archive, a=np.arange(9))
    objects = io.BytesIO()
    np.save(objects, np.array([Bomb()], dtype=object), allow_pickle=True)
    return {
        "empty.csv": b"",
        "zeros.csv": b"\0" * 5000,
        "utf16.csv": "a,b\n1,2\n".encode("utf-16"),
        "image.csv": b"\x89PNG\r\n\x1a\n",
        "pickle.csv": pickle.dumps(Bomb()),
        "cut.csv.gz": gzip.compress(b"a,b\n" * 9)[:5],
        "cut.parquet": parquet[:-9],
        "head.parquet": parquet[:100],
        "middle.parquet": parquet[:40] + b"\xff" * 400 + parquet[440:],
        "footer.parquet": parquet[:-200] + b"\xff" * 180 + parquet[-20:],
        "text.parquet": b"a,b\n1,2\n",
        "pickle.npy": objects.getvalue(),
        "pickled.npy": pickle.dumps(Bomb()),
        "cut.npz": archive.getvalue()[:-30],
        "text.npz": b"PK\x03\x04",
        "none.npz": b"PK\x05\x06" + b"\0" * 18,
        "text.h5": b"no such thing",
        "cut.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 40,
        "binary.py": b"\0\1\2",
        "latin.py": b"# \xe9\n",
        "unknown.xyz": b"a,b\n",
        "none": b"a,b\n",
    }


class Bomb:
    """What must never be unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('unpickled')",))


@pytest.mark.parametrize("name", damaged())
def test_a_damaged_file_has_no_preview_and_no_fault(tmp_path: Path, name: str) -> None:
    found = preview_of(written(tmp_path / name, damaged()[name]))
    if name != "middle.parquet":  # its footer is whole, so what can be told is told
        assert found is None


def test_every_beginning_of_a_file_is_looked_at_without_a_fault(tmp_path: Path) -> None:
    numbers(30).write_parquet(tmp_path / "t.parquet")
    np.savez(tmp_path / "t.npz", a=np.arange(9), b=np.zeros((2, 2)))
    numbers(9).write_csv(tmp_path / "t.csv")
    for path in sorted(tmp_path.glob("t.*")):
        whole = path.read_bytes()
        for length in range(1, len(whole), max(1, len(whole) // 60)):
            preview_of(written(tmp_path / f"cut{path.suffix}", whole[:length]))


def test_only_who_may_download_sees_what_is_inside(
    web: TestClient, platform: Platform, tmp_path: Path
) -> None:
    folder = write_tiny_challenge(
        tmp_path / "tiny", files={"starter": {"path": "starter.py", "members_only": False}}
    )
    (folder / "starter.py").write_text("print('<b>hello</b>')\n")
    load_challenge(platform, folder, report=lambda _line: None)
    visitor = Browser(web)
    page = visitor.get("/challenges/tiny/data").text
    assert "print(&#39;&lt;b&gt;hello" in page
    assert "<small>float64</small>" not in page
    assert "fivesigma download tiny -f train" not in page
    ada = Browser(web).log_in(platform, make_user(platform, "ada"))
    ada.post("/challenges/tiny/join", page="/challenges/tiny", accept_rules="1")
    page = ada.get("/challenges/tiny/data").text
    assert faults(page) == []
    assert '<th scope="col">x<br><small>float64</small></th>' in page
    assert "200 rows, 4 columns" in page
    assert "fivesigma download tiny -f train" in page
    assert f"{(folder / 'train.csv').read_text().splitlines()[1].split(',')[0]}</td>" in page


def test_a_sample_that_waits_for_a_rescoring_is_looked_at_when_it_takes_over(story: Story) -> None:
    story.person("ada").submit(story.prediction())
    story.drain()
    before = details(story)
    assert before["sample"]["count"] == 200
    folder = other_truth(story)
    lines = (folder / "sample_submission.csv").read_text().splitlines()
    identity, rank, named = lines[1].split(",")
    changed = [identity, rank, "s" if named == "b" else "b"]
    lines[1] = ",".join(changed)
    (folder / "sample_submission.csv").write_text("\n".join(lines))
    update(story, folder)
    assert details(story) == before
    story.drain()
    story.tick()
    assert rescorings(story)[0].ended_at is not None
    after = details(story)
    assert after["sample"]["rows"][0] == changed
    assert after | {"sample": before["sample"]} == before


def details(story: Story) -> dict[str, Any]:
    """What is shown of each published file."""
    with story.platform.db.read() as session:
        return dict(session.execute(select(PublishedFile.name, PublishedFile.details)).all())
