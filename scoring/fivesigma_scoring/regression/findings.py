"""The texts of the validation report that only regressions need."""

import re
from collections.abc import Sequence

from fivesigma_scoring.report import Finding
from fivesigma_scoring.wording import places_shown, shorten, values_do_not

SEPARATED = re.compile(r"[+-]?[0-9][0-9.,'’\s]*([eE][+-]?[0-9]+)?")
FACTORS = {
    1e3: "1,000 times too large (MeV instead of GeV?)",
    1e-3: "1,000 times too small (GeV instead of MeV?)",
    1e6: "1,000,000 times too large (keV instead of GeV?)",
    1e-6: "1,000,000 times too small (GeV instead of keV?)",
}
"""What a factor between the values of a file and those of the training file looks like."""


def _short(value: float) -> str:
    return f"{value:.6g}"


def _exact(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def not_a_number(column: str, first: object, rows: Sequence[int], count: int) -> Finding:
    """Text where a number is needed, often one with a comma."""
    advice = "Write a finite number for every event, such as 172.5."
    if SEPARATED.fullmatch(str(first).strip()):
        advice = "Write a decimal point and no thousand separators, such as 1234.5."
    text = (
        f'The column "{column}" must hold numbers; {values_do_not(count)}, the first is '
        f'"{shorten(first)}". {advice}'
    )
    return Finding("wrong_dtype", "error", text, column, places_shown(rows), count)


def out_of_range(
    target: str, bounds: tuple[float, float], first: float, rows: Sequence[int], count: int
) -> Finding:
    """Values outside the sanity bounds of the challenge."""
    low, high = bounds
    text = (
        f'The target "{target}" must lie between {_exact(low)} and {_exact(high)}; '
        f"{values_do_not(count)}, the first is {_exact(first)}. "
        "Look at the units, and at events without a sensible answer."
    )
    return Finding("out_of_range", "error", text, target, places_shown(rows), count)


def wrong_shape(found: str, rows: int, targets: Sequence[str]) -> Finding:
    """An array of another shape than events by targets."""
    if len(targets) == 1:
        wanted = f"({rows},), one value for each event"
    else:
        names = ", ".join(shorten(name) for name in targets)
        wanted = f"({rows}, {len(targets)}), one column for each of {names}"
    text = (
        f"The array has the shape {shorten(found)}. Send the shape {wanted}, in the order of the "
        "test file."
    )
    return Finding("wrong_shape", "error", text)


def constant(target: str, value: float) -> Finding:
    """Warns that every event has the same prediction."""
    text = f'The target "{target}" has the same value in every row, {_short(value)}.'
    return Finding("constant_prediction", "warning", text, target)


def outside_training(
    target: str,
    training: tuple[float, float],
    median: float,
    factor: float | None,
    rows: Sequence[int],
    count: int,
) -> Finding:
    """Warns of values that the training file never shows; `factor` is one of `FACTORS`."""
    hint = "Compare its units with those of the training file."
    if factor is not None:
        hint = f"The values look {FACTORS[factor]}."
    text = (
        f'The target "{target}" lies outside {_short(training[0])} to {_short(training[1])}, the '
        f"range of the published training file, in {count:,} {'row' if count == 1 else 'rows'}; "
        f"the median of the file is {_short(median)}. {hint}"
    )
    return Finding("outside_training_range", "warning", text, target, places_shown(rows), count)


def shared_targets(targets: Sequence[str]) -> Finding:
    """Warns that several columns were scored which a truth with inputs left open (offline only)."""
    names = ", ".join(shorten(name) for name in targets)
    text = (
        f"The columns that both files have were scored as targets, each alike: {names}. Leave "
        "inputs out of the prediction."
    )
    return Finding("shared_targets", "warning", text)


def looks_inverted(target: str) -> Finding:
    """Warns that a prediction falls where the truth rises."""
    text = (
        f'The target "{shorten(target)}" looks inverted: the prediction falls where the truth '
        "rises. Look for a wrong sign or a reversed order in the last step that wrote it."
    )
    return Finding("looks_inverted", "warning", text, target)


def looks_shuffled(target: str) -> Finding:
    """Warns that a prediction has nothing to do with the truth of its events."""
    text = (
        f'The target "{shorten(target)}" varies, but not with the truth, as if the rows were '
        "shuffled. Join your predictions to the test file by the id instead of the order of the "
        "rows."
    )
    return Finding("looks_shuffled", "warning", text, target)


def looks_scaled(target: str, factor: float) -> Finding:
    """Warns of a prediction that is too large by a factor; a whole number, or one over such."""
    times = f"{max(factor, 1 / factor):,.0f}"
    looks = f"about {times} times too {'large' if factor > 1 else 'small'}"
    advice = "Compare its unit with that of the training file."
    if factor in FACTORS:
        looks = FACTORS[factor]
        advice = f"{'Divide' if factor > 1 else 'Multiply'} it by {times}."
    text = f'The target "{shorten(target)}" looks {looks}. {advice}'
    return Finding("looks_scaled", "warning", text, target)
