"""Hashing passwords."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters
from fivesigma_backend.accounts import passwords
from fivesigma_backend.accounts.passwords import hash_password, needs_rehash, verify_password


@pytest.fixture(autouse=True)
def cheap_hashes() -> None:
    """Override the cheaper parameters of the other tests: these look at the real ones."""


def test_a_password_is_stored_as_argon2id_and_verifies() -> None:
    stored = hash_password("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "correct horse battery")
    assert not verify_password(stored, "correct horse batterz")


def test_the_same_letter_typed_in_two_ways_is_the_same_password() -> None:
    assert verify_password(hash_password("k\u00f6nigsberg"), "ko\u0308nigsberg")


def test_nobody_has_a_password_and_costs_the_same_to_refuse() -> None:
    assert not verify_password(None, "correct horse battery")
    assert extract_parameters(passwords._NOBODY) == extract_parameters(hash_password("x"))


def test_what_is_no_hash_matches_nothing() -> None:
    assert not verify_password("plain", "plain")


def test_a_hash_of_other_parameters_is_to_be_renewed() -> None:
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=8192).hash("x"))
    assert not needs_rehash(hash_password("x"))
