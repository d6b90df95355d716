"""`login` and `logout`."""

from __future__ import annotations

import os
import sys

import click

from ..credentials import Login, forget_login, keep_login
from ..invocation import Invocation, common, is_interactive
from ..transport import check_token, site_url


@click.command()
@click.argument("url")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input.")
@common
@click.pass_obj
def login(run: Invocation, url: str, token_stdin: bool) -> None:
    """Keep the address of a site and your token for it.

    Make a token on your account page of the site. FIVESIGMA_URL and FIVESIGMA_TOKEN win over what
    is kept here.
    """
    site = site_url(url)
    found = Login(site, check_token(_token(site, token_stdin=token_stdin)), run.insecure)
    # The list of challenges is what every token may read: a wrong one is refused here.
    challenges = run.client_for(found).challenges()
    path = keep_login(found)
    run.out.say(f"Logged in at {site}; kept in {path}.")
    for name in ("FIVESIGMA_URL", "FIVESIGMA_TOKEN"):
        if os.environ.get(name):
            run.out.say(f"{name} is set and wins over this login.")
    run.out.result({"url": site, "challenges": [one.slug for one in challenges]})


def _token(site: str, *, token_stdin: bool) -> str:
    if token_stdin:
        return sys.stdin.read(1000).strip()
    if not is_interactive():
        raise click.UsageError(
            "Give the token on standard input: fivesigma login URL --token-stdin"
        )
    prompt = f"Token (from {site}/account)"
    token: str = click.prompt(prompt, hide_input=True, err=True)
    return token.strip()


@click.command()
@common
@click.pass_obj
def logout(run: Invocation) -> None:
    """Forget the kept token. Revoke it on your account page if somebody else may have it."""
    forgotten = forget_login()
    run.out.say("Logged out." if forgotten else "There was no login.")
    if os.environ.get("FIVESIGMA_TOKEN"):
        run.out.say("FIVESIGMA_TOKEN is still set.")
    run.out.result({"logged_out": forgotten})
