"""Prediction files: from a path to arrays, under limits. Nothing here ever unpickles."""

from pathlib import Path

from fivesigma_scoring import findings
from fivesigma_scoring.files import container
from fivesigma_scoring.files.container import identify, open_head
from fivesigma_scoring.files.delimited import read_header
from fivesigma_scoring.files.parquet import MAGIC
from fivesigma_scoring.kinds import KINDS
from fivesigma_scoring.prediction import HEADER_LIMIT, Prediction, PredictionFormat
from fivesigma_scoring.report import Finding, InputRefusedError, Report

MAGIC_BYTES = 16


def read_prediction(path: Path | str, format: PredictionFormat) -> Prediction:  # noqa: A002
    """Read a prediction file, whatever its name says: the first bytes decide what it is.

    Parameters
    ----------
    path
        CSV (plain, gz, zst or zip of one file), Parquet, ``.npy``; for masks also NPZ and HDF5.
    format
        What the file must look like.

    Returns
    -------
    Prediction
        One entry per row, in the order of the file; ids are not looked up yet.

    Raises
    ------
    InputRefusedError
        The file is refused; its `findings` say why, with line numbers.

    """
    path = Path(path)
    if path.stat().st_size > format.max_bytes:
        raise InputRefusedError(findings.too_large(format.max_bytes, expanded=False))
    with path.open("rb") as stream:
        what = identify(stream.read(MAGIC_BYTES))
    prediction: Prediction = KINDS[format.kind].read(path, what, format)
    return prediction


def sniff(
    head: bytes,
    tail: bytes | None,
    size: int,
    filename: str,
    format: PredictionFormat,  # noqa: A002
) -> list[Finding]:
    """A look at size, magic bytes, container and header, cheap enough for a web process.

    Parameters
    ----------
    head, tail
        First bytes of the file (64 KiB are enough) and last ones (8 are enough), if at hand.
    size
        Size of the whole file in bytes.
    filename
        As the participant named it; the first bytes decide, but a pickle's name refuses it.
    format
        What the file must look like.

    Returns
    -------
    list of Finding
        Errors that refuse the file at once, and warnings. Never raises on bad input; what it does
        not see (ids, values) is left to the full check.

    """
    try:
        container.check_name(filename)
        return _look(head, tail, size, format)
    except InputRefusedError as refused:
        return list(Report.of(refused.findings).findings)


def _look(head: bytes, tail: bytes | None, size: int, form: PredictionFormat) -> list[Finding]:
    if size > form.max_bytes:
        return [findings.too_large(form.max_bytes, expanded=False)]
    kind, what = KINDS[form.kind], identify(head)
    seen = kind.look(what, head, size, form)
    if seen is not None:
        return seen
    if what == "parquet":
        whole = tail is None or tail.endswith(MAGIC)
        return [] if whole else [findings.cut_short("Parquet file")]
    text = open_head(head, what, HEADER_LIMIT)
    if what != "text" and text and identify(text) != "text":
        return [findings.wrong_archive("something else than CSV")]
    header = read_header(text)
    if not header.complete and (what != "text" or len(head) < size):
        return []
    return list(kind.header(header.names, form))
