"""Rows that stand as the sample does are found out block by block, and in two threads."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring.segmentation import matching, pieces
from fivesigma_scoring.segmentation.matching import Runs, stands_as_sample

LENGTHS = np.array([3, 1, 1, 4, 2, 7, 1])
NUMBERS = np.array([5, 9, 2, 7, 1, 8, 4])
STARTS = np.concatenate([[0], np.cumsum(LENGTHS)[:-1]])
TRUE = np.repeat(NUMBERS, LENGTHS)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 19])
def test_numbers_stand_where_every_row_does(size: int) -> None:
    """Against rows compared one by one, with each single row changed to each other number."""
    runs = Runs(STARTS, NUMBERS)
    for at in range(TRUE.size):
        for number in (*NUMBERS, -1):
            mine = TRUE.copy()
            mine[at] = number
            cut = range(0, mine.size, size)
            stand = [runs.stand(start, mine[start : start + size]) for start in cut]
            assert stand == [
                mine[start : start + size].tolist() == TRUE[start : start + size].tolist()
                for start in cut
            ]


@pytest.mark.parametrize("worth", [1, 10**6])
@pytest.mark.parametrize("block", [1, 4, 100])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_a_list_stands_only_as_the_sample(
    monkeypatch: pytest.MonkeyPatch, block: int, worth: int, dtype: Any
) -> None:
    monkeypatch.setattr(matching, "ROWS_OF_TWO", worth)
    monkeypatch.setattr(pieces, "BLOCK", block)
    lit = np.concatenate([np.arange(n) * 3 for n in LENGTHS]).astype(np.int32)
    universe: Any = SimpleNamespace(
        lit=lit,
        offsets=np.append(STARTS, TRUE.size),
        listed=np.arange(NUMBERS.size),
        ordered=np.arange(NUMBERS.size),
        events=SimpleNamespace(ids=NUMBERS),
        format=SimpleNamespace(shape=(30,)),
    )

    def stands(event: np.ndarray, voxel: np.ndarray) -> bool:
        chunks = pl.concat([pl.Series(event[:6]), pl.Series(event[6:])], rechunk=False)
        places = (voxel[:6], voxel[6:])
        mask: Any = SimpleNamespace(event=chunks, place=(places,), classes=np.zeros(event.size))
        return stands_as_sample(mask, universe)

    event, voxel = TRUE.astype(dtype), lit.astype(dtype)
    assert stands(event, voxel)
    assert not stands(event[:-1], voxel[:-1])
    for at in range(event.size):
        other = voxel.copy()
        other[at] += 1
        assert not stands(event, other)
        wrong = event.copy()
        wrong[at] = 6
        assert not stands(wrong, voxel)
