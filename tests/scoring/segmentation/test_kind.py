"""Masks end to end: compiled, checked, scored; the same numbers whatever the form of a file."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import zstandard
from fivesigma_scoring import (
    PredictionFormat,
    compare,
    compile_solution,
    read_prediction,
    score,
    score_challenge,
    score_file,
    score_offline,
    sniff,
    validate_offline,
)
from fivesigma_scoring.kinds import KINDS, kind_of_sample
from fivesigma_scoring.universe import FORMAT_FILE

SPLITS = ("public", "private")


def values(masks: Any, path: Path) -> dict[str, dict[str, float]]:
    outcome = score_file(path, path.name, masks.path / "compiled", "main")
    assert outcome.report.ok, outcome.report
    return {
        split: {name: one.value for name, one in scores.items()}
        for split, scores in outcome.scores.items()
    }


def test_scores_are_those_of_plain_loops(compiled: Any) -> None:
    path = compiled.write(compiled.table(compiled.mine, compiled.mine > 0), "mine.csv")
    outcome = score_file(path, path.name, compiled.path / "compiled", "main")
    assert not outcome.report.findings
    for split in SPLITS:
        found = outcome.scores[split]
        accuracies = compiled.accuracies(compiled.mine, split)
        rows = compiled.usage == split
        truth, mine = compiled.truth[rows], compiled.mine[rows]
        scored = truth > 0
        recall = (mine[truth == 2] == 2).sum() / (truth == 2).sum()
        overlaps = [
            ((truth == k) & (mine == k)).sum() / (scored & ((truth == k) | (mine == k))).sum()
            for k in (1, 2, 3)
        ]
        assert found["event_accuracy_p80"].value == np.percentile(accuracies, 80)
        assert found["event_accuracy_p50"].value == np.percentile(accuracies, 50)
        assert found["event_accuracy_mean"].value == pytest.approx(np.mean(accuracies), rel=1e-14)
        assert found["voxel_accuracy"].value == (mine == truth)[scored].sum() / scored.sum()
        assert found["class_recall_2"].value == recall
        assert found["mean_iou"].value == pytest.approx(np.mean(overlaps), rel=1e-14)
        assert {one.n for one in found.values()} == {len(accuracies)}


def as_gz(masks: Any, plain: Path) -> Path:
    path = masks.path / "mine.csv.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


def as_zst(masks: Any, plain: Path) -> Path:
    path = masks.path / "mine.csv.zst"
    path.write_bytes(zstandard.compress(plain.read_bytes()))
    return path


def sparse(name: str, **options: bool) -> Callable[[Any], Path]:
    def write(masks: Any) -> Path:
        return masks.write(masks.table(masks.mine, masks.mine > 0, **options), name)

    return write


def shuffled(name: str) -> Callable[[Any], Path]:
    def write(masks: Any) -> Path:
        frame = masks.table(masks.mine, masks.lit | (masks.mine > 0))
        return masks.write(frame.sample(fraction=1.0, shuffle=True, seed=1), name)

    return write


def with_types(masks: Any) -> Path:
    frame = masks.table(masks.mine, masks.mine > 0, places=True)
    place = [name for name in frame.columns if name not in ("event", "class")]
    casts = [pl.col(name).cast(pl.UInt8) for name in place]
    return masks.write(frame.with_columns(pl.col("class").cast(pl.Int64), *casts), "mine.parquet")


def with_names(masks: Any) -> Path:
    frame = masks.table(masks.mine, masks.mine > 0).rename({"event": "Event", "class": " CLASS "})
    return masks.write(frame, "mine.csv")


FORMS: dict[str, Callable[[Any], Path]] = {
    "csv": sparse("mine.csv"),
    "csv by coordinates": sparse("mine.csv", places=True),
    "csv.gz": lambda masks: as_gz(masks, sparse("mine.csv")(masks)),
    "csv.zst": lambda masks: as_zst(masks, sparse("mine.csv")(masks)),
    "csv with other names": with_names,
    "csv shuffled": shuffled("mine.csv"),
    "parquet": sparse("mine.parquet"),
    "parquet by coordinates": sparse("mine.parquet", places=True),
    "parquet of other types": with_types,
    "parquet shuffled": shuffled("mine.parquet"),
    "npz": sparse("mine.npz"),
    "npz by coordinates": sparse("mine.npz", places=True),
    "npz shuffled": shuffled("mine.npz"),
    "npy": lambda masks: masks.dense(masks.mine, "mine.npy"),
    "npy of int64": lambda masks: masks.dense(masks.mine.astype(np.int64), "mine.npy"),
    "npy in Fortran order": lambda masks: masks.dense(np.asfortranarray(masks.mine), "mine.npy"),
    "hdf5": lambda masks: masks.dense(masks.mine, "mine.h5"),
    "dense npz": lambda masks: masks.dense(masks.mine, "mine.npz"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_bits(compiled: Any, form: str) -> None:
    expected = score_file(sparse("reference.csv")(compiled), "", compiled.path / "compiled", "main")
    path = FORMS[form](compiled)
    outcome = score_file(path, path.name, compiled.path / "compiled", "main")
    assert outcome.report.ok, outcome.report
    assert outcome.scores == expected.scores


TABLES = [form for form in FORMS if form.startswith(("csv", "parquet"))]
INDICES = [form for form in TABLES if "coordinates" not in form and "types" not in form]


@pytest.mark.parametrize(
    ("shape", "form"),
    [((6, 4, 5), form) for form in [*TABLES, "npz", "npz by coordinates"]]
    + [((40,), form) for form in [*INDICES, "npy", "hdf5"]],
)
def test_other_numbers_of_axes(make_masks: Callable[..., Any], shape: Any, form: str) -> None:
    masks = make_masks(shape)
    masks.compile()
    found = values(masks, FORMS[form](masks))
    assert found["public"]["event_accuracy_p80"] == np.percentile(
        masks.accuracies(masks.mine, "public"), 80
    )


@pytest.mark.parametrize("form", TABLES)
def test_events_may_have_names(make_masks: Callable[..., Any], form: str) -> None:
    masks = make_masks(text=True)
    masks.compile()
    found = values(masks, FORMS[form](masks))
    assert found["private"]["event_accuracy_p50"] == np.percentile(
        masks.accuracies(masks.mine, "private"), 50
    )


def test_the_list_of_the_sample_itself_needs_no_search(compiled: Any) -> None:
    mine = compiled.mine * compiled.lit
    whole = compiled.write(compiled.table(mine, compiled.lit), "whole.parquet")
    short = compiled.write(compiled.table(mine, mine > 0), "short.parquet")
    assert values(compiled, whole) == values(compiled, short)


@pytest.mark.parametrize("rows", [[0, 1], [40, 41], [-2, -1]])
def test_two_swapped_rows_are_no_longer_the_list_of_the_sample(compiled: Any, rows: Any) -> None:
    mine = compiled.mine * compiled.lit
    frame = compiled.table(mine, compiled.lit)
    order = np.arange(frame.height)
    order[rows] = order[rows[::-1]]
    path = compiled.write(frame[order], "swapped.parquet")
    assert values(compiled, path) == values(compiled, compiled.write(frame, "whole.parquet"))


def test_an_event_given_to_its_neighbour_is_noticed(compiled: Any) -> None:
    """The pixels stand as in the sample, only the last one of an event says the next event."""
    lit = compiled.lit.reshape(compiled.n, -1)
    last = [int(np.flatnonzero(one)[-1]) for one in lit]
    at = next(
        e for e in range(compiled.n) if not lit[e + 1, last[e]] and compiled.truth[e].flat[last[e]]
    )
    frame = compiled.table(compiled.truth, compiled.lit)
    event = frame["event"].to_numpy().copy()
    event[lit[: at + 1].sum() - 1] = compiled.ids[at + 1]
    path = compiled.write(frame.with_columns(pl.Series("event", event)), "moved.parquet")
    mine = compiled.truth * compiled.lit
    mine[at].reshape(-1)[last[at]] = 0
    expected = compiled.write(compiled.table(mine, compiled.lit), "without.parquet")
    assert values(compiled, path) == values(compiled, expected)


@pytest.mark.parametrize("form", ["csv", "parquet", "npz"])
def test_an_unknown_event_amid_the_list_of_the_sample_is_noticed(compiled: Any, form: str) -> None:
    frame = compiled.table(compiled.truth, compiled.lit)
    event = frame["event"].to_numpy().copy()
    event[compiled.lit[0].sum() // 2] = 5
    path = compiled.write(frame.with_columns(pl.Series("event", event)), f"mine.{form}")
    assert [one.code for one in compiled.check(path).findings] == ["unknown_id"]


def test_dense_events_with_ids_may_stand_anywhere(compiled: Any) -> None:
    order = np.random.default_rng(1).permutation(compiled.n)
    path = compiled.path / "mine.npz"
    np.savez(path, pred=compiled.mine[order], events=compiled.ids[order])
    assert values(compiled, path) == values(compiled, compiled.dense(compiled.mine, "mine.npy"))


@pytest.mark.parametrize("text", [False, True])
def test_the_truth_fed_back_is_perfect(make_masks: Callable[..., Any], text: bool) -> None:
    masks = make_masks(text=text)
    compiled = masks.compile()
    path = KINDS["segmentation"].write_perfect(compiled, masks.path / "perfect.csv")
    for scores in values(masks, path).values():
        assert set(scores.values()) == {1.0}


def test_offline_scores_are_the_servers(masks: Any) -> None:
    rows = masks.usage == "public"
    masks.compile()
    mine = masks.write(masks.table(masks.mine, masks.mine > 0), "mine.csv")
    server = score_file(mine, "mine.csv", masks.path / "compiled", "main").scores["public"]
    ids, truth = masks.ids[rows], masks.truth[rows]
    own = masks.path / "own.npz"
    np.savez(own, events=ids, mask=truth)
    prediction = masks.path / "own.npy"
    np.save(prediction, masks.mine[rows])
    for name, there in server.items():
        here = score_offline(name, {}, None, own, prediction).scores["all"][name]
        assert (here.value, here.n) == (there.value, there.n)
        assert here.sigma == pytest.approx(there.sigma, rel=0.3)
    assert (
        score_challenge(
            masks.solution(), masks.sample(), mine, test_set=masks.test_set, phase=masks.phase
        ).scores["public"]
        == server
    )


def test_own_truth_of_any_form_gives_the_same_score(masks: Any) -> None:
    dense = masks.path / "own.npz"
    np.savez(dense, events=masks.ids, mask=masks.truth)
    bare = masks.dense(masks.truth, "own.npy")
    table = masks.write(masks.pixels(), "own.csv")
    arrays = masks.path / "pixels.npz"
    frame = masks.pixels()
    np.savez(arrays, shape=masks.shape, **{one: frame[one].to_numpy() for one in frame.columns})
    mine = masks.write(masks.table(masks.mine, masks.mine > 0), "mine.csv")
    numbered = masks.dense(masks.mine, "mine.npy")
    scores = [
        score_offline("mean_iou", {}, None, truth, file, test_set=masks.test_set).scores["all"]
        for truth, file in ((dense, mine), (table, mine), (arrays, mine), (bare, numbered))
    ]
    assert scores[0] == scores[1] == scores[2] == scores[3]
    assert scores[0]["mean_iou"].n == masks.n - 1


def test_classes_that_ones_own_truth_lacks_are_wrong_and_no_error(masks: Any) -> None:
    masks.truth[masks.truth == 3] = 1
    truth = masks.path / "own.npz"
    np.savez(truth, mask=masks.truth)
    scored = [
        score_offline(
            "voxel_accuracy", {}, None, truth, masks.dense(np.where(masks.truth, wrong, 0), "m.npy")
        ).scores["all"]["voxel_accuracy"]
        for wrong in (masks.truth, np.full_like(masks.truth, 9))
    ]
    assert [one.value for one in scored] == [1.0, 0.0]


def test_validating_offline_is_the_servers_check(compiled: Any) -> None:
    sample = compiled.path / "sample.csv"
    for name, mask in (("good", compiled.mine), ("zero", 0 * compiled.mine)):
        path = compiled.dense(mask, f"{name}.npy")
        offline = validate_offline(sample, path, test_set=compiled.test_set)
        assert offline == compiled.check(path)
    named = compiled.dense(compiled.lit.astype(np.uint8), "sample.npy")
    assert validate_offline(named, compiled.dense(compiled.mine, "good.npy")).ok


def test_the_kind_is_told_from_a_sample(compiled: Any) -> None:
    ones = compiled.lit.astype(np.uint8)
    files = [
        compiled.path / "sample.csv",
        compiled.dense(ones, "a.npy"),
        compiled.dense(ones, "a.h5"),
    ]
    files += [compiled.dense(ones, "a.npz"), compiled.sample("b.npz"), compiled.sample("b.parquet")]
    assert {kind_of_sample(path) for path in files} == {"segmentation"}


def test_a_check_says_nothing_of_the_truth(masks: Any) -> None:
    """Permuted classes and pixels of the solution leave every answer without quota as it was."""
    files = [
        masks.write(masks.table(masks.mine, masks.mine > 0), "mine.csv"),
        masks.dense(np.roll(masks.mine, 1, axis=0), "rolled.npy"),
        masks.dense(0 * masks.mine, "nothing.npy"),
        masks.write(masks.table(masks.mine, masks.mine > 0)[:-40], "missing.csv"),
        masks.write(masks.table(masks.mine, masks.mine > 0).with_columns(voxel=-1), "out.csv"),
    ]
    universe = masks.compile() / "universe"
    reports = [json.dumps(masks.check(path).as_json()) for path in files]
    held = {path.name: path.read_bytes() for path in universe.iterdir()}
    random = np.random.default_rng(5)
    masks.truth = random.permuted(masks.truth.reshape(masks.n, -1), axis=1).reshape(
        masks.truth.shape
    )
    masks.truth = np.array([0, 2, 3, 1], np.uint8)[masks.truth]
    masks.usage = random.permutation(masks.usage)
    masks.compile()
    assert [json.dumps(masks.check(path).as_json()) for path in files] == reports
    assert {path.name: path.read_bytes() for path in universe.iterdir()} == held


def test_arrays_at_hand(masks: Any) -> None:
    found = score("voxel_accuracy", masks.truth, masks.mine)
    scored = masks.truth > 0
    assert found.value == (masks.truth == masks.mine)[scored].mean()
    assert found.n == masks.n - 1
    better = compare("event_accuracy_mean", masks.truth, masks.truth, masks.mine)
    assert better.difference > 0
    with pytest.raises(ValueError, match="Masks have no weights: every event counts once"):
        score("voxel_accuracy", masks.truth, masks.mine, np.ones(masks.n))
    with pytest.raises(ValueError, match="normalise is for the classes of selections"):
        score("voxel_accuracy", masks.truth, masks.mine, normalise={"s": 1.0})


def test_a_first_look_sees_headers_of_arrays(compiled: Any) -> None:
    form = PredictionFormat.from_json(
        json.loads((compiled.path / "compiled" / "universe" / FORMAT_FILE).read_text())
    )

    def look(path: Path) -> list[str]:
        data = path.read_bytes()
        return [one.code for one in sniff(data[:65536], data[-8:], len(data), path.name, form)]

    assert look(compiled.dense(compiled.mine, "good.npy")) == []
    assert look(compiled.dense(compiled.mine, "good.h5")) == []
    assert look(compiled.dense(compiled.mine, "good.npz")) == []
    assert look(compiled.write(compiled.table(compiled.mine, compiled.lit), "good.csv")) == []
    assert look(compiled.dense(compiled.mine[1:], "short.npy")) == ["wrong_shape"]
    assert look(compiled.dense(compiled.mine.astype(float), "floats.npy")) == ["wrong_dtype"]
    cut = compiled.path / "cut.npy"
    cut.write_bytes((compiled.path / "good.npy").read_bytes()[:-1])
    assert look(cut) == ["unreadable"]
    table = compiled.table(compiled.mine, compiled.lit)
    assert look(compiled.write(table.drop("class"), "no.csv")) == ["missing_column"]
    buffer = io.BytesIO()
    np.save(buffer, compiled.mine)
    volume = PredictionFormat.from_json({**form.as_json(), "shape": [4, 4, 4]})
    findings = sniff(buffer.getvalue(), None, buffer.tell(), "m.npy", volume)
    assert [one.code for one in findings] == ["wrong_shape"]


def test_what_was_read_can_be_read_by_itself(compiled: Any) -> None:
    universe = compiled.path / "compiled" / "universe"
    form = PredictionFormat.from_json(json.loads((universe / FORMAT_FILE).read_text()))
    path = compiled.write(compiled.table(compiled.mine, compiled.mine > 0), "mine.parquet")
    mask: Any = read_prediction(path, form)
    assert mask.event.to_list() == compiled.ids[np.nonzero(compiled.mine)[0]].tolist()
    assert mask.classes.tolist() == compiled.mine[compiled.mine > 0].tolist()


def test_what_a_split_holds_is_told(masks: Any) -> None:
    summary = compile_solution(
        masks.solution(),
        masks.sample(),
        masks.path / "compiled",
        test_set=masks.test_set,
        phases=[masks.phase],
    )
    for split, found in summary.phases["main"].items():
        rows = masks.usage == split
        truth = masks.truth[rows]
        scored = (truth > 0).reshape(len(truth), -1).any(axis=1)
        total = int((truth > 0).sum())
        assert found.n == scored.sum()
        assert found.facts == {
            "n": scored.sum(),
            "n_skipped": (~scored).sum(),
            "n_pixels": total,
            **{f"n_pixels_{k}": (truth == k).sum() for k in (1, 2, 3)},
        }
        shares = [
            f"{k} {name} {(truth == k).sum() / total:.1%}"
            for k, name in enumerate(("shower", "track", "proton"), 1)
        ]
        skipped = int((~scored).sum())
        assert found.text == (
            f"{scored.sum()} events with {total:,} scored pixels ({', '.join(shares)}); "
            f"{skipped} without any {'is' if skipped == 1 else 'are'} skipped"
        )
    assert summary.rows == masks.n
