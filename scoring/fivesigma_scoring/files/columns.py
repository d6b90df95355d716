"""Columns of a table: which one is which, and their values as arrays."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import ROWS_SHOWN, Finding, InputRefusedError

CLASS = "Class"
SCORES = ("Score", "RankOrder")
NO_ID = np.iinfo(np.int64).min
LABEL_BYTES = 16
ID_BYTES = 128
SIGNAL_LABELS = ("s", "1", "true", "1.0")
BACKGROUND_LABELS = ("b", "0", "false", "0.0")
PAIRS = (("s", "b"), ("1", "0"), ("true", "false"), ("True", "False"))

Places = Callable[[Sequence[int]], tuple[int, ...]]


@dataclass(frozen=True)
class Columns:
    """Positions of the known columns in a header, and what is odd about the others."""

    id: int
    label: int
    score: int | None
    score_name: str
    warnings: tuple[Finding, ...]

    def used(self) -> list[int]:
        """Positions of the columns that have to be read, in the order of the file."""
        return sorted({self.id, self.label} | ({self.score} if self.score is not None else set()))


def plain(name: str) -> str:
    """A column name without case, spaces and punctuation: EventId and event_id are the same."""
    return "".join(character for character in name.casefold() if character.isalnum())


def find_column(names: Sequence[str], wanted: str) -> int | None:
    """Position of a column: its exact name first, then a kind reading; None where there is none."""
    if wanted in names:
        return names.index(wanted)
    plain_names = [plain(name) for name in names]
    return plain_names.index(plain(wanted)) if plain(wanted) in plain_names else None


def match(names: Sequence[str], form: PredictionFormat) -> Columns:
    """Find id, class and score among the names of a header.

    Raises
    ------
    InputRefusedError
        A needed column is missing, or a known one appears twice.

    """
    found = {name: find_column(names, name) for name in (form.id_column, CLASS, *SCORES)}
    score_name = next((name for name in SCORES if found[name] is not None), SCORES[0])
    needed = [form.id_column, CLASS] + ([SCORES[0]] if form.needs_score else [])
    errors = [
        findings.missing_column(name, names)
        for name in needed
        if found[name] is None and not (name == SCORES[0] and found[score_name] is not None)
    ]
    errors += _repeated(names, list(found))
    identity, label = found[form.id_column], found[CLASS]
    if errors or identity is None or label is None:
        raise InputRefusedError(*errors)
    return Columns(identity, label, found[score_name], score_name, _warnings(names, found))


def _repeated(names: Sequence[str], known: Sequence[str]) -> list[Finding]:
    counts = Counter(plain(name) for name in names)
    return [
        findings.repeated_column(name, counts[plain(name)])
        for name in known
        if counts[plain(name)] > 1
    ]


def _warnings(names: Sequence[str], found: dict[str, int | None]) -> tuple[Finding, ...]:
    renamed = [
        findings.column_renamed(names[at], wanted)
        for wanted, at in found.items()
        if at is not None and names[at] != wanted
    ]
    unused = [name for at, name in enumerate(names) if at not in found.values()]
    return (*renamed, *([findings.unused_columns(unused)] if unused else []))


def read_label(series: pl.Series, places: Places) -> tuple[NDArray[np.bool_], list[Finding]]:
    """The class column as bool (n,), True for signal; findings instead where a value is neither."""
    if series.dtype == pl.Boolean and not series.null_count():
        return series.to_numpy().astype(bool, copy=False), []
    if series.dtype == pl.String:
        quick = _quick_label(series)
        if quick is not None:
            return quick, []
    text = _as_label_text(series)
    if text is None:
        wanted = "s or b (or 1/0, true/false)"
        return np.empty(0, bool), [findings.wrong_type(CLASS, str(series.dtype), wanted)]
    signal = text.is_in(SIGNAL_LABELS).fill_null(value=False).to_numpy()
    background = text.is_in(BACKGROUND_LABELS).fill_null(value=False).to_numpy()
    bad = np.flatnonzero(~(signal | background))
    return signal, _bad_labels(series, bad, places) if bad.size else []


def _quick_label(series: pl.Series) -> NDArray[np.bool_] | None:
    """The usual spellings, one comparison each; None where another one occurs or mixes in."""
    for yes, no in PAIRS:
        signal = series == yes
        selected = int(signal.sum() or 0)
        if selected + int((series == no).sum() or 0) == len(series):
            return signal.to_numpy()
        if selected:
            break
    return None


def _as_label_text(series: pl.Series) -> pl.Series | None:
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        return series.cast(pl.String).str.to_lowercase()
    if series.dtype in (pl.String, pl.Categorical, pl.Enum):
        text = series.cast(pl.String)
        short = text.str.len_bytes() <= LABEL_BYTES
        frame = pl.DataFrame({"text": text, "short": short})
        return frame.select(
            pl.when(pl.col("short")).then(pl.col("text")).str.strip_chars().str.to_lowercase()
        ).to_series()
    return None


def _bad_labels(series: pl.Series, bad: NDArray[np.intp], places: Places) -> list[Finding]:
    rows, count = places(bad[:ROWS_SHOWN].tolist()), int(bad.size)
    first = series[int(bad[0])]
    wrong = series.gather(bad).cast(pl.String).cast(pl.Float64, strict=False)
    if wrong.null_count() == 0 and bool(wrong.is_between(0.0, 1.0).all()):
        return [findings.class_probabilities(CLASS, rows, count)]
    return [findings.bad_class_label(CLASS, "" if first is None else first, rows, count)]


def read_score(
    series: pl.Series, name: str, places: Places
) -> tuple[NDArray[np.float64], list[Finding]]:
    """The score column as float64 (n,); findings where a value is no finite number."""
    if series.dtype == pl.String:
        stripped = series.str.strip_chars()
        numbers = stripped.cast(pl.Float64, strict=False)
        bad = np.flatnonzero((numbers.is_null() & (stripped != "")).fill_null(value=False))
        if bad.size:
            rows = places(bad[:ROWS_SHOWN].tolist())
            first = series[int(bad[0])]
            return np.empty(0), [findings.not_a_number(name, first, rows, int(bad.size))]
    elif series.dtype.is_numeric():
        numbers = series.cast(pl.Float64)
    else:
        return np.empty(0), [findings.wrong_type(name, str(series.dtype), "finite numbers")]
    values = numbers.to_numpy()
    bad = np.flatnonzero(~np.isfinite(values))
    if not bad.size:
        return values, []
    rows = places(bad[:ROWS_SHOWN].tolist())
    return values, [findings.not_finite(name, rows, int(bad.size))]


def read_ids(
    series: pl.Series, form: PredictionFormat, places: Places
) -> tuple[NDArray[Any], list[Finding]]:
    """The id column as int64 (n,) or UTF-8 byte strings (n,).

    Whole numbers beyond 64 bits become `NO_ID`, which no test set contains.
    """
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if form.id_type == "str":
        return _text_ids(series, form.id_column, places)
    if series.dtype.is_integer() or series.dtype == pl.String:
        return _whole_ids(series, form.id_column, places)
    if series.dtype.is_float():
        count = len(series)
        rows = places(range(min(count, ROWS_SHOWN)))
        first = series[0] if count else ""
        return np.empty(0, np.int64), [findings.wrong_id_type(form.id_column, first, rows, count)]
    wrong = findings.wrong_type(form.id_column, str(series.dtype), "whole numbers")
    return np.empty(0, np.int64), [wrong]


def _whole_ids(
    series: pl.Series, column: str, places: Places
) -> tuple[NDArray[np.int64], list[Finding]]:
    if series.dtype == pl.Int64 and not series.null_count():
        return series.to_numpy(), []
    text = series.cast(pl.String).str.strip_chars()
    whole = text.str.contains(r"^[+-]?[0-9]+$").fill_null(value=False)
    bad = np.flatnonzero(~whole.to_numpy())
    if bad.size:
        rows = places(bad[:ROWS_SHOWN].tolist())
        first = text[int(bad[0])]
        if not first:
            return np.empty(0, np.int64), [findings.empty_id(column, rows, int(bad.size))]
        return np.empty(0, np.int64), [findings.wrong_id_type(column, first, rows, int(bad.size))]
    return text.cast(pl.Int64, strict=False).fill_null(NO_ID).to_numpy(), []


def _text_ids(
    series: pl.Series, column: str, places: Places
) -> tuple[NDArray[np.bytes_], list[Finding]]:
    if not (series.dtype.is_integer() or series.dtype == pl.String):
        wrong = findings.wrong_type(column, str(series.dtype), "the ids as text")
        return np.empty(0, "S1"), [wrong]
    text = series.cast(pl.String).str.strip_chars().str.head(ID_BYTES + 1)
    bad = np.flatnonzero((text.is_null() | (text == "")).fill_null(value=True).to_numpy())
    if bad.size:
        rows = places(bad[:ROWS_SHOWN].tolist())
        return np.empty(0, "S1"), [findings.empty_id(column, rows, int(bad.size))]
    encoded = [one.encode() for one in text.to_list()]
    return np.array(encoded, dtype=np.bytes_) if encoded else np.empty(0, "S1"), []
