"""The command `fivesigma` as a user with folders of their own and no terminal runs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fivesigma_client.cli import cli


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


class Shell:
    """A user's shell: environment variables, folders of their own, no terminal."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"):
            monkeypatch.setenv(name, str(home / name.lower()))
        self._monkeypatch = monkeypatch
        self._token: str | None = None
        self.as_nobody()

    def as_nobody(self) -> None:
        """Without the variables."""
        for name in ("FIVESIGMA_URL", "FIVESIGMA_TOKEN"):
            self._monkeypatch.delenv(name, raising=False)

    def at(self, url: str, token: str | None = None) -> None:
        """With the variables set."""
        self._monkeypatch.setenv("FIVESIGMA_URL", url)
        if token is not None:
            self._monkeypatch.setenv("FIVESIGMA_TOKEN", token)
        self._token = token

    def __call__(self, *arguments: object, given: str | None = None) -> Ran:
        """Run the command; it never tries again unless told to, and never tells the token."""
        words = ["--retries", "0", *(str(one) for one in arguments)]
        result = CliRunner().invoke(cli, words, input=given, catch_exceptions=False)
        if self._token is not None:
            assert self._token not in result.stdout + result.stderr
        return Ran(result.exit_code, result.stdout, result.stderr)
