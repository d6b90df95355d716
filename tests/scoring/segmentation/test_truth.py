"""Solutions of masks: every form gives the same truth, and each fault is told."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import (
    PhaseScoring,
    SolutionError,
    SplitSpec,
    compile_solution,
    score_file,
)
from fivesigma_scoring.splits import make_usage


def scores(masks: Any, solution: Path, **changes: Any) -> Any:
    compiled = masks.compile(solution=solution, **changes)
    path = masks.write(masks.table(masks.mine, masks.mine > 0), "mine.csv")
    outcome = score_file(path, path.name, compiled, "main")
    assert outcome.report.ok, outcome.report
    return outcome.scores


def arrays(masks: Any, name: str = "arrays.npz", **changes: Any) -> Path:
    """A sparse NPZ with a table of events; None leaves an array out."""
    frame = masks.pixels()
    parts = {key: frame[key].to_numpy() for key in frame.columns}
    parts |= {"events": masks.ids, "usage": masks.usage} | changes
    if parts["event"].dtype == object:
        parts["event"] = parts["event"].astype(str)
    path: Path = masks.path / name
    np.savez(path, **{key: array for key, array in parts.items() if array is not None})
    return path


def by_places(masks: Any) -> Path:
    place = np.unravel_index(masks.pixels()["voxel"].to_numpy(), masks.shape)
    return arrays(masks, voxel=None, row=place[0], col=place[1])


def dense(masks: Any, **changes: Any) -> Path:
    order = np.random.default_rng(1).permutation(masks.n)
    parts = {"mask": masks.truth[order], "events": masks.ids[order], "usage": masks.usage[order]}
    path: Path = masks.path / "dense.npz"
    np.savez(path, **{name: one for name, one in (parts | changes).items() if one is not None})
    return path


def in_sample_order(masks: Any) -> Path:
    return dense(masks, mask=masks.truth, events=None, usage=masks.usage)


def numbers_as_usage(masks: Any) -> Path:
    codes = {"ignored": 0, "public": 1, "private": 2}
    return arrays(masks, usage=np.array([codes[one] for one in masks.usage]))


def shuffled(masks: Any) -> Path:
    frame = pl.read_parquet(masks.solution()).sample(fraction=1.0, shuffle=True, seed=1)
    path: Path = masks.write(frame, "shuffled.csv")
    return path


def table_by_places(masks: Any) -> Path:
    frame = pl.read_parquet(masks.solution())
    row, col = np.unravel_index(frame["voxel"].to_numpy(), masks.shape)
    frame = frame.drop("voxel").with_columns(row=pl.Series(row), col=pl.Series(col))
    path: Path = masks.write(frame, "places.parquet")
    return path


FORMS: dict[str, Callable[[Any], Path]] = {
    "csv": lambda masks: masks.solution("solution.csv"),
    "csv shuffled": shuffled,
    "parquet by coordinates": table_by_places,
    "sparse npz": arrays,
    "sparse npz by coordinates": by_places,
    "usage as numbers": numbers_as_usage,
    "dense npz": dense,
    "dense npz in the sample's order": in_sample_order,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_solution_is_the_same_truth(masks: Any, form: str) -> None:
    assert scores(masks, FORMS[form](masks)) == scores(masks, masks.solution())


def test_text_ids_in_archives(make_masks: Callable[..., Any]) -> None:
    masks = make_masks(text=True)
    expected = scores(masks, masks.solution())
    assert scores(masks, arrays(masks)) == expected
    events = np.char.encode(masks.ids, "utf-8")
    frame = masks.pixels()
    inside = np.char.encode(frame["event"].to_numpy().astype(str), "utf-8")
    assert scores(masks, arrays(masks, events=events, event=inside)) == expected


def test_the_form_of_the_sample_does_not_matter(masks: Any) -> None:
    """A dense sample numbers its events, so here they are numbered in all files."""
    masks.ids = np.arange(masks.n)
    expected = scores(masks, masks.solution())
    ones = masks.lit.astype(np.uint8)
    samples = [masks.dense(ones, name) for name in ("s.npy", "s.npz", "s.h5")]
    samples += [masks.sample(name) for name in ("s.csv", "s.parquet", "s.npz")]
    places = masks.table(ones, masks.lit, places=True).sample(fraction=1.0, shuffle=True, seed=4)
    places = pl.concat([places.filter(pl.col("event") == one) for one in range(masks.n)])
    samples.append(masks.write(places, "places.csv"))
    for sample in samples:
        assert scores(masks, masks.solution(), sample=sample) == expected
    universe = {
        path.name: path.read_bytes() for path in (masks.path / "compiled/universe").iterdir()
    }
    masks.compile(sample=masks.dense(ones, "s.npy"))
    again = {path.name: path.read_bytes() for path in (masks.path / "compiled/universe").iterdir()}
    assert universe == again


def test_phases_with_columns_of_their_own(masks: Any) -> None:
    final = np.roll(masks.usage, 7)
    solution = arrays(masks, "two.npz", usage=None, usage_1=masks.usage, usage_1_final=final)
    usage = {"main": "usage_1", "final": "usage_1_final"}
    path = masks.dense(masks.mine, "mine.npy")
    expected = scores(masks, arrays(masks))
    for slug, words in (("main", masks.usage), ("final", final)):
        masks.compile(
            solution=solution,
            test_set=replace(masks.test_set, usage=usage),
            phases=[masks.phase, replace(masks.phase, slug="final")],
        )
        found = score_file(path, "m", masks.path / "compiled", slug).scores
        masks.usage = words
        assert found["private"]["event_accuracy_p80"].value == np.percentile(
            masks.accuracies(masks.mine, "private"), 80
        )
        assert slug == "final" or found == expected


def test_a_drawn_split_draws_events(masks: Any) -> None:
    test_set = replace(masks.test_set, usage=None, split=SplitSpec(0.4, 3))
    found = scores(masks, arrays(masks, usage=None, events=None), test_set=test_set)
    masks.compile(solution=arrays(masks, usage=None), test_set=test_set)
    usage = np.load(masks.path / "compiled/truth/main/usage.npy")
    assert np.array_equal(usage, make_usage(np.zeros(masks.n), public=0.4, seed=3))
    assert (usage == 1).sum() == 24
    masks.usage = np.array(["", "public", "private"])[usage[np.argsort(np.argsort(masks.ids))]]
    assert found["public"]["event_accuracy_p50"].value == np.percentile(
        masks.accuracies(masks.mine, "public"), 50
    )


def test_a_drawn_split_keeps_groups_together_and_shares_of_strata(masks: Any) -> None:
    run = np.arange(masks.n) // 3
    kind = np.where(np.arange(masks.n) < 30, "muon", "electron")
    spec = SplitSpec(0.5, 1, group="run", stratify="kind")
    test_set = replace(masks.test_set, usage=None, split=spec, group="run")
    masks.compile(solution=arrays(masks, usage=None, run=run, kind=kind), test_set=test_set)
    usage = np.load(masks.path / "compiled/truth/main/usage.npy")
    place = np.argsort(np.argsort(masks.ids))
    for one in range(20):
        assert np.unique(usage[place[run == one]]).size == 1
    assert (usage[place[kind == "muon"]] == 1).sum() == 15
    scored = (masks.truth > 0).reshape(masks.n, -1).any(axis=1)
    for code, split in ((1, "public"), (2, "private")):
        group = np.load(masks.path / f"compiled/truth/main/{split}/group.npy")
        expected = run[scored & (usage[place] == code)].astype(str)
        assert np.array_equal(group, np.unique(expected, return_inverse=True)[1])


def test_groups_widen_the_error(masks: Any) -> None:
    """Every event twice, as a pair of one event: sigma as for one of each pair."""
    single = scores(masks, masks.solution())["public"]["event_accuracy_mean"]
    half = (masks.truth, masks.lit, masks.mine, masks.usage, masks.ids)
    masks.truth, masks.lit, masks.mine, masks.usage = (
        np.concatenate([one, one]) for one in half[:4]
    )
    masks.n *= 2
    masks.ids = np.concatenate([half[4], half[4] + 10_000])
    pair = np.concatenate([half[4], half[4]])
    test_set = replace(masks.test_set, group="pair")
    paired = scores(masks, arrays(masks, pair=pair), test_set=test_set)["public"]
    alone = scores(masks, arrays(masks))["public"]
    assert paired["event_accuracy_mean"].value == pytest.approx(single.value)
    assert paired["event_accuracy_mean"].sigma == pytest.approx(single.sigma, rel=0.2)
    assert alone["event_accuracy_mean"].sigma == pytest.approx(single.sigma / 2**0.5, rel=0.2)


def test_scored_pixels_that_are_not_lit_count(masks: Any) -> None:
    """Event 5 has one; the other files of these tests have it too, so count it for itself."""
    alone = np.zeros_like(masks.truth)
    alone.reshape(masks.n, -1)[5, 0] = 2
    masks.truth, masks.mine = alone, alone.copy()
    masks.usage[:] = "ignored"
    masks.usage[5], masks.usage[6] = "public", "private"
    masks.truth[6] = masks.mine[6] = masks.lit[6]
    phase = PhaseScoring("main", "voxel_accuracy")
    mine = masks.mine + 3 * ((masks.mine == 0) & masks.lit).astype(np.uint8)
    right = masks.write(masks.table(mine, mine > 0), "right.csv")
    mine.reshape(masks.n, -1)[5, 0] = 1
    wrong = masks.write(masks.table(mine, mine > 0), "wrong.csv")
    gone = masks.write(masks.table(mine, masks.lit), "gone.csv")
    full = masks.dense(mine, "wrong.npy")
    compiled = masks.compile(phases=[phase])
    found = [
        score_file(path, path.name, compiled, "main").scores["public"]["voxel_accuracy"].value
        for path in (right, wrong, gone, full)
    ]
    assert found == [1.0, 0.0, 0.0, 0.0]


def refused(masks: Any, **changes: Any) -> str:
    with pytest.raises(SolutionError) as caught:
        masks.compile(**changes)
    assert not (masks.path / "compiled").exists()
    return str(caught.value)


def test_faults_of_the_settings(masks: Any) -> None:
    classes = "classes: name 2 to 256 different classes, class 0 (nothing) first."
    for names in (("one",), ("a", "a"), tuple(f"c{at}" for at in range(257))):
        assert refused(masks, test_set=replace(masks.test_set, classes=names)) == classes
    no_shape = replace(masks.test_set, shape=())
    assert refused(masks, test_set=no_shape) == (
        "sample.csv: nothing says the shape of an event. Set shape = [256, 256] (or whatever it "
        "is) in the test set, or add an array 'shape' to an .npz file."
    )
    solution = arrays(masks, shape=np.array([12, 9]))
    masks.compile(solution=solution, test_set=no_shape)
    other = replace(masks.test_set, shape=(9, 12))
    (masks.path / "compiled").rename(masks.path / "old")
    assert refused(masks, solution=solution, test_set=other) == (
        "The shapes of an event differ (arrays.npz: [12, 9]; the test set: [9, 12]). Make them the "
        "same."
    )
    for shape in ((0, 4), (2, 2, 2, 2), (2**40, 2**40)):
        assert "cannot have the shape" in refused(
            masks, test_set=replace(masks.test_set, shape=shape)
        )
    large = replace(masks.test_set, shape=(2**25, 2**25))
    assert "there are more than 18,014,398,509,481,984 pixels in all" in refused(
        masks, test_set=large
    )


def phase(metric: str) -> list[PhaseScoring]:
    return [PhaseScoring("main", metric)]


def test_metrics_without_a_value(masks: Any) -> None:
    assert refused(masks, phases=phase("class_recall_4")) == (
        "Phase main, public split: No pixel of the truth is of class 4, so its recall has no value."
    )
    rows = masks.usage == "private"
    masks.truth[rows] = np.where(masks.truth[rows] == 3, 1, masks.truth[rows])
    assert refused(masks, phases=phase("class_recall_3")).startswith("Phase main, private split: ")
    masks.compile(phases=phase("mean_iou"))


def test_splits_without_events(masks: Any) -> None:
    masks.usage[masks.usage == "private"] = "ignored"
    assert refused(masks) == (
        "Phase main, private split: There is no event in it; both splits need some."
    )
    masks.usage[3] = "private"
    assert refused(masks) == (
        "Phase main, private split: No event of it has a pixel of a class above 0 to score."
    )


def test_declared_totals_are_for_selections(masks: Any) -> None:
    phases = [replace(masks.phase, normalise={"s": 1.0})]
    assert "normalise is for the classes of selections" in refused(masks, phases=phases)


def test_faults_of_the_sample(masks: Any) -> None:
    frame = masks.table(np.ones_like(masks.truth), masks.lit)
    twice = masks.write(pl.concat([frame, frame[:1]]), "sample.csv")
    assert refused(masks, sample=twice).startswith("sample.csv: 1 row repeats a pixel of earlier ")
    assert f"First rows: {frame.height + 2}." in refused(masks, sample=twice)
    classes = masks.write(frame.with_columns(pl.lit(7).alias("class")), "sample.csv")
    assert "must hold the class numbers 0 (nothing)" in refused(masks, sample=classes)
    empty = masks.write(frame[:0], "sample.csv")
    assert "The file lists no pixels." in refused(masks, sample=empty)
    assert "cannot be opened" in refused(masks, sample=masks.path / "none.csv")
    volume = replace(masks.test_set, shape=(12, 3, 3))
    dense = masks.dense(np.ones((60, 12, 3, 3), np.uint8), "s.npy")
    assert "events of up to two axes only" in refused(masks, sample=dense, test_set=volume)
    none = masks.dense(np.ones((0, 12, 9), np.uint8), "s.npy")
    assert refused(masks, sample=none) == "s.npy: there are no events."
    reserved = frame.with_columns(
        event=pl.when(pl.col("event") == int(masks.ids[0])).then(-(2**63)).otherwise("event")
    )
    assert "is reserved" in refused(masks, sample=masks.write(reserved, "sample.csv"))
    long = frame.with_columns(event=pl.lit("x" * 200))
    assert "longer than 128 bytes" in refused(masks, sample=masks.write(long, "sample.csv"))


def test_faults_of_tables(masks: Any) -> None:
    frame = pl.read_parquet(masks.solution())
    first = int(frame["event"][0])
    mixed = frame["usage"].to_list()
    mixed[0] = "private" if mixed[1] == "public" else "public"
    path = masks.write(frame.with_columns(usage=pl.Series(mixed)), "solution.csv")
    assert refused(masks, solution=path) == (
        "solution.csv: 'usage' must be the same in all rows of an event, and differ in event "
        f"{first}."
    )
    path = masks.write(frame.drop("usage"), "solution.csv")
    assert "the column 'usage' is missing" in refused(masks, solution=path)
    words = frame.with_columns(
        usage=pl.when(pl.col("event") == first).then(pl.lit("both")).otherwise("usage")
    )
    assert refused(masks, solution=masks.write(words, "solution.csv")) == (
        "solution.csv: the column 'usage' holds other words than public, private and ignored for "
        f'1 event; first: {first} ("both").'
    )
    other = frame.with_columns(event=pl.when(pl.col("event") == first).then(5).otherwise("event"))
    assert refused(masks, solution=masks.write(other, "solution.csv")) == (
        "solution.csv: 1 event is not in the sample, the first is 5."
    )
    less = masks.write(frame.filter(pl.col("event") != first), "solution.csv")
    assert refused(masks, solution=less) == (
        f"solution.csv: 1 event is missing, the first is {first}. Add a row with "
        "class 0 for an event without any labelled pixel."
    )
    out = masks.write(frame.with_columns(voxel=pl.col("voxel") + 1000), "solution.csv")
    assert refused(masks, solution=out).startswith(
        'solution.csv: The column "voxel" must lie between 0 and 107, since an event has the shape '
    )


def test_faults_of_archives(masks: Any) -> None:
    def of(**changes: Any) -> str:
        return refused(masks, solution=arrays(masks, **changes))

    assert "the column 'events' is missing" in of(events=None)
    assert "the column 'usage' is missing" in of(usage=None)
    assert "the column 'voxel' is missing" in of(voxel=None)
    assert of(usage=masks.usage[1:]) == (
        "arrays.npz: the array 'usage' has the shape (59,), not (60,)."
    )
    assert of(events=np.append(masks.ids[1:], masks.ids[1])) == (
        "arrays.npz: the array 'events' repeats ids."
    )
    assert "holds other words than public, private and ignored" in of(usage=np.full(60, 3))
    objects = np.array([{}] * 60, dtype=object)
    assert of(usage=objects) == (
        "arrays.npz: the array 'usage' cannot be read; save plain numbers or text."
    )
    assert "must hold whole numbers" in of(shape=np.array([12.0, 9.0]))
    assert "is of type Float64" in of(**{"class": np.full(masks.pixels().height, 0.5)})
    events = masks.ids.copy()
    events[0] = 5
    assert "1 event is not in the sample, the first is 5." in of(events=events)
    wrong = refused(masks, solution=dense(masks, mask=masks.truth[:, :, :4]))
    assert "The shapes of an event differ" in wrong
    assert "integers (60, 12, 9) are needed" in refused(
        masks, solution=dense(masks, mask=masks.truth.astype(float))
    )
    assert "must hold the class numbers" in refused(
        masks, solution=dense(masks, mask=masks.truth + np.uint8(9))
    )


def test_a_cut_archive_is_told(masks: Any) -> None:
    path = arrays(masks)
    path.write_bytes(path.read_bytes()[:-30])
    assert refused(masks, solution=path).startswith("arrays.npz: The .npz file is damaged")


def test_compiling_twice_gives_the_same_bytes(masks: Any) -> None:
    def content() -> dict[str, bytes]:
        masks.compile()
        files = (masks.path / "compiled").rglob("*")
        return {str(one): one.read_bytes() for one in files if one.is_file()}

    assert content() == content()


def test_many_classes_are_counted_all_the_same(masks: Any) -> None:
    """Beyond six classes another way of counting takes over."""
    random = np.random.default_rng(4)
    names = tuple(f"class {at}" for at in range(12))
    masks.truth = (masks.lit * random.integers(1, 12, masks.lit.shape)).astype(np.uint8)
    masks.mine = np.where(random.random(masks.lit.shape) < 0.5, masks.truth, masks.lit * 11)
    masks.mine = masks.mine.astype(np.uint8)
    compile_solution(
        masks.solution(),
        masks.sample(),
        masks.path / "compiled",
        test_set=replace(masks.test_set, classes=names),
        phases=[masks.phase],
    )
    path = masks.dense(masks.mine, "mine.npy")
    found = score_file(path, "mine.npy", masks.path / "compiled", "main").scores["private"]
    accuracies = masks.accuracies(masks.mine, "private")
    assert found["event_accuracy_p80"].value == np.percentile(accuracies, 80)
