"""Prediction files of regressions: what is accepted, and what is refused with which words."""

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from fivesigma_scoring import Finding, InputRefusedError, Report, Universe, read_prediction, sniff
from fivesigma_scoring.regression.kind import align

Check = Callable[..., Report]

MASSES = [80.4, 91.1876, 125.25, 172.5, 1e-3]
HEADER = b"event,mass\n"
GOOD = HEADER + b"100,80.4\n101,91.1876\n102,125.25\n103,172.5\n104,1e-3\n"
NUMBER = "Write a finite number for every event, such as 172.5."
SEPARATORS = "Write a decimal point and no thousand separators, such as 1234.5."
ARRAY_TYPES = "numbers in physical units as float64, or as integers or floats of up to 64 bits"


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=array.dtype.hasobject)
    return buffer.getvalue()


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mine.csv", data)
    return buffer.getvalue()


def two(universe: Universe) -> Universe:
    return universe.with_format(replace(universe.format, targets=("px", "py"), bounds=None))


def error(
    code: str, message: str, column: str | None = None, rows: tuple[int, ...] = (), count: int = 0
) -> Finding:
    return Finding(code, "error", message, column, rows, count)


def with_mass(text: str, row: int = 2) -> bytes:
    lines = GOOD.splitlines()
    lines[row + 1] = lines[row + 1].split(b",")[0] + b"," + text.encode()
    return b"\n".join(lines) + b"\n"


def no_number(shown: str, advice: str = NUMBER) -> Finding:
    text = (
        f'The column "mass" must hold numbers; 1 value does not, the first is "{shown}". {advice}'
    )
    return error("wrong_dtype", text, "mass", (4,), 1)


def beyond(shown: str) -> Finding:
    text = (
        'The target "mass" must lie between 0 and 5000; 1 value does not, the first is '
        f"{shown}. Look at the units, and at events without a sensible answer."
    )
    return error("out_of_range", text, "mass", (4,), 1)


NOT_FINITE = error(
    "not_finite",
    'The column "mass" has NaN, infinite or empty values (1). Write finite numbers everywhere.',
    "mass",
    (4,),
    1,
)
ARRAY_NOT_FINITE = (
    "The array has NaN, infinite or empty values (2). Write finite numbers everywhere."
)
ALL_FIVE = (2, 3, 4, 5, 6)

ACCEPTED = {
    "CSV": GOOD,
    "shuffled": HEADER + b"103,172.5\n100,80.4\n104,1e-3\n102,125.25\n101,91.1876\n",
    "semicolons": GOOD.replace(b",", b";"),
    "tabs": GOOD.replace(b",", b"\t"),
    "CRLF, BOM and a blank line": b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n",
    "quotes": GOOD.replace(b"172.5", b'"172.5"'),
    "spaces around numbers": GOOD.replace(b"172.5", b" 1.725e2 "),
    "other spellings": HEADER + b"100,+80.4\n101,91.18760\n102,12525E-2\n103,1725e-1\n104,.001\n",
    "no line feed at the end": GOOD[:-1],
    "gz": gzip.compress(GOOD),
    "zst": zstandard.compress(GOOD),
    "zip": zipped(GOOD),
    "Parquet": parquet(event=range(100, 105), mass=MASSES),
    "Parquet of text": parquet(
        event=[str(one) for one in range(100, 105)], mass=[repr(one) for one in MASSES]
    ),
    "npy": npy(np.array(MASSES[::-1])),
    "npy of one column": npy(np.array(MASSES[::-1])[:, None]),
    "npy in Fortran's order": npy(np.asfortranarray(np.array(MASSES[::-1])[:, None])),
}


@pytest.mark.parametrize("data", ACCEPTED.values(), ids=ACCEPTED)
def test_every_form_gives_the_same_values_to_the_last_bit(
    tmp_path: Path, universe: Universe, data: bytes
) -> None:
    path = tmp_path / "blob"
    path.write_bytes(data)
    aligned = align(read_prediction(path, universe.format), universe)
    assert aligned.values.dtype == np.float64
    assert aligned.values.flags.c_contiguous
    assert aligned.values.tolist() == [[one] for one in MASSES]
    assert aligned.warnings == ()
    assert sniff(data, data[-8:], len(data), "mine", universe.format) == []


