"""The same prediction in every accepted format and in any order has the same score."""

from __future__ import annotations

import gzip
import io

import numpy as np
import polars as pl
import pytest
import zstandard
from stories import API, Story
from uploads import as_zip


def as_parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def as_npy(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    np.save(file, (frame["Class"] == "s").to_numpy())
    return file.getvalue()


def forms(text: bytes) -> dict[str, bytes]:
    """One prediction in many forms; `.npy` is in the order of the test file."""
    frame = pl.read_csv(text)
    numbers = frame.with_columns(Class=(pl.col("Class") == "s").cast(pl.Int8))
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    return {
        "a.csv": text,
        "shuffled.csv": shuffled.write_csv().encode(),
        "numbers.csv": numbers.write_csv().encode(),
        "semicolons.csv": frame.write_csv(separator=";").encode(),
        "bom-and-crlf.csv": b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"),
        "a.csv.gz": gzip.compress(text),
        "a.csv.zst": zstandard.compress(text),
        "a.zip": as_zip(text),
        "a.parquet": as_parquet(shuffled),
        "a.npy": as_npy(frame),
    }


@pytest.fixture
def generous(story: Story) -> Story:
    """The tiny challenge without limits."""
    from fivesigma_backend.challenges.models import Phase
    from sqlalchemy import select, update

    with story.platform.db.transaction() as session:
        definition = session.scalars(select(Phase.definition)).one()
        session.execute(update(Phase).values(definition=definition | {"limits": {}}))
    return story


def test_every_form_of_a_prediction_has_the_same_score(generous: Story) -> None:
    ada = generous.person("ada")
    sent = {}
    for name, content in forms(generous.prediction(0.5)).items():
        answer = ada.submit(content, name=name)
        assert answer.status_code == 201, (name, answer.text)
        sent[name] = answer.json()["id"]
    assert generous.drain() == len(sent)
    scores = {}
    for name, identity in sent.items():
        found = ada.get(f"{API}/submissions/{identity}").json()
        assert found["status"] == "scored", (name, found["findings"])
        scores[name] = found["scores"]
    assert all(each == scores["a.csv"] for each in scores.values()), scores


def test_validation_costs_nothing_and_does_not_depend_on_the_truth(generous: Story) -> None:
    ada = generous.person("ada")
    good, wrong = generous.prediction(0.5), generous.prediction(0.5).replace(b",s\n", b",q\n", 3)
    assert ada.validate(good).json() == {"ok": True, "findings": []}
    report = ada.validate(wrong).json()
    assert not report["ok"]
    assert report["findings"][0]["code"] == "bad_class_label"
    assert len(report["findings"][0]["rows"]) == 3
    assert ada.get(f"{API}/challenges/tiny/limits").json()["used_total"] == 0
