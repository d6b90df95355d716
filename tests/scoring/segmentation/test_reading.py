"""Files of masks that are refused, and what the report says of them."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
import pytest
from fivesigma_scoring import Finding, Report


def check(masks: Any, data: bytes, name: str = "mine.csv") -> Report:
    path = masks.path / name
    path.write_bytes(data)
    report: Report = masks.check(path)
    return report


def text(masks: Any, *rows: str, header: str = "event,voxel,class") -> bytes:
    """A good file with further rows before it, whose lines so begin at 2."""
    table = masks.table(masks.mine, masks.mine > 0)
    if "voxel" not in header:
        table = masks.table(masks.mine, masks.mine > 0, places=True)
    return "\n".join([header, *rows, table.write_csv(include_header=False)]).encode()


def only(report: Report) -> Finding:
    assert not report.ok
    [finding] = [one for one in report.findings if one.severity == "error"]
    return finding


def error(code: str, message: str, column: Any = None, rows: Any = (), count: int = 0) -> Finding:
    return Finding(code, "error", message, column, rows, count)


def test_a_pixel_twice(compiled: Any) -> None:
    table = compiled.table(compiled.mine, compiled.mine > 0)
    first = compiled.write(pl.concat([table, table[1:2], table[0:1]]), "mine.csv")
    event, voxel = table["event"][1], table["voxel"][1]
    rows = (table.height + 2, table.height + 3)
    assert only(compiled.check(first)) == error(
        "duplicate_id",
        f"2 rows repeat pixels of earlier rows, the first is pixel {voxel} of event {event}. "
        "List every pixel once.",
        "event",
        rows,
        2,
    )
    places = compiled.table(compiled.mine, compiled.mine > 0, places=True)
    again = compiled.write(pl.concat([places, places[:1]]), "mine.csv")
    row, col = places["row"][0], places["col"][0]
    assert only(compiled.check(again)).message == (
        f"1 row repeats a pixel of earlier rows, the first is pixel ({row}, {col}) of event "
        f"{places['event'][0]}. List every pixel once."
    )


def test_the_same_pixel_with_two_classes_is_twice(compiled: Any) -> None:
    table = compiled.table(compiled.mine, compiled.mine > 0)
    other = table[:1].with_columns(pl.col("class") % 3 + 1)
    path = compiled.write(pl.concat([other, table]), "mine.csv")
    assert only(compiled.check(path)).code == "duplicate_id"


def test_unknown_events(compiled: Any) -> None:
    report = check(compiled, text(compiled, "5,0,1", "5,1,1", "-3,0,1"))
    assert only(report) == error(
        "unknown_id",
        "3 rows belong to events that are not in the test set, the first to 5. Take the ids from "
        "the published test file.",
        "event",
        (2, 3, 4),
        3,
    )
    beyond = only(check(compiled, text(compiled, "99999999999999999999,0,1")))
    assert beyond.message.startswith("1 row belongs to events that are not in the test set, the ")
    assert "the first to beyond 64 bits." in beyond.message


def test_missing_events(compiled: Any) -> None:
    table = compiled.table(compiled.mine, compiled.mine > 0)
    gone = [int(one) for one in compiled.ids[[4, 9]]]
    path = compiled.write(table.filter(~pl.col("event").is_in(gone)), "mine.csv")
    assert only(compiled.check(path)) == error(
        "missing_id",
        f"2 events of the test set are missing, first: {gone[0]}, {gone[1]}. Predict every event; "
        "write one row with class 0 for an event without any labelled pixel.",
        "event",
        (),
        2,
    )
    nothing = pl.DataFrame({"event": gone, "voxel": [0, 0], "class": np.zeros(2, np.uint8)})
    rest = table.filter(~pl.col("event").is_in(gone))
    assert compiled.check(compiled.write(pl.concat([rest, nothing]), "mine.csv")).ok


def test_an_event_without_lit_pixels_may_be_left_out(masks: Any) -> None:
    masks.lit[3] = False
    sample = masks.table(np.ones_like(masks.truth), masks.lit)
    empty = pl.DataFrame({"event": masks.ids[3:4], "voxel": [0], "class": np.zeros(1, np.uint8)})
    masks.compile(sample=masks.write(pl.concat([sample, empty]), "sample.csv"))
    table = masks.table(masks.truth, masks.truth > 0)
    report = masks.check(masks.write(table, "mine.csv"))
    assert only(report).code == "missing_id"  # the sample lists a pixel of it
    masks.compile(
        sample=masks.dense(masks.lit.astype(np.uint8), "sample.npy"), solution=ordered(masks)
    )
    masks.ids = np.arange(masks.n)
    table = masks.table(masks.truth, masks.truth > 0)
    assert not masks.check(masks.write(table, "mine.csv")).findings


def ordered(masks: Any) -> Path:
    path: Path = masks.path / "numbered.npz"
    np.savez(path, mask=masks.truth, usage=masks.usage)
    return path


@pytest.mark.parametrize(
    ("rows", "first", "count"),
    [
        (["{event},-1,1"], "-1", 1),
        (["{event},108,1", "{event},109,1"], "108", 2),
        (["{event},4611686018427387904,1"], "4611686018427387904", 1),
        (["{event},18446744073709551615,1"], "beyond 64 bits", 1),
        (["{event},-99999999999999999999,1"], "beyond 64 bits", 1),
    ],
)
def test_indices_outside_of_the_event(compiled: Any, rows: Any, first: str, count: int) -> None:
    lines = [row.format(event=compiled.ids[0]) for row in rows]
    do_not = "1 value does not" if count == 1 else f"{count} values do not"
    assert only(check(compiled, text(compiled, *lines))) == error(
        "out_of_range",
        'The column "voxel" must lie between 0 and 107, since an event has the shape (12, 9); '
        f"{do_not}, the first is {first}. Look at the shape and at the order of the axes.",
        "voxel",
        tuple(range(2, 2 + count)),
        count,
    )


def test_coordinates_outside_of_the_event(compiled: Any) -> None:
    """Products of such numbers would wrap around and look like good indices."""
    event = compiled.ids[0]
    rows = (f"{event},{2**62},0,1", f"{event},{2**63 - 1},9,1", f"{event},0,-1,1")
    report = check(compiled, text(compiled, *rows, header="event,row,col,class"))
    assert [(one.code, one.column, one.rows, one.count) for one in report.findings] == [
        ("out_of_range", "row", (2, 3), 2),
        ("out_of_range", "col", (3, 4), 2),
    ]
    assert report.findings[1].message == (
        'The column "col" must lie between 0 and 8, since an event has the shape (12, 9); 2 values '
        "do not, the first is 9. Look at the shape and at the order of the axes."
    )


@pytest.mark.parametrize("places", [False, True])
def test_one_based_indices_are_known_for_what_they_are(make_masks: Any, places: bool) -> None:
    masks = make_masks()
    masks.mine[:, -1, -1] = masks.lit[:, -1, -1] = 1
    masks.compile()
    table = masks.table(masks.mine, masks.mine > 0, places=places)
    names = [name for name in table.columns if name not in ("event", "class")]
    path = masks.write(table.with_columns(pl.col(*names) + 1), "mine.csv")
    errors = masks.check(path).findings
    assert [one.column for one in errors] == names
    for one in errors:
        assert one.code == "out_of_range"
        assert one.message.endswith(" It looks 1-based: subtract 1.")


@pytest.mark.parametrize(
    ("value", "first"), [("4", "4"), ("-1", "-1"), ("300", "300"), ("70000", "70000")]
)
def test_classes_that_do_not_exist(compiled: Any, value: str, first: str) -> None:
    report = check(compiled, text(compiled, f"{compiled.ids[0]},0,{value}"))
    assert only(report) == error(
        "bad_class_label",
        'The column "class" must hold the class numbers 0 (nothing), 1 (shower), 2 (track), '
        f"3 (proton); 1 value does not, the first is {first}. Number your classes like that.",
        "class",
        (2,),
        1,
    )


ARGMAX = "Of probabilities or logits take the argmax over the classes."


@pytest.mark.parametrize(
    ("row", "column", "value", "advice"),
    [
        ("{event},0,0.93", "class", "0.93", ARGMAX),
        ("{event},0,track", "class", "track", "Write plain digits."),
        ("{event},0,nan", "class", "nan", ARGMAX),
        ("{event},1.0,1", "voxel", "1.0", "Write it without a decimal point."),
        ("{event},0x1,1", "voxel", "0x1", "Write plain digits."),
        ("{event},١,1", "voxel", "١", "Write plain digits."),
    ],
)
def test_text_that_is_no_number(
    compiled: Any, row: str, column: str, value: str, advice: str
) -> None:
    report = check(compiled, text(compiled, row.format(event=compiled.ids[0])))
    assert only(report) == error(
        "wrong_dtype",
        f'The column "{column}" must hold whole numbers; 1 value does not, the first is "{value}". '
        f"{advice}",
        column,
        (2,),
        1,
    )


def test_values_that_are_missing(compiled: Any) -> None:
    event = compiled.ids[0]
    report = check(compiled, text(compiled, f"{event},0,", f"{event},,1", ",0,1"))
    assert [(one.code, one.column, one.rows) for one in report.findings] == [
        ("wrong_dtype", "event", (4,)),
        ("wrong_dtype", "voxel", (3,)),
        ("wrong_dtype", "class", (2,)),
    ]
    assert report.findings[1].message == (
        'The column "voxel" is empty in 1 row. Write a whole number there.'
    )


def parquet(masks: Any, **columns: pl.Series) -> Report:
    table = masks.table(masks.mine, masks.mine > 0)
    frame = table.with_columns(**columns)
    report: Report = masks.check(masks.write(frame, "mine.parquet"))
    return report


def test_types_of_parquet_columns(compiled: Any) -> None:
    n = compiled.table(compiled.mine, compiled.mine > 0).height
    halves = pl.Series([0.5] * n)
    assert only(parquet(compiled, **{"class": halves})) == error(
        "wrong_dtype",
        'The column "class" is of type Float64. Write class numbers as integers, such as uint8. '
        f"{ARGMAX}",
        "class",
    )
    nan = pl.Series([float("nan")] * n)
    assert only(parquet(compiled, voxel=nan)).message == (
        'The column "voxel" is of type Float64. Write whole numbers, such as int32.'
    )
    assert only(parquet(compiled, event=halves)).code == "wrong_dtype"
    assert only(parquet(compiled, voxel=pl.Series([None] * n))).code == "wrong_dtype"
    lists = pl.Series([[1]] * n)
    assert only(parquet(compiled, voxel=lists)).code == "wrong_dtype"
    wide = pl.Series([2**64 - 1] * n, dtype=pl.UInt64)
    assert only(parquet(compiled, voxel=wide)).code == "out_of_range"
    wide = pl.Series([2**100] * n, dtype=pl.Int128)
    assert only(parquet(compiled, voxel=wide)).code == "out_of_range"
    assert parquet(compiled, event=wide).findings[0].code == "unknown_id"
    assert only(parquet(compiled, **{"class": wide})).code == "bad_class_label"
    flags = pl.Series([True] * n)
    assert parquet(compiled, **{"class": flags}).ok


def test_columns_that_are_missing(compiled: Any) -> None:
    table = compiled.table(compiled.mine, compiled.mine > 0, places=True)
    report = compiled.check(compiled.write(table.drop("col"), "mine.csv"))
    assert only(report).message == (
        'The column "col" is missing; the first line names: event, row, class. '
        "Add the column and name it in the first line."
    )
    report = compiled.check(compiled.write(table.drop("col", "row"), "mine.csv"))
    assert only(report).column == "voxel"
    report = check(compiled, b"1,2,3\n1,2,3\n")
    assert [one.column for one in report.findings if one.severity == "error"] == [
        "event",
        "voxel",
        "class",
    ]


def test_files_without_rows(compiled: Any) -> None:
    assert only(check(compiled, b"")).code == "unreadable"
    message = (
        "The file lists no pixels. Write one row for each pixel with a class above 0, and one row "
        "with class 0 for an event without any."
    )
    assert only(check(compiled, b"event,voxel,class\n")) == error("wrong_row_count", message)
    empty = compiled.table(compiled.mine, np.zeros_like(compiled.lit))
    for name in ("mine.parquet", "mine.npz"):
        assert only(compiled.check(compiled.write(empty, name))).message == message


def test_a_flood_of_rows(masks: Any) -> None:
    masks.test_set = replace(masks.test_set, max_expanded_bytes=2**20)
    masks.compile()
    n = 300_000
    frame = pl.DataFrame(
        {"event": np.zeros(n, np.int64), "voxel": np.zeros(n, np.int64), "class": np.zeros(n, "u1")}
    )
    finding = only(masks.check(masks.write(frame, "mine.parquet")))
    assert finding.code == "wrong_row_count"
    assert finding.message == (
        "The file has 300,000 rows; at most about 12,960 are read. List the lit pixels only: what "
        "is not listed is class 0."
    )


def shape_error(found: str, advice: str) -> Finding:
    return error("wrong_shape", f"The array has the shape {found}. {advice}")


SEND = "Send (60, 12, 9), the events first, in the order of the sample."


@pytest.mark.parametrize(
    ("shape", "found", "advice"),
    [
        ((59, 12, 9), "(59, 12, 9)", SEND),
        ((60, 108), "(60, 108)", SEND),
        ((12, 9), "(12, 9)", f"It looks like one event. {SEND}"),
        ((12, 9, 60), "(12, 9, 60)", f"Its axes look transposed. {SEND}"),
        ((60, 4, 12, 9), "(60, 4, 12, 9)",
         "It looks like one value for each class: take the argmax over axis 1."),
        ((60, 12, 9, 4), "(60, 12, 9, 4)",
         "It looks like one value for each class: take the argmax over axis 3."),
        ((60,), "(60,)", SEND),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["mine.npy", "mine.npz", "mine.h5"])
def test_dense_masks_of_another_shape(
    compiled: Any, name: str, shape: Any, found: str, advice: str
) -> None:
    path = compiled.dense(np.zeros(shape, np.uint8), name)
    assert only(compiled.check(path)) == shape_error(found, advice)


@pytest.mark.parametrize("name", ["mine.npy", "mine.npz", "mine.h5"])
def test_dense_masks_of_floats(compiled: Any, name: str) -> None:
    for dtype in (np.float32, np.float16):
        report = compiled.check(compiled.dense(compiled.mine.astype(dtype), name))
        assert only(report) == error(
            "wrong_dtype",
            f"The array is of type {np.dtype(dtype).name}. Write class numbers as integers, such "
            f"as uint8. {ARGMAX}",
        )


@pytest.mark.parametrize("name", ["mine.npy", "mine.npz", "mine.h5"])
@pytest.mark.parametrize(
    ("dtype", "value"), [(np.uint8, 4), (np.int8, -1), (np.int64, 2**62), (np.uint64, 2**64 - 1)]
)
def test_dense_masks_with_other_classes(compiled: Any, name: str, dtype: Any, value: int) -> None:
    mask = compiled.mine.astype(dtype)
    mask[7, 0, 0] = mask[7, 0, 1] = mask[9, 1, 1] = value
    assert only(compiled.check(compiled.dense(mask, name))) == error(
        "bad_class_label",
        "The array must hold the class numbers 0 (nothing), 1 (shower), 2 (track), 3 (proton); "
        f"3 values do not, the first is {value}. Number your classes like that.",
        None,
        (8, 10),
        3,
    )


@pytest.mark.parametrize("name", ["mine.npy", "mine.npz", "mine.h5"])
def test_dense_volumes_are_too_big_to_be_read(make_masks: Any, name: str) -> None:
    masks = make_masks((4, 4, 4))
    masks.compile()
    assert only(masks.check(masks.dense(masks.mine, name))) == error(
        "wrong_shape",
        "Dense masks are read for events of up to two axes only. Instead list the lit pixels in "
        "the columns event, voxel, class (CSV, Parquet or NPZ).",
    )


def archive(masks: Any, **changes: Any) -> Report:
    table = masks.table(masks.mine, masks.mine > 0)
    arrays = {name: table[name].to_numpy() for name in table.columns} | changes
    kept = {name: array for name, array in arrays.items() if array is not None}
    buffer = io.BytesIO()
    np.savez(buffer, **kept)
    return check(masks, buffer.getvalue(), "mine.npz")


def test_archives_of_columns(compiled: Any) -> None:
    n = compiled.table(compiled.mine, compiled.mine > 0).height
    missing = only(archive(compiled, voxel=None))
    assert (missing.code, missing.column) == ("missing_column", "voxel")
    assert only(archive(compiled, voxel=np.zeros(n - 1, int))) == error(
        "wrong_shape",
        f"The arrays differ in length (event {n:,}, voxel {n - 1:,}, class {n:,}). Write one value "
        "of each for every pixel.",
    )
    assert only(archive(compiled, voxel=np.zeros((n, 1), int))) == error(
        "wrong_shape",
        f'The array "voxel" has the shape ({n}, 1). Write one dimension, one value for each pixel.',
        "voxel",
    )
    assert only(archive(compiled, **{"class": np.full(n, 0.5)})).code == "wrong_dtype"
    assert only(archive(compiled, event=np.full(n, "a"))).code == "wrong_dtype"
    extra = archive(compiled, more=np.zeros(3))
    assert extra.ok
    assert [one.code for one in extra.findings] == ["unexpected_column"]


def test_archives_are_no_place_for_named_events(make_masks: Any) -> None:
    masks = make_masks(text=True)
    masks.compile()
    message = (
        "The events of this test set have names, and an .npz file is read for numbers only. Send "
        "the same columns as CSV or Parquet."
    )
    assert only(archive(masks, event=np.zeros(3, int))).message == message
    path = masks.path / "mine.npz"
    np.savez(path, pred=masks.mine, events=np.arange(masks.n))
    assert only(masks.check(path)).message == message


def test_ids_of_dense_masks(compiled: Any) -> None:
    def report(events: np.ndarray) -> Report:
        path = compiled.path / "mine.npz"
        np.savez(path, pred=compiled.mine, events=events)
        found: Report = compiled.check(path)
        return found

    ids = compiled.ids.copy()
    assert report(ids).ok
    assert only(report(ids[1:])) == error(
        "wrong_shape",
        'The array "events" has the shape (59,). Write one id for each mask, shape (60,).',
        "events",
    )
    ids[7] = ids[2]
    assert only(report(ids)) == error(
        "duplicate_id",
        f'The array "events" repeats ids in 1 place, the first is {ids[2]}. Give every event one '
        "mask.",
        "events",
        (8,),
        1,
    )
    ids[7] = 5
    assert only(report(ids)).code == "unknown_id"
    assert only(report(compiled.ids.astype(float))).code == "wrong_dtype"


def written(masks: Any, name: str) -> bytes:
    path: Path = masks.write(masks.table(masks.mine, masks.lit), name)
    return path.read_bytes()


HOSTILE: dict[str, Callable[[Any], bytes]] = {
    "npy cut": lambda masks: saved(masks.mine)[:-5],
    "npy of objects": lambda masks: saved(masks.mine)[:50].replace(b"|u1", b"|O1") + b"x" * 99,
    "npz cut": lambda masks: written(masks, "a.npz")[:-9],
    "hdf5 cut": lambda masks: masks.dense(masks.mine, "a.h5").read_bytes()[:600],
    "hdf5 without pred": lambda masks: hdf5_named(masks, "other"),
    "parquet cut": lambda masks: written(masks, "a.parquet")[:-9],
    "quotes": lambda _: b'event,voxel,class\n"1,2,3\n4,5,6\n',
    "too many fields": lambda _: b"event,voxel,class\n1,2,3,4\n",
    "nul": lambda _: b"event,voxel,class\n1,2,\x003\n",
    "not utf-8": lambda _: b"event,voxel,class\n1,2,\xff\n",
}


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def hdf5_named(masks: Any, name: str) -> bytes:
    path: Path = masks.path / "b.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(name, data=masks.mine)
    return path.read_bytes()


@pytest.mark.parametrize("name", HOSTILE)
def test_broken_files_are_refused_with_a_reason(compiled: Any, name: str) -> None:
    report = check(compiled, HOSTILE[name](compiled), "mine.bin")
    assert not report.ok
    assert all(one.message for one in report.findings)
