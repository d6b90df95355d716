"""Commands about accounts: adding people, resetting passwords, making tokens."""

from __future__ import annotations

import sys

import click

from .base import MISUSED, Group, fail, opened

password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@click.group(cls=Group)
def user() -> None:
    """Add people and reset passwords."""


@user.command()
@click.argument("email")
@click.option("--username", help="Default: made of the e-mail address.")
@click.option("--admin", is_flag=True, help="An administrator of the site.")
@password_option
def add(email: str, username: str | None, admin: bool, password_stdin: bool) -> None:
    """Add an account; prints its username."""
    from ..accounts.passwords import hash_password
    from ..accounts.service import add_user

    password = _password(password_stdin, username, email)
    with opened() as platform:
        hashed = hash_password(password)
        with platform.db.transaction() as session:
            added = add_user(
                session,
                username=username,
                email=email,
                password_hash=hashed,
                is_admin=admin,
                now=platform.clock(),
            )
            name = added.username
    click.echo(name)


@user.command("password")
@click.argument("username")
@password_option
def set_password(username: str, password_stdin: bool) -> None:
    """Set a new password; ends the person's browser sessions."""
    from ..accounts import service
    from ..accounts.passwords import hash_password

    password = _password(password_stdin, username)
    with opened() as platform:
        hashed = hash_password(password)
        with platform.db.transaction() as session:
            service.set_password(session, username, hashed, now=platform.clock())
    click.echo(f"{username} has a new password", err=True)


@click.group(cls=Group)
def token() -> None:
    """Make API tokens."""


@token.command()
@click.argument("username")
@click.option("--scopes", help="Such as read,submit; default: all that the user can use.")
@click.option("--expires", "days", default=90, show_default=True, help="Days it is valid.")
@click.option("--challenge", help="Restrict it to the challenge with this slug.")
def create(username: str, scopes: str | None, days: int, challenge: str | None) -> None:
    """Make a token and print it alone on standard output, this once."""
    from ..accounts.service import find_user, get_user
    from ..accounts.tokens import TokenWish, grant_token
    from ..core.errors import NotFound

    wish = TokenWish(
        name="command line",
        scopes=None if scopes is None else [part.strip() for part in scopes.split(",")],
        expires_days=days,
        challenge=challenge,
    )
    with opened() as platform, platform.db.transaction() as session:
        found = find_user(session, username)
        if found is None:
            raise NotFound(f"There is no user “{username[:80]}”. Check the name.")
        owner = get_user(session, found.id, lock=True)
        secret = grant_token(session, user=owner, wish=wish, now=platform.clock())
    click.echo(secret)


def _password(from_stdin: bool, *others: str | None) -> str:
    from ..accounts.rules import password_problem

    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        fail("nobody can be asked for the password here: give --password-stdin", MISUSED)
    if problem := password_problem(password, *others):
        fail(f"password: {problem}", MISUSED)
    return password


COMMANDS = (user, token)
