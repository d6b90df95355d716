"""Prediction files as people write them, and as nobody should."""

import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from fivesigma_scoring import (
    InputRefusedError,
    PredictionFormat,
    Report,
    Universe,
    read_prediction,
    sniff,
)
from fivesigma_scoring.files.parquet import check_pages, read_footer
from fivesigma_scoring.run import read_and_align
from hypothesis import given, settings
from hypothesis import strategies as st

examples = settings(deadline=None, max_examples=50)

Check = Callable[..., Report]
ROWS = "100,s\n101,b\n102,b\n103,b\n104,s\n"
GOOD = ("EventId,Class\n" + ROWS).encode()
EXPECTED = [True, False, False, False, True]
FORM = PredictionFormat(rows=5, id_column="EventId")


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, GOOD if name.endswith("csv") else b"")
    return buffer.getvalue()


FRAME = pl.DataFrame({"EventId": range(100, 105), "Class": ["s", "b", "b", "b", "s"]})
READABLE = {
    "plain": GOOD,
    "kaggle": b"EventId,RankOrder,Class\n100,5,s\n101,1,b\n102,2,b\n103,3,b\n104,4,s\n",
    "another order": b"Class,EventId\nb,103\ns,104\nb,101\ns,100\nb,102\n",
    "CRLF": GOOD.replace(b"\n", b"\r\n"),
    "BOM": b"\xef\xbb\xbf" + GOOD,
    "BOM and quotes": b'\xef\xbb\xbf"EventId","Class"\n' + ROWS.encode(),
    "quoted": b'"EventId","Class"\n"100","s"\n"101","b"\n"102","b"\n"103","b"\n"104","s"\n',
    "semicolons": GOOD.replace(b",", b";"),
    "tabs": GOOD.replace(b",", b"\t"),
    "spaces": GOOD.replace(b",", b" , ").replace(b"s\n", b"s  \n"),
    "no last line feed": GOOD[:-1],
    "blank lines": GOOD.replace(b"101", b"\n101") + b"\n\r\n\n",
    "numbers": GOOD.replace(b"s\n", b"1\n").replace(b",b", b",0").replace(b"Clas1", b"Class"),
    "floats": GOOD.replace(b",s\n", b",1.0\n").replace(b",b", b",0.0"),
    "words": GOOD.replace(b",s\n", b",TRUE\n").replace(b",b", b",False"),
    "mixed spelling": GOOD.replace(b"100,s", b"100, True ").replace(b"103,b", b"103,0"),
    "plus and zeros": GOOD.replace(b"100", b"+100").replace(b"101", b"0101"),
    "gz": gzip.compress(GOOD),
    "gz in two parts": gzip.compress(GOOD[:20]) + gzip.compress(GOOD[20:]),
    "zst": zstandard.compress(GOOD),
    "zst in two parts": zstandard.compress(GOOD[:20]) + zstandard.compress(GOOD[20:]),
    "zip": zipped("mine.csv"),
    "zip from a Mac": zipped("folder/", "folder/mine.csv", "__MACOSX/._mine"),
    "Parquet": parquet(FRAME),
    "Parquet booleans": parquet(FRAME.with_columns(pl.col("Class") == "s")),
    "Parquet integers": parquet(FRAME.with_columns((pl.col("Class") == "s").cast(pl.Int8))),
    "Parquet floats": parquet(FRAME.with_columns((pl.col("Class") == "s").cast(pl.Float32))),
    "Parquet categories": parquet(FRAME.with_columns(pl.col("Class").cast(pl.Categorical))),
    "Parquet unsigned ids": parquet(FRAME.with_columns(pl.col("EventId").cast(pl.UInt64))),
    "Parquet text ids": parquet(FRAME.with_columns(pl.col("EventId").cast(pl.String))),
    "npy booleans": saved(np.array(EXPECTED)[::-1]),
    "npy integers": saved(np.array(EXPECTED, np.int8)[::-1]),
    "npy floats": saved(np.array(EXPECTED, np.float64)[::-1]),
}


@pytest.mark.parametrize("name", READABLE)
def test_files_as_people_write_them(tmp_path: Path, universe: Universe, name: str) -> None:
    """The sample of this universe runs backwards, and so do the .npy files."""
    path = tmp_path / "any name"
    path.write_bytes(READABLE[name])
    report, aligned = read_and_align(path, "any name", universe)
    assert report.ok, report
    assert aligned is not None
    assert aligned.chosen.tolist() == np.flatnonzero(EXPECTED).tolist()


