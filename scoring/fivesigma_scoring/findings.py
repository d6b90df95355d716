"""The texts of the validation report that all kinds share, one function per finding."""

from collections.abc import Sequence

from fivesigma_scoring.report import Finding
from fivesigma_scoring.wording import listed, places_shown, shorten, values_do_not

ACCEPTED = "CSV (plain, gz, zst or zip of one file), Parquet or .npy"


def empty() -> Finding:
    """Nothing was sent."""
    return Finding(
        "unreadable", "error", "The file is empty. Check that it was written before sending it."
    )


def cut_short(what: str) -> Finding:
    """`what` (archive, Parquet file, .npy file) is damaged."""
    text = f"The {what} is damaged or ends too early. Write it again and send the whole file."
    return Finding("unreadable", "error", text)


def encrypted() -> Finding:
    """A zip with a password."""
    text = "The zip archive is protected by a password. Send it without one."
    return Finding("unreadable", "error", text)


def not_utf8(rows: Sequence[int], count: int) -> Finding:
    """Lines that are not UTF-8."""
    text = "The file is not UTF-8 text. Save it as CSV with the encoding UTF-8."
    return Finding("unreadable", "error", text, None, places_shown(rows), count)


def nul_bytes(rows: Sequence[int], count: int) -> Finding:
    """Lines with NUL bytes."""
    text = "The file contains NUL bytes, so it is not a text file. Write it again as CSV in UTF-8."
    return Finding("unreadable", "error", text, None, places_shown(rows), count)


def header_too_long(limit: int) -> Finding:
    """A first line beyond `limit` bytes."""
    text = (
        f"The first line is longer than {limit:,} bytes. It must be a short header that names the "
        "columns, and every event needs a line of its own."
    )
    return Finding("unreadable", "error", text, None, (1,), 1)


def line_too_long(limit: int, rows: Sequence[int]) -> Finding:
    """A line beyond `limit` bytes."""
    text = (
        f"A line is longer than {limit:,} bytes. Write a line of its own for each row, with the "
        "needed columns only."
    )
    return Finding("unreadable", "error", text, None, places_shown(rows), len(rows))


def old_line_ends() -> Finding:
    """Carriage returns without line feeds."""
    text = "The lines end with carriage returns alone. Save the file with line feeds (LF or CRLF)."
    return Finding("unreadable", "error", text, None, (1,), 1)


def ragged(expected: int, rows: Sequence[int], count: int) -> Finding:
    """Lines with more fields than the `expected` ones."""
    text = (
        f"The header names {expected:,} columns, but {count:,} "
        f"{'line has' if count == 1 else 'lines have'} more fields. "
        "Write the same number of fields on every line."
    )
    return Finding("unreadable", "error", text, None, places_shown(rows), count)


def unreadable_table() -> Finding:
    """The CSV reader gave up."""
    text = (
        "The file cannot be read as a table. Look for a quotation mark that is never closed, or "
        "write it again as a plain CSV file."
    )
    return Finding("unreadable", "error", text)


def wrong_format(what: str) -> Finding:
    """A kind of file that is not read; `what` names it."""
    return Finding("wrong_format", "error", f"The file is {what}. Send {ACCEPTED}.")


def wrong_archive(content: str) -> Finding:
    """An archive that is not exactly one CSV file."""
    text = f"The archive contains {content}. Put exactly one CSV file into it."
    return Finding("wrong_format", "error", text)


def too_large(limit: int, *, expanded: bool) -> Finding:
    """More than `limit` bytes, as sent or expanded."""
    what = "The file expands to" if expanded else "The file has"
    text = f"{what} more than the {limit:,} bytes that are allowed. Send only the columns needed."
    return Finding("too_large", "error", text)


def zip_bomb(limit: int) -> Finding:
    """Expands past `limit` bytes from next to nothing."""
    text = (
        f"The file expands to more than fifty times its size and past {limit:,} bytes. "
        "Send a plain prediction file."
    )
    return Finding("zip_bomb", "error", text)


def missing_column(name: str, found: Sequence[str]) -> Finding:
    """A needed column is not in the header."""
    text = (
        f'The column "{name}" is missing; the first line names: {listed(found)}. '
        "Add the column and name it in the first line."
    )
    return Finding("missing_column", "error", text, name)


def repeated_column(name: str, count: int) -> Finding:
    """A known column appears twice."""
    text = f'The column "{name}" appears {count:,} times. Keep one of them.'
    return Finding("unexpected_column", "error", text, name, (), count)


