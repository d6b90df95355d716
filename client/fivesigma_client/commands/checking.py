"""`validate` and `score`: looking at a file before handing it in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..answers import Finding, Report
from ..errors import Misused
from ..invocation import (
    PREDICTION,
    SLUG_TYPE,
    Invocation,
    common,
    file_option,
    phase_of,
    phase_option,
)
from ..local_challenge import read_phase
from ..plotting import check_target, draw_events
from ..reading import read, read_all
from ..settings_cache import known_challenge

if TYPE_CHECKING:
    # Numpy and the readers take a moment to load, so only what runs them does.
    from fivesigma_scoring import Outcome
    from fivesigma_scoring.offline import OwnEvents

    Scored = tuple[Outcome, OwnEvents | None]
    """What came out, and the events that can be drawn."""

REFUSED = 4
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object on the command line."""

    name = "JSON"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The decoded object."""
        if isinstance(value, dict):
            return value
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            decoded = None
        if not isinstance(decoded, dict):
            self.fail("expected a JSON object such as '{\"regularisation\": 10}'", param, ctx)
        return decoded


JSON_OBJECT = JsonObject()


class ClassTotals(JsonObject):
    """A JSON object of class and total."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The totals, which are numbers."""
        totals = super().convert(value, param, ctx)
        for name, total in totals.items():
            if name not in ("s", "b") or type(total) not in (int, float):
                self.fail("expected totals of s and b, such as '{\"s\": 692}'", param, ctx)
        return totals


@click.command()
@click.argument("slug", type=SLUG_TYPE, required=False)
@click.option("--sample", type=PREDICTION, help="Check against this sample submission, offline.")
@click.option("--challenge", type=FOLDER, help="Check against this challenge's folder, offline.")
@phase_option
@file_option
@common
@click.pass_obj
def validate(
    run: Invocation,
    slug: str | None,
    sample: Path | None,
    challenge: Path | None,
    phase: str | None,
    file: Path,
) -> None:
    """Check a file without handing it in. Costs no quota."""
    if (slug, sample, challenge).count(None) != 2:
        raise click.UsageError("Give one of: the slug of a challenge, --sample, --challenge.")
    if slug is not None:
        report = run.client().validate(slug, file, phase=phase, watch=run.out.watch)
    else:
        report = _validate_offline(sample, challenge, phase, file)
    _show_report(run, report)
    if not report.ok:
        click.get_current_context().exit(REFUSED)


def _validate_offline(
    sample: Path | None, challenge: Path | None, phase: str | None, file: Path
) -> Report:
    from fivesigma_scoring import validate_offline

    test_set = solution = None
    if challenge is not None:
        local = read_phase(challenge, phase)
        sample, test_set, solution = local.sample, local.test_set, local.solution
    assert sample is not None, "the caller gives one of the two"
    found = _settled(lambda: validate_offline(sample, file, test_set=test_set, solution=solution))
    return read(Report, found.as_json())


def _show_report(run: Invocation, report: Report) -> None:
    run.out.result(report.document)
    if not run.out.as_json:
        run.out.findings(report.findings)
    run.out.say("The file is fine." if report.ok else "The file is refused.")


@click.command()
@click.argument("slug", type=SLUG_TYPE, required=False)
@click.option("--challenge", type=FOLDER, help="Score with this challenge's folder, offline.")
@phase_option
@click.option("--metric", help="Score with this metric, offline.")
@click.option("--options", type=JSON_OBJECT, help="Options of the metric, as JSON.")
@click.option("--normalise", type=ClassTotals(), help="Class totals, such as '{\"s\": 692}'.")
@click.option("--truth", type=PREDICTION, help="Your own events with id, label and weight.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw ROC, AMS against the cut, residuals … of your own events: .png, .svg or a folder.",
)
@file_option
@common
@click.pass_obj
def score(run: Invocation, /, file: Path, plot: Path | None, **given: Any) -> None:
    """Score a file on your own events, with the server's code.

    As a challenge of the site does (SLUG --truth), with a challenge's folder (--challenge), or by
    a metric (--metric --truth).
    """
    work = _chosen(run, file, **given)
    if plot is not None:
        if given["truth"] is None:
            raise click.UsageError("--plot draws your own events; use it with --truth.")
        check_target(plot)
    outcome, events = _settled(work)
    document = outcome.as_json()
    run.out.result(document)
    report = read(Report, document)
    if not run.out.as_json:
        diagnoses = read_all(Finding, document["diagnoses"])
        run.out.findings([*report.findings, *diagnoses], err=report.ok)
        run.out.scores(document["scores"] or {})
        run.out.details(document)
    if not report.ok:
        run.out.say("The file is refused.")
        click.get_current_context().exit(REFUSED)
    if plot is not None and events is not None:
        draw_events(events, plot, run.out.say)


def _chosen(
    run: Invocation,
    file: Path,
    *,
    slug: str | None,
    challenge: Path | None,
    phase: str | None,
    metric: str | None,
    options: dict[str, Any] | None,
    normalise: dict[str, Any] | None,
    truth: Path | None,
) -> Callable[[], Scored]:
    """The one way of scoring that the arguments ask for."""
    if (slug, challenge, metric).count(None) != 2:
        raise click.UsageError("Give one of: the slug of a challenge, --challenge, --metric.")
    if metric is None and (options or normalise):
        raise click.UsageError("--options and --normalise belong to --metric.")
    if challenge is not None:
        if truth is not None:
            raise click.UsageError("--challenge has its own truth; leave --truth out.")
        return lambda: _with_folder(challenge, phase, file)
    if truth is None:
        raise click.UsageError("Give your own events with --truth.")
    if slug is not None:
        return lambda: _as_site(run, slug, phase, truth, file)
    return lambda: _own_events(str(metric), options or {}, normalise, truth, file)


def _with_folder(folder: Path, phase: str | None, file: Path) -> Scored:
    from fivesigma_scoring import score_challenge

    local = read_phase(folder, phase)
    outcome = score_challenge(
        local.solution, local.sample, file, test_set=local.test_set, phase=local.phase
    )
    return outcome, None


def _as_site(run: Invocation, slug: str, phase_slug: str | None, truth: Path, file: Path) -> Scored:
    challenge = known_challenge(run.client(), slug, run.out.say)
    phase = phase_of(challenge.phases, phase_slug)
    return _own_events(
        phase.metric, phase.options, phase.normalise, truth, file, metrics=phase.metrics
    )


def _own_events(*given: Any, **further: Any) -> Scored:
    from fivesigma_scoring.offline import offline_sample

    events = offline_sample(*given, **further)
    return events.outcome(), events


def _settled(work: Callable[[], Any]) -> Any:
    """The result of `work`; what is wrong with sample, truth or settings in our words."""
    from fivesigma_scoring import SolutionError

    try:
        return work()
    except SolutionError as error:
        raise Misused(str(error)) from error
