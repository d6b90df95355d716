"""The texts of the validation report that only selections need."""

from collections.abc import Sequence

from fivesigma_scoring.report import Finding
from fivesigma_scoring.wording import places_shown, shorten, values_do_not


def missing_score_array() -> Finding:
    """An array of decisions where a score is needed."""
    text = (
        "This phase ranks by a score, and a boolean or integer array has none. Send a float array "
        "of probabilities, or CSV with the columns of the sample and Score."
    )
    return Finding("missing_column", "error", text, "Score")


def bad_class_label(column: str, first: object, rows: Sequence[int], count: int) -> Finding:
    """Classes other than signal and background."""
    text = (
        f'The column "{column}" must hold s or b (or 1/0, true/false); {values_do_not(count)}, '
        f'the first is "{shorten(first)}".'
    )
    return Finding("bad_class_label", "error", text, column, places_shown(rows), count)


def class_probabilities(column: str, rows: Sequence[int], count: int) -> Finding:
    """Probabilities in the class column."""
    text = (
        f'The column "{column}" holds probabilities where classes were expected. '
        "Apply your cut and write s or b; put the probability into the column Score."
    )
    return Finding("bad_class_label", "error", text, column, places_shown(rows), count)


def bad_array_class(first: object, rows: Sequence[int], count: int) -> Finding:
    """An array with other integers than 0 and 1."""
    text = f"The array must hold 0 and 1; {values_do_not(count)}, the first is {shorten(first)}."
    return Finding("bad_class_label", "error", text, None, places_shown(rows), count)


def array_probabilities() -> Finding:
    """Warns that an array was cut at 0.5."""
    text = (
        "The array holds probabilities where classes were expected: values of at least 0.5 were "
        "counted as signal. Apply your own cut and send booleans."
    )
    return Finding("probabilities", "warning", text)


def array_out_of_range(first: object, rows: Sequence[int], count: int) -> Finding:
    """A float array that is no array of probabilities."""
    text = (
        f"A float array must hold probabilities between 0 and 1; {values_do_not(count)}, the first "
        f"is {shorten(first)}. Apply your cut and send booleans."
    )
    return Finding("out_of_range", "error", text, None, places_shown(rows), count)


def too_few_selected(found: int, least: int) -> Finding:
    """Fewer selected events than the challenge asks for."""
    text = (
        f"Only {found:,} events are selected as signal; at least {least:,} are needed. "
        "Loosen your selection."
    )
    return Finding("too_few_selected", "error", text, None, (), found)


def all_background() -> Finding:
    """Warns that nothing is selected."""
    text = "Every event is predicted as background: nothing is selected."
    return Finding("all_background", "warning", text)


def all_signal() -> Finding:
    """Warns that everything is selected."""
    text = "Every event is predicted as signal: nothing is rejected."
    return Finding("all_signal", "warning", text)


def constant_score() -> Finding:
    """Warns of a score with one value."""
    text = "The score has the same value in every row, so it orders nothing."
    return Finding("constant_prediction", "warning", text, "Score")
