"""Policies of the routes of operations, which must work when the database does not."""

from __future__ import annotations

from hmac import compare_digest
from ipaddress import ip_address

from fastapi import Request

from ..accounts.access import PlatformOf
from ..core.errors import Forbidden
from ..core.web import client_address, policy


@policy("anyone, unasked")
def unasked() -> None:
    """Anyone; who it is isn't looked up, since the answer must not need the database."""


@policy("this machine or the metrics token")
def operator(request: Request, platform: PlatformOf) -> None:
    """A caller on this machine, or one that sends `metrics_token` as a bearer token."""
    if _is_loopback(client_address(request)):
        return
    token = platform.settings.metrics_token
    scheme, _, offered = request.headers.get("authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        raise Forbidden(
            "Ask from this machine, or set FIVESIGMA_METRICS_TOKEN and send it as a bearer token."
        )
    if not compare_digest(offered.strip().encode(), token.get_secret_value().encode()):
        raise Forbidden("This is not the token of FIVESIGMA_METRICS_TOKEN.")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
