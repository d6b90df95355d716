"""The texts of the validation report that only segmentations need."""

from collections.abc import Iterable, Sequence
from typing import SupportsInt

from fivesigma_scoring.files.columns import NO_ID
from fivesigma_scoring.report import ROWS_SHOWN, Finding
from fivesigma_scoring.wording import NAMES_SHOWN, places_shown, shorten, values_do_not

ARGMAX = "Of probabilities or logits take the argmax over the classes."
SPARSE = "list the lit pixels in the columns event, voxel, class (CSV, Parquet or NPZ)"


def number(value: object) -> str:
    """A number as the report shows it."""
    return "beyond 64 bits" if value == NO_ID else str(value)


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(str(size) for size in shape)}{',' if len(shape) == 1 else ''})"


def _class(number: int, names: Sequence[str]) -> str:
    return f"{number} ({shorten(names[number])})" if number < len(names) else str(number)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def no_rows() -> Finding:
    """A header alone."""
    text = (
        "The file lists no pixels. Write one row for each pixel with a class above 0, and one row "
        "with class 0 for an event without any."
    )
    return Finding("wrong_row_count", "error", text)


def too_many_rows(found: int, allowed: int) -> Finding:
    """More rows than are read."""
    text = (
        f"The file has {found:,} rows; at most about {allowed:,} are read. List the lit pixels "
        "only: what is not listed is class 0."
    )
    return Finding("wrong_row_count", "error", text, None, (), found)


def unequal_lengths(lengths: Sequence[tuple[str, int]]) -> Finding:
    """Arrays of an archive that are no columns of one table; names with their numbers of rows."""
    shown = ", ".join(f"{name} {size:,}" for name, size in lengths)
    text = f"The arrays differ in length ({shown}). Write one value of each for every pixel."
    return Finding("wrong_shape", "error", text)


def not_a_column(name: str, found: str) -> Finding:
    """An array of an archive with several dimensions."""
    text = (
        f'The array "{name}" has the shape {shorten(found)}. Write one dimension, one value for '
        "each pixel."
    )
    return Finding("wrong_shape", "error", text, name)


def named_events() -> Finding:
    """An archive of arrays where events have names."""
    text = (
        "The events of this test set have names, and an .npz file is read for numbers only. "
        "Send the same columns as CSV or Parquet."
    )
    return Finding("wrong_format", "error", text)


def empty_value(column: str, rows: Sequence[int], count: int) -> Finding:
    """Rows without a value."""
    text = (
        f'The column "{column}" is empty in {count:,} {"row" if count == 1 else "rows"}. '
        "Write a whole number there."
    )
    return Finding("wrong_dtype", "error", text, column, places_shown(rows), count)


def not_whole(
    column: str, first: object, rows: Sequence[int], count: int, *, fractions: bool
) -> Finding:
    """Text that is no whole number; `fractions` says that all of it are other numbers."""
    advice = "Write plain digits."
    if fractions:
        advice = ARGMAX if column == "class" else "Write it without a decimal point."
    text = (
        f'The column "{column}" must hold whole numbers; {values_do_not(count)}, the first is '
        f'"{shorten(first)}". {advice}'
    )
    return Finding("wrong_dtype", "error", text, column, places_shown(rows), count)


def floats(column: str | None, found: str) -> Finding:
    """Floating-point numbers; None is the array of a dense mask."""
    where = f'The column "{column}"' if column else "The array"
    if column in (None, "class"):
        wanted = f"Write class numbers as integers, such as uint8. {ARGMAX}"
    else:
        wanted = "Write whole numbers, such as int32."
    text = f"{where} is of type {found}. {wanted}"
    return Finding("wrong_dtype", "error", text, column)


def bad_class(
    column: str | None, first: str, classes: Sequence[str], rows: Sequence[int], count: int
) -> Finding:
    """Class numbers that do not exist."""
    where = f'The column "{column}"' if column else "The array"
    known = ", ".join(_class(at, classes) for at in range(min(len(classes), NAMES_SHOWN)))
    if not classes:
        known = "0 to 255"
    elif len(classes) > NAMES_SHOWN:
        known = f"0 to {len(classes) - 1}"
    text = (
        f"{where} must hold the class numbers {known}; {values_do_not(count)}, the first is "
        f"{first}. Number your classes like that."
    )
    return Finding("bad_class_label", "error", text, column, places_shown(rows), count)


def out_of_range(
    column: str,
    first: str,
    largest: int,
    shape: Sequence[int],
    rows: Sequence[int],
    count: int,
    *,
    one_based: bool,
) -> Finding:
    """Pixels outside of their event."""
    advice = "Look at the shape and at the order of the axes."
    if one_based:
        advice = "It looks 1-based: subtract 1."
    text = (
        f'The column "{column}" must lie between 0 and {largest:,}, since an event has the shape '
        f"{_shape(shape)}; {values_do_not(count)}, the first is {first}. {advice}"
    )
    return Finding("out_of_range", "error", text, column, places_shown(rows), count)


