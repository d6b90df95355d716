"""Logging: secrets of the settings never reach it, tracebacks included."""

from __future__ import annotations

import logging

import pytest
from fivesigma_backend.core.settings import load_settings
from fivesigma_backend.logs import BlottingFormatter, secrets_of


def formatted(message: str, **settings: str) -> str:
    formatter = BlottingFormatter(secrets_of(load_settings({}, **settings)))
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, "%s", (message,), None)
    return formatter.format(record)


@pytest.mark.parametrize(
    ("setting", "value", "secret"),
    [
        ("database_url", "postgresql+psycopg://u:gehe%21m@h/d", "gehe%21m"),
        ("database_url", "postgresql+psycopg://u:gehe%21m@h/d", "gehe!m"),
        ("broker_url", "redis://:gehe1m@h:6379/0", "gehe1m"),
        ("secret_key", "signing-key-of-the-site", "signing-key-of-the-site"),
        ("metrics_token", "m3trics", "m3trics"),
        ("signup_code", "summer-school", "summer-school"),
    ],
)
def test_a_secret_is_blotted_out(setting: str, value: str, secret: str) -> None:
    line = formatted(f"something failed with {secret} in it", **{setting: value})
    assert secret not in line
    assert "something failed with *** in it" in line


def test_a_traceback_is_blotted_too() -> None:
    formatter = BlottingFormatter(secrets_of(load_settings({}, secret_key="s3cret-key")))
    try:
        int("s3cret-key")
    except ValueError as error:
        trace = (type(error), error, error.__traceback__)
    record = logging.LogRecord("test", logging.ERROR, __file__, 1, "failed", (), trace)
    line = formatter.format(record)
    assert "ValueError: invalid literal for int() with base 10: '***'" in line
    assert "s3cret-key" not in line


def test_a_url_without_a_password_blots_nothing() -> None:
    assert secrets_of(load_settings({}, broker_url="redis://valkey:6379/0")) == set()
