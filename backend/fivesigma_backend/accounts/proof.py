"""Proving a password: slow and throttled, and so outside any transaction."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.errors import TooMany
from ..core.platform import Platform
from ..core.security import digest
from .errors import WrongCredentials
from .passwords import hash_password, needs_rehash, verify_password
from .rules import PASSWORD_LENGTHS, address_key, name_key
from .service import find_user, lock_proven

# A school sits behind one address, so this many accounts may fail there before it is shut.
ACCOUNTS_PER_ADDRESS = 20


@dataclass(frozen=True)
class Proof:
    """Somebody has proven the password whose hash is `password_hash`."""

    user_id: str
    password_hash: str


def prove(platform: Platform, name: str, password: str, address: str) -> Proof:
    """The account of `name` (username or e-mail), if `password` is its password.

    Raises WrongCredentials, for an unknown name in the same time and words, and TooMany after too
    many failures for this account from this address, or from this address altogether.
    """
    failures = _limits(platform, name, address)
    # Counted before the look, so that guesses sent at the same moment count as well.
    platform.throttle.check(*failures.address)
    platform.throttle.hit(*failures.account)
    with platform.db.read() as session:
        user = find_user(session, name)
    stored = user.password_hash if user is not None else None
    if not verify_password(stored, password[: PASSWORD_LENGTHS.stop]):
        _count(platform, failures.address)
        raise WrongCredentials
    if user is None or stored is None:
        raise WrongCredentials
    platform.throttle.forget(*failures.account)
    return _modernised(platform, Proof(user.id, stored), password)


@dataclass(frozen=True)
class _Failures:
    """The two limits on failed log-ins, each with its key."""

    account: tuple[str, ...]
    address: tuple[str, ...]


def _limits(platform: Platform, name: str, address: str) -> _Failures:
    each, where = platform.settings.login_attempts, address_key(address)
    # A digest, since the name is whatever somebody typed.
    account = digest(name_key(name[:1000]))
    return _Failures(
        (f"{each}/15 minutes", "log-in", account, where),
        (f"{each * ACCOUNTS_PER_ADDRESS}/15 minutes", "log-in", where),
    )


def _count(platform: Platform, limit: tuple[str, ...]) -> None:
    try:
        platform.throttle.hit(*limit)
    except TooMany:  # the answer to this attempt is the usual one; the next is refused
        return


def _modernised(platform: Platform, proof: Proof, password: str) -> Proof:
    """Hash anew where the parameters have changed since the password was set."""
    if not needs_rehash(proof.password_hash):
        return proof
    modern = hash_password(password)
    with platform.db.transaction() as session:
        lock_proven(session, proof.user_id, proof.password_hash).password_hash = modern
    return Proof(proof.user_id, modern)
