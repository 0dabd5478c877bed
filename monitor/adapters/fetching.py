"""One read of a raster, and when it is repeated: what a host's answer to a failed read means.

| the host now says | what it means                       | what follows                                          |
| ----------------- | ----------------------------------- | ----------------------------------------------------- |
| 2xx               | the answer was cut, or is no raster | read again at once; then by what GDAL said            |
| 401, 403          | the token has expired               | sign anew, read again; if it stays: later (forbidden) |
| 429, 5xx, nothing | it is busy or gone                  | wait as long as it asks, if that is short; else later |
| any other         | the file is not there               | never: the acquisition is parked                      |
| "ask over there"  | it leads where it may not           | never: the acquisition is parked (address-refused)    |
"""

import time

from rasterio.errors import RasterioIOError

from monitor.adapters.hosts import Patience, Said, ask_for_a_byte, host_of
from monitor.adapters.opening import address_refused
from monitor.adapters.reach import AddressRefusedError
from monitor.adapters.redacting import without_tokens
from monitor.adapters.signing import Link
from monitor.errors import HOST_RESTING, AssetUnavailable, BadAsset, ScarpwatchError

FORBIDDEN = "forbidden"
"""Reason: the store refuses a link, also one that was just signed."""
_REFUSED = (401, 403)
_REMOTE = ("http://", "https://", "s3://", "gs://", "az://", "/vsi")
# What GDAL and curl say when the network or the server, not the file, is at fault.
_PASSING = (
    "response code: 5",
    "response code: 429",
    "timed out",
    "timeout",
    "could not resolve",
    "connection",
    "curl error",
)
_AGAIN = "It is tried again by itself; if it lasts, ask the operator of the catalog."


_RENEWALS = 2
"""Tokens that are asked for within one read."""


class Trial:
    """The tries of one read."""

    def __init__(self, link: Link, patience: Patience) -> None:
        """Nothing was tried yet."""
        self._link = link
        self._patience = patience
        self._failures = 0
        self._renewals = 0
        self._has_host = host_of(link.href) is not None

    def begin(self) -> None:
        """Before the first try.

        Raises:
            AssetUnavailable: the host rests; nothing is asked of it.
        """
        rest_s = self._link.hosts.rests_s(self._link.href)
        if rest_s > 0:
            raise AssetUnavailable(
                f"{self._link.shown} is not asked for: its host fails and is left alone for {rest_s:.0f} s",
                item=self._link.item,
                remedy="It is asked again by itself; such a wait does not count as a try.",
                reason=HOST_RESTING,
                retry_after_s=rest_s,
                tried=False,
            )

    def succeeded(self) -> None:
        """The read gave pixels."""
        self._link.hosts.answered(self._link.href)

    def failed(self, err: Exception, address: str, was_open: bool) -> None:
        """After a failed try: returns, perhaps after a pause, when the read is to be repeated.

        Args:
            err: what rasterio said.
            address: the signed address that was read.
            was_open: the file's header could be read.

        Raises:
            AssetUnavailable, BadAsset: not to be repeated now, or ever. Neither they nor their cause show a token.
        """
        error = self._verdict(err, address, was_open)
        if error is not None:
            raise error from RasterioIOError(self._plain(str(err), address))

    def _verdict(self, err: Exception, address: str, was_open: bool) -> ScarpwatchError | None:
        if not self._has_host:
            return self._by_words(err, address, was_open)
        try:
            said = ask_for_a_byte(address, reach=self._link.reach)
        except AddressRefusedError as refusal:
            return address_refused(self._link, str(refusal))
        if said.is_failure:
            return self._busy(said)
        self._link.hosts.answered(self._link.href)
        if said.status in _REFUSED:
            return self._refused(said, address)
        if said.status is not None and said.status >= 400:
            return self._bad(said.words)
        self._failures += 1
        return None if self._failures < self._patience.tries else self._by_words(err, address, was_open)

    def _busy(self, said: Said) -> AssetUnavailable | None:
        """The host is at fault: wait here if the wait is short, else give the read up."""
        self._failures += 1
        rest_s = self._link.hosts.failed(self._link.href, said.retry_after_s)
        wait_s = self._patience.wait(self._failures, said.retry_after_s)
        if rest_s <= 0 and wait_s is not None:
            time.sleep(wait_s)
            return None
        return AssetUnavailable(
            f"{self._link.shown} cannot be fetched now ({said.words})",
            item=self._link.item,
            remedy=_AGAIN,
            retry_after_s=max(rest_s, said.retry_after_s or 0.0) or None,
        )

    def _refused(self, said: Said, address: str) -> AssetUnavailable | None:
        """The token has expired, unless a fresh one is refused too."""
        self._renewals += 1
        if self._renewals <= _RENEWALS and self._link.renew(address):
            return None
        return self._forbidden(said)

    def _forbidden(self, said: Said) -> AssetUnavailable:
        fresh = " also with a fresh token" if self._link.signer is not None else ""
        return AssetUnavailable(
            f"the store refuses {self._link.shown}{fresh} (HTTP {said.status})",
            item=self._link.item,
            remedy="It is tried again by itself; if it lasts, see whether the catalog's store wants links to be signed"
            " (the catalog's setting `sign`) or another key, and whether the scene was withdrawn.",
            reason=FORBIDDEN,
            retry_after_s=said.retry_after_s,
        )

    def _by_words(self, err: Exception, address: str, was_open: bool) -> ScarpwatchError:
        """AssetUnavailable where waiting may help, else BadAsset, by what GDAL says.

        When a block of a remote file cannot be read after its header could, GDAL does not tell a server that fails
        from a file cut short; it counts as passing, and the ledger's limit of tries ends it if it lasts.
        """
        text = self._plain(str(err), address)
        cause = self._plain(str(err.__cause__ or ""), address)
        cut_off = was_open and self._link.href.startswith(_REMOTE)
        if cut_off or any(word in (text + cause).lower() for word in _PASSING):
            message = f"{self._link.shown} cannot be fetched now ({text})"
            return AssetUnavailable(message, item=self._link.item, remedy=_AGAIN)
        return self._bad(text or cause)

    def _bad(self, problem: str) -> BadAsset:
        return BadAsset(
            f"{self._link.shown} is not a readable raster ({problem})",
            item=self._link.item,
            remedy="The file is missing, cut short or no raster. Mend or replace it, then run `scarpwatch release`.",
        )

    def _plain(self, text: str, address: str) -> str:
        """What GDAL said, without the token."""
        token = address.removeprefix(self._link.href)
        return without_tokens(text.replace(token, "") if token else text)
