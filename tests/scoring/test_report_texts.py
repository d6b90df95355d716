"""Each code of the validation report, with its exact text and the first offending lines."""

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import zstandard
from fivesigma_scoring import Finding, Report, Universe

Check = Callable[..., Report]

HEADER = b"EventId,Class\n"
GOOD = HEADER + b"100,s\n101,b\n102,b\n103,b\n104,s\n"
SCORED = b"EventId,Class,Score\n100,s,0.9\n101,b,0.1\n102,b,0.2\n103,b,0.3\n104,s,0.8\n"


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=array.dtype.hasobject)
    return buffer.getvalue()


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


def error(
    code: str, message: str, column: str | None = None, rows: tuple[int, ...] = (), count: int = 0
) -> Finding:
    return Finding(code, "error", message, column, rows, count)


def warning(code: str, message: str, column: str | None = None, count: int = 0) -> Finding:
    return Finding(code, "warning", message, column, (), count)


DAMAGED = "is damaged or ends too early. Write it again and send the whole file."
NOT_UTF8 = "The file is not UTF-8 text. Save it as CSV with the encoding UTF-8."
NUL = "The file contains NUL bytes, so it is not a text file. Write it again as CSV in UTF-8."
SEND = "Send CSV (plain, gz, zst or zip of one file), Parquet or .npy."

