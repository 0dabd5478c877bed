"""Signed links: some object stores want a short-lived token on every link (SAS tokens last about 45 minutes).

A link is signed just before it is read, signed anew when the store refuses it, and never stored: what is kept, shown
and compared is the plain address.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from threading import Lock
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import requests
from planetary_computer import sas
from planetary_computer.settings import Settings
from planetary_computer.utils import parse_blob_url

from monitor.adapters.hosts import PATIENT, Hosts, Patience, Said, retry_after_s
from monitor.adapters.reach import Reach
from monitor.adapters.redacting import without_tokens
from monitor.adapters.web_session import web_session
from monitor.errors import HOST_RESTING, AssetUnavailable, ScarpwatchError
from monitor.records import SceneItem

NO_TOKEN = "token-unavailable"
"""The token service did not give one."""
REFUSED = "token-refused"
"""The store did not take it; a new one is asked for."""
_TOKEN_TIMEOUT_S = 30.0
_TOKEN_BYTES = 1 << 20
_TOKEN_MARGIN_S = 60.0
"""A token that ends sooner is replaced before it is used."""

_TALKATIVE = ("pystac_client", "rasterio", "urllib3")
"""Libraries that log the addresses they read."""


class Signer(Protocol):
    """How one catalog's links are signed. May raise whatever its HTTP library does."""

    def sign(self, href: str, item: str) -> str:
        """The address of an item's asset to read now; tokens are kept while they last."""

    def renew(self, href: str, refused: str) -> None:
        """Forget the token in `refused`, a signed form of `href` that the store did not accept."""


