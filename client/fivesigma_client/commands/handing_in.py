"""`submit`, and waiting for a score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..answers import Submission
from ..client import Client
from ..errors import FivesigmaError, StillWaiting
from ..invocation import SLUG_TYPE, Invocation, common, file_option, phase_option
from ..verdict import UNDER, Bound, BoundType, SecondsType, check_bounds, exit_code, missed

DEFAULT_WAIT = 600.0
LARGEST_METADATA = 64 * 1024

wait_option = click.option(
    "--wait",
    type=SecondsType(),
    is_flag=False,
    flag_value=str(DEFAULT_WAIT),
    help="Wait until it is scored, SECONDS at most (600).",
)
fail_under_option = click.option(
    "--fail-under",
    "bounds",
    type=BoundType(),
    multiple=True,
    help="Wait, and end with 8 if the public score is worse. Direction as the metric's.",
)


class MetadataFile(click.ParamType[dict[str, Any]]):
    """A JSON file with what a team declares about its method."""

    name = "FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The object in the file."""
        if isinstance(value, dict):
            return value
        try:
            with Path(value).open("rb") as file:
                text = file.read(LARGEST_METADATA + 1)
            decoded = json.loads(text) if len(text) <= LARGEST_METADATA else None
        except OSError as error:
            self.fail(f"{value}: {error.strerror}.", param, ctx)
        except (ValueError, RecursionError):
            decoded = None
        if not isinstance(decoded, dict):
            self.fail(f"{value} holds no JSON object of at most 64 kB.", param, ctx)
        return decoded


@click.command()
@click.argument("slug", type=SLUG_TYPE)
@file_option
@click.option("-m", "--message", required=True, help="What is new in this one.")
@phase_option
@click.option("--metadata", type=MetadataFile(), help="JSON file: what you declare of the method.")
@click.option("--idempotency-key", help="A name for this submission: sent twice, it counts once.")
@wait_option
@fail_under_option
@common
@click.pass_obj
def submit(
    run: Invocation,
    slug: str,
    file: Path,
    message: str,
    phase: str | None,
    metadata: dict[str, Any] | None,
    idempotency_key: str | None,
    wait: float | None,
    bounds: tuple[Bound, ...],
) -> None:
    """Hand in a file. Ends with 0 once it is accepted; with --wait, once it is scored."""
    client = run.client()
    if bounds:
        check_bounds(bounds, client.challenge(slug), phase)
    submission = client.submit(
        slug,
        file,
        message,
        phase=phase,
        metadata=metadata,
        idempotency_key=idempotency_key,
        watch=run.out.watch,
    )
    left = "" if submission.remaining is None else f" {submission.remaining} more are left."
    run.out.say(f"Handed in for the phase {submission.phase}: {submission.url}{left}")
    conclude(run, client, submission, _patience(wait, bounds), bounds)


@click.command("submission")
@click.argument("submission_id", metavar="ID")
@wait_option
@fail_under_option
@common
@click.pass_obj
def show_submission(
    run: Invocation, submission_id: str, wait: float | None, bounds: tuple[Bound, ...]
) -> None:
    """One submission with its scores and its validation report."""
    client = run.client()
    submission = client.submission(submission_id)
    patience = _patience(wait, bounds)
    if patience is None:
        show(run, submission)
    else:
        conclude(run, client, submission, patience, bounds)


def _patience(wait: float | None, bounds: Sequence[Bound]) -> float | None:
    return DEFAULT_WAIT if wait is None and bounds else wait


def conclude(
    run: Invocation,
    client: Client,
    submission: Submission,
    patience: float | None,
    bounds: Sequence[Bound],
) -> None:
    """Wait if that is wanted, show the submission, and end with what it came to."""
    code = 0
    if patience is not None and not submission.finished:
        submission, code = _wait(run, client, submission, patience)
    show(run, submission)
    code = code or exit_code(submission)
    if code == 0 and submission.status == "scored":
        code = _judge(run, submission, bounds)
    click.get_current_context().exit(code)


def _wait(
    run: Invocation, client: Client, submission: Submission, seconds: float
) -> tuple[Submission, int]:
    """The submission as it stood last, and the exit code if waiting came to nothing."""
    last = submission
    with run.out.spinner(f"{submission.status} …") as change:

        def follow(now: Submission) -> None:
            nonlocal last
            last = now
            change(f"{now.status} …")

        try:
            return client.wait(submission.id, seconds, follow=follow), 0
        except StillWaiting as error:
            failure: FivesigmaError = error
        except FivesigmaError as error:
            failure = error
    # It is handed in all the same, so the result is still the submission.
    run.out.error(str(failure))
    return last, failure.exit_code


def _judge(run: Invocation, submission: Submission, bounds: Sequence[Bound]) -> int:
    if bounds and submission.scores is None:
        run.out.say("The scores are hidden, so --fail-under was not judged.")
    sentences = missed(submission, bounds)
    for sentence in sentences:
        run.out.error(sentence)
    return UNDER if sentences else 0


def show(run: Invocation, submission: Submission) -> None:
    """A submission on standard output: its id and state, its report, its scores."""
    out = run.out
    out.result(submission.document, f"{submission.id} {submission.status}")
    if not out.as_json:
        out.findings(submission.findings)
        out.scores(submission.scores or {})
    if submission.status == "scored" and submission.scores is None:
        out.say("The board is hidden: scores are shown when it opens.")
    if submission.status == "failed":
        out.say(f"Scoring failed. Tell the organisers the reference {submission.reference}.")