REFUSED = {
    "word": (with_mass("heavy"), no_number("heavy")),
    "true": (with_mass("true"), no_number("true")),
    "hexadecimal float": (with_mass("0x1.8p6"), no_number("0x1.8p6")),
    "underscore": (with_mass("1_000"), no_number("1_000")),
    "unicode digits": (with_mass("１７２"), no_number("１７２")),
    "arabic digits": (with_mass("١٧٢"), no_number("١٧٢")),
    "unit": (with_mass("172.5 GeV"), no_number("172.5 GeV")),
    "plus or minus": (with_mass("172.5±0.3"), no_number("172.5±0.3")),
    "very long word": (with_mass("x" * 500), no_number("x" * 37 + "...")),
    "thousand separators": (with_mass('"1,234.5"'), no_number("1,234.5", SEPARATORS)),
    "decimal comma": (with_mass('"172,5"'), no_number("172,5", SEPARATORS)),
    "both, the other way round": (with_mass('"1.234,5"'), no_number("1.234,5", SEPARATORS)),
    "space as separator": (with_mass("1 234.5"), no_number("1 234.5", SEPARATORS)),
    "apostrophe as separator": (with_mass("1'234.5"), no_number("1'234.5", SEPARATORS)),
    "two points": (with_mass("1.234.567"), no_number("1.234.567", SEPARATORS)),
    "semicolons with decimal commas": (
        b"event;mass\n100;80,4\n101;91,1876\n102;125,25\n103;172,5\n104;0,001\n",
        error(
            "wrong_dtype",
            'The column "mass" must hold numbers; 5 values do not, the first is "80,4". '
            + SEPARATORS,
            "mass",
            ALL_FIVE,
            5,
        ),
    ),
    "NaN": (with_mass("nan"), NOT_FINITE),
    "minus infinity": (with_mass("-inf"), NOT_FINITE),
    "beyond the largest float": (with_mass("1e400"), NOT_FINITE),
    "empty field": (with_mass(""), NOT_FINITE),
    "empty quotes": (with_mass('""'), NOT_FINITE),
    "nothing but spaces": (with_mass("  "), NOT_FINITE),
    "short line": (GOOD.replace(b"102,125.25", b"102"), NOT_FINITE),
    "null in Parquet": (
        parquet(event=range(100, 105), mass=[1.0, 2.0, None, 4.0, 5.0]),
        replace(NOT_FINITE, rows=(3,)),
    ),
    "above the bound": (with_mass("172500"), beyond("172500")),
    "just above the bound": (with_mass("5000.000000001"), beyond("5000.000000001")),
    "below the bound": (with_mass("-999"), beyond("-999")),
    "huge but finite": (with_mass("1.5e300"), beyond("1.5e+300")),
    "all above the bound": (
        HEADER + b"100,9000\n101,9001\n102,9002\n103,9003\n104,9004\n",
        error(
            "out_of_range",
            'The target "mass" must lie between 0 and 5000; 5 values do not, the first is 9000. '
            "Look at the units, and at events without a sensible answer.",
            "mass",
            ALL_FIVE,
            5,
        ),
    ),
    "out of range in an array": (
        npy(np.array([1.0, 2.0, 3.0, 5001.5, -1.0])),
        error(
            "out_of_range",
            'The target "mass" must lie between 0 and 5000; 2 values do not, the first is 5001.5. '
            "Look at the units, and at events without a sensible answer.",
            "mass",
            (4, 5),
            2,
        ),
    ),
    "booleans in Parquet": (
        parquet(event=range(100, 105), mass=[True] * 5),
        error("wrong_dtype", 'The column "mass" is of type Boolean. Write finite numbers.', "mass"),
    ),
    "lists in Parquet": (
        parquet(event=range(100, 105), mass=[[1.0]] * 5),
        error(
            "wrong_dtype",
            'The column "mass" is of type List(Float64). Write finite numbers.',
            "mass",
        ),
    ),
    "another column": (
        GOOD.replace(b"mass", b"m"),
        error(
            "missing_column",
            'The column "mass" is missing; the first line names: event, m. '
            "Add the column and name it in the first line.",
            "mass",
        ),
    ),
    "the target twice": (
        GOOD.replace(b"event,mass", b"event,mass,Mass"),
        error(
            "unexpected_column",
            'The column "mass" appears 2 times. Keep one of them.',
            "mass",
            (),
            2,
        ),
    ),
    "ids as floats": (
        GOOD.replace(b"102,", b"102.0,"),
        error(
            "wrong_dtype",
            'The column "event" must hold whole numbers; 1 value does not, the first is "102.0". '
            "Write the ids as they stand in the test file.",
            "event",
            (4,),
            1,
        ),
    ),
    "header alone": (
        HEADER,
        error(
            "wrong_row_count",
            "The file has a header and no rows. Write one row for each of the 5 events.",
        ),
    ),
    "booleans": (
        npy(np.ones(5, bool)),
        error("wrong_dtype", f"The array is of type bool. Write {ARRAY_TYPES}."),
    ),
    "text array": (
        npy(np.array(["1"] * 5)),
        error("wrong_dtype", f"The array is of type <U1. Write {ARRAY_TYPES}."),
    ),
    "big-endian": (
        npy(np.ones(5, ">f8")),
        error("wrong_dtype", f"The array is of type big-endian >f8. Write {ARRAY_TYPES}."),
    ),
    "NaN in an array": (
        npy(np.array([1.0, np.nan, 2.0, -np.inf, 3.0])),
        error("not_finite", ARRAY_NOT_FINITE, None, (2, 4), 2),
    ),
    "four entries": (
        npy(np.ones(4)),
        error(
            "wrong_row_count",
            "The file has 4 rows, but the test set has 5 events. "
            "Write exactly one row for each event.",
            None,
            (),
            4,
        ),
    ),
    "two columns": (
        npy(np.ones((5, 2))),
        error(
            "wrong_shape",
            "The array has the shape (5, 2). Send the shape (5,), one value for each event, in the "
            "order of the test file.",
        ),
    ),
    "no dimension": (
        npy(np.array(1.0)),
        error(
            "wrong_shape",
            "The array has the shape (). Send the shape (5,), one value for each event, in the "
            "order of the test file.",
        ),
    ),
    "three dimensions": (
        npy(np.ones((5, 1, 1))),
        error(
            "wrong_shape",
            "The array has the shape (5, 1, 1). Send the shape (5,), one value for each event, in "
            "the order of the test file.",
        ),
    ),
    "array cut short": (
        npy(np.ones(5))[:-1],
        error(
            "unreadable",
            "The .npy file is damaged or ends too early. Write it again and send the whole file.",
        ),
    ),
}