@pytest.mark.parametrize("name", READABLE)
def test_a_cheap_look_accepts_them_too(universe: Universe, name: str) -> None:
    data = READABLE[name]
    found = sniff(data[:65536], data[-64:], len(data), name, universe.format)
    assert [finding for finding in found if finding.severity == "error"] == []


def test_scores_are_read_and_follow_their_event(tmp_path: Path, universe: Universe) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(READABLE["kaggle"].replace(b"\n100,5,s", b"") + b"100,5,s\n")
    _, aligned = read_and_align(path, path.name, universe)
    assert aligned is not None
    assert aligned.score is not None
    assert aligned.score.tolist() == [5, 1, 2, 3, 4]


def test_score_wins_over_rank_order(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(b"EventId,RankOrder,Class,Score\n100,1,s,0.25\n")
    prediction = read_prediction(path, replace(FORM, rows=1))
    assert prediction.score is not None
    assert prediction.score.tolist() == [0.25]
    assert prediction.warnings == ()


def test_text_ids(tmp_path: Path) -> None:
    form = PredictionFormat(rows=3, id_column="event", id_type="str")
    universe = Universe.of(form, np.array([b"b-1", b"a", "é7".encode()]))
    path = tmp_path / "mine.csv"
    path.write_text("event,Class\né7,b\n a ,s\nb-1,b\n", encoding="utf-8")
    _, aligned = read_and_align(path, path.name, universe)
    assert aligned is not None
    assert aligned.chosen.tolist() == [0]
    path.write_text(f"event,Class\né7,b\nA,s\n{'x' * 500},b\nb-1,s\nb-1,s\n,b\n", encoding="utf-8")
    report, _ = read_and_align(path, path.name, universe)
    assert [(f.code, f.rows) for f in report.findings] == [("wrong_dtype", (7,))]
    path.write_text(f"event,Class\né7,b\nA,s\n{'x' * 500},b\nb-1,s\nb-1,s\n", encoding="utf-8")
    report, _ = read_and_align(path, path.name, universe)
    assert [(f.code, f.rows, f.count) for f in report.findings] == [
        ("duplicate_id", (6,), 1),
        ("unknown_id", (3, 4), 2),
        ("missing_id", (), 1),
    ]


def test_lines_are_counted_through_quotes_and_blank_lines(check: Check) -> None:
    data = b'EventId,note,Class\n\n100,"two\nlines",s\n101,"a ""b""",b\n\n102,c,x\n103,d,"y\nz"\n'
    report = check(data)
    assert report.findings[0].code == "bad_class_label"
    assert report.findings[0].rows == (7, 8)


def test_several_problems_come_together(check: Check) -> None:
    report = check(b"EventId,Class,Score,x\n1.5,s,1\n101,q,1\n102,b,nan\n")
    found = [(f.code, f.severity, f.rows) for f in report.findings]
    assert found == [
        ("wrong_dtype", "error", (2,)),
        ("bad_class_label", "error", (3,)),
        ("not_finite", "error", (4,)),
        ("unexpected_column", "warning", ()),
    ]


def hostile_header(shape: str, dtype: str = "'|b1'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}"
    body = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body.encode()


HOSTILE = {
    "npy of 2^31 by 2^31": (hostile_header("(2147483648, 2147483648)"), "wrong_shape"),
    "npy of 2^62": (hostile_header("(4611686018427387904,)"), "wrong_row_count"),
    "npy of a huge number": (hostile_header(f"({'9' * 60},)"), "wrong_shape"),
    "npy scalar": (hostile_header("()"), "wrong_shape"),
    "npy of records": (hostile_header("(5,)", "[('a', '<i4')]"), "wrong_dtype"),
    "npy of text": (hostile_header("(5,)", "'<U3'"), "wrong_dtype"),
    "npy of complex": (hostile_header("(5,)", "'<c16'"), "wrong_dtype"),
    "npy of code": (hostile_header("(5,)", "__import__('os')"), "unreadable"),
    "npy of brackets": (hostile_header("(" * 3000), "unreadable"),
    "npy magic alone": (b"\x93NUMPY", "unreadable"),
    "npy of version 9": (b"\x93NUMPY\x09\x00\x76\x00{}", "unreadable"),
    "npy with more behind": (saved(np.ones(5, bool)) + b"x", "unreadable"),
    "npy booleans that are not": (
        hostile_header("(5,)") + b"\x00\x01\x02\x01\xff",
        "bad_class_label",
    ),
    "Parquet magic alone": (b"PAR1", "unreadable"),
    "Parquet magic twice": (b"PAR1PAR1", "unreadable"),
    "Parquet with a long footer": (b"PAR1" + b"\xff" * 8 + b"PAR1", "unreadable"),
    "Parquet with a footer of noise": (
        b"PAR1" + bytes(range(200)) + (200).to_bytes(4, "little") + b"PAR1",
        "unreadable",
    ),
    "Parquet with a damaged middle": (
        b"PAR1" + b"\xff" * 100 + parquet(FRAME)[104:],
        "unreadable",
    ),
    "encrypted Parquet": (b"PARE" + b"\0" * 50 + b"PARE", "unreadable"),
    "gz in gz": (gzip.compress(gzip.compress(GOOD)), "wrong_format"),
    "gz of UTF-16": (gzip.compress(GOOD.decode().encode("utf-16")), "unreadable"),
    "gz with noise behind": (gzip.compress(GOOD) + b"noise", "unreadable"),
    "gz magic alone": (b"\x1f\x8b", "unreadable"),
    "zst magic alone": (b"\x28\xb5\x2f\xfd", "unreadable"),
    "zip magic alone": (b"PK\x03\x04", "unreadable"),
    "empty zip": (zipped(), "wrong_format"),
    "zip of a folder": (zipped("folder/"), "wrong_format"),
    "spreadsheet": (zipped("[Content_Types].xml", "xl/workbook.xml"), "wrong_format"),
    "only line feeds": (b"\n" * 1000, "missing_column"),
    "only a quote": (b'"', "missing_column"),
    "only a BOM": (b"\xef\xbb\xbf", "missing_column"),
    "unclosed quote": (GOOD.replace(b"101,b", b'101,"b'), "unreadable"),
    "a last line of one quote": (GOOD + b'"', "unreadable"),
    "HTML": (b"<!DOCTYPE html>\n<html>login</html>\n", "missing_column"),
    "JSON": (b'{"EventId": [100]}', "missing_column"),
    "terminal codes in a label": (GOOD.replace(b"101,b", b"101,\x1b[31m"), "bad_class_label"),
    "a label of a megabyte": (GOOD.replace(b"101,b", b"101," + b"x" * 2**20), "bad_class_label"),
    "an id of a megabyte": (GOOD.replace(b"101,", b"1" * 2**20 + b","), "unknown_id"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_get_a_code_and_never_an_exception(check: Check, name: str) -> None:
    data, code = HOSTILE[name]
    report = check(data)
    assert report.findings[0].code == code
    assert not report.ok
    assert all(len(finding.message) < 400 for finding in report.findings)
    assert all(finding.message.isprintable() for finding in report.findings)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_cheap_look_at_hostile_files(universe: Universe, name: str) -> None:
    """It may see less than the full check; what it sees has the same code."""
    data, code = HOSTILE[name]
    found = sniff(data[:65536], data[-64:], len(data), name, universe.format)
    errors = [finding.code for finding in found if finding.severity == "error"]
    assert errors[:1] in ([], [code])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "unreadable"),
        (GOOD.replace(b"Class", b"Label"), "missing_column"),
        (gzip.compress(GOOD.replace(b"Class", b"Label")), "missing_column"),
        (zstandard.compress(GOOD.replace(b"Class", b"Label")), "missing_column"),
        (b"a," * 10**7, "unreadable"),
        (gzip.compress(b"a," * 10**7), "unreadable"),
        (GOOD.decode().encode("utf-16"), "unreadable"),
        (b"\x80\x04\x95", "wrong_format"),
        (gzip.compress(b"PAR1"), "wrong_format"),
        (saved(np.ones(4, bool)), "wrong_row_count"),
        (saved(np.ones(5, bool))[:-1], "unreadable"),
        (parquet(FRAME)[:-1], "unreadable"),
    ],
    # By number: an archive has its time inside, and workers must agree on the names of tests.
    ids=range(12),
)
def test_a_cheap_look_refuses_at_once(universe: Universe, data: bytes, code: str) -> None:
    found = sniff(data[:65536], data[-64:], len(data), "mine.csv", universe.format)
    assert found[0].code == code
    assert found[0].severity == "error"


def test_a_cheap_look_at_size_name_and_warnings(universe: Universe) -> None:
    assert sniff(GOOD, None, 2**40, "x", universe.format)[0].code == "too_large"
    assert sniff(GOOD, None, len(GOOD), "x.pickle", universe.format)[0].code == "wrong_format"
    extra = sniff(b"EventId,Class,m\n1,s,3\n", None, 21, "x", universe.format)
    assert [(f.code, f.severity) for f in extra] == [("unexpected_column", "warning")]


def test_a_bomb_stays_small_in_memory(tmp_path: Path, universe: Universe) -> None:
    """Three gigabytes of zeros behind each archive; the cap is one megabyte."""
    block = b"0" * 2**20
    small = replace(universe, format=replace(universe.format, max_expanded_bytes=2**20))
    zst = zstandard.ZstdCompressor().compressobj()
    packed = b"".join(zst.compress(block) for _ in range(3000)) + zst.flush()
    path = tmp_path / "bomb"
    for data in (packed, gzip.compress(block * 100)):
        path.write_bytes(data)
        tracemalloc.start()
        report, _ = read_and_align(path, "bomb", small)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert report.findings[0].code == "zip_bomb"
        assert peak < 48 * 2**20
        tracemalloc.start()
        sniff(data[:65536], None, len(data), "bomb", small.format)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2**20


def test_a_zip_with_a_huge_directory_is_not_read(tmp_path: Path, universe: Universe) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2000):
            archive.writestr(f"{number}.csv", b"")
    report, _ = read_and_align(path, path.name, universe)
    assert report.findings[0].code == "wrong_format"
    assert "2,000 files or more" in report.findings[0].message


