"""Text tables whose values are wrong: ids, classes, scores, targets."""

from corpus.entry import NAMED, RANKED, REGRESSION, Entry, accepted, refused
from corpus.making import GOOD, LINES, lines, swap
from corpus.testsets import TEST_SETS

BAD_IDS = {
    "with a decimal point": b"103.0",
    "with an exponent": b"1.03e2",
    "in hexadecimal": b"0x67",
    "in Arabic digits": "١٠٣".encode(),
    "in fullwidth digits": "１０３".encode(),
    "with a thousand separator": b"1_03",
    "with an apostrophe": b"1'03",
    "with a no-break space inside": "1\u00a003".encode(),
    "as a word": b"abc",
    "as NaN": b"nan",
    "as a fraction": b"206/2",
    "as a formula": b"=103",
    "with Excel's apostrophe": b"'103",
    "with a typographic minus": "−103".encode(),
    "with a sign alone": b"-",
    "empty": b"",
    "of spaces": b"   ",
    "with a soft hyphen": "1\u00ad03".encode(),
    "of a megabyte": b"1" * 1_000_000 + b"x",
}
UNKNOWN_IDS = {
    "one off": b"104",
    "negative": b"-103",
    "minus zero": b"-0",
    "2^63": b"9223372036854775808",
    "2^64 + 103": b"18446744073709551719",
    "the lowest number": b"-9223372036854775808",
    "of a thousand digits": b"1" * 1000,
}
GOOD_IDS = {
    "with leading zeros": b"000103",
    "with a plus": b"+103",
    "with a space": b" 103",
    "with a no-break space": "\u00a0103".encode(),
}
BAD_CLASSES = {
    "another letter": b"x",
    "both": b"sb",
    "a number that is none": b"2",
    "negative": b"-1",
    "empty": b"",
    "a word": b"signal",
    "NaN": b"nan",
    "yes": b"yes",
    "with Cyrillic that looks alike": "ѕ".encode(),
    "superscript one": "¹".encode(),
    "an Arabic one": "١".encode(),
    "a list": b"['b']",
    "bytes of Python": b"b'b'",
    "1e400": b"1e400",
    "a megabyte": b"b" * 1_000_000,
    "a probability with a comma in quotes": b'"0,5"',
}
BAD_SCORES = {
    "a word": b"high",
    "with a decimal comma in quotes": b'"0,5"',
    "in hexadecimal": b"0x1p-2",
    "in Arabic digits": "٠.٥".encode(),
    "with a per cent sign": b"50%",
    "a complex number": b"1+2j",
    "a tensor": b"tensor(0.5)",
    "a list": b"[0.5]",
    "a number of Fortran": b"1.5D-1",
    "with an underscore": b"1_0.5",
    "two points": b"0.5.1",
}
INFINITE = {
    "NaN": b"nan",
    "NaN in capitals": b"NaN",
    "minus NaN": b"-nan",
    "inf": b"inf",
    "minus Infinity": b"-Infinity",
    "1e400": b"1e400",
    "-1e400": b"-1e400",
    "a thousand digits": b"9" * 1000,
    "empty": b"",
    "of spaces": b"  ",
}
BAD_TARGETS = {
    "with a thousand separator": b'"1,234.5"',
    "in German": b'"1.234,5"',
    "in Swiss": b"1'234.5",
    "with a unit": b"20.5 GeV",
    "with a sigma": "20.5±1".encode(),
    "a dollar": b"$20.5",
    "a word": b"none",
    "NULL": b"NULL",
    "in hexadecimal": b"0x14",
    "with a typographic minus": "−20.5".encode(),
}


def with_id(id_: bytes) -> bytes:
    return swap(b"\n103,", b"\n" + id_ + b",")


def with_class(word: bytes) -> bytes:
    return swap(b"\n103,b\n", b"\n103," + word + b"\n")


def with_score(score: bytes) -> bytes:
    return swap(b"\n103,b,0.015625\n", b"\n103,b," + score + b"\n", RANKED)


def with_energy(energy: bytes) -> bytes:
    return swap(b"\n100,20.5,", b"\n100," + energy + b",", REGRESSION)


def in_class(*words: bytes) -> bytes:
    """A selection whose class column repeats these words."""
    rows = [row.split(b",")[0] for row in LINES[1:]]
    return LINES[0] + b"".join(
        row + b"," + words[at % len(words)] + b"\n" for at, row in enumerate(rows)
    )


def energies(value: bytes) -> bytes:
    """A regression with one energy everywhere."""

    def change(row: bytes) -> bytes:
        id_, _, theta = row.split(b",")
        return b",".join((id_, value, theta))

    return lines(lambda rows: [rows[0], *map(change, rows[1:])], REGRESSION)


def scaled(factor: float) -> bytes:
    """A regression in other units."""
    rows = TEST_SETS[REGRESSION].rows
    text = "".join(f"{id_},{energy * factor},{theta}\n" for id_, energy, theta in rows)
    return b"event,energy,theta\n" + text.encode()


