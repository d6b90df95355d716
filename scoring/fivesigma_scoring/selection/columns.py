"""The columns of a selection: id, class, and a score that may be left out."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fivesigma_scoring import findings
from fivesigma_scoring.files.table import Column, Places, Schema
from fivesigma_scoring.prediction import PredictionFormat
from fivesigma_scoring.report import ROWS_SHOWN, Finding
from fivesigma_scoring.selection import findings as own

CLASS, SCORE, RANK = "Class", "Score", "RankOrder"
LABEL_BYTES = 16
SIGNAL_LABELS = ("s", "1", "true", "1.0")
BACKGROUND_LABELS = ("b", "0", "false", "0.0")
PAIRS = (("s", "b"), ("1", "0"), ("true", "false"), ("True", "False"))


def schema(form: PredictionFormat, _names: Sequence[str] = ()) -> Schema:
    """What a table of a selection must look like."""
    return Schema(
        (
            Column(form.id_column, pl.Int64 if form.id_type == "int" else pl.String),
            Column(CLASS, pl.String, pairs=PAIRS),
            Column(SCORE, pl.Float64, required=form.needs_score, aliases=(RANK,)),
        ),
        form.rows,
        form.max_expanded_bytes,
        lambda found: findings.wrong_row_count(found, form.rows),
    )


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


def quick_words(words: NDArray[np.bytes_]) -> NDArray[np.bool_] | None:
    """The usual spellings as bool (n,), True for signal; None where another occurs or mixes in."""
    if words.itemsize > 1:
        return _quick_spelled(words)
    letters = words.tobytes()
    for yes, no in PAIRS[:2]:
        pair = (yes + no).encode()
        if not letters.translate(None, pair):
            return np.frombuffer(letters.translate(bytes.maketrans(pair, b"\1\0")), np.bool_)
    return None


def _quick_spelled(words: NDArray[np.bytes_]) -> NDArray[np.bool_] | None:
    for yes, no in PAIRS[2:]:
        signal = words == yes.encode()
        if (signal | (words == no.encode())).all():
            return np.asarray(signal)
    return None


def _quick_label(series: pl.Series) -> NDArray[np.bool_] | None:
    """The usual spellings, one comparison each; None where another occurs or mixes in."""
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
        return [own.class_probabilities(CLASS, rows, count)]
    return [own.bad_class_label(CLASS, "" if first is None else first, rows, count)]