REFUSED = {
    "empty": (
        b"",
        error("unreadable", "The file is empty. Check that it was written before sending it."),
    ),
    "only a header": (
        HEADER,
        error(
            "wrong_row_count",
            "The file has a header and no rows. Write one row for each of the 5 events.",
        ),
    ),
    "only half a header": (
        b"EventId,Class",
        error(
            "wrong_row_count",
            "The file has a header and no rows. Write one row for each of the 5 events.",
        ),
    ),
    "header of ten million columns": (
        b"EventId,Class," + b"c," * 10_000_000,
        error(
            "unreadable",
            "The first line is longer than 16,384 bytes. It must be a short header that names the "
            "columns, and every event needs a line of its own.",
            None,
            (1,),
            1,
        ),
    ),
    "a line of five million bytes": (
        GOOD + b"9" * 5_000_000,
        error(
            "unreadable",
            "A line is longer than 4,194,304 bytes. Write a line of its own for each row, with the "
            "needed columns only.",
            None,
            (7,),
            1,
        ),
    ),
    "lists of several": (
        parquet(EventId=[100], Class=[["s", "b"]]),
        error(
            "wrong_dtype",
            'The column "Class" is of type lists or structs. Write one value in each row.',
            "Class",
        ),
    ),
    "gz of too many members": (
        gzip.compress(GOOD) + gzip.compress(b"", mtime=0) * 100_000,
        error(
            "wrong_format",
            "The archive contains more than 100,000 compressed parts. Put exactly one CSV file "
            "into it.",
        ),
    ),
    "truncated gz": (gzip.compress(GOOD)[:-6], error("unreadable", "The archive " + DAMAGED)),
    "gz of nothing": (
        gzip.compress(b""),
        error("unreadable", "The file is empty. Check that it was written before sending it."),
    ),
    "truncated zst": (zstandard.compress(GOOD)[:-3], error("unreadable", "The archive " + DAMAGED)),
    "truncated zip": (zipped(a=GOOD)[:-30], error("unreadable", "The archive " + DAMAGED)),
    "truncated Parquet": (
        parquet(EventId=[1], Class=["s"])[:-2],
        error("unreadable", "The Parquet file " + DAMAGED),
    ),
    "truncated npy": (npy(np.ones(5, bool))[:-1], error("unreadable", "The .npy file " + DAMAGED)),
    "UTF-16": (GOOD.decode().encode("utf-16"), error("unreadable", NOT_UTF8, None, (1,), 1)),
    "UTF-16 without a mark": (
        GOOD.decode().encode("utf-16-le"),
        error("unreadable", NUL, None, (1,), 1),
    ),
    "latin-1": (
        b"EventId,note,Class\n100,a,s\n101,\xe9,b\n102,\xfc,b\n",
        error("unreadable", NOT_UTF8, None, (3, 4), 2),
    ),
    "latin-1 in the class": (
        GOOD.replace(b"102,b", b"102,\xe9"),
        error("unreadable", NOT_UTF8, None, (4,), 1),
    ),
    "latin-1 header": (
        "EventId,Class,é\n".encode("latin-1"),
        error("unreadable", NOT_UTF8, None, (1,), 1),
    ),
    "NUL bytes": (GOOD.replace(b"103,b", b"103,\0"), error("unreadable", NUL, None, (5,), 1)),
    "old line ends": (
        GOOD.replace(b"\n", b"\r"),
        error(
            "unreadable",
            "The lines end with carriage returns alone. "
            "Save the file with line feeds (LF or CRLF).",
            None,
            (1,),
            1,
        ),
    ),
    "too many fields": (
        GOOD.replace(b"101,b", b"101,b,7").replace(b"103,b", b"103,b,,"),
        error(
            "unreadable",
            "The header names 2 columns, but 2 lines have more fields. "
            "Write the same number of fields on every line.",
            None,
            (3, 5),
            2,
        ),
    ),
    "pickle": (
        b"\x80\x04\x95\x00",
        error("wrong_format", f"The file is a Python pickle, which is never read. {SEND}"),
    ),
    "HDF5": (b"\x89HDF\r\n\x1a\n\0\0", error("wrong_format", f"The file is an HDF5 file. {SEND}")),
    "zip of two": (
        zipped(a=GOOD, b=GOOD),
        error("wrong_format", "The archive contains 2 files. Put exactly one CSV file into it."),
    ),
    "npz": (
        zipped(a=npy(np.ones(5, bool))),
        error(
            "wrong_format",
            "The archive contains something else than CSV. Put exactly one CSV file into it.",
        ),
    ),
    "no class": (
        b"EventId,Label\n100,s\n",
        error(
            "missing_column",
            'The column "Class" is missing; the first line names: EventId, Label. '
            "Add the column and name it in the first line.",
            "Class",
        ),
    ),
    "no header": (
        b"100,s\n101,b\n",
        error(
            "missing_column",
            'The column "EventId" is missing; the first line names: 100, s. '
            "Add the column and name it in the first line.",
            "EventId",
        ),
        error(
            "missing_column",
            'The column "Class" is missing; the first line names: 100, s. '
            "Add the column and name it in the first line.",
            "Class",
        ),
    ),
    "two class columns": (
        b"EventId,Class,class\n100,s,s\n",
        error(
            "unexpected_column",
            'The column "Class" appears 2 times. Keep one of them.',
            "Class",
            (),
            2,
        ),
    ),
    "duplicate id": (
        GOOD + b"101,b\n104,b\n",
        error(
            "duplicate_id",
            "2 rows repeat ids of earlier rows, the first is 101. Write every event once.",
            "EventId",
            (7, 8),
            2,
        ),
    ),
    "unknown id": (
        GOOD + b"99,b\n",
        error(
            "unknown_id",
            "1 id is not in the test set, the first is 99. "
            "Take the ids from the published test file.",
            "EventId",
            (7,),
            1,
        ),
    ),
    "id beyond 64 bits": (
        GOOD + b"99999999999999999999,b\n-9223372036854775809,b\n",
        error(
            "unknown_id",
            "2 ids are not in the test set, the first is beyond 64 bits. "
            "Take the ids from the published test file.",
            "EventId",
            (7, 8),
            2,
        ),
    ),
    "missing id": (
        GOOD.replace(b"101,b\n", b"").replace(b"103,b\n", b""),
        error(
            "missing_id",
            "2 events of the test set are missing, first: 101, 103. "
            "Predict every event of the test file.",
            "EventId",
            (),
            2,
        ),
    ),
    "ids as floats": (
        GOOD.replace(b",s", b".0,s"),
        error(
            "wrong_dtype",
            'The column "EventId" must hold whole numbers; 2 values do not, the first is "100.0". '
            "Write the ids as they stand in the test file.",
            "EventId",
            (2, 6),
            2,
        ),
    ),
    "empty id": (
        GOOD.replace(b"102,", b","),
        error(
            "wrong_dtype",
            'The column "EventId" is empty in 1 row. Write the id of the event there.',
            "EventId",
            (4,),
            1,
        ),
    ),
    "bad class label": (
        HEADER + b"100,s\n101,x\n102,\n103,maybe\n104,y\n99,y\n98,y\n",
        error(
            "bad_class_label",
            'The column "Class" must hold s or b (or 1/0, true/false); 6 values do not, '
            'the first is "x".',
            "Class",
            (3, 4, 5, 6, 7),
            6,
        ),
    ),
    "probabilities as class": (
        HEADER + b"100,0.9\n101,0.1\n102,0\n103,1\n104,0.5\n",
        error(
            "bad_class_label",
            'The column "Class" holds probabilities where classes were expected. '
            "Apply your cut and write s or b; put the probability into the column Score.",
            "Class",
            (2, 3, 6),
            3,
        ),
    ),
    "NaN": (
        SCORED.replace(b"0.1", b"nan").replace(b"0.2", b"-inf").replace(b"0.3", b"1e400"),
        error(
            "not_finite",
            'The column "Score" has NaN, infinite or empty values (3). '
            "Write finite numbers everywhere.",
            "Score",
            (3, 4, 5),
            3,
        ),
    ),
    "empty score": (
        SCORED.replace(b"0.1", b""),
        error(
            "not_finite",
            'The column "Score" has NaN, infinite or empty values (1). '
            "Write finite numbers everywhere.",
            "Score",
            (3,),
            1,
        ),
    ),
    "score in words": (
        SCORED.replace(b"0.3", b"high"),
        error(
            "wrong_dtype",
            'The column "Score" must hold numbers; 1 value does not, the first is "high". '
            "Write finite numbers, or leave the column out.",
            "Score",
            (5,),
            1,
        ),
    ),
    "too few selected": (
        GOOD.replace(b"s\n", b"b\n").replace(b"Clasb", b"Class"),
        error(
            "too_few_selected",
            "Only 0 events are selected as signal; at least 1 are needed. Loosen your selection.",
            None,
            (),
            0,
        ),
        warning("all_background", "Every event is predicted as background: nothing is selected."),
    ),
    "npy of objects": (
        npy(np.array(["s"] * 5, dtype=object)),
        error(
            "wrong_dtype",
            "The array is of type |O. "
            "Write booleans, integers 0/1, or probabilities as float32 or float64.",
        ),
    ),
    "npy of the other byte order": (
        npy(np.ones(5, ">f8")),
        error(
            "wrong_dtype",
            "The array is of type big-endian >f8. "
            "Write booleans, integers 0/1, or probabilities as float32 or float64.",
        ),
    ),
    "npy in two dimensions": (
        npy(np.ones((5, 2), bool)),
        error(
            "wrong_shape",
            "The array has the shape (5, 2). "
            "Send one dimension with 5 entries, in the order of the test file.",
        ),
    ),
    "npy too short": (
        npy(np.ones(4, bool)),
        error(
            "wrong_row_count",
            "The file has 4 rows, but the test set has 5 events. "
            "Write exactly one row for each event.",
            None,
            (),
            4,
        ),
    ),
    "npy of other integers": (
        npy(np.array([0, 1, 2, 1, 7])),
        error(
            "bad_class_label",
            "The array must hold 0 and 1; 2 values do not, the first is 2.",
            None,
            (3, 5),
            2,
        ),
    ),
    "npy of logits": (
        npy(np.array([0.5, -1.0, 2.0, 0.1, 0.2])),
        error(
            "out_of_range",
            "A float array must hold probabilities between 0 and 1; 2 values do not, the first is "
            "-1.0. Apply your cut and send booleans.",
            None,
            (2, 3),
            2,
        ),
    ),
    "npy with NaN": (
        npy(np.array([0.5, np.nan, 0.5, np.inf, 0.2])),
        error(
            "not_finite",
            "The array has NaN, infinite or empty values (2). Write finite numbers everywhere.",
            None,
            (2, 4),
            2,
        ),
    ),
    "Parquet with float ids": (
        parquet(EventId=[100.0, 101.0], Class=["s", "b"]),
        error(
            "wrong_dtype",
            'The column "EventId" must hold whole numbers; 2 values do not, the first is "100.0". '
            "Write the ids as they stand in the test file.",
            "EventId",
            (1, 2),
            2,
        ),
    ),
    "Parquet with lists": (
        parquet(EventId=[100], Class=[["s"]]),
        error(
            "wrong_dtype",
            'The column "Class" is of type List(String). Write s or b (or 1/0, true/false).',
            "Class",
        ),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_code_text_and_lines(check: Check, name: str) -> None:
    data, *expected = REFUSED[name]
    report = check(data)
    assert report.findings == tuple(expected)
    assert not report.ok


INFORMED = {
    "extra column": (
        b"EventId,Class,mass,x\n100,s,1,2\n101,b,1,2\n102,b,1,2\n103,b,1,2\n104,b,1,2\n",
        warning("unexpected_column", "Columns that are not used were ignored: mass, x.", "mass", 2),
    ),
    "names in another spelling": (
        GOOD.replace(b"EventId,Class", b" event_id , CLASS"),
        warning(
            "column_renamed",
            'The column "event_id" was read as "EventId". Write the name like that.',
            "EventId",
        ),
        warning(
            "column_renamed",
            'The column "CLASS" was read as "Class". Write the name like that.',
            "Class",
        ),
    ),
    "all signal": (
        GOOD.replace(b",b", b",s"),
        warning("all_signal", "Every event is predicted as signal: nothing is rejected."),
    ),
    "constant score": (
        SCORED.replace(b"0.9", b"0.1")
        .replace(b"0.8", b"0.1")
        .replace(b"0.2", b"0.1")
        .replace(b"0.3", b"0.1"),
        warning(
            "constant_prediction",
            "The score has the same value in every row, so it orders nothing.",
            "Score",
        ),
    ),
    "probabilities as npy": (
        npy(np.array([0.9, 0.1, 0.2, 0.5, 0.7], np.float32)),
        warning(
            "probabilities",
            "The array holds probabilities where classes were expected: "
            "values of at least 0.5 were counted as signal. Apply your own cut and send booleans.",
        ),
    ),
}


@pytest.mark.parametrize("name", INFORMED)
def test_accepted_with_a_warning(check: Check, name: str) -> None:
    data, *expected = INFORMED[name]
    report = check(data)
    assert report.findings == tuple(expected)
    assert report.ok


def test_all_background_warns_where_no_minimum_is_set(check: Check, universe: Universe) -> None:
    free = replace(universe, format=replace(universe.format, min_selected=0))
    data = GOOD.replace(b",s", b",b")
    text = "Every event is predicted as background: nothing is selected."
    assert check(data, universe=free).findings == (warning("all_background", text),)


def test_too_large_as_sent(check: Check, universe: Universe) -> None:
    small = replace(universe, format=replace(universe.format, max_bytes=20))
    text = "The file has more than the 20 bytes that are allowed. Send only the columns needed."
    assert check(GOOD, universe=small).findings == (error("too_large", text),)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, lambda data: zipped(a=data)])
