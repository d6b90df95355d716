"""The wording of what is wrong with a `challenge.toml`: key, value, and what was expected."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

LONGEST_VALUE = 60
EXPECTED = {
    "bool_type": "true or false",
    "datetime_type": "a date and time, such as 2026-12-01T00:00:00Z",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "int_type": "a whole number",
    "less_than": "a number below {lt:g}",
    "list_type": "an array",
    "literal_error": "one of {expected}",
    "model_type": "a table",
    "string_too_long": "at most {max_length} characters",
    "string_type": "a text in quotes",
    "too_long": "at most {max_length} values",
    "too_short": "at least {min_length}",
}


class DefinitionError(ValueError):
    """A `challenge.toml` can't be used; `problems` has one sentence for each reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like `word`, as an ending of a sentence."""
    found = difflib.get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.0)
    return f'the nearest known one is "{found[0]}"' if found else "there is none"


def describe(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence for each error that pydantic found while reading `model`."""
    return [_sentence(detail, model) for detail in error.errors()]


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    loc = detail["loc"]
    if detail["type"] == "extra_forbidden":
        table = _table_at(loc[:-1], model)
        return f"{key_path(loc)}: unknown key; {nearest(str(loc[-1]), _keys(table))}"
    if detail["type"] == "missing":
        return f"{key_path(loc)}: this key is missing"
    if loc and loc[-1] == "[key]":
        return f"{key_path(loc[:-1])}: {_expectation(detail)}"
    return f"{key_path(loc)} = {show(detail['input'])}: {_expectation(detail)}"


def _expectation(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if "error" in context:
        return str(context["error"])
    pattern = EXPECTED.get(detail["type"])
    return f"expected {pattern.format(**context)}" if pattern else detail["msg"]


def key_path(loc: Sequence[int | str]) -> str:
    """`phases[0].limits.per_day`: the place of a value."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def show(value: Any) -> str:
    """A value as TOML would write it, shortened."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _keys(table: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _table_at(loc: Sequence[int | str], model: type[BaseModel]) -> type[BaseModel]:
    """The model that describes the table at `loc`: names of dicts and indices are passed over."""
    for part in loc:
        for name, field in model.model_fields.items():
            if part == (field.alias or name):
                model = next(_models_in(field.annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