@pytest.mark.parametrize(("data", "finding"), REFUSED.values(), ids=REFUSED)
def test_refused(check: Check, data: bytes, finding: Finding) -> None:
    assert [one for one in check(data).findings if one.severity == "error"] == [finding]


def test_ids_are_repeated_unknown_missing_or_beyond_64_bits(check: Check) -> None:
    report = check(GOOD.replace(b"103,", b"102,").replace(b"104,", b"9223372036854775808,"))
    assert [(one.code, one.rows, one.count) for one in report.findings] == [
        ("duplicate_id", (5,), 1),
        ("unknown_id", (6,), 1),
        ("missing_id", (), 2),
    ]
    assert "the first is beyond 64 bits" in report.findings[1].message


def test_without_bounds_only_values_that_cannot_be_squared_are_refused(
    check: Check, universe: Universe
) -> None:
    free = universe.with_format(replace(universe.format, bounds=None))
    assert check(with_mass("-1e50"), universe=free).ok
    report = check(with_mass("-1.1e50"), universe=free)
    assert report.findings[0].message == (
        'The target "mass" must lie between -1e+50 and 1e+50; 1 value does not, the first is '
        "-1.1e+50. Look at the units, and at events without a sensible answer."
    )


def test_bounds_belong_to_the_range(check: Check) -> None:
    data = HEADER + b"100,0\n101,5000\n102,-0.0\n103,5e3\n104,1\n"
    assert check(data).ok
    assert check(data.replace(b"104,1", b"104,-1")).findings[0].count == 1


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_every_number_type_and_order(
    tmp_path: Path, universe: Universe, dtype: str, order: str
) -> None:
    both = two(universe)
    numbers = np.arange(10).reshape(5, 2).astype(dtype)
    path = tmp_path / "blob"
    path.write_bytes(npy(np.array(numbers, order=order)))
    aligned = align(read_prediction(path, both.format), both)
    assert aligned.values.flags.c_contiguous
    assert aligned.values.tolist() == numbers[::-1].astype(float).tolist()


def test_half_precision_is_not_rounded_further(tmp_path: Path, universe: Universe) -> None:
    values = np.array([0.1, 80.4, 91.2, 125.3, 172.5])
    path = tmp_path / "blob"
    for dtype in (np.float16, np.float32):
        path.write_bytes(npy(values.astype(dtype)))
        aligned = align(read_prediction(path, universe.format), universe)
        assert aligned.values[::-1, 0].tolist() == [float(one) for one in values.astype(dtype)]


