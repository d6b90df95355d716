"""Reading `challenge.toml` strictly, and writing it back."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import tomli_w
from pydantic import ValidationError

from .definition_checks import problems_of
from .definition_errors import DefinitionError, describe, show
from .definition_model import (
    Definition,
    FileDefinition,
    LimitsDefinition,
    PhaseDefinition,
    TestSetDefinition,
)

__all__ = [
    "FILE_NAME",
    "Definition",
    "DefinitionError",
    "FileDefinition",
    "LimitsDefinition",
    "PhaseDefinition",
    "TestSetDefinition",
    "as_toml",
    "parse_definition",
    "read_definition",
]
FILE_NAME = "challenge.toml"
LARGEST_TOML = 1024 * 1024


def read_definition(folder: Path) -> Definition:
    """The definition in `folder`. Raises DefinitionError with everything that is wrong."""
    path = folder / FILE_NAME
    try:
        if path.stat().st_size > LARGEST_TOML:
            raise DefinitionError([f"{FILE_NAME} is larger than 1 MiB; it holds settings only"])
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise DefinitionError([f"{FILE_NAME} is not UTF-8 text; save it as UTF-8"]) from error
    except OSError as error:
        raise DefinitionError([f"{FILE_NAME} can't be read: {error.strerror}"]) from error
    return parse_definition(text)


def parse_definition(text: str) -> Definition:
    """The definition that `text` (TOML) says. Raises DefinitionError."""
    try:
        # TOML knows LF and CRLF only, but an editor may have left a byte order mark.
        raw = tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise DefinitionError([f"{FILE_NAME} is not valid TOML: {error}"]) from error
    zone = _zone(raw.get("timezone", "UTC"))
    try:
        definition = Definition.model_validate(raw, context={"zone": zone})
    except ValidationError as error:
        raise DefinitionError(describe(error, Definition)) from error
    if problems := problems_of(definition):
        raise DefinitionError(problems)
    return definition


def as_toml(definition: Definition) -> str:
    """`challenge.toml` of a definition; what is as by default is left out."""
    return tomli_w.dumps(definition.model_dump(exclude_defaults=True, exclude_none=True))


def _zone(name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (TypeError, ValueError, OSError, KeyError) as error:
        expected = 'expected an IANA name, such as "Europe/Zurich"'
        raise DefinitionError([f"timezone = {show(name)}: {expected}"]) from error
