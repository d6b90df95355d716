"""Big Parquet files are read in two halves at once, and nothing of it shows."""

import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import InputRefusedError
from fivesigma_scoring.files import parquet
from fivesigma_scoring.files.pair import both
from fivesigma_scoring.files.table import Column, Schema
from fivesigma_scoring.findings import too_large

ZSTD = bytes.fromhex("28b52ffd")
SCHEMA = Schema(
    (Column("event", pl.String), Column("value", pl.Int64)),
    10**6,
    10**9,
    lambda _: too_large(0, expanded=True),
)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(parquet, "ROWS_OF_TWO", 1000)
    return tmp_path / "mine.parquet"


def frame(rows: int) -> pl.DataFrame:
    value = np.random.default_rng(3).integers(0, 2**60, rows)
    return pl.DataFrame({"value": value, "event": np.char.add("e", value.astype(str))})


@pytest.mark.parametrize("rows", [999, 1000, 1500, 4321])
@pytest.mark.parametrize("group", [200, 1000, 5000])
def test_halves_are_the_whole(path: Path, rows: int, group: int) -> None:
    wanted = frame(rows)
    wanted.write_parquet(path, row_group_size=group)
    table = parquet.read_parquet(path, lambda _: SCHEMA)
    assert table["value"].to_list() == wanted["value"].to_list()
    assert table["event"].to_list() == wanted["event"].to_list()


def test_the_second_half_begins_with_a_row_group(path: Path) -> None:
    frame(4500).write_parquet(path, row_group_size=1000)
    assert parquet.read_footer(path).middle == 2000
    frame(900).write_parquet(path, row_group_size=1000)
    assert parquet.read_footer(path).middle == 0


@pytest.mark.parametrize("half", [0, 1])
def test_damage_in_either_half_refuses_the_file(path: Path, half: int) -> None:
    frame(4000).write_parquet(path, row_group_size=1000, compression="zstd")
    data = bytearray(path.read_bytes())
    frames = data.index(ZSTD, parquet.read_footer(path).chunks[4 * half].start)
    data[frames : frames + 4] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(InputRefusedError) as refused:
        parquet.read_parquet(path, lambda _: SCHEMA)
    assert [one.code for one in refused.value.findings] == ["unreadable"]


def test_both_run_at_once_and_raise_in_order() -> None:
    meet = threading.Barrier(2, timeout=30)
    assert both(lambda one: (meet.wait(), one)[1], 1, 2) == (1, 2)

    def fail(one: int) -> int:
        raise ValueError(str(one))

    with pytest.raises(ValueError, match="1"):
        both(fail, 1, 2)
    with pytest.raises(ZeroDivisionError):
        both(lambda one: 1 // one, 1, 0)