ENTRIES: tuple[Entry, ...] = (
    *(refused(f"an id {name}", with_id(id_), "wrong_dtype") for name, id_ in BAD_IDS.items()),
    *(
        refused(f"an unknown id, {name}", with_id(id_), "unknown_id", "missing_id")
        for name, id_ in UNKNOWN_IDS.items()
    ),
    *(accepted(f"an id {name}", with_id(id_)) for name, id_ in GOOD_IDS.items()),
    *(
        refused(f"a class: {name}", with_class(word), "bad_class_label")
        for name, word in BAD_CLASSES.items()
    ),
    *(
        refused(f"a score: {name}", with_score(score), "wrong_dtype", to=RANKED)
        for name, score in BAD_SCORES.items()
    ),
    *(
        refused(f"a score that is not finite: {name}", with_score(score), "not_finite", to=RANKED)
        for name, score in INFINITE.items()
    ),
    *(
        refused(f"a target {name}", with_energy(value), "wrong_dtype", to=REGRESSION)
        for name, value in BAD_TARGETS.items()
    ),
    *(
        refused(
            f"a target that is not finite: {name}", with_energy(value), "not_finite", to=REGRESSION
        )
        for name, value in INFINITE.items()
    ),
    refused(
        "all ids as floats", GOOD.replace(b",s", b".0,s").replace(b",b", b".0,b"), "wrong_dtype"
    ),
    refused("an id twice", GOOD + b"103,b\n", "duplicate_id"),
    refused("every id twice", GOOD + b"".join(LINES[1:]), "duplicate_id"),
    refused("an id missing", swap(b"103,b\n", b""), "missing_id"),
    refused(
        "one id everywhere",
        b"EventId,Class\n" + b"100,s\n" * 40,
        "duplicate_id",
        "missing_id",
        warnings=("all_signal",),
    ),
    refused("ids of another set", swap(b"\n1", b"\n9"), "unknown_id", "missing_id"),
    refused(
        "ids numbered from 0",
        b"EventId,Class\n" + b"".join(b"%d,s\n" % at for at in range(40)),
        "unknown_id",
        "missing_id",
        warnings=("all_signal",),
    ),
    refused(
        "an id of text for another",
        TEST_SETS[NAMED].sample.replace(b"ev001", b"ev999"),
        "unknown_id",
        "missing_id",
        to=NAMED,
    ),
    refused("an id of text missing", swap(b"run1:ev001,b\n", b"", NAMED), "missing_id", to=NAMED),
    refused(
        "an id of text twice",
        swap(b"run1:ev001", b"run0:ev000", NAMED),
        "duplicate_id",
        "missing_id",
        to=NAMED,
    ),
    refused("an id of text, empty", swap(b"run1:ev001", b"", NAMED), "wrong_dtype", to=NAMED),
    refused(
        "an id of text of a megabyte",
        swap(b"run1:ev001", b"x" * 1_000_000, NAMED),
        "unknown_id",
        "missing_id",
        to=NAMED,
    ),
    refused(
        "ids of text that are numbers",
        b"EventId,Class\n" + b"".join(b"%d,s\n" % at for at in range(40)),
        "unknown_id",
        "missing_id",
        to=NAMED,
        warnings=("all_signal",),
    ),
    refused("probabilities as classes", in_class(b"0.9", b"0.1"), "bad_class_label"),
    refused("classes 1 and 2", in_class(b"1", b"2"), "bad_class_label"),
    refused("classes 1 and -1", in_class(b"1", b"-1"), "bad_class_label"),
    refused("words as classes", in_class(b"signal", b"background"), "bad_class_label"),
    refused("types mixed in a column", in_class(b"s", b"0", b"TRUE", b"0.7"), "bad_class_label"),
    refused("nothing selected", in_class(b"b"), "too_few_selected", warnings=("all_background",)),
    refused("a target beyond the bounds", with_energy(b"5000.5"), "out_of_range", to=REGRESSION),
    refused("a target of 1e308", with_energy(b"1e308"), "out_of_range", to=REGRESSION),
    refused("a target below the bounds", with_energy(b"-1e5"), "out_of_range", to=REGRESSION),
    refused("targets in MeV", scaled(1e3), "out_of_range", to=REGRESSION),
    refused(
        "decimal commas and semicolons",
        TEST_SETS[REGRESSION].sample.replace(b",", b";").replace(b".", b","),
        "wrong_dtype",
        to=REGRESSION,
    ),
    refused(
        "a header again in numbers",
        lines(lambda rows: [*rows, rows[0]], REGRESSION),
        "wrong_dtype",
        to=REGRESSION,
    ),
    accepted("classes 1 and 0", in_class(b"1", b"0")),
    accepted("classes true and false", in_class(b"True", b"FALSE", b"true")),
    accepted("classes in capitals", in_class(b"S", b"B")),
    accepted("classes 1.0 and 0.0", in_class(b"1.0", b"0.0")),
    accepted("classes in mixed spelling", in_class(b"s", b"0", b"TRUE")),
    accepted("everything selected", in_class(b"s"), "all_signal"),
    accepted("Kaggle's file", TEST_SETS[RANKED].sample.replace(b"Score", b"RankOrder"), to=RANKED),
    accepted("a score of 5e-324", with_score(b"5e-324"), to=RANKED),
    accepted("a score of -1e308", with_score(b"-1e308"), to=RANKED),
    accepted("a score with forty digits", with_score(b"0." + b"3" * 40), to=RANKED),
    accepted("a score without a digit before the point", with_score(b".5"), to=RANKED),
    accepted("constant energies", energies(b"55.5"), "constant_prediction", to=REGRESSION),
    accepted("energies in TeV", scaled(1e-3), "outside_training_range", to=REGRESSION),
)
LAYER = "values"
