"""What only happens on a terminal: questions, and progress."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_server import LONGEST, LiveServer
from shell import Shell

COMMAND = Path(sys.executable).with_name("fivesigma")


class Terminal:
    """The command on a terminal, with somebody who types."""

    def __init__(self, *words: object) -> None:
        self._screen, inner = pty.openpty()
        self._process = subprocess.Popen(
            [COMMAND, *(str(one) for one in words)], stdin=inner, stdout=inner, stderr=inner
        )
        os.close(inner)
        self.text = ""

    def answer(self, question: str, words: str) -> None:
        """Type `words` once `question` is asked."""
        deadline = time.monotonic() + LONGEST
        while question not in self.text:
            assert time.monotonic() < deadline, self.text
            assert self._read(), self.text
        os.write(self._screen, f"{words}\n".encode())

    def finish(self) -> int:
        """The exit code, once the command has ended."""
        while self._read():
            pass
        os.close(self._screen)
        return self._process.wait(timeout=LONGEST)

    def _read(self) -> bool:
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # how Linux says that nobody writes any more
            return False
        self.text += data.decode()
        return bool(data)


@pytest.fixture
def token(live: LiveServer, shell: Shell) -> str:
    return live.person("ada", joined=False).token


def test_a_token_is_asked_for_and_not_shown(live: LiveServer, token: str) -> None:
    terminal = Terminal("login", live.url)
    terminal.answer("Token", token)
    assert terminal.finish() == 0
    assert "Logged in" in terminal.text
    assert token not in terminal.text


def test_the_rules_are_shown_and_asked_about(live: LiveServer, shell: Shell, token: str) -> None:
    shell.at(live.url, token)
    refusing = Terminal("challenges", "join", "tiny")
    refusing.answer("[y/N]", "n")
    assert refusing.finish() == 3
    agreeing = Terminal("challenges", "join", "tiny")
    agreeing.answer("[y/N]", "y")
    assert agreeing.finish() == 0
    assert "One account per person." in agreeing.text
    assert "take part" in agreeing.text


def test_waiting_and_tables_on_a_terminal(live: LiveServer, shell: Shell, token: str) -> None:
    shell.at(live.url, token)
    shell("challenges", "join", "tiny", "--accept-rules")
    terminal = Terminal("submit", "tiny", "-f", live.prediction(), "-m", "x", "--wait")
    assert terminal.finish() == 0
    assert "±" in terminal.text
