"""Text tables whose shape is wrong: encodings, line ends, quotes, headers, what is no table."""

from corpus.entry import MASKS, NAMED, RANKED, REGRESSION, VOXELS, accepted, refused
from corpus.making import GOOD, LINES, MIB, lines, swap
from corpus.testsets import TEST_SETS

HEADER, ROWS = LINES[0], b"".join(LINES[1:])
UNNAMED = b"".join((b"," if at == 0 else b"%d," % (at - 1)) + line for at, line in enumerate(LINES))
NOTEBOOK = (
    b'{\n "cells": [\n  {\n   "cell_type": "code",\n   "source": ["import pandas"]\n  }\n ]\n}\n'
)
HTML = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n"
    b"<body>nginx</body></html>\n"
)
MASK, MANY = b"event,voxel,class\n", 6_000_000
CONFLICT = b"<<<<<<< HEAD\n" + GOOD + b"=======\n" + GOOD + b">>>>>>> better\n"


def quoted() -> bytes:
    """A field of 240 MB with many line feeds in it."""
    return b'"' + b"lorem ipsum\n" * 20_000_000 + b'"'


ENTRIES = (
    # what nobody meant to send
    refused("nothing", b"", "unreadable"),
    refused("one byte", b"E", "missing_column"),
    refused("one line feed", b"\n", "missing_column"),
    refused("spaces", b" " * 4096, "missing_column"),
    refused("blank lines", b"\n" * 4096, "missing_column"),
    refused("a byte order mark alone", b"\xef\xbb\xbf", "missing_column"),
    refused("a notebook", NOTEBOOK, "missing_column", filename="prediction.ipynb"),
    refused("an HTML error page", HTML, "missing_column"),
    refused("JSON records", b'[{"EventId": 100, "Class": "s"}]\n', "missing_column"),
    refused("JSON lines", b'{"EventId": 100, "Class": "s"}\n' * 40, "missing_column"),
    refused("XML", b'<?xml version="1.0"?>\n<rows><row id="100"/></rows>\n', "missing_column"),
    refused("a log", b"2026-11-22 12:00:00 INFO epoch 1 loss 0.693\n", "missing_column"),
    refused("a merge conflict", CONFLICT, "missing_column"),
    refused("a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\n", "missing_column"),
    refused("LaTeX", b"EventId & Class \\\\\n100 & s \\\\\n", "missing_column"),
    refused("a printed data frame", b"   EventId Class\n0      100     s\n", "missing_column"),
    # encodings
    refused("UTF-16 as Excel saves it", GOOD.decode().encode("utf-16"), "unreadable"),
    refused("UTF-16 big-endian", b"\xfe\xff" + GOOD.decode().encode("utf-16-be"), "unreadable"),
    refused("UTF-16 without a mark", GOOD.decode().encode("utf-16-le"), "unreadable"),
    refused("UTF-32", GOOD.decode().encode("utf-32"), "unreadable"),
    refused("EBCDIC", GOOD.decode().encode("cp500"), "unreadable"),
    refused("latin-1 in the header", b"EventId,Class,gr\xf6\xdfe\n100,s,1\n", "unreadable"),
    refused("latin-1 in a row", swap(b"103,b", b"103,\xfc"), "unreadable"),
    refused("half a character at the end", GOOD + b"7,\xe2\x82", "unreadable"),
    refused("an overlong slash", swap(b"103,b", b"103,\xc0\xaf"), "unreadable"),
    refused("a lone surrogate", swap(b"103,b", b"103,\xed\xa0\x80"), "unreadable"),
    refused("NUL in a row", swap(b"103,b", b"103,b\0"), "unreadable"),
    refused("NUL in the header", swap(b"EventId", b"Event\0Id"), "unreadable"),
    refused("NUL after the last line", GOOD + bytes(512), "unreadable"),
    refused("zeros alone", bytes(4096), "unreadable"),
    refused("a terminal's colours", swap(b"103,b", b"\x1b[31m103\x1b[0m,b"), "wrong_dtype"),
    # line ends and separators
    refused("carriage returns alone", GOOD.replace(b"\n", b"\r"), "unreadable"),
    refused("escaped line feeds", GOOD.replace(b"\n", b"\\n"), "missing_column"),
    refused("colons", GOOD.replace(b",", b":"), "missing_column"),
    refused("bars", GOOD.replace(b",", b"|"), "missing_column"),
    refused("spaces between columns", GOOD.replace(b",", b" "), "missing_column"),
    refused(
        "semicolons below commas",
        HEADER + ROWS.replace(b",", b";"),
        "wrong_dtype",
        "bad_class_label",
    ),
    refused(
        "semicolons and decimal commas in one column only",
        lines(lambda rows: [rows[0], *(row.replace(b".", b",") for row in rows[1:])], REGRESSION),
        "unreadable",
        to=REGRESSION,
    ),
    # headers
    refused("a header alone", HEADER, "wrong_row_count"),
    refused("a header without a line feed", HEADER[:-1], "wrong_row_count"),
    refused("a header and blank lines", HEADER + b"\n\n\r\n", "wrong_row_count"),
    refused("a mask's header alone", b"event,voxel,class\n", "wrong_row_count", to=MASKS),
    refused(
        "a regression's header alone", b"event,energy,theta\n", "wrong_row_count", to=REGRESSION
    ),
    refused("no header", ROWS, "missing_column"),
    refused("a title above the header", b"My submission\n" + GOOD, "missing_column"),
    refused("a comment above the header", b"# v2, final\n" + GOOD, "missing_column"),
    refused("Excel's sep= line", b"sep=,\n" + GOOD, "missing_column"),
    refused("a blank line above the header", b"\n" + GOOD, "missing_column"),
    refused(
        "the header again in the middle",
        lines(lambda rows: [*rows[:20], rows[0], *rows[20:]]),
        "wrong_dtype",
        "bad_class_label",
    ),
    refused("two files in one", GOOD + GOOD, "wrong_dtype", "bad_class_label"),
    refused("no id", b"Class\n" + b"s\n" * 40, "missing_column"),
    refused("no class", b"EventId\n100\n103\n", "missing_column"),
    refused("no score", GOOD, "missing_column", to=RANKED),
    refused("no angle", b"event,energy\n100,1\n", "missing_column", to=REGRESSION),
    refused("no voxel", b"event,class\n10,1\n", "missing_column", to=MASKS),
    refused("half the coordinates", b"event,row,class\n10,1,1\n", "missing_column", to=MASKS),
    refused("the class twice", swap(b"Class", b"Class,Class"), "unexpected_column"),
    refused("the id twice in two spellings", b"EventId,event_id,Class\n", "unexpected_column"),
    refused(
        "names in Cyrillic that look alike", swap(b"Class", "Сlass".encode()), "missing_column"
    ),
    refused("an empty name", b"EventId,\n100,s\n", "missing_column"),
    refused("a long name", b"E" * 16_000 + b",Class\n100,s\n", "missing_column"),
    refused("commas alone", b"," * 10_000 + b"\n", "missing_column"),
    refused(
        "markup in the header", b"<script>alert(1)</script>,\x1b]0;x\x07\n1,2\n", "missing_column"
    ),
    # rows
    refused("more fields in two rows", swap(b"103,b", b"103,b,7"), "unreadable"),
    refused("fewer fields in a row", swap(b"103,b", b"103"), "bad_class_label"),
    refused("thousand separators in ids", swap(b"103,b", b"1,03,b"), "unreadable"),
    refused("a quotation mark that stays open", swap(b"103,b", b'103,"b'), "unreadable"),
    refused("text behind a quotation mark", swap(b"103,b", b'103,"b"x'), "unreadable"),
    refused(
        "quotation marks of a word processor", swap(b"103,b", "103,“b”".encode()), "bad_class_label"
    ),
    refused("a formula", swap(b"103,b", b"103,=cmd|' /C calc'!A0"), "bad_class_label"),
    refused("a sum below", GOOD + b"Total,40\n", "wrong_dtype", "bad_class_label"),
    refused("a comment below", GOOD + b"# done\n", "wrong_dtype", "bad_class_label"),
    refused("DOS end of file", GOOD + b"\x1a", "wrong_dtype", "bad_class_label"),
    refused("cut in a row", GOOD[:-1] + b"\n21", "bad_class_label"),
    refused("cut in the middle", GOOD[: len(GOOD) // 2], "missing_id"),
    # large ones
    refused("one line of 10 MB", b"x" * (10 * MIB), "unreadable"),
    refused("a row of 10 MB", lambda: GOOD + b"9" * (10 * MIB), "unreadable"),
    refused("a quoted id of 100 kB", GOOD + b'"' + b"7\n" * 50_000 + b'",s\n', "wrong_dtype"),
    refused(
        "100,000 classes of 2,000 letters",
        lambda: HEADER + b"".join(b"%d," % at + b"s" * 2000 + b"\n" for at in range(100_000)),
        "unreadable",
    ),
    refused(
        "100,000 columns", b",".join(b"c%d" % at for at in range(100_000)) + b"\n", "unreadable"
    ),
    refused(
        "5,000 columns", b",".join(b"c" * 1 for _ in range(5_000)) + b"\n1\n", "missing_column"
    ),
    refused("a million fields in a row", lambda: GOOD + b"," * 1_000_000, "unreadable"),
    refused(
        "a million quotation marks",
        lambda: GOOD + b'"' * 1_000_000,
        "wrong_dtype",
        "bad_class_label",
    ),
    refused("ten million blank lines", lambda: HEADER + b"\n" * 10_000_000, "wrong_row_count"),
    refused("ten million rows", lambda: HEADER + b"1,s\n" * 10_000_000, "wrong_row_count"),
    refused(
        "a million bad rows", lambda: HEADER + b"x,y\n" * 100_000, "wrong_dtype", "bad_class_label"
    ),
    refused("a row of 200 MB", lambda: HEADER + b"lorem ipsum " * 18_000_000, "unreadable"),
    refused("a quoted field of 240 MB", lambda: HEADER + quoted() + b",s\n", "wrong_row_count"),
    refused("such a field in a mask", lambda: MASK + quoted() + b",1,1\n", "unreadable", to=VOXELS),
    refused(
        "a mask of 6 million long rows",
        lambda: MASK + b"10,1,1,1\n" * MANY,
        "unreadable",
        to=VOXELS,
    ),
    refused("the same in quotes", lambda: MASK + b'10,1,"1",1\n' * MANY, "unreadable", to=VOXELS),
    refused(
        "a mask of 6 million NULs", lambda: MASK + b"10,1,\0\n" * MANY, "unreadable", to=VOXELS
    ),
    refused(
        "a mask of 6 million rows in latin-1",
        lambda: MASK + b"10,1,\xe9\n" * MANY,
        "unreadable",
        to=VOXELS,
    ),
    refused(
        "a quoted word behind 6 million pixels",
        lambda: MASK + b"10,1,1\n" * MANY + b'10,1,"x"\n',
        "wrong_dtype",
        to=VOXELS,
    ),
    refused(
        "an emoji far before half a character",
        lambda: MASK + "10,1,\U0001f600\n".encode() + b"10,1,1\n" * MANY + b"\xe2",
        "unreadable",
        to=VOXELS,
    ),
    refused(
        "6 million times one pixel",
        lambda: MASK + b"10,1,1\n" * MANY,
        "missing_id",
        to=VOXELS,
    ),
    refused(
        "6 million pixels of unknown events",
        lambda: MASK + b"".join(b"%d,1,1\n" % at for at in range(100, 100_100)) * 80,
        "unknown_id",
        "missing_id",
        to=VOXELS,
    ),
    refused(
        "6 million pixels out of range",
        lambda: MASK + b"10,8000000,1\n" * MANY,
        "out_of_range",
        "missing_id",
        to=VOXELS,
    ),
    # read kindly
    accepted("CRLF", GOOD.replace(b"\n", b"\r\n")),
    accepted("a byte order mark", b"\xef\xbb\xbf" + GOOD),
    accepted("two byte order marks", b"\xef\xbb\xbf" * 2 + GOOD, "column_renamed"),
    accepted("a carriage return in a row", swap(b"103,b", b"103\r,b")),
    accepted("a name in quotes that stay open", b'EventId,"Class\n' + ROWS),
    accepted("a quoted line feed", swap(b"103,b", b'103,"b\n"')),
    accepted("semicolons", GOOD.replace(b",", b";")),
    accepted("tabs", GOOD.replace(b",", b"\t")),
    accepted("no last line feed", GOOD[:-1]),
    accepted("blank lines between rows", GOOD.replace(b"103,", b"\n\r\n103,")),
    accepted(
        "all quoted", b"".join(b'"' + line[:-1].replace(b",", b'","') + b'"\n' for line in LINES)
    ),
    accepted("some quoted", swap(b"103,b", b'"103",b')),
    accepted("spaces around", GOOD.replace(b",", b" ,  ")),
    accepted(
        "names in other case and spelling",
        swap(b"EventId,Class", b"event id , CLASS"),
        "column_renamed",
    ),
    accepted("pandas' index", UNNAMED, "unexpected_column"),
    accepted("pandas' index with a name", b"Unnamed: 0" + UNNAMED, "unexpected_column"),
    accepted(
        "a column of nothing",
        lines(lambda rows: [row[:-1] + b",\n" for row in rows]),
        "unexpected_column",
    ),
    accepted(
        "twenty columns of nothing",
        lines(lambda rows: [row[:-1] + b"," * 20 + b"\n" for row in rows]),
        "unexpected_column",
    ),
    accepted(
        "two unused columns of one name",
        lines(lambda rows: [row[:-1] + b",x,x\n" for row in rows]),
        "unexpected_column",
    ),
    accepted("shuffled", lines(lambda rows: [rows[0], *rows[:0:-1]])),
    accepted(
        "columns in another order",
        b"".join(b",".join(line[:-1].split(b",")[::-1]) + b"\n" for line in LINES),
    ),
    accepted(
        "a semicolon file of a regression",
        TEST_SETS[REGRESSION].sample.replace(b",", b";"),
        to=REGRESSION,
    ),
    accepted("a wrong name on the file", GOOD, filename="results.parquet"),
    accepted("a name of a path", GOOD, filename="../../etc/passwd"),
    accepted(
        "ids of text with spaces around", TEST_SETS[NAMED].sample.replace(b",", b" , "), to=NAMED
    ),
    refused(
        "ids of text in another case",
        TEST_SETS[NAMED].sample.replace(b"run1", b"RUN1"),
        "unknown_id",
        "missing_id",
        to=NAMED,
    ),
)
LAYER = "text"
