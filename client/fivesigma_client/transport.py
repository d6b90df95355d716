"""Requests that are safe to repeat: addresses, the token, retries, and errors as exceptions."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity import wait_exponential_jitter as exponential_jitter

from .answers import Finding
from .errors import BadAnswer, Misused, Problem, Unreachable
from .reading import read_all

API = "/api/v1"
LONGEST_PAUSE = 60.0
RETRIES = 4
# A long poll of 50 seconds must fit into the time to read.
TIMEOUT = httpx2.Timeout(connect=10, read=75, write=60, pool=10)
PATIENT = httpx2.Timeout(connect=10, read=600, write=60, pool=10)
TOKEN = re.compile(r"[!-~]{1,500}")
BACK_OFF = exponential_jitter(multiplier=0.5, max=8, jitter=0.5)

T = TypeVar("T")
Tell = Callable[[str], None]


def site_url(url: str) -> str:
    """The address of a site without slash or API path at its end. Raises Misused."""
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname
    except ValueError:
        raise Misused("This is no address. Write it as https://challenges.example.org.") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise Misused(
            "Write the address of the site with http:// or https://, such as "
            "https://challenges.example.org."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Misused("Write the address of the site alone, without user name, ? or #.")
    path = parts.path.rstrip("/").removesuffix(API)
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_loopback(url: str) -> bool:
    """Whether `url` stays on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_token(token: str) -> str:
    """A token that can be sent. Raises Misused, which does not repeat it."""
    if not TOKEN.fullmatch(token):
        raise Misused("This is no token: it has 1 to 500 characters without spaces. Copy it again.")
    return token


def segment(text: str) -> str:
    """`text` as one part of a path, whatever is in it."""
    if text in ("", ".", ".."):
        raise Misused(f"“{text}” names nothing.")
    return quote(text.encode("utf-8", "replace"), safe="")


class Transport:
    """Requests to one site. `tell` is told about pauses before something is tried again."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        insecure: bool = False,
        retries: int = RETRIES,
        tell: Tell | None = None,
    ) -> None:
        self.url = site_url(url)
        local = is_loopback(self.url)
        if token is not None and not (insecure or local or self.url.startswith("https://")):
            raise Misused(
                f"{self.url} is not encrypted: anybody on the way could read your token. Use "
                "https://, or --insecure if you trust the network."
            )
        headers = {"User-Agent": f"fivesigma/{version('fivesigma')}"}
        if token is not None:
            headers["Authorization"] = f"Bearer {check_token(token)}"
        # What stays on this machine must not go through a proxy.
        self._http = httpx2.Client(
            base_url=f"{self.url}{API}/", headers=headers, timeout=TIMEOUT, trust_env=not local
        )
        self._retries = retries
        self._tell = tell or (lambda _text: None)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def repeat(self, attempt: Callable[[], T]) -> T:
        """`attempt()`, again after a pause while it fails for a reason that passes."""
        retrying = Retrying(
            stop=stop_after_attempt(self._retries + 1),
            retry=retry_if_exception(_passes),
            wait=_pause,
            before_sleep=self._announce,
            reraise=True,
        )
        return retrying(attempt)

    def _announce(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._tell(f"{error} Trying again in {state.upcoming_sleep:.0f} s …")

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The decoded answer to a request that may be repeated."""
        return self.repeat(lambda: decoded(self.send(method, path, **options)))

    def text(self, path: str, **options: Any) -> str:
        """The answer to a GET as text."""
        return self.repeat(lambda: self.send("GET", path, **options)).text

    def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """One request, once; its answer is a success."""
        with self.talking():
            response = self._http.request(method, path, **options)
        return checked(response)

    @contextmanager
    def stream(self, path: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """A GET whose answer is still to be read; any status."""
        with self.talking(), self._http.stream("GET", path, headers=headers) as response:
            yield response

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Errors of the network as ours."""
        try:
            yield
        except httpx2.LocalProtocolError:
            # Its text may quote a header, such as the token.
            raise Misused(
                "The request could not be sent. Did the file change while it was being read?"
            ) from None
        except httpx2.TimeoutException as error:
            raise Unreachable(f"{self.url} did not answer in time.") from error
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise Misused(f"{self.url} is no address that can be used.") from error
        except httpx2.DecodingError as error:
            raise BadAnswer(f"The answer of {self.url} is damaged.") from error
        except httpx2.RequestError as error:
            raise Unreachable(f"{self.url} can't be reached ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _passes(error: BaseException) -> bool:
    if isinstance(error, Problem):
        return error.temporary and (error.retry_after or 0) <= LONGEST_PAUSE
    return isinstance(error, Unreachable) and not isinstance(error, BadAnswer)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Problem) else None
    return asked if asked is not None else BACK_OFF(state)


def decoded(response: httpx2.Response) -> Any:
    """The JSON of an answer."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise BadAnswer(
            f"{response.url.host} did not answer as a Fivesigma server does. Check the address."
        ) from None


def checked(response: httpx2.Response) -> httpx2.Response:
    """The answer if it is a success. Raises Problem."""
    if response.is_success:
        return response
    if response.is_redirect:
        raise BadAnswer(
            f"{response.url.host} sends us on to {response.headers.get('location', '')}. "
            "Log in with the address it names."
        )
    raise _problem(response)


def _problem(response: httpx2.Response) -> Problem:
    try:
        document = response.json()
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        document = {"detail": f"The server answered {response.status_code}."}
    try:
        findings = tuple(read_all(Finding, document.get("findings", [])))
    except BadAnswer:
        findings = ()
    after = response.headers.get("retry-after", "")
    return Problem(
        response.status_code,
        document,
        findings=findings,
        retry_after=float(after) if after.isdecimal() else None,
    )