def test_an_encrypted_zip(check: Check) -> None:
    data = bytearray(zipped("mine.csv"))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert check(bytes(data)).findings[0].message == (
        "The zip archive is protected by a password. Send it without one."
    )


def test_parquet_declares_too_much(check: Check, universe: Universe) -> None:
    tiny = replace(universe, format=replace(universe.format, max_expanded_bytes=50))
    assert check(parquet(FRAME), universe=tiny).findings[0].code == "too_large"
    flood = pl.select(pl.repeat(1, 300_000).alias("EventId"), pl.lit("s").alias("Class"))
    assert check(parquet(flood)).findings[0].code == "wrong_row_count"


def test_parquet_pages_must_fit_what_the_footer_says(tmp_path: Path) -> None:
    """The reader allocates what these numbers promise, however much that is."""
    path = tmp_path / "mine.parquet"
    path.write_bytes(parquet(FRAME))
    footer = read_footer(path)
    check_pages(path, footer.chunks, 5)
    for number in (1, 2):
        chunk = footer.chunks[number - 1]
        for wrong in (
            replace(chunk, values=6),
            replace(chunk, values=4),
            replace(chunk, expanded=chunk.expanded - 1),
            replace(chunk, sent=chunk.sent - 1),
            replace(chunk, sent=2**40),
            replace(chunk, start=2**70),
        ):
            with pytest.raises(InputRefusedError, match="Parquet file is damaged"):
                check_pages(path, [wrong], 5)