def test_float32_in_parquet_is_the_number_it_stands_for(tmp_path: Path, universe: Universe) -> None:
    masses = np.array(MASSES, np.float32)
    path = tmp_path / "blob"
    path.write_bytes(parquet(event=range(100, 105), mass=masses))
    aligned = align(read_prediction(path, universe.format), universe)
    assert aligned.values[:, 0].tolist() == [float(one) for one in masses]


def test_two_targets_whatever_the_order_of_their_columns(
    tmp_path: Path, universe: Universe, check: Check
) -> None:
    both = two(universe)
    path = tmp_path / "blob"
    path.write_bytes(
        b"PY,event,p_x\n" + b"".join(b"%d,%d,-%d\n" % (n, n, n) for n in range(100, 105))
    )
    aligned = align(read_prediction(path, both.format), both)
    assert aligned.values.tolist() == [[-n, n] for n in range(100, 105)]
    assert aligned.values.flags.c_contiguous
    assert [(one.code, one.message) for one in aligned.warnings] == [
        ("column_renamed", 'The column "p_x" was read as "px". Write the name like that.'),
        ("column_renamed", 'The column "PY" was read as "py". Write the name like that.'),
    ]
    shape = check(npy(np.ones((2, 5))), universe=both).findings[0]
    assert shape.message == (
        "The array has the shape (2, 5). Send the shape (5, 2), one column for each of px, py, in "
        "the order of the test file."
    )
    assert check(npy(np.ones(5)), universe=both).findings[0].code == "wrong_shape"
    report = check(npy(np.array([[1, 2], [np.nan, 3], [4, np.inf], [5, 6], [7, 8]])), universe=both)
    assert report.findings == (error("not_finite", ARRAY_NOT_FINITE, None, (2, 3), 2),)
    report = check(
        b"event,px,py\n100,nan,x\n101,1,2\n102,1,1e60\n103,1,2\n104,1,2\n", universe=both
    )
    assert [(one.code, one.column, one.rows) for one in report.findings] == [
        ("not_finite", "px", (2,)),
        ("wrong_dtype", "py", (2,)),
    ]


def test_a_first_look_judges_arrays_and_headers(universe: Universe) -> None:
    form = universe.format
    array = npy(np.ones(6))
    found = sniff(array, None, len(array), "mine.npy", form)
    assert [one.code for one in found] == ["wrong_row_count"]
    array = npy(np.ones(5))
    assert [one.code for one in sniff(array, None, len(array) + 1, "mine.npy", form)] == [
        "unreadable"
    ]
    names = sniff(b"event,Mass,note\n1,2,3\n", None, 22, "mine.csv", form)
    assert [(one.code, one.severity) for one in names] == [
        ("column_renamed", "warning"),
        ("unexpected_column", "warning"),
    ]
    assert [one.code for one in sniff(b"event,m\n", None, 8, "mine.csv", form)] == [
        "missing_column"
    ]


HOSTILE = {
    "npz": zipped(npy(np.ones(5))),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(600),
    "pickled array": npy(np.array([None] * 5)),
    "2^31 dimensions": npy(np.ones(5)).replace(b"(5,), }", b"(2147483648, 2147483648), }"),
    "Parquet's magic alone": b"PAR1" + bytes(50) + b"PAR1",
    "a flood of rows": HEADER + b"1,1\n" * 400_000,
    "no columns": b"\n\n\n",
    "unclosed quote": HEADER + b'100,"1\n101,2\n',
    "more fields than names": HEADER + b"100,1,2\n",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_with_a_reason(
    tmp_path: Path, universe: Universe, data: bytes
) -> None:
    path = tmp_path / "blob"
    path.write_bytes(data)
    with pytest.raises(InputRefusedError) as refused:
        align(read_prediction(path, universe.format), universe)
    assert all(finding.message for finding in refused.value.findings)


def test_every_truncation_is_refused(check: Check) -> None:
    """Only a CSV that ends inside its last number cannot be told from a whole one."""
    whole = len(GOOD) - len(b"104,1e-3\n")
    for data in (GOOD[:whole], gzip.compress(GOOD), npy(np.ones(5)), ACCEPTED["Parquet"]):
        for end in range(0, len(data) - 1, 1 + len(data) // 60):
            assert not check(data[:end]).ok