def unused_columns(names: Sequence[str]) -> Finding:
    """Warns of columns that nobody reads."""
    text = f"Columns that are not used were ignored: {listed(names)}."
    return Finding("unexpected_column", "warning", text, shorten(names[0]), (), len(names))


def column_renamed(found: str, wanted: str) -> Finding:
    """Warns that a name was read kindly."""
    text = f'The column "{shorten(found)}" was read as "{wanted}". Write the name like that.'
    return Finding("column_renamed", "warning", text, wanted)


def wrong_id_type(column: str, first: object, rows: Sequence[int], count: int) -> Finding:
    """Ids that are not whole numbers."""
    text = (
        f'The column "{column}" must hold whole numbers; {values_do_not(count)}, the first is '
        f'"{shorten(first)}". Write the ids as they stand in the test file.'
    )
    return Finding("wrong_dtype", "error", text, column, places_shown(rows), count)


def empty_id(column: str, rows: Sequence[int], count: int) -> Finding:
    """Rows without an id."""
    rows_text = f"{count:,} {'row' if count == 1 else 'rows'}"
    text = f'The column "{column}" is empty in {rows_text}. Write the id of the event there.'
    return Finding("wrong_dtype", "error", text, column, places_shown(rows), count)


def wrong_type(column: str | None, found: str, wanted: str) -> Finding:
    """A column or array of a type that cannot be meant."""
    where = f'The column "{column}"' if column else "The array"
    return Finding("wrong_dtype", "error", f"{where} is of type {found}. Write {wanted}.", column)


def not_a_number(column: str, first: object, rows: Sequence[int], count: int) -> Finding:
    """A score that is no number."""
    text = (
        f'The column "{column}" must hold numbers; {values_do_not(count)}, the first is '
        f'"{shorten(first)}". Write finite numbers, or leave the column out.'
    )
    return Finding("wrong_dtype", "error", text, column, places_shown(rows), count)


def not_finite(column: str | None, rows: Sequence[int], count: int) -> Finding:
    """NaN, infinite or empty values."""
    where = f'The column "{column}"' if column else "The array"
    text = (
        f"{where} has NaN, infinite or empty values ({count:,}). Write finite numbers everywhere."
    )
    return Finding("not_finite", "error", text, column, places_shown(rows), count)


def duplicate_id(column: str, first: object, rows: Sequence[int], count: int) -> Finding:
    """Events that appear twice."""
    text = (
        f"{count:,} {'row repeats an id' if count == 1 else 'rows repeat ids'} of earlier rows, "
        f"the first is {shorten(first)}. Write every event once."
    )
    return Finding("duplicate_id", "error", text, column, places_shown(rows), count)


def unknown_id(column: str, first: object, rows: Sequence[int], count: int) -> Finding:
    """Ids outside the test set."""
    text = (
        f"{count:,} {'id is' if count == 1 else 'ids are'} not in the test set, the first is "
        f"{shorten(first)}. Take the ids from the published test file."
    )
    return Finding("unknown_id", "error", text, column, places_shown(rows), count)


def missing_id(column: str, ids: Sequence[object], count: int) -> Finding:
    """Events of the test set that the file leaves out."""
    text = (
        f"{count:,} {'event' if count == 1 else 'events'} of the test set "
        f"{'is' if count == 1 else 'are'} missing, first: {listed(ids)}. "
        "Predict every event of the test file."
    )
    return Finding("missing_id", "error", text, column, (), count)


def no_rows(expected: int) -> Finding:
    """A header alone."""
    text = f"The file has a header and no rows. Write one row for each of the {expected:,} events."
    return Finding("wrong_row_count", "error", text)


def wrong_row_count(found: int, expected: int) -> Finding:
    """Another number of rows than events."""
    text = (
        f"The file has {found:,} rows, but the test set has {expected:,} events. "
        "Write exactly one row for each event."
    )
    return Finding("wrong_row_count", "error", text, None, (), found)


def wrong_shape(found: str, expected: int) -> Finding:
    """An array of another shape."""
    text = (
        f"The array has the shape {shorten(found)}. Send one dimension with {expected:,} entries, "
        "in the order of the test file."
    )
    return Finding("wrong_shape", "error", text)


def weight_sum(name: str, found: float, declared: float) -> Finding:
    """Warns that weights were scaled (offline scoring only)."""
    text = (
        f"The weights of class {name} sum to {found:.6g} in your file, but the challenge declares "
        f"{declared:.6g}; they were scaled to the declared total."
    )
    return Finding("weight_sum", "warning", text)
