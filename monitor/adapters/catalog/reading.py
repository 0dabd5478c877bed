"""Documents of a catalog over HTTP or from disk, with few and short retries."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from typing import Any

import stamina
from pystac import Link
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from requests import Response

from monitor.adapters.hosts import Hosts, Said, retry_after_s
from monitor.adapters.reach import AddressRefusedError, Reach
from monitor.adapters.redacting import without_tokens
from monitor.adapters.web_session import LARGEST_ANSWER, TooMuchError, web_session
from monitor.errors import HOST_RESTING, CatalogUnavailable


class HostRestsError(APIError):
    """The host is left alone for a while: nothing was asked of it."""

    def __init__(self, rest_s: float) -> None:
        super().__init__(f"the host failed again and again and is left alone for {rest_s:.0f} s")
        self.rest_s = rest_s


class NotTakenError(APIError):
    """A document that is not read: out of the catalog's reach, or too large. Asking again gives the same."""


class OutOfReachError(NotTakenError):
    """A document that lies where the catalog may not lead."""


class SearchTooLongError(APIError):
    """The time of a whole search is over; what was found so far is not the whole."""


_EMPTY_PAGES = 3
MOST_DOCUMENTS = 100_000
"""Of one search, in pages or files: years of a country. A catalog that has more is made to lead on for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to bear with a catalog within one poll; the next poll asks again anyway."""

    attempts: int = 4
    wait_s: float = 1.0
    """Before the second try; doubles from try to try, with jitter."""
    longest_wait_s: float = 20.0
    """A catalog that asks for a longer pause (Retry-After) is left alone until the next poll."""
    timeout_s: float = 60.0
    """Of one request, and of its answer to the end."""
    search_s: float = 1800.0
    """Of one whole search, however many pages it has."""


PATIENT = Patience()


class RetryingIO(StacApiIO):
    """Reads that try again on 429, 5xx and broken connections, and wait as long as the server asks."""

    def __init__(self, patience: Patience, hosts: Hosts | None = None, reach: Reach | None = None) -> None:
        """Own retries instead of those of urllib3, whose errors hide status and address.

        Args:
            patience: retries, and how long a search may take from now on.
            hosts: what is known of the hosts that are asked.
            reach: where links may lead; None: anywhere.
        """
        super().__init__(max_retries=None, timeout=patience.timeout_s)
        self.session = web_session(patience.timeout_s, reach)
        self._reach = reach
        self._end = time.monotonic() + patience.search_s
        self._patience = patience
        self._hosts = hosts or Hosts()
        self._retry_after_s: float | None = None
        self._rest_s = 0.0
        self.session.hooks["response"].append(self._note_retry_after)

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,  # as in the base class
    ) -> str:
        """Text at `href`; raises APIError when the last try failed too, HostRestsError when none was made."""
        self._go_on()
        rest_s = self._hosts.rests_s(href)
        if rest_s > 0:
            raise HostRestsError(rest_s)
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
                return self._once(href, method, headers, parameters)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def read_text(self, source: str | PathLike[str] | Link, *args: Any, **kwargs: Any) -> str:
        """A document of the web or of this disk.

        Raises:
            NotTakenError: it is too large or (OutOfReachError) out of reach.
            SearchTooLongError: the time of the search is over.
            APIError, OSError: it cannot be read.
        """
        href = source.href if isinstance(source, Link) else str(source)
        refusal = None if self._reach is None else self._reach.refusal(href)
        if refusal is not None:
            raise OutOfReachError(f"{without_tokens(href)} is not read: {refusal}")
        if "://" in href:
            return str(super().read_text(source, *args, **kwargs))
        self._go_on()
        with open(href, "rb") as file:
            found = file.read(LARGEST_ANSWER + 1)
        if len(found) > LARGEST_ANSWER:
            raise NotTakenError(f"the file is larger than {LARGEST_ANSWER >> 20} MiB")
        return found.decode()

    def read_json(self, source: str | PathLike[str], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A STAC document; raises ValueError for other JSON, which pystac-client takes for an empty page."""
        document: object = super().read_json(source, *args, **kwargs)
        if not isinstance(document, dict) or document.keys().isdisjoint(("stac_version", "features")):
            raise ValueError("the answer is JSON, but neither a STAC document nor a page of items")
        return document

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Every page that has items.

        The base class ends at the first empty page. Servers that filter what they have cut into pages send empty
        ones in between; others lead on for ever, so after a few in a row it is the end.
        """
        page = self.read_json(url, method=method, parameters=parameters)
        empty = 0
        while True:
            empty = 0 if page.get("features") else empty + 1
            if not empty:
                yield page
            onward = next((link for link in page.get("links", []) if link["rel"] == "next"), None)
            if onward is None or empty > _EMPTY_PAGES:
                return
            page = self.read_json(Link.from_dict(onward), parameters=parameters)

    def _go_on(self) -> None:
        if time.monotonic() > self._end:
            raise SearchTooLongError(f"the search did not end within {self._patience.search_s:g} s")

    def _once(
        self, href: str, method: str | None, headers: dict[str, str] | None, parameters: dict[str, Any] | None
    ) -> str:
        """One try, and what it tells about the host."""
        self._retry_after_s, self._rest_s = None, 0.0
        try:
            text = super().request(href, method, headers, parameters)
        except APIError as err:
            err.args = (without_tokens(str(err)),)  # what requests says has the whole address
            # pystac-client keeps of what went wrong the text alone.
            if isinstance(err.__context__, AddressRefusedError):
                raise OutOfReachError(str(err)) from err
            if isinstance(err.__context__, TooMuchError):
                raise NotTakenError(str(err)) from err
            if Said(status=http_status(err)).is_failure:
                self._rest_s = self._hosts.failed(href, self._retry_after_s)
            else:
                self._hosts.answered(href)
            raise
        self._hosts.answered(href)
        return text

    def _backoff(self, error: Exception) -> bool | float:
        """False: give up. True: wait as usual. A number: wait so many seconds, because the server said so."""
        if not isinstance(error, APIError) or isinstance(error, NotTakenError):
            return False
        if not Said(status=http_status(error)).is_failure:
            return False
        wait_s = max(self._rest_s, self._retry_after_s or 0.0)
        if self._retry_after_s is None and wait_s <= 0:
            return True
        return wait_s if wait_s <= self._patience.longest_wait_s else False

    def _note_retry_after(self, response: Response, *args: object, **kwargs: object) -> None:
        self._retry_after_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))


def http_status(error: Exception) -> int | None:
    """Status of the answer, or None when there was none: pystac-client sets it only when a server answered."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def unavailable(name: str, href: str, problem: str, cause: BaseException | None = None) -> CatalogUnavailable:
    """The error of a catalog that cannot be asked now, with what to check; `cause` tells whether its host rests."""
    while cause is not None and not isinstance(cause, HostRestsError):
        cause = cause.__cause__
    return CatalogUnavailable(
        without_tokens(problem),
        item=f"catalog {name} ({without_tokens(href)})",
        remedy=f"It is asked again at the next poll; if this stays, open the address yourself and check catalogs.{name}"
        " (type and href) in the configuration.",
        reason=None if cause is None else HOST_RESTING,
        retry_after_s=None if cause is None else cause.rest_s,
        tried=cause is None,
    )
