"""Settings: each is documented, a misspelt one stops the start, secrets stay secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from fivesigma_backend.core.settings import (
    CLIENT_VARIABLES,
    LONGEST_SOCKET_PATH,
    PREFIX,
    Settings,
    UnknownSettingError,
    load_settings,
    secret_key,
)
from pydantic import SecretStr, ValidationError

README = Path(__file__).parent.parent.parent / "README.md"
ROW = re.compile(r"^\| `(FIVESIGMA_\w+)` \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
BY_MACHINE = {"scoring_slots"}


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without settings."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    return monkeypatch


def test_the_readme_has_every_setting_with_its_description_and_default() -> None:
    rows = {name: (meaning, default) for name, meaning, default in ROW.findall(README.read_text())}
    assert set(rows) == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        meaning, default = rows[f"{PREFIX}{name.upper()}"]
        assert field.description
        assert meaning == field.description
        if name not in BY_MACHINE:
            assert default == ("" if field.default is None else f"`{field.default}`")


def test_each_is_read_from_its_variable(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clean.setenv("FIVESIGMA_DATA_DIR", str(tmp_path))
    clean.setenv("FIVESIGMA_SESSION_DAYS", "3")
    clean.setenv("FIVESIGMA_PUBLIC_URL", "https://challenge.example.org")
    settings = load_settings()
    assert settings.data_dir == tmp_path
    assert settings.session_days == 3
    assert settings.secure_cookies
    assert load_settings(session_days=5).session_days == 5  # a flag wins


@pytest.mark.parametrize(
    "name", ["FIVESIGMA_DATABSE_URL", "FIVESIGMA_URLS", "FIVESIGMA_", "FIVESIGMA_SERVICE_NAME"]
)
def test_a_variable_that_is_no_setting_stops_the_start(name: str) -> None:
    with pytest.raises(UnknownSettingError, match=name):
        load_settings({name: "x"})


@pytest.mark.parametrize(
    "name",
    [
        *sorted(CLIENT_VARIABLES),
        "FIVESIGMA_SERVICE_HOST",
        "FIVESIGMA_SERVICE_PORT",
        "FIVESIGMA_SERVICE_PORT_HTTP_TCP",
        "FIVESIGMA_PORT",
        "FIVESIGMA_PORT_8000_TCP_ADDR",
        "PATH",
    ],
)
def test_what_the_client_and_kubernetes_set_is_let_pass(name: str) -> None:
    load_settings({name: "x"})


def test_a_wrong_value_is_refused(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("FIVESIGMA_SIGNUP", "perhaps")
    with pytest.raises(ValidationError):
        load_settings()


def test_secrets_are_not_shown() -> None:
    settings = load_settings(
        {},
        database_url="postgresql+psycopg://u:gehe1m@h/d",
        broker_url="redis://:gehe1m@h",
        secret_key="gehe1m",
        metrics_token="gehe1m",
        signup_code="gehe1m",
    )
    assert "gehe1m" not in repr(settings)
    assert "gehe1m" not in settings.model_dump_json()
    hidden = {
        name for name in Settings.model_fields if isinstance(getattr(settings, name), SecretStr)
    }
    assert hidden == {"database_url", "broker_url", "secret_key", "metrics_token", "signup_code"}


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load_settings({}, data_dir=tmp_path)
    key = secret_key(settings)
    assert len(key) >= 48
    assert secret_key(settings) == key
    assert secret_key(load_settings({}, data_dir=tmp_path / "other")) != key
    path = tmp_path / "secrets" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret_key(load_settings({}, data_dir=tmp_path, secret_key="mine")) == "mine"


def test_the_socket_of_valkey_is_short_enough_for_the_kernel_and_one_per_folder(
    tmp_path: Path,
) -> None:
    short = load_settings({}, data_dir=tmp_path).valkey_socket()
    assert short == tmp_path / "run" / "valkey.sock"
    deep = [load_settings({}, data_dir=tmp_path / (name * 100)) for name in "ab"]
    paths = [settings.valkey_socket() for settings in deep]
    assert all(len(str(path)) <= LONGEST_SOCKET_PATH for path in paths)
    assert paths[0] != paths[1]
    assert paths[0] == deep[0].valkey_socket()
