"""``.npy``: headers that lie, types and shapes that cannot be meant, values that are no answer."""

from __future__ import annotations

import numpy as np

from corpus.entry import MASKS, NAMED, RANKED, REGRESSION, VOXELS, Entry, accepted, refused
from corpus.making import GIB, dense, npy, npy_with
from corpus.testsets import EVENTS, TARGETS, WORDS

GOOD = np.array(WORDS) == "s"
FILE = npy(GOOD)
PROBABILITIES = np.linspace(0, 1, EVENTS)
VALUES = np.array(TARGETS)
BODY = GOOD.tobytes()
SHAPE = f"({EVENTS},)"


def header(descr: str = "'|b1'", fortran: str = "False", shape: str = SHAPE, more: str = "") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, {more}}}"


def shaped(shape: str, descr: str = "'|b1'") -> bytes:
    return npy_with(header(descr, shape=shape), BODY)


def typed(descr: str, size: int = 8) -> bytes:
    return npy_with(header(descr), bytes(size * EVENTS))


def changed(value: object, dtype: str = "f8") -> bytes:
    values = PROBABILITIES.astype(dtype)
    values[7] = value
    return npy(values)


DAMAGED = {
    "the magic alone": FILE[:6],
    "the magic and a version": FILE[:8],
    "cut in its header": FILE[:60],
    "cut behind its header": FILE[:128],
    "one byte short": FILE[:-1],
    "one byte too long": FILE + b"\0",
    "two arrays": FILE + FILE,
    "version 0": npy_with(header(), BODY, version=0),
    "version 4": npy_with(header(), BODY, version=4),
    "version 255": npy_with(header(), BODY, version=255),
    "a header of 64 KiB": npy_with(header() + " " * 65_000, BODY),
    "a header of 4 GiB": npy_with(header(), BODY, version=2, length=2**32 - 1),
    "a header of no bytes": npy_with(header(), BODY, length=0),
    "a header of JSON": npy_with('{"descr": "|b1", "fortran_order": false, "shape": [40]}', BODY),
    "code in the header": npy_with("__import__('os').system('touch /tmp/pwned')", BODY),
    "code for the shape": npy_with(header(shape="(len('x' * 40),)"), BODY),
    "10,000 brackets": npy_with("(" * 10_000, BODY, version=2),
    "a header without a shape": npy_with("{'descr': '|b1', 'fortran_order': False, }", BODY),
    "a header with a fourth key": npy_with(header(more="'x': 1, "), BODY),
    "a header of zeros": b"\x93NUMPY\x01\x00\x76\x00" + bytes(118) + BODY,
    "a header of noise": b"\x93NUMPY\x01\x00\x76\x00" + bytes(range(118)) + BODY,
    "a negative size": shaped("(-40,)"),
    "a size of a float": shaped("(40.0,)"),
    "a size in letters": shaped("(True,)"),
    "a size in superscript": npy_with(header(shape="(4\xb2,)"), BODY),
    "a size in hexadecimal": shaped("(0x28,)"),
    "a list as the shape": shaped("[40]"),
}
TYPES = {
    "objects": npy(np.array([True] * EVENTS, dtype=object)),
    "a big-endian array": npy(PROBABILITIES.astype(">f8")),
    "big-endian integers": npy(GOOD.astype(">i4")),
    "a structured array": npy(np.zeros(EVENTS, [("EventId", "i8"), ("Class", "b1")])),
    "complex numbers": npy(PROBABILITIES.astype("c16")),
    "text": npy(np.array(WORDS)),
    "bytes": npy(np.array(WORDS, "S1")),
    "dates": npy(np.zeros(EVENTS, "M8[s]")),
    "durations": npy(np.zeros(EVENTS, "m8[s]")),
    "long doubles": npy(PROBABILITIES.astype(np.longdouble)),
    "void": typed("'|V8'"),
    "text of 2^31 letters": typed("'<U536870911'"),
    "a type of no size": typed("'|S0'", 0),
    "an unknown type": typed("'bfloat16'", 2),
    "a type that does not print": typed("'\x1b[2J'"),
    "a type that is code": typed("'__import__(1)'"),
    "a type as a list of nothing": typed("[]", 0),
    "a type as a list in a list": typed("[('a', [('b', [('c', '<f8')])])]"),
}
SHAPES = {
    "a scalar": (npy(GOOD[0]), "wrong_shape"),
    "a column": (npy(GOOD[:, None]), "wrong_shape"),
    "probabilities of two classes": (npy(np.stack([PROBABILITIES] * 2, 1)), "wrong_shape"),
    "no events": (npy(GOOD[:0]), "wrong_row_count"),
    "one event": (npy(GOOD[:1]), "wrong_row_count"),
    "twice as many": (npy(np.concatenate([GOOD, GOOD])), "wrong_row_count"),
    "2^31 events": (shaped("(2147483648,)"), "wrong_row_count"),
    "2^62 events": (shaped("(4611686018427387904,)"), "wrong_row_count"),
    "2^62 events of 8 bytes": (shaped("(4611686018427387904,)", "'<f8'"), "wrong_shape"),
    "2^64 events": (shaped("(18446744073709551616,)"), "wrong_shape"),
    "events of a hundred digits": (shaped(f"({'9' * 100},)"), "wrong_shape"),
    "2^31 by 2^31 by 0": (shaped("(2147483648, 2147483648, 2147483648, 0)"), "wrong_shape"),
    "33 axes": (shaped("(" + "1, " * 33 + ")"), "wrong_shape"),
    "a thousand axes": (shaped("(" + "1, " * 1000 + ")"), "wrong_shape"),
}
VALUES_OF: dict[str, tuple[bytes, str]] = {
    "NaN": (changed(np.nan), "not_finite"),
    "infinity": (changed(np.inf), "not_finite"),
    "minus infinity of 16 bits": (changed(-np.inf, "f2"), "not_finite"),
    "logits": (npy(PROBABILITIES * 8 - 4), "out_of_range"),
    "per cent": (npy(PROBABILITIES * 100), "out_of_range"),
    "a probability just above 1": (changed(np.nextafter(1, 2)), "out_of_range"),
    "classes 1 and 2": (npy(GOOD + np.int8(1)), "bad_class_label"),
    "classes 1 and -1": (npy(GOOD * np.int8(2) - np.int8(1)), "bad_class_label"),
    "the ids": (npy(np.arange(100, 100 + EVENTS)), "bad_class_label"),
    "a boolean of 2": (FILE[:-1] + b"\2", "bad_class_label"),
    "a whole number of 2^64 - 1": (npy(np.full(EVENTS, 2**64 - 1, "u8")), "bad_class_label"),
}
ENTRIES: tuple[Entry, ...] = (
    *(
        refused(f"damaged: {name}", data, "unreadable", filename="a.npy")
        for name, data in DAMAGED.items()
    ),
    *(refused(name, data, "wrong_dtype", filename="a.npy") for name, data in TYPES.items()),
    *(
        refused(f"shape: {name}", data, code, filename="a.npy")
        for name, (data, code) in SHAPES.items()
    ),
    *(
        refused(f"values: {name}", data, code, filename="a.npy")
        for name, (data, code) in VALUES_OF.items()
    ),
    refused(
        "nothing selected",
        npy(np.zeros(EVENTS, bool)),
        "too_few_selected",
        warnings=("all_background",),
    ),
    refused("booleans where a score is needed", FILE, "missing_column", to=RANKED),
    refused("a hole of 200 MiB behind it", FILE, "unreadable", hole=GIB // 5),
    refused(
        "a million events and their hole",
        npy_with(header(shape="(200000000,)"), b""),
        "wrong_row_count",
        hole=200_000_000,
    ),
    refused("regression: booleans", npy(GOOD), "wrong_dtype", to=REGRESSION),
    refused("regression: one target of two", npy(VALUES[:, 0]), "wrong_shape", to=REGRESSION),
    refused(
        "regression: a target too many", npy(np.ones((EVENTS, 3))), "wrong_shape", to=REGRESSION
    ),
    refused("regression: transposed", npy(VALUES.T), "wrong_shape", to=REGRESSION),
    refused("regression: an event too few", npy(VALUES[1:]), "wrong_row_count", to=REGRESSION),
    refused("regression: a scalar", npy(np.array(1.0)), "wrong_shape", to=REGRESSION),
    refused("regression: NaN", npy(VALUES * np.nan), "not_finite", to=REGRESSION),
    refused("regression: beyond the bounds", npy(VALUES * 1e4), "out_of_range", to=REGRESSION),
    refused(
        "regression: whole numbers beyond the bounds",
        npy(np.full((EVENTS, 2), 2**63, "u8")),
        "out_of_range",
        to=REGRESSION,
    ),
    refused(
        "regression: 2^40 by 2",
        npy_with(header("'<f8'", shape="(1099511627776, 2)"), b""),
        "wrong_row_count",
        to=REGRESSION,
    ),
    refused("mask: floats", npy(dense().astype("f4")), "wrong_dtype", to=MASKS),
    refused(
        "mask: probabilities of each class",
        npy(np.zeros((*dense().shape, 3))),
        "wrong_shape",
        to=MASKS,
    ),
    refused("mask: logits, classes first", npy(np.zeros((6, 3, 4, 5))), "wrong_shape", to=MASKS),
    refused("mask: one event", npy(dense()[0]), "wrong_shape", to=MASKS),
    refused("mask: an event too few", npy(dense()[1:]), "wrong_shape", to=MASKS),
    refused("mask: transposed", npy(dense().transpose(0, 2, 1)), "wrong_shape", to=MASKS),
    refused("mask: flat", npy(dense().ravel()), "wrong_shape", to=MASKS),
    refused("mask: a class too large", npy(dense() + np.uint8(1)), "bad_class_label", to=MASKS),
    refused(
        "mask: a negative class",
        npy(dense().astype("i1") - np.int8(1)),
        "bad_class_label",
        to=MASKS,
    ),
    refused(
        "mask: 2^63", npy(dense().astype("u8") + np.uint64(2**63)), "bad_class_label", to=MASKS
    ),
    refused(
        "mask: a boolean of 9",
        npy_with(header(shape="(6, 4, 5)"), bytes(119) + b"\x09"),
        "bad_class_label",
        to=MASKS,
    ),
    refused(
        "mask: dense where it must be sparse",
        npy(np.zeros((6, 3, 4, 5), "u1")),
        "wrong_shape",
        to=VOXELS,
    ),
    refused(
        "mask: 2^62 pixels",
        npy_with(header("'|u1'", shape="(6, 2147483648, 2147483648)"), b""),
        "wrong_shape",
        to=MASKS,
    ),
    accepted("booleans", FILE, filename="a.npy"),
    accepted("version 2", npy(GOOD, (2, 0))),
    accepted("version 3", npy(GOOD, (3, 0))),
    accepted("0 and 1 of 64 bits", npy(GOOD.astype("u8"))),
    accepted("0 and 1 as floats", npy(GOOD.astype("f4"))),
    accepted("probabilities", npy(PROBABILITIES), "probabilities"),
    accepted("probabilities of 16 bits", npy(PROBABILITIES.astype("f2")), "probabilities"),
    accepted("an array for ids of text", FILE, to=NAMED),
    accepted("a Fortran array", npy(np.asfortranarray(VALUES)), to=REGRESSION),
    accepted("regression: whole numbers", npy(VALUES.astype("i4")), to=REGRESSION),
    accepted("a mask", npy(dense()), to=MASKS),
    accepted("a mask of 64 bits", npy(dense().astype("i8")), to=MASKS),
    accepted("a mask in Fortran's order", npy(np.asfortranarray(dense())), to=MASKS),
    accepted("a mask of booleans", npy(dense() > 0), "constant_prediction", to=MASKS),
    accepted("a mask of nothing", npy(dense() * np.uint8(0)), "all_background", to=MASKS),
    accepted("events in another order", npy(np.roll(dense(), 1, 0)), "lit_coverage", to=MASKS),
)
LAYER = "npy"
