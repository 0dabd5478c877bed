"""The hosts that are asked over the network: how each of them does, shared by catalogs, tokens and pixels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import uniform
from threading import Lock
from urllib.parse import urlsplit

import requests

from monitor.adapters.reach import Reach
from monitor.adapters.web_session import web_session
from monitor.core.breaker import HEALTHY, BreakerSettings, HostHealth, admit, failed

TOO_MANY_REQUESTS = 429


def _now() -> datetime:
    return datetime.now(UTC)


class Hosts:
    """One circuit breaker per host; safe to share between threads. Local files have no host and are always there."""

    def __init__(self, settings: BreakerSettings | None = None, clock: Callable[[], datetime] = _now) -> None:
        """`clock` gives aware UTC: rests are measured in real time, whatever the clock of a pass says."""
        self._settings = settings or BreakerSettings()
        self._clock = clock
        self._lock = Lock()
        self._health: dict[str, HostHealth] = {}

    def rests_s(self, href: str) -> float:
        """Seconds for which the host of `href` is to be left alone; 0: ask it now, and tell how that ended."""
        host = host_of(href)
        if host is None:
            return 0.0
        with self._lock:
            health, wait = admit(self._health.get(host, HEALTHY), self._clock(), self._settings)
            self._health[host] = health
        return wait.total_seconds()

    def answered(self, href: str) -> None:
        """The host did its part, be it with a refusal."""
        host = host_of(href)
        if host is not None:
            with self._lock:
                self._health[host] = HEALTHY

    def failed(self, href: str, retry_after_s: float | None = None) -> float:
        """No answer, 5xx or 429. Returns for how many seconds the host rests from now on, 0 when it does not."""
        host = host_of(href)
        if host is None:
            return 0.0
        # A server may ask for more seconds than a timedelta holds.
        pause = None if retry_after_s is None else timedelta(seconds=min(retry_after_s, 1e9))
        now = self._clock()
        with self._lock:
            health = failed(self._health.get(host, HEALTHY), now, self._settings, pause)
            self._health[host] = health
        return 0.0 if health.resting_until is None else max(0.0, (health.resting_until - now).total_seconds())

    def snapshot(self) -> Mapping[str, HostHealth]:
        """Every host asked so far, for metrics and status."""
        with self._lock:
            return dict(self._health)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to bear with a host within one read; the ledger tries again later anyway."""

    tries: int = 3
    wait_s: float = 1.0
    """Before the second try; doubles, with jitter."""
    longest_wait_s: float = 5.0
    """Of a host that asks for a longer pause (Retry-After) the read is given up, to be tried after that pause."""

    def wait(self, failures: int, retry_after_s: float | None) -> float | None:
        """Seconds to wait after so many failures before one more try; None when it is not worth while."""
        wait_s = self.wait_s * 2 ** (failures - 1) * uniform(1.0, 1.25) if retry_after_s is None else retry_after_s
        return wait_s if failures < self.tries and wait_s <= self.longest_wait_s else None


PATIENT = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a server answered."""

    status: int | None
    """HTTP status; None when nobody answered."""
    retry_after_s: float | None = None
    problem: str = ""
    """What was in the way, when nobody answered; without the address."""

    @property
    def words(self) -> str:
        """For a message."""
        return ": ".join(filter(None, (f"HTTP {self.status}" if self.status else "no answer", self.problem)))

    @property
    def is_failure(self) -> bool:
        """True when the host is at fault and may recover."""
        return self.status is None or self.status == TOO_MANY_REQUESTS or self.status >= 500


def ask_for_a_byte(href: str, timeout_s: float = 15.0, reach: Reach | None = None) -> Said:
    """Ask for the first byte of a file, to learn what a failed read does not tell: status and Retry-After.

    GDAL (3.10) neither honours Retry-After nor says why a block of a file could not be read.

    Raises:
        AddressRefusedError: it may not be asked, or leads to an address that may not.
    """
    try:
        with (
            web_session(timeout_s, reach) as session,
            session.get(href, headers={"Range": "bytes=0-0"}, timeout=timeout_s, stream=True) as response,
        ):
            pause = retry_after_s(response.headers.get("Retry-After"), _now())
            return Said(status=response.status_code, retry_after_s=pause)
    except requests.RequestException as err:
        return Said(status=None, problem=type(err).__name__)  # its text has the address with its token


def host_of(href: str) -> str | None:
    """Host and port of a web address, in lower case; None for files and for stores with an address of their own."""
    if not href.startswith(("http://", "https://")):
        return None
    try:
        return urlsplit(href).netloc.rpartition("@")[2].lower() or None
    except ValueError:
        return None


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
