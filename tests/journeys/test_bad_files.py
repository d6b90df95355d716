"""Files that are wrong, huge or hostile: a code and a reason, never a 5xx, never a stuck row."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from fivesigma_backend.submissions.models import Evaluation
from sqlalchemy import select
from stories import API, Story
from uploads import as_zip

Make = Callable[[bytes], bytes]


def bomb(_good: bytes) -> bytes:
    return gzip.compress(b"EventId,Class\n" + b"0" * (1 << 31), compresslevel=9)


def nested_zip(good: bytes) -> bytes:
    return as_zip(as_zip(good))


def two_in_a_zip(good: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", good)
        archive.writestr("b.csv", good)
    return file.getvalue()


def objects(_good: bytes) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}] * 200, dtype=object), allow_pickle=True)
    return file.getvalue()


def lines(change: Callable[[list[str]], list[str]]) -> Make:
    return lambda good: ("\n".join(change(good.decode().splitlines())) + "\n").encode()


def with_score(word: str) -> Make:
    def change(rows: list[str]) -> list[str]:
        scored = [f"{row},0.5" for row in rows]
        return [f"{rows[0]},Score", *scored[1:3], f"{rows[3]},{word}", *scored[4:]]

    return lines(change)


BAD: dict[str, tuple[Make, set[str]]] = {
    "empty": (lambda good: b"", {"unreadable"}),
    "only a header": (
        lambda good: good.split(b"\n", 1)[0] + b"\n",
        {"missing_id", "wrong_row_count"},
    ),
    "cut in a line": (lambda good: good[: len(good) // 2], {"missing_id", "bad_class_label"}),
    "a line missing": (lines(lambda rows: rows[:-1]), {"missing_id"}),
    "a line twice": (lines(lambda rows: [*rows, rows[-1]]), {"duplicate_id"}),
    "an unknown id": (lines(lambda rows: [*rows[:-1], "1,1,s"]), {"unknown_id"}),
    "a bad class": (lines(lambda rows: [*rows[:-1], rows[-1][:-1] + "x"]), {"bad_class_label"}),
    "NaN": (with_score("nan"), {"not_finite"}),
    "1e400": (with_score("1e400"), {"not_finite"}),
    "a word as a number": (with_score("high"), {"wrong_dtype"}),
    "UTF-16": (lambda good: good.decode().encode("utf-16"), {"unreadable"}),
    "Latin-1": (lambda good: good.replace(b"Class", b"Cl\xe4ss"), {"unreadable"}),
    "NUL bytes": (lambda good: good.replace(b"s", b"\x00"), {"unreadable"}),
    "ten million columns": (
        lambda good: b"EventId,Class" + b",x" * 10_000_000,
        {"too_large", "unreadable"},
    ),
    "a bomb": (bomb, {"zip_bomb"}),
    "a zip in a zip": (nested_zip, {"wrong_format"}),
    "two files in a zip": (two_in_a_zip, {"wrong_format"}),
    "a cut gz": (lambda good: gzip.compress(good)[:-20], {"unreadable"}),
    "Python objects": (objects, {"wrong_dtype", "wrong_format"}),
    "a pickle": (lambda good: b"\x80\x04\x95" + good, {"wrong_format", "unreadable"}),
    "a picture": (lambda good: b"\x89PNG\r\n\x1a\n" + bytes(1000), {"wrong_format", "unreadable"}),
    "no such columns": (lambda good: b"a,b\n1,2\n", {"missing_column"}),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_explained_and_costs_nothing(story: Story, name: str) -> None:
    make, codes = BAD[name]
    content = make(story.prediction(0.5))
    ada = story.person("ada")

    checked = ada.validate(content, name="prediction.csv")
    assert checked.status_code == 200, checked.text
    assert not checked.json()["ok"]
    assert {one["code"] for one in checked.json()["findings"]} & codes, checked.json()

    sent = ada.submit(content)
    if sent.status_code == 201:
        story.drain()
        found = ada.get(f"{API}/submissions/{sent.json()['id']}").json()
        assert found["status"] == "rejected", found
        findings = found["findings"]
    else:
        assert (sent.status_code, sent.json()["code"]) == (422, "refused"), sent.text
        findings = sent.json()["findings"]
    assert {one["code"] for one in findings if one["severity"] == "error"} & codes, findings
    limits = ada.get(f"{API}/challenges/tiny/limits").json()
    assert (limits["used_total"], limits["running"]) == (0, 0)
    with story.platform.db.read() as session:
        assert set(session.scalars(select(Evaluation.state))) <= {"rejected"}