class SignFailures:
    """How often the links of each catalog could not be read for want of a token. Safe across threads."""

    def __init__(self, catalogs: Iterable[str]) -> None:
        """`catalogs`: those whose links are signed."""
        self._lock = Lock()
        self._counts = Counter[tuple[str, str]](
            {(one, reason): 0 for one in catalogs for reason in (NO_TOKEN, REFUSED)}
        )

    def add(self, catalog: str, reason: str) -> None:
        """One link of a catalog."""
        with self._lock:
            self._counts[catalog, reason] += 1

    def counts(self) -> Mapping[tuple[str, str], int]:
        """By catalog and reason, zeros included."""
        with self._lock:
            return dict(self._counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An asset's plain address, and what it takes to read it."""

    href: str
    item: str
    signer: Signer | None = field(default=None, repr=False)
    hosts: Hosts = field(default_factory=Hosts, repr=False)
    failed: Callable[[str], None] = field(default=lambda _reason: None, repr=False, compare=False)
    """Hears why it could not be read."""
    reach: Reach | None = field(default=None, repr=False)
    """Where it may lead; None: anywhere, for addresses that no catalog named."""

    @property
    def shown(self) -> str:
        """The address for messages: catalogs hand out signed ones, too."""
        return without_tokens(self.href)

    def signed(self) -> str:
        """The address to read now.

        Raises:
            AssetUnavailable: the token service does not answer.
        """
        if self.signer is None:
            return self.href
        try:
            return self.signer.sign(self.href, self.item)
        except ScarpwatchError as error:
            if error.reason == NO_TOKEN:  # a service that is left alone for a while is not asked
                self.failed(NO_TOKEN)
            raise
        except Exception as err:  # whatever HTTP library the signer uses
            self.failed(NO_TOKEN)
            raise _no_token(self.href, self.item, str(err)) from err

    def renew(self, refused: str) -> bool:
        """Have the next `signed` ask for a new token; False when this link needs none."""
        if self.signer is None:
            return False
        self.signer.renew(self.href, refused)
        self.failed(REFUSED)
        return True


class Signers:
    """How the links of each catalog are read: with which token, and by which knowledge of their hosts."""

    def __init__(
        self,
        by_catalog: Mapping[str, Signer],
        hosts: Hosts | None = None,
        reaches: Mapping[str, Reach] | None = None,
    ) -> None:
        """
        Args:
            by_catalog: signers by the names of their catalogs in the configuration; other links stay as they are.
            hosts: what is known of the hosts that are asked.
            reaches: where the links of each catalog may lead, those of others to public hosts; None: all anywhere.
        """
        self._by_catalog = by_catalog
        self._hosts = hosts or Hosts()
        self._reaches = reaches
        keep_tokens_out_of_logs()
        self.failures = SignFailures(by_catalog)

    def __call__(self, item: SceneItem, href: str) -> Link:
        """The link of an item's asset."""
        failed = partial(self.failures.add, item.catalog)
        signer = self._by_catalog.get(item.catalog)
        reach = None if self._reaches is None else self._reaches.get(item.catalog, _unknown(item.catalog))
        return Link(href=href, item=item.id, signer=signer, hosts=self._hosts, failed=failed, reach=reach)


def _unknown(catalog: str) -> Reach:
    """Of a catalog that the configuration has no more."""
    return Reach(catalog=catalog, home="https://unknown.invalid")


def keep_tokens_out_of_logs() -> None:
    """Take the tokens out of what other libraries log: rasterio warns with whole addresses. May be called again."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _TALKATIVE]
    for name in names:
        logging.getLogger(name).addFilter(_without_tokens)


def _without_tokens(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    plain = without_tokens(message)
    if plain != message:
        record.msg, record.args = plain, ()
    return True


class PlanetaryComputer:
    """Signs links of the Planetary Computer; the others it leaves as they are.

    The tokens lie in the cache of the planetary-computer library. Asking for them is done here: the library waits
    ten minutes for a token service that is gone, without a timeout per request.
    """

    def __init__(self, hosts: Hosts | None = None, patience: Patience = PATIENT) -> None:
        """Nothing is asked yet, but from now on nobody logs a token."""
        self._hosts = hosts or Hosts()
        self._patience = patience
        keep_tokens_out_of_logs()

    def sign(self, href: str, item: str) -> str:
        """The link with its token.

        Raises:
            AssetUnavailable: the token service does not answer.
        """
        service = _token_service(href)
        if service is None:
            return href
        token = sas.TOKEN_CACHE.get(service)
        if token is None or token.ttl() < _TOKEN_MARGIN_S:
            token = self._ask(service, href, item)
            sas.TOKEN_CACHE[service] = token
        return str(token.sign(href).href)

    def renew(self, href: str, refused: str) -> None:
        """Drop the token that was refused, unless somebody else has replaced it already."""
        service = _token_service(href)
        token = sas.TOKEN_CACHE.get(service or "")
        if service is not None and token is not None and token.token in refused:
            sas.TOKEN_CACHE.pop(service, None)

    def _ask(self, service: str, href: str, item: str) -> sas.SASToken:
        rest_s = self._hosts.rests_s(service)
        if rest_s > 0:
            raise _no_token(href, item, "the token service fails and is left alone for a while", rest_s, tried=False)
        for failures in count(1):
            said, answer = _one_answer(service)
            if not said.is_failure:
                break
            rest_s = self._hosts.failed(service, said.retry_after_s)
            wait_s = self._patience.wait(failures, said.retry_after_s)
            if rest_s > 0 or wait_s is None:
                raise _no_token(href, item, said.words, max(rest_s, said.retry_after_s or 0.0) or None)
            time.sleep(wait_s)
        self._hosts.answered(service)
        if answer is None:
            raise _no_token(href, item, said.words, said.retry_after_s)
        return answer


def _one_answer(service: str) -> tuple[Said, sas.SASToken | None]:
    """What the token service says, and its token when it gave one."""
    key = Settings.get().subscription_key
    try:
        with web_session(_TOKEN_TIMEOUT_S, most_bytes=_TOKEN_BYTES) as session:
            response = session.get(
                service, headers={"Ocp-Apim-Subscription-Key": key} if key else {}, timeout=_TOKEN_TIMEOUT_S
            )
        token = sas.SASToken(**response.json()) if response.ok else None
    except requests.JSONDecodeError:
        return Said(status=response.status_code, problem="the answer is no token"), None
    except requests.RequestException as err:
        return Said(status=None, problem=type(err).__name__), None
    except (ValueError, TypeError):  # other JSON
        return Said(status=response.status_code, problem="the answer is no token"), None
    pause = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
    return Said(status=response.status_code, retry_after_s=pause), token


def _token_service(href: str) -> str | None:
    """Where the token of a link is asked for, as in `planetary_computer.sas`; None when it needs none."""
    parts = urlsplit(href)
    public = parts.netloc.startswith("ai4edatasetspublicassets.")
    if (
        public
        or not parts.netloc.endswith(sas.BLOB_STORAGE_DOMAIN)
        or parse_qs(parts.query).keys() & {"st", "se", "sp"}
    ):
        return None
    account, container = parse_blob_url(parts)
    return f"{Settings.get().sas_url}/{account}/{container}"


def _no_token(
    href: str, item: str, problem: str, retry_after: float | None = None, *, tried: bool = True
) -> AssetUnavailable:
    return AssetUnavailable(
        f"no token for {without_tokens(href)} ({without_tokens(problem)})",
        item=item,
        remedy="It is tried again by itself; if it lasts, see whether the token service of the catalog is up.",
        reason=NO_TOKEN if tried else HOST_RESTING,
        retry_after_s=retry_after,
        tried=tried,
    )
