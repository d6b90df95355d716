"""Commands that run the platform: all of it, or one part of it."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from .base import Command, fail, settings

HOST, PORT = "127.0.0.1", 8000
host_option = click.option("--host", default=HOST, show_default=True, help="Address to listen on.")
port_option = click.option(
    "--port",
    default=PORT,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one.",
)


@click.command(cls=Command)
@host_option
@port_option
@click.option("--demo", is_flag=True, help="Bring a challenge, three people and submissions.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes."
)
def up(host: str, port: int, demo: bool, workers: int) -> None:
    """Start everything on this machine; Ctrl-C stops it."""
    from ..up import Up, UpRefused

    try:
        code = Up(settings(), host=host, port=port, workers=workers, demo=demo).run()
    except UpRefused as refusal:
        fail(str(refusal))
    sys.exit(code)


@click.command(cls=Command)
@host_option
@port_option
@click.option("--fd", type=int, hidden=True, help="A listening socket to use instead.")
@click.option("--access-log/--no-access-log", default=True, show_default=True)
def serve(host: str, port: int, fd: int | None, access_log: bool) -> None:
    """Run the web service alone."""
    import socket

    from ..core.listening import cannot_listen, listen

    loaded = settings()
    try:
        listener = listen(host, port) if fd is None else socket.socket(fileno=fd)
    except OSError as error:
        fail(cannot_listen(host, port, error))
    from .. import server  # takes seconds, which a port in use need not wait for

    server.serve(loaded, listener, access_log=access_log)


@click.command(cls=Command)
@click.option("--queues", default="score,tick", show_default=True, help="Which bells to hear.")
@click.option("--beat/--no-beat", default=True, show_default=True, help="Ring for ticks as well.")
def worker(queues: str, beat: bool) -> None:
    """Score submissions and keep house.

    Any number of workers may run, on any number of hosts.
    """
    settings()  # tell a wrong setting here, in one line
    become_worker("worker", "--queues", queues, *([] if beat else ["--no-beat"]))


@click.command(cls=Command)
def beat() -> None:
    """Ring for housekeeping ticks.

    For workers that run with --no-beat.
    """
    settings()
    become_worker("beat")


@click.command(cls=Command)
def ping() -> None:
    """Ask whether a worker or beat of this host is alive.

    The exit code is 0 if one answers through the broker, else 1.
    """
    settings()
    become_worker("ping")


@click.command(cls=Command)
def migrate() -> None:
    """Bring the database to the present schema."""
    from ..core import migrate as schema
    from ..core.db import Database

    loaded = settings()
    loaded.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(loaded.resolved_database_url())
    try:
        schema.migrate(database)
    finally:
        database.close()
    click.echo("the database has the present schema")


def become_worker(*arguments: str) -> NoReturn:
    """Turn this process into one of the worker's package."""
    from ..core.queue import worker_command

    command = worker_command(*arguments)
    os.execv(command[0], command)  # noqa: S606 - no shell is meant


COMMANDS = (up, serve, worker, beat, ping, migrate)
