"""Warnings on masks, from the file and the published inputs: each fires, and is silent else."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import Finding, Report, validate_offline
from fivesigma_scoring.segmentation.diagnosis import moves
from fivesigma_scoring.segmentation.habits import absent_classes
from fivesigma_scoring.segmentation.pieces import BLOCK


class Tracks:
    """Events with a few lines of lit pixels, as particles leave them; all of them labelled."""

    def __init__(self, masks: Any) -> None:
        random = np.random.default_rng(7)
        self.masks, shape = masks, masks.shape
        lit = np.zeros((masks.n, *shape), bool)
        for event in lit:
            for _ in range(2):
                start = random.uniform(0.25, 0.6, len(shape)) * shape
                way = random.normal(size=len(shape))
                for step in np.linspace(0, 0.35 * min(shape), 4 * max(shape)):
                    place = np.round(start + step * way / np.abs(way).max()).astype(int)
                    if (place >= 1).all() and (place < np.array(shape) - 1).all():
                        event[tuple(place)] = True
        masks.lit = lit
        masks.truth = (lit * random.integers(1, 4, lit.shape)).astype(np.uint8)
        self.good = masks.truth
        masks.compile()

    def report(self, mask: np.ndarray, form: str = "csv") -> Report:
        masks = self.masks
        if form == "npy":
            report: Report = masks.check(masks.dense(mask, "mine.npy"))
            return report
        return self.report_of(masks.table(mask, mask > 0, places=form == "places"), form)

    def report_of(self, table: pl.DataFrame, form: str = "csv") -> Report:
        name = "mine.parquet" if form == "parquet" else "mine.csv"
        report: Report = self.masks.check(self.masks.write(table, name))
        return report

    def looks(self, report: Report) -> tuple[str, float]:
        """The diagnosis of the only finding, and the share that it promises in percent."""
        [finding] = report.findings
        assert (finding.code, finding.severity) == ("lit_coverage", "warning")
        share, rest = finding.message.split(" % of the lit input pixels get a class above 0. ")
        assert share.startswith("Only ")
        assert float(share.removeprefix("Only ")) < 50
        words, promised = rest.rsplit(", it would be ", 1)
        return words, float(promised.removesuffix(" %."))


@pytest.fixture
def tracks(make_masks: Any) -> Tracks:
    return Tracks(make_masks((24, 32)))


@pytest.fixture
def volumes(make_masks: Any) -> Tracks:
    return Tracks(make_masks((16, 16, 16)))


FORMS = ["csv", "places", "parquet", "npy"]


@pytest.mark.parametrize("form", FORMS)
def test_a_good_file_is_met_with_silence(tracks: Tracks, form: str) -> None:
    assert tracks.report(tracks.good, form).findings == ()


def test_labelling_everything_is_no_fault_of_coverage(tracks: Tracks) -> None:
    everything = np.random.default_rng(1).integers(1, 4, tracks.good.shape).astype(np.uint8)
    assert tracks.report(everything, "npy").findings == ()


Break = Callable[[np.ndarray, np.ndarray], np.ndarray]

BROKEN: Mapping[str, Break] = {
    "The index of the pixels looks 1-based: with 1 subtracted": lambda m, _: np.roll(
        m.reshape(len(m), -1), 1, axis=1
    ).reshape(m.shape),
    "The index of the pixels looks too small by one: with 1 added": lambda m, _: np.roll(
        m.reshape(len(m), -1), -1, axis=1
    ).reshape(m.shape),
    "All coordinates look 1-based: with 1 subtracted": lambda m, _: np.roll(m, (1, 1), (1, 2)),
    "All coordinates look too small by one: with 1 added": lambda m, _: np.roll(
        m, (-1, -1), (1, 2)
    ),
    "row looks 1-based: with 1 subtracted": lambda m, _: np.roll(m, 1, 1),
    "row looks too small by one: with 1 added": lambda m, _: np.roll(m, -1, 1),
    "row looks mirrored: counted from the other end": lambda m, _: m[:, ::-1],
    "col looks mirrored: counted from the other end": lambda m, _: m[:, :, ::-1],
    "The axes look transposed (Fortran order): read as col, row instead of row, col": (
        lambda m, _: m.transpose(0, 2, 1).reshape(m.shape)
    ),
    "The events look shifted by one: with each mask given to the previous event": (
        lambda m, _: np.roll(m, 1, axis=0)
    ),
    "The events look shifted by one: with each mask given to the next event": (
        lambda m, _: np.roll(m, -1, axis=0)
    ),
    "The masks look sorted by event id: in the order of the sample": (
        lambda m, ids: m[np.argsort(ids)]
    ),
    "The events look shuffled: with each mask given to the event that it fits best": (
        lambda m, ids: m[np.random.default_rng(3).permutation(len(ids))]
    ),
}


@pytest.mark.parametrize("form", ["csv", "npy"])
@pytest.mark.parametrize("words", BROKEN)
def test_each_broken_image_is_known_for_what_it_is(tracks: Tracks, words: str, form: str) -> None:
    broken = np.ascontiguousarray(BROKEN[words](tracks.good, tracks.masks.ids))
    found, promised = tracks.looks(tracks.report(broken, form))
    assert found == words
    assert promised > 85


def test_the_exact_text_of_a_diagnosis(tracks: Tracks) -> None:
    report = tracks.report(tracks.good[:, ::-1], "npy")
    lit = tracks.masks.lit
    share = 100 * (lit & lit[:, ::-1]).sum() / lit.sum()
    assert report.findings == (
        Finding(
            "lit_coverage",
            "warning",
            f"Only {share:.1f} % of the lit input pixels get a class above 0. row looks mirrored: "
            "counted from the other end, it would be 100.0 %.",
        ),
    )


def test_ids_that_are_off_by_one(tracks: Tracks) -> None:
    """Every event exists, but each mask is that of the event with the next higher id."""
    masks = tracks.masks
    rank = np.argsort(np.argsort(masks.ids))
    upper = np.sort(masks.ids)[(rank + 1) % masks.n]
    place = np.argsort(masks.ids)[np.searchsorted(np.sort(masks.ids), upper)]
    words, promised = tracks.looks(tracks.report(tracks.good[place]))
    assert words == ("The event ids look too small by one: with each mask given to its neighbour")
    assert promised == 100


@pytest.mark.parametrize("form", ["csv", "places", "parquet"])
@pytest.mark.parametrize("axes", [(2, 1, 0), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)])
def test_every_order_of_three_axes(volumes: Tracks, axes: tuple[int, ...], form: str) -> None:
    """A file whose first column holds the coordinate along `axes[0]`, and so on."""
    broken = volumes.good.transpose(0, *(axis + 1 for axis in axes))
    words, promised = volumes.looks(volumes.report(np.ascontiguousarray(broken), form))
    names = ", ".join("xyz"[axis] for axis in axes)
    fortran = " (Fortran order)" if axes == (2, 1, 0) else ""
    assert words == f"The axes look transposed{fortran}: read as {names} instead of x, y, z"
    assert promised == 100


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_single_axes_of_three(volumes: Tracks, axis: int) -> None:
    words, _ = volumes.looks(volumes.report(np.roll(volumes.good, 1, axis + 1)))
    shifted = f"{'xyz'[axis]} looks 1-based: with 1 subtracted"
    index = "The index of the pixels looks 1-based: with 1 subtracted"
    assert words == (index if axis == 2 else shifted)
    words, _ = volumes.looks(volumes.report(np.flip(volumes.good, axis + 1)))
    assert words == f"{'xyz'[axis]} looks mirrored: counted from the other end"


def test_a_mask_that_no_change_explains(tracks: Tracks) -> None:
    """Labels of a third of the lit pixels alone: no simple change would meet more of them."""
    some = tracks.good * (np.random.default_rng(2).random(tracks.good.shape) < 0.33)
    [finding] = tracks.report(some.astype(np.uint8)).findings
    share = 100 * (some > 0).sum() / (tracks.good > 0).sum()
    assert finding.message == (
        f"Only {share:.1f} % of the lit input pixels get a class above 0. No swap of axes, shift "
        "or other order of the events explains it. Look at the inputs of one event beside your "
        "mask."
    )


def test_coverage_is_judged_at_one_half(tracks: Tracks) -> None:
    event, *place = np.nonzero(tracks.good)
    for kept, codes in ((0.51, []), (0.49, ["lit_coverage"])):
        mask = np.zeros_like(tracks.good)
        chosen = np.random.default_rng(2).permutation(event.size)[: int(kept * event.size)]
        index = (event[chosen], *(axis[chosen] for axis in place))
        mask[index] = tracks.good[index]
        assert [one.code for one in tracks.report(mask, "npy").findings] == codes


def test_coverage_is_silent_where_the_sample_lists_no_inputs(tracks: Tracks) -> None:
    """It names one pixel in each event but one: nobody can mean the lit ones."""
    masks = tracks.masks
    listed = np.zeros_like(masks.lit)
    listed[1:, 5, 5] = True
    masks.lit[:] = True
    masks.compile(
        sample=masks.dense(listed.astype(np.uint8), "sample.npy"), solution=numbered(masks)
    )
    assert tracks.report(np.roll(tracks.good, 3, 1), "npy").findings == ()


def numbered(masks: Any) -> Any:
    path = masks.path / "numbered.npz"
    np.savez(path, mask=masks.truth, usage=masks.usage)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_all_background(tracks: Tracks, form: str) -> None:
    nothing = np.zeros_like(tracks.good)
    if form == "npy":
        report = tracks.report(nothing, form)
    else:
        listed = tracks.masks.table(nothing, tracks.masks.lit, places=form == "places")
        report = tracks.report_of(listed, form)
    text = "Every pixel is predicted as class 0: nothing is labelled, so nothing will be right."
    assert report.findings == (Finding("all_background", "warning", text),)


@pytest.mark.parametrize("form", FORMS)
def test_constant_masks(tracks: Tracks, form: str) -> None:
    ones = 2 * (tracks.good > 0).astype(np.uint8)
    text = "Every pixel that is not class 0 is predicted as class 2 (track)."
    expected = (Finding("constant_prediction", "warning", text),)
    assert tracks.report(ones, form).findings == expected
    assert tracks.report(np.full_like(ones, 2), form).findings == expected


@pytest.mark.parametrize("form", FORMS)
def test_classes_that_are_never_predicted(tracks: Tracks, form: str) -> None:
    some = np.where(tracks.good == 2, 1, tracks.good).astype(np.uint8)
    text = "No pixel is predicted as class 2 (track)."
    expected = Finding("class_never_predicted", "warning", text, None, (), 1)
    assert tracks.report(some, form).findings == (expected,)


def test_with_two_classes_there_is_only_one_to_predict(make_masks: Any) -> None:
    masks = make_masks((24, 32))
    masks.test_set = replace(masks.test_set, classes=("nothing", "particle"))
    masks.phase = None
    masks.truth = (masks.truth > 0).astype(np.uint8)
    masks.compile(phases=[])
    assert masks.check(masks.dense(masks.truth, "mine.npy")).findings == ()


def test_without_names_nobody_knows_the_classes(tracks: Tracks) -> None:
    sample = tracks.masks.dense(tracks.masks.lit.astype(np.uint8), "sample.npy")
    mine = tracks.masks.dense((tracks.good > 0).astype(np.uint8), "mine.npy")
    assert validate_offline(sample, mine).findings == ()


def test_absent_classes_are_looked_for_to_the_end() -> None:
    every = np.ones(3 * BLOCK + 5, np.uint8)
    assert absent_classes(every, 4) == [2, 3]
    every[-1] = 3
    assert absent_classes(every, 4) == [2]
    every[BLOCK] = 2
    assert absent_classes(every, 4) == []
    assert absent_classes(every[:0], 3) == [1, 2]


@pytest.mark.parametrize("shape", [(7,), (5, 4), (3, 4, 5)])
def test_moves_stay_inside_and_keep_pixels_apart(shape: tuple[int, ...]) -> None:
    index = np.arange(int(np.prod(shape)))
    for words, move in moves(shape):
        moved = move(index)
        assert np.unique(moved).size == moved.size, words
        assert moved.min() >= 0, words
        assert moved.max() < index.size, words
        assert moved.size >= index.size // 3, words
        assert not np.array_equal(moved, index), words
