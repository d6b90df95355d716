"""The `fivesigma` command of participants and CI.

Exit codes: 0 done, 2 usage, 3 not allowed or closed or over the limit, 4 file refused, 5 scoring
failed, 6 server unreachable, 7 timed out while waiting, 8 under `--fail-under`; 1 is a failure of
this machine, such as a full disk, and 130 an interruption.
"""

from __future__ import annotations

import sys

import click

from .commands.account import login, logout
from .commands.board import leaderboard
from .commands.challenges import challenges, download, files
from .commands.checking import score, validate
from .commands.handing_in import show_submission, submit
from .commands.submissions import cancel, limits, list_submissions, result, select
from .invocation import Group, common


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fivesigma")
@common
def cli() -> None:
    r"""Take part in the challenges of a Fivesigma site.

    \b
    Exit codes: 0 done, 2 usage, 3 not allowed, closed or over the limit, 4 file refused,
    5 scoring failed, 6 server unreachable, 7 timed out while waiting, 8 under --fail-under.
    """


for command in (
    login,
    logout,
    challenges,
    files,
    download,
    validate,
    score,
    submit,
    list_submissions,
    show_submission,
    select,
    result,
    cancel,
    limits,
    leaderboard,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of the command `fivesigma`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without "±" gets a question mark, not a crash.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    cli()
