"""Reading a class list: CSV as organisers have it, down to names. Pure functions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .registration_rules import line_problem, one_line

LARGEST_ROSTER = 5000
LONGEST_NAME = 200
MOST_PROBLEMS = 20
HEADER = "name"
Row = tuple[int, list[str]]


class RosterError(ValueError):
    """The list can't be taken as it is; `problems` says what to mend, line by line."""

    def __init__(self, problems: Sequence[str]) -> None:
        shown = list(problems[:MOST_PROBLEMS])
        if len(problems) > MOST_PROBLEMS:
            shown.append(f"… and {len(problems) - MOST_PROBLEMS:,} more")
        self.problems = shown
        super().__init__(" ".join(shown))


@dataclass(frozen=True)
class Listed:
    """A name and the line on which it stands."""

    line: int
    name: str


def roster_text(content: bytes) -> str:
    """An uploaded list as text. Raises RosterError for another encoding than UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RosterError(["This is not UTF-8. Save the list as “CSV UTF-8” and send that."]) from (
            None
        )


def name_key(name: str) -> str:
    """The form under which a name is on the list once."""
    return one_line(name).casefold()


def roster_names(text: str) -> list[str]:
    """The names on a list, in its order. Raises RosterError, which names every line to mend.

    Either one name a line, or a table whose first line has a column `name` (then columns may be
    separated by commas, semicolons or tabs, and the others are passed over).
    """
    rows = _rows(text.removeprefix("\ufeff"))
    listed = _column(rows)
    if not listed:
        raise RosterError(["There is no name on this list. Write one name a line."])
    if len(listed) > LARGEST_ROSTER:
        raise RosterError([f"This list has {len(listed):,} names; {LARGEST_ROSTER:,} are allowed."])
    if problems := list(_problems(listed)):
        raise RosterError(problems)
    return [one.name for one in listed]


def _rows(text: str) -> list[Row]:
    """The rows that are not empty, each with the number of its last line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((one for one in ";\t" if one in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    try:
        for row in reader:
            cells = [one_line(cell) for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        message = f"Line {reader.line_num}: the quotes or line ends are broken ({error})."
        raise RosterError([message]) from None
    return rows


def _column(rows: list[Row]) -> list[Listed]:
    """The names of the column `name`, or of a list without any header."""
    heading = [cell.casefold() for cell in rows[0][1]] if rows else []
    if HEADER in heading:
        at = heading.index(HEADER)
        return [Listed(line, row[at] if at < len(row) else "") for line, row in rows[1:]]
    wide = [line for line, row in rows if any(row[1:])]
    if wide:
        raise RosterError(
            [
                f"Line {wide[0]} has more than one column. Put names with commas into quotes, or "
                "begin the list with a line of headings, one of which is “name”."
            ]
        )
    return [Listed(line, row[0]) for line, row in rows]


def _problems(listed: list[Listed]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for one in listed:
        if problem := line_problem(one.name, "the name", LONGEST_NAME):
            yield f"Line {one.line}: {problem}"
            continue
        first = seen.setdefault(name_key(one.name), one.line)
        if first != one.line:
            yield (
                f"Line {one.line}: “{one.name}” stands on line {first} already. "
                "If these are two people, tell them apart."
            )
