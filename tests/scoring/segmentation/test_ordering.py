"""Sorting in parts, in the same memory: the same numbers, and a list of pixels is refused alike."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import check_file
from fivesigma_scoring.segmentation import ordering
from fivesigma_scoring.segmentation.ordering import ascending


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "ROWS_OF_PARTS", 1)


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("size", [2, 3, 7, 8, 9, 1000, 12_345])
@pytest.mark.parametrize("most", [1, 10, 2**62])
def test_parts_are_sorted_as_the_whole(size: int, most: int) -> None:
    numbers = np.random.default_rng(size).integers(0, most, size)
    expected = np.sort(numbers)
    found = ascending(numbers)
    assert found is numbers
    assert np.array_equal(found, expected)


def shuffled(masks: Any) -> pl.DataFrame:
    frame: pl.DataFrame = masks.table(masks.mine, masks.mine > 0)
    return frame.sample(fraction=1.0, shuffle=True, seed=1)


@pytest.mark.usefixtures("parts")
def test_a_shuffled_list_in_parts_is_accepted(make_masks: Callable[..., Any]) -> None:
    masks = make_masks()
    compiled = masks.compile()
    path = masks.write(shuffled(masks), "mine.csv")
    assert check_file(path, path.name, compiled / "universe").ok


def test_a_repeated_pixel_is_told_by_its_rows_however_it_is_sorted(
    make_masks: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = make_masks()
    universe = masks.compile() / "universe"
    frame = shuffled(masks)
    path = masks.write(pl.concat([frame, frame[5:8]]), "mine.csv")
    whole = check_file(path, path.name, universe)
    assert [one.code for one in whole.findings] == ["duplicate_id"]
    assert list(whole.findings[0].rows) == [len(frame) + row for row in (2, 3, 4)]
    monkeypatch.setattr(ordering, "ROWS_OF_PARTS", 1)
    assert check_file(path, path.name, universe) == whole
