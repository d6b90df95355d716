"""What names, passwords, tokens and addresses may be. Pure functions of plain values.

A function called `…_problem` returns the sentence that stands at the form's field, or None.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Collection
from datetime import timedelta
from urllib.parse import unquote

from ..core.security import SCOPES

NAME_LENGTHS = range(3, 41)
PASSWORD_LENGTHS = range(10, 1001)
TOKEN_DAYS = range(1, 366)
DEFAULT_TOKEN_DAYS = 90
LONGEST_EMAIL = 254
LONGEST_TOKEN_NAME = 80
RESET_CODE_LIFE = timedelta(hours=24)
PSEUDONYM = "deleted-"
# Names that a reader could take for the platform speaking. An operator may still give them.
RESERVED_NAMES = frozenset(
    {
        *("admin", "administrator", "anonymous", "api", "baseline", "baselines", "fivesigma"),
        *("help", "host", "me", "moderator", "none", "null", "organiser", "organisers"),
        *("organizer", "organizers", "owner", "platform", "root", "security", "service", "staff"),
        *("support", "system", "undefined", "user", "webmaster", "www", "you"),
    }
)
# Letters of one alphabet only: names that look alike would let one person pass for another.
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_SPREADSHEET_FORMULA = ("=", "+", "-", "@")


def name_key(name: str) -> str:
    """The form of a username or e-mail address under which it is unique."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def searchable(text: str, longest: int = LONGEST_EMAIL) -> bool:
    """Whether `text` can be looked up: no database takes a NUL, and nothing we keep is longer."""
    return len(text) <= longest and text.isprintable()


def username_problem(name: str) -> str | None:
    """What is wrong with the form of a username."""
    if len(name) not in NAME_LENGTHS:
        return "A username has 3 to 40 characters."
    if not _USERNAME.fullmatch(name):
        return (
            "Use the letters a to z, digits and . _ - only, and begin with a letter or a digit; "
            "no spaces."
        )
    if name.casefold().startswith(PSEUDONYM):
        return "Names that begin with “deleted-” are for deleted accounts. Choose another."
    return None


def reserved_problem(name: str) -> str | None:
    """Whether people may not give this name to themselves."""
    if name_key(name) in RESERVED_NAMES:
        return "This name is reserved. Choose another."
    return None


def email_problem(email: str) -> str | None:
    """What is wrong with the form of an e-mail address; an empty one is fine."""
    if not email:
        return None
    if len(email) > LONGEST_EMAIL or len(name_key(email)) > LONGEST_EMAIL:
        return f"An e-mail address has at most {LONGEST_EMAIL} characters."
    readable = email.isprintable() and not email.startswith(_SPREADSHEET_FORMULA)
    if not readable or not _EMAIL.fullmatch(email):
        return "This is no e-mail address. Correct it, or leave the field empty."
    return None


def password_problem(password: str, *others: str | None) -> str | None:
    """What is wrong with a new password of someone whose name and e-mail are `others`."""
    if len(password) < PASSWORD_LENGTHS.start:
        return f"Use at least {PASSWORD_LENGTHS.start} characters."
    if len(password) not in PASSWORD_LENGTHS:
        return f"Use at most {PASSWORD_LENGTHS.stop - 1} characters."
    if name_key(password) in {name_key(other) for other in others if other}:
        return "Choose a password that is not your username or e-mail address."
    return None


def account_problems(username: str, email: str) -> dict[str, str]:
    """What is wrong with the fields of a new account."""
    return _only(username=username_problem(username), email=email_problem(email))


def token_problems(name: str, scopes: Collection[str], days: int) -> dict[str, str]:
    """What is wrong with the fields of a new API token."""
    return _only(
        name=_token_name_problem(name),
        scopes=_scopes_problem(scopes),
        expires_days=None if days in TOKEN_DAYS else "A token lasts 1 to 365 days.",
    )


def _token_name_problem(name: str) -> str | None:
    if not 1 <= len(name) <= LONGEST_TOKEN_NAME:
        return f"Give the token a name of 1 to {LONGEST_TOKEN_NAME} characters."
    if not name.isprintable() or name.startswith(_SPREADSHEET_FORMULA):
        return "Begin with a letter or a digit, and use no control characters."
    return None


def _scopes_problem(scopes: Collection[str]) -> str | None:
    if not scopes:
        return "Choose at least one scope."
    if not set(scopes) <= set(SCOPES):
        return f"The scopes are {', '.join(SCOPES)}."
    return None


def _only(**problems: str | None) -> dict[str, str]:
    return {field: text for field, text in problems.items() if text is not None}


def username_from_email(email: str) -> str:
    """A username made of the local part of an e-mail address."""
    local = unicodedata.normalize("NFKD", email.partition("@")[0])
    letters = re.sub(r"[^A-Za-z0-9._-]", "", local).lstrip("._-")
    name = letters[: NAME_LENGTHS.stop - 1]
    if len(name) < NAME_LENGTHS.start or name.casefold().startswith(PSEUDONYM):
        return f"user-{name}"[: NAME_LENGTHS.stop - 1].rstrip("-")
    return name


def numbered(name: str, number: int) -> str:
    """`name` with a number, within the allowed length."""
    suffix = f"-{number}"
    return name[: NAME_LENGTHS.stop - 1 - len(suffix)] + suffix


def local_path(path: str | None, default: str = "/") -> str:
    r"""`path` if it is a page of this site, else `default`.

    A browser reads `//host`, `/\host` and either with tabs or line ends inside as another host;
    percent-encoded forms are refused as well, since proxies may decode them.
    """
    if not path:
        return default
    for form in (path, unquote(path), unquote(unquote(path))):
        if not form.startswith("/") or form.startswith("//"):
            return default
        if "\\" in form or not form.isprintable():
            return default
    return path


def address_key(address: str) -> str:
    """What counts as one address for limits: an IPv6 host owns a whole /64 network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