def repeated_pixel(first: str, event: str, rows: Sequence[int], count: int) -> Finding:
    """Pixels that are listed twice."""
    text = (
        f"{count:,} {'row repeats a pixel' if count == 1 else 'rows repeat pixels'} of earlier "
        f"rows, the first is pixel {first} of event {shorten(event)}. List every pixel once."
    )
    return Finding("duplicate_id", "error", text, "event", places_shown(rows), count)


def unknown_event(first: str, rows: Sequence[int], count: int) -> Finding:
    """Events outside the test set."""
    text = (
        f"{count:,} {'row belongs' if count == 1 else 'rows belong'} to events that are not in the "
        f"test set, the first to {shorten(first)}. Take the ids from the published test file."
    )
    return Finding("unknown_id", "error", text, "event", places_shown(rows), count)


def missing_event(events: Sequence[str], count: int) -> Finding:
    """Events of the test set of which the file lists nothing."""
    shown = ", ".join(shorten(one) for one in events[:ROWS_SHOWN])
    text = (
        f"{count:,} {'event' if count == 1 else 'events'} of the test set "
        f"{'is' if count == 1 else 'are'} missing, first: {shown}. Predict every event; write one "
        "row with class 0 for an event without any labelled pixel."
    )
    return Finding("missing_id", "error", text, "event", (), count)


def wrong_events(found: Sequence[int], wanted: Sequence[int]) -> Finding:
    """A dense mask whose ids do not go with it."""
    text = (
        f'The array "events" has the shape {_shape(found)[:80]}. Write one id for each mask, '
        f"shape {_shape(wanted)}."
    )
    return Finding("wrong_shape", "error", text, "events")


def repeated_event(first: str, rows: Sequence[int], count: int) -> Finding:
    """A dense mask with two entries for an event."""
    text = (
        f'The array "events" repeats ids in {count:,} {"place" if count == 1 else "places"}, the '
        f"first is {shorten(first)}. Give every event one mask."
    )
    return Finding("duplicate_id", "error", text, "events", places_shown(rows), count)


def wrong_mask_shape(found: Sequence[int], wanted: Sequence[int], classes: int) -> Finding:
    """A dense mask of another shape than (events, ...)."""
    advice = f"Send {_shape(wanted)}, the events first, in the order of the sample."
    more = [at for at in range(len(found)) if (*found[:at], *found[at + 1 :]) == tuple(wanted)]
    if classes > 1 and any(found[at] == classes for at in more):
        at = max(at for at in more if found[at] == classes)
        advice = f"It looks like one value for each class: take the argmax over axis {at}."
    elif tuple(found) == tuple(wanted[1:]):
        advice = f"It looks like one event. {advice}"
    elif sorted(found) == sorted(wanted):
        advice = f"Its axes look transposed. {advice}"
    text = f"The array has the shape {_shape(found)[:80]}. {advice}"
    return Finding("wrong_shape", "error", text)


def dense_3d() -> Finding:
    """A dense mask where events have three axes."""
    text = f"Dense masks are read for events of up to two axes only. Instead {SPARSE}."
    return Finding("wrong_shape", "error", text)


def all_background() -> Finding:
    """Warns that nothing has a class."""
    text = "Every pixel is predicted as class 0: nothing is labelled, so nothing will be right."
    return Finding("all_background", "warning", text)


def constant(number: int, names: Sequence[str]) -> Finding:
    """Warns that every labelled pixel has the same class."""
    text = f"Every pixel that is not class 0 is predicted as class {_class(number, names)}."
    return Finding("constant_prediction", "warning", text)


def class_never_predicted(numbers: Sequence[int], names: Sequence[str]) -> Finding:
    """Warns of classes that the mask never uses."""
    shown = ", ".join(_class(one, names) for one in numbers[:NAMES_SHOWN])
    more = len(numbers) - NAMES_SHOWN
    text = f"No pixel is predicted as class {shown}{f' and {more:,} more' if more > 0 else ''}."
    return Finding("class_never_predicted", "warning", text, None, (), len(numbers))


def lit_coverage(share: float, looks: str | None, better: float) -> Finding:
    """Warns that lit input pixels got class 0; `looks` says what would change the share."""
    if looks is None:
        advice = (
            "No swap of axes, shift or other order of the events explains it. Look at the inputs "
            "of one event beside your mask."
        )
    else:
        advice = f"{looks}, it would be {_percent(better)}."
    text = f"Only {_percent(share)} of the lit input pixels get a class above 0. {advice}"
    return Finding("lit_coverage", "warning", text)


def shape_words(shape: Iterable[SupportsInt]) -> str:
    """A shape as texts show it."""
    return _shape([int(size) for size in shape])
