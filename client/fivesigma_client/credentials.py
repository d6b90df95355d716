"""Where to, and as whom: the environment, or what `fivesigma login` has kept.

The file is for its owner only. A kept token goes only to the site it was kept for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_config_path

from .errors import Misused
from .transport import site_url
from .writing import write_whole


@dataclass(frozen=True)
class Login:
    """A site, and the token for it. `insecure`: it may go over an unencrypted line."""

    url: str
    token: str | None
    insecure: bool = False

    def __repr__(self) -> str:
        return f"Login(url={self.url!r})"


def login_file() -> Path:
    """Where a login is kept."""
    return user_config_path("fivesigma", appauthor=False) / "login.json"


def present_login(environ: Mapping[str, str]) -> Login:
    """The login in force: `FIVESIGMA_URL` and `FIVESIGMA_TOKEN` win. Raises Misused."""
    url, token = environ.get("FIVESIGMA_URL"), environ.get("FIVESIGMA_TOKEN")
    kept = None if url and token else kept_login()
    if not url:
        if kept is None:
            raise Misused(
                "Log in first: fivesigma login https://…, or set FIVESIGMA_URL and FIVESIGMA_TOKEN."
            )
        return Login(kept.url, token or kept.token, kept.insecure)
    url = site_url(url)
    if kept is not None and kept.url == url:
        return Login(url, token or kept.token, kept.insecure)
    return Login(url, token or None)


def kept_login() -> Login | None:
    """What was kept, None if nothing was. Raises Misused for a damaged file."""
    path = login_file()
    try:
        kept = json.loads(path.read_bytes())
        return Login(str(kept["url"]), str(kept["token"]), bool(kept.get("insecure")))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misused(f"{path} is damaged. Log in again.") from None


def keep_login(login: Login) -> Path:
    """Keep `login`, all or nothing, for the owner's eyes only."""
    path = login_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, json.dumps(asdict(login)) + "\n", private=True)
    return path


def forget_login() -> bool:
    """Forget what was kept; whether there was anything."""
    try:
        login_file().unlink()
    except FileNotFoundError:
        return False
    return True
