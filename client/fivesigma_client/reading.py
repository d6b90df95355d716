"""From decoded JSON to the frozen dataclasses of `answers`, by their type hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from .errors import BadAnswer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def read(kind: type[T], answer: object) -> T:
    """`answer` as a `kind`. Raises BadAnswer where a member is missing or of another type."""
    if not isinstance(answer, dict):
        raise _not_understood(kind.__name__.lower())
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for one in fields(kind):
        if one.name == "document":
            values["document"] = answer
        elif one.name in answer:
            values[one.name] = _value(hints[one.name], answer[one.name], one.name)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise _not_understood(one.name)
    return kind(**values)


def read_all(kind: type[T], answers: object) -> list[T]:
    """A list of answers, each as a `kind`."""
    if not isinstance(answers, list):
        raise _not_understood(kind.__name__.lower())
    return [read(kind, one) for one in answers]


def _value(hint: Any, value: object, name: str) -> Any:
    if hint is Any:
        return value
    arguments = get_args(hint)
    origin = get_origin(hint)
    if origin is UnionType:
        return None if value is None else _value(arguments[0], value, name)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(arguments[0], one, name) for one in value)
    if origin is Mapping and isinstance(value, dict):
        return {key: _value(arguments[1], one, name) for key, one in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return read(hint, value)
    if hint is float and type(value) is int:
        return float(value)
    # `type`, not `isinstance`: true is no number.
    if type(value) is hint:
        return value
    raise _not_understood(name)


def _not_understood(name: str) -> BadAnswer:
    return BadAnswer(
        f"The server's answer can't be understood (“{name}”). Is this the address of a Fivesigma "
        "server? If it is, update the client: pip install --upgrade fivesigma."
    )
