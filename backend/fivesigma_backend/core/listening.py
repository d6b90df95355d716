"""The socket that the web service listens on, and why it can't be had."""

from __future__ import annotations

import errno
import socket

BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def cannot_listen(host: str, port: int, error: OSError) -> str:
    """What an operator is told when `listen` failed."""
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: stop what uses it, or choose another with --port"
    return f"can't listen on {host} port {port}: {error.strerror or error}"