def test_parquet_nested_columns_beside_the_known_ones(check: Check) -> None:
    nested = FRAME.with_columns(
        pl.struct(a=pl.lit(1), b=pl.struct(c=pl.lit("x"))).alias("n"), pl.lit(1).alias("z")
    )
    report = check(parquet(nested.select("n", "EventId", "z", "Class")))
    assert report.ok
    assert report.findings[0].message == "Columns that are not used were ignored: n, z."


def test_ids_below_and_above_contiguous_ones_do_not_wrap(check: Check) -> None:
    extremes = b"-9223372036854775808,b\n9223372036854775807,b\n"
    report = check(GOOD + extremes)
    assert [(f.code, f.rows) for f in report.findings] == [("unknown_id", (7, 8))]


@examples
@given(st.binary(max_size=300), st.sampled_from([b"", b"EventId,Class\n", b"PAR1", b"\x93NUMPY"]))
def test_noise_never_raises(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, head: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise"
    path.write_bytes(head + tail)
    universe = Universe.of(FORM, np.arange(100, 105))
    report, aligned = read_and_align(path, "noise", universe)
    assert aligned is None
    assert not report.ok
    sniff(head + tail, None, len(head + tail), "noise", FORM)


@examples
@given(st.data())
def test_damaged_parquet_never_raises(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(parquet(FRAME))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(whole)
    read_and_align(path, "damaged", Universe.of(FORM, np.arange(100, 105)))


def test_the_file_decides_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    path.write_bytes(GOOD)
    assert read_prediction(path, FORM).selected.tolist() == EXPECTED
    with pytest.raises(InputRefusedError, match="is a Python pickle"):
        path.write_bytes(b"\x80\x05.")
        read_prediction(path, FORM)
