"""Documents of a catalog over HTTP or from disk, with few and short retries."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from os import PathLike
from typing import Any

import stamina
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from requests import Response

from monitor.errors import CatalogUnavailable

_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to bear with a catalog within one poll; the next poll asks again anyway."""

    attempts: int = 4
    wait_s: float = 1.0
    """Before the second try; doubles from try to try, with jitter."""
    longest_wait_s: float = 20.0
    """A catalog that asks for a longer pause (Retry-After) is left alone until the next poll."""
    timeout_s: float = 60.0
    """Of one request."""


PATIENT = Patience()


class RetryingIO(StacApiIO):
    """Reads that try again on 429, 5xx and broken connections, and wait as long as the server asks."""

    def __init__(self, patience: Patience) -> None:
        """Own retries instead of those of urllib3, whose errors hide status and address."""
        super().__init__(max_retries=None, timeout=patience.timeout_s)
        self._patience = patience
        self._retry_after_s: float | None = None
        self.session.hooks["response"].append(self._note_retry_after)

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,  # as in the base class
    ) -> str:
        """Text at `href`; raises APIError when the last try failed too."""
        patience = self._patience
        for attempt in stamina.retry_context(
            on=self._backoff,
            attempts=patience.attempts,
            timeout=patience.attempts * (patience.timeout_s + patience.longest_wait_s),
            wait_initial=patience.wait_s,
            wait_max=patience.longest_wait_s,
            wait_jitter=patience.wait_s,
        ):
            with attempt:
                self._retry_after_s = None
                return super().request(href, method, headers, parameters)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def read_json(self, source: str | PathLike[str], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A STAC document; raises ValueError for other JSON, which pystac-client takes for an empty page."""
        document: object = super().read_json(source, *args, **kwargs)
        if not isinstance(document, dict) or document.keys().isdisjoint(("stac_version", "features")):
            raise ValueError("the answer is JSON, but neither a STAC document nor a page of items")
        return document

    def _backoff(self, error: Exception) -> bool | float:
        """False: give up. True: wait as usual. A number: wait so many seconds, because the server said so."""
        if not isinstance(error, APIError):
            return False
        status = http_status(error)
        if status is not None and status != _TOO_MANY_REQUESTS and status < 500:
            return False
        if self._retry_after_s is None:
            return True
        return self._retry_after_s if self._retry_after_s <= self._patience.longest_wait_s else False

    def _note_retry_after(self, response: Response, *args: object, **kwargs: object) -> None:
        self._retry_after_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))


def http_status(error: Exception) -> int | None:
    """Status of the answer, or None when there was none: pystac-client sets it only when a server answered."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110, section 10.2.3: seconds or an HTTP date), or None."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())


def unavailable(name: str, href: str, problem: str) -> CatalogUnavailable:
    """The error of a catalog that cannot be asked now, with what to check."""
    return CatalogUnavailable(
        problem,
        item=f"catalog {name} ({href})",
        remedy=f"It is asked again at the next poll; if this stays, open the address yourself and check catalogs.{name}"
        " (type and href) in the configuration.",
    )
