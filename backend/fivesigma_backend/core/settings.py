"""All settings in one frozen model. Each is an environment variable `FIVESIGMA_<NAME>`."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "FIVESIGMA_"
CLIENT_VARIABLES = {"FIVESIGMA_URL", "FIVESIGMA_TOKEN"}
SECRETS_DIR = Path("/run/secrets")
# A Unix socket path longer than this is cut by the kernel (sun_path is 108 bytes).
LONGEST_SOCKET_PATH = 100


# What each URL may begin with; PostgreSQL with the driver that is installed.
SCHEMES = {
    "database_url": ("postgresql+psycopg://", "sqlite:///"),
    "broker_url": ("redis://", "rediss://", "unix:///"),
    "storage_url": ("file:///", "s3://", "gs://", "az://"),
}


class UnknownSettingError(ValueError):
    """An environment variable starts with FIVESIGMA_ but is no setting."""


class Settings(BaseSettings):
    """What an operator can set; defaults make the embedded, one-machine platform."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
    )

    data_dir: Path = Field(Path("fivesigma-data"), description="folder of everything that is kept")
    database_url: SecretStr | None = Field(
        None, description="SQLAlchemy URL; default: SQLite in the data folder"
    )
    broker_url: SecretStr | None = Field(
        None, description="`redis://…` URL of Valkey or Redis; default: the bundled Valkey"
    )
    storage_url: str | None = Field(
        None, description="object store URL (`s3://…`, `file://…`); default: the data folder"
    )
    secret_key: SecretStr | None = Field(
        None, description="key that signs cookies; default: made once and kept in the data folder"
    )
    public_url: str = Field(
        "http://127.0.0.1:8000", description="address under which people reach the site"
    )
    site_title: str = Field("Fivesigma", description="name of the site on every page")
    signup: Literal["open", "code", "closed"] = Field(
        "open", description="who may sign up: everybody, holders of the sign-up code, nobody"
    )
    signup_code: SecretStr | None = Field(
        None, description="the code that sign-up asks for when `signup` is `code`"
    )
    public_boards: bool = Field(
        True,
        description="show published challenges and live boards to visitors who are not logged in",
    )
    session_days: int = Field(14, ge=1, description="days until a browser session ends")
    login_attempts: int = Field(
        10, ge=1, description="failed log-ins allowed per account and address in 15 minutes"
    )
    validations_per_minute: int = Field(10, ge=1, description="validations allowed per user")
    upload_timeout: int = Field(300, ge=1, description="seconds within which an upload must finish")
    scoring_slots: int = Field(
        max(1, os.cpu_count() or 1), ge=1, description="submissions one worker scores at a time"
    )
    scoring_memory: int = Field(
        2 * 1024**3, ge=2**28, description="bytes of memory (RSS) one scoring may use"
    )
    scoring_seconds: int = Field(120, ge=1, description="seconds one scoring may take")
    lease_seconds: int = Field(30, ge=2, description="a silent worker loses its work after this")
    forwarded_allow_ips: str = Field(
        "127.0.0.1", description="proxies whose X-Forwarded headers are believed"
    )
    metrics_token: SecretStr | None = Field(
        None, description="token that `/metrics` asks of callers that are not on this machine"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least level that is logged"
    )

    @field_validator(*SCHEMES)
    @classmethod
    def _known_scheme(cls, value: SecretStr | str | None, info: ValidationInfo) -> Any:
        """A URL that no part of the platform understands is told at the start."""
        url = value.get_secret_value() if isinstance(value, SecretStr) else value
        known = SCHEMES[info.field_name or ""]
        if url is not None and not url.startswith(known):
            begins = ", ".join(f"`{scheme}`" for scheme in known)
            raise PydanticCustomError("scheme", "must begin with one of {known}", {"known": begins})
        try:
            _port = urlsplit(url or "").port
        except ValueError as error:
            raise PydanticCustomError("url", "is no valid URL: its port is no number") from error
        return value

    @property
    def secure_cookies(self) -> bool:
        """Cookies are marked Secure when people reach the site over TLS."""
        return self.public_url.startswith("https://")

    def resolved_database_url(self) -> str:
        """The database to use, the embedded one if none is set."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{(self.data_dir / 'fivesigma.sqlite3').resolve()}"

    def resolved_broker_url(self) -> str:
        """The broker to use, the bundled Valkey's socket if none is set."""
        if self.broker_url is not None:
            return self.broker_url.get_secret_value()
        return f"unix://{self.valkey_socket()}"

    def resolved_storage_url(self) -> str:
        """The object store to use, a folder in the data folder if none is set."""
        return self.storage_url or (self.data_dir / "storage").resolve().as_uri()

    def lock_file(self) -> Path:
        """What `up` holds while it runs, so that one data folder has one."""
        return self.data_dir.resolve() / "up.lock"

    def valkey_socket(self) -> Path:
        """Where the bundled Valkey listens: the same path for every process of a data folder."""
        path = (self.data_dir / "run" / "valkey.sock").resolve()
        if len(str(path)) <= LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"fivesigma-{os.getuid()}-{digest}"
        return folder / "valkey.sock"


def load_settings(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Settings from the environment; `overrides` (command-line flags) win.

    Raises UnknownSettingError for a variable that looks like a setting but is none, since a
    misspelt setting that is silently ignored is found out on the day of the event.
    """
    environ = os.environ if environ is None else environ
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in environ:
        if name.startswith(PREFIX) and name not in known | CLIENT_VARIABLES and not _injected(name):
            raise UnknownSettingError(
                f"{name} is no setting of Fivesigma; remove it or correct its name"
            )
    values: dict[str, Any] = {key: value for key, value in overrides.items() if value is not None}
    return Settings(**values)


def _injected(name: str) -> bool:
    """Kubernetes adds variables for a service called `fivesigma`, such as FIVESIGMA_PORT_80_TCP."""
    rest = name.removeprefix(PREFIX)
    return rest.startswith(("SERVICE_", "PORT")) and (
        rest.endswith(("HOST", "PORT")) or "_TCP" in rest
    )


def secret_key(settings: Settings) -> str:
    """The signing key: the setting, or one made on first use and kept with mode 0600."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    path = settings.data_dir / "secrets" / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text()