def test_too_large_and_zip_bomb_after_decompression(
    check: Check, universe: Universe, pack: object
) -> None:
    assert callable(pack)
    rows = np.random.default_rng(1).bytes(3000).hex().encode()
    capped = replace(universe, format=replace(universe.format, max_expanded_bytes=5000))
    text = (
        "The file expands to more than the 5,000 bytes that are allowed. "
        "Send only the columns needed."
    )
    assert check(pack(rows), universe=capped).findings == (error("too_large", text),)
    bomb = replace(universe, format=replace(universe.format, max_expanded_bytes=2_000_000))
    text = (
        "The file expands to more than fifty times its size and past 2,000,000 bytes. "
        "Send a plain prediction file."
    )
    report = check(pack(b"0" * 30_000_000), universe=bomb)
    expected = error("zip_bomb", text)
    assert report.findings == (expected,)


def test_score_needed(check: Check, universe: Universe) -> None:
    scored = replace(universe, format=replace(universe.format, needs_score=True))
    text = (
        'The column "Score" is missing; the first line names: EventId, Class. '
        "Add the column and name it in the first line."
    )
    assert check(GOOD, universe=scored).findings == (error("missing_column", text, "Score"),)
    assert check(SCORED, universe=scored).ok
    assert check(SCORED.replace(b"Score", b"RankOrder"), universe=scored).ok
    text = (
        "This phase ranks by a score, and a boolean or integer array has none. Send a float array "
        "of probabilities, or CSV with the columns of the sample and Score."
    )
    report = check(npy(np.array([1, 0, 1, 0, 1], bool)), universe=scored)
    assert report.findings == (error("missing_column", text, "Score"),)


def test_flood_of_rows_is_refused_before_parsing(check: Check) -> None:
    data = HEADER + b"1,s\n" * 300_000
    text = (
        "The file has 300,000 rows, but the test set has 5 events. "
        "Write exactly one row for each event."
    )
    assert check(data).findings == (error("wrong_row_count", text, None, (), 300_000),)


def test_pickle_by_name(check: Check) -> None:
    text = f"The file is a Python pickle, which is never read. {SEND}"
    assert check(b"I1\n.", "model.PKL").findings == (error("wrong_format", text),)


def test_json_round_trip(check: Check) -> None:
    report = check(REFUSED["bad class label"][0])
    assert Report.from_json(report.as_json()) == report
    assert report.as_json()["findings"][0] == {
        "code": "bad_class_label",
        "severity": "error",
        "message": report.findings[0].message,
        "column": "Class",
        "rows": [3, 4, 5, 6, 7],
        "count": 6,
    }
