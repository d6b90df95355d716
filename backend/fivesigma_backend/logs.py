"""Logging to standard error, with every secret of the settings blotted out."""

from __future__ import annotations

import logging
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from .core.settings import Settings

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
BLOT = "***"
# What tells an operator nothing: a line a request, a tick, a command, and at every end one of
# kombu about the bell that it gives back.
CHATTY = {
    "alembic": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    "celery.beat": logging.WARNING,
    "celery.worker.strategy": logging.WARNING,
    "httpcore2": logging.WARNING,
    "httpx2": logging.WARNING,
    "kombu.transport.virtual.base": logging.ERROR,
}


class BlottingFormatter(logging.Formatter):
    """Formats records, tracebacks included, without the secrets it is given."""

    def __init__(self, secrets: set[str]) -> None:
        super().__init__(FORMAT)
        # The longest first, as one secret may be part of another (a password of its URL).
        self._secrets = sorted(secrets, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The line of `record`."""
        return self.blot(super().format(record))

    def blot(self, line: str) -> str:
        """`line` without the secrets."""
        for secret in self._secrets:
            line = line.replace(secret, BLOT)
        return line


def secrets_of(settings: Settings) -> set[str]:
    """Every text of the settings that must not be printed; of a URL that is its password."""
    found: set[str] = set()
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            found |= _spellings(value.get_secret_value())
    return found


def configure_logging(settings: Settings) -> None:
    """Send everything of this process to standard error, from the level of the settings up."""
    handler = logging.StreamHandler()
    handler.setFormatter(BlottingFormatter(secrets_of(settings)))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    if settings.log_level != "DEBUG":
        for name, level in CHATTY.items():
            logging.getLogger(name).setLevel(max(level, logging.getLevelName(settings.log_level)))


def _spellings(secret: str) -> set[str]:
    if "://" not in secret:
        return {secret} if secret else set()
    password = urlsplit(secret).password
    if not password:
        return set()
    return {password, unquote(password), quote(unquote(password), safe="")}
