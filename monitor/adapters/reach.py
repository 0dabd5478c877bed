"""Where the addresses that a catalog names may lead: what it sends is read without a person looking.

By its words an address is refused before anything is asked; by the network addresses of its host when a connection is
made (`connect`), so that neither names nor redirects lead inside.
"""

import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from monitor.core.network_addresses import inner_address

ADDRESS_REFUSED = "address-refused"
"""Reason: a catalog names an address that it may not."""

_WEB = {"http": 80, "https": 443}
_STORE = re.compile(r"(s3|gs|az)://([A-Za-z0-9][A-Za-z0-9._-]{1,254})/[^?#]+")
"""Object stores, which GDAL asks where its own environment says; the catalog chooses bucket and key alone. Old buckets
have names of up to 255 signs, capitals among them."""
_FIRST_S = 3.0
"""For an address that is not the last of its host."""
_LOOPBACK, _PRIVATE, _LINK_LOCAL = "loopback", "private or reserved", "link-local"
"""As `inner_address` says it."""
_INSIDE = ("local", "internal", "lan", "intranet", "corp", "home", "private", "home.arpa", "svc")
"""Names that no public resolver has; beside those without a dot."""


class AddressRefusedError(Exception):
    """An address that a catalog named may not be asked; the text says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one catalog may name.

    A catalog of the web: files of the web and of object stores, on any host with a public address. It may name inner
    addresses where it is written with one itself: private ones for a private network, this machine for this machine.
    Link-local ones, as of the metadata service of clouds, never. A catalog on disk: also files in and beside its
    folder.
    """

    catalog: str
    """Its name in the configuration, for remedies."""
    home: str
    """Its own address, a plain path on disk (`plain_path`). What lies at the same host, at its own port or at those of
    http and https, may be asked wherever that is, but for link-local addresses."""
    hosts: tuple[str, ...] | None = None
    """Hosts (`host`, `host:port`, `*.domain`, `s3://bucket`) in lower case that it may name, inner ones too, and no
    others beside its own; None: by the rule above."""
    folders: tuple[Path, ...] | None = None
    """Of a catalog on disk: folders beside its own whose files it may name; None: the one that holds its own, since
    catalogs often lie beside their scenes, unless that is the root of the disk."""

    def refusal(self, href: str) -> str | None:
        """Why an address may not be asked, by its words; None when nothing is against it."""
        if href.startswith(("http://", "https://")):
            return self._web_refusal(href)
        if "://" in href or href.startswith("/vsi"):
            return self._store_refusal(href)
        return self._file_refusal(href)

    def check(self, href: str) -> None:
        """
        Raises:
            AddressRefusedError: `refusal` has something against it.
        """
        refusal = self.refusal(href)
        if refusal is not None:
            raise AddressRefusedError(refusal)

    def connect(self, host: str, port: int, timeout_s: float | None) -> socket.socket:
        """A connection to a host, made to the very address that was checked.

        Raises:
            AddressRefusedError: the host may not be asked, or one of its addresses is an inner one.
            OSError: it is not known, or does not answer.
        """
        host = host.strip("[]")
        self._check_host(host, port)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as err:  # a label that is empty or too long
            raise OSError(f"no host is called {host[:100]!r}") from err
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for address in addresses:
            refusal = self._inner_refusal(host, port, address)
            if refusal is not None:
                raise AddressRefusedError(refusal)
        return _connected(addresses, port, timeout_s)

    def _check_host(self, host: str, port: int) -> None:
        if not self._may_name(host, port):
            raise AddressRefusedError(self._unlisted(host))

    def _web_refusal(self, href: str) -> str | None:
        try:
            parts = urlsplit(href)
            host, port = parts.hostname, parts.port or _WEB[parts.scheme]
        except ValueError:
            host, port = None, 0
        if not host:
            return "it is no address of the web"
        if not self._may_name(host, port):
            return self._unlisted(host)
        address = "127.0.0.1" if host == "localhost" else host
        return self._inner_refusal(host, port, address) if _is_address(address) else None

    def _store_refusal(self, href: str) -> str | None:
        store = _STORE.fullmatch(href)
        if store is None:
            return "only http, https, s3, gs and az are read"
        bucket = f"{store[1]}://{store[2]}"
        return None if self.hosts is None or bucket.lower() in self.hosts else self._unlisted(bucket)

    def _file_refusal(self, href: str) -> str | None:
        if "://" in self.home:
            return "a catalog of the web may not name files of this machine"
        path = Path(href)
        if not path.is_absolute():
            return "it is no path"
        real = path.resolve()
        own = Path(self.home).resolve().parent
        if self.folders is None:
            around = own if own.parent == own.parent.parent else own.parent
            allowed, then = [around], ", which then with the catalog's own is the whole list"
        else:
            around = own
            allowed, then = [own, *(folder.resolve() for folder in self.folders)], ""
        if any(real.is_relative_to(folder) for folder in allowed):
            return None
        return (
            f"it lies outside {around}, where the catalog is; where that is meant, "
            f"add its folder to catalogs.{self.catalog}.asset_folders{then}"
        )

    def _may_name(self, host: str, port: int) -> bool:
        return self.hosts is None or self._is_home(host, port) or _listed(self.hosts, host, port)

    def _inner_refusal(self, host: str, port: int, address: str) -> str | None:
        kind = inner_address(address)
        if kind is None or kind in self._depth() or _listed(self.hosts or (), host, port):
            return None
        # Whoever owns the name of a catalog may point it at the metadata service of a cloud.
        if kind != _LINK_LOCAL and self._is_home(host, port):
            return None
        at = "" if host == address else f" at {address}"
        return f"{host} is{at} a {kind} address; where that is meant, {self._remedy(host)}"

    def _unlisted(self, host: str) -> str:
        return f"{host} is not among the hosts it may name; where that is meant, {self._remedy(host)}"

    def _remedy(self, host: str) -> str:
        then = "" if self.hosts is not None else ", which then with the catalog's own is the whole list"
        return f"add {host} to catalogs.{self.catalog}.asset_hosts{then}"

    def _is_home(self, host: str, port: int) -> bool:
        """By its own port, or after a redirect between http and https."""
        home, own_port = _host_and_port(self.home)
        return bool(home) and host.lower() == home and port in (own_port, *_WEB.values())

    def _depth(self) -> tuple[str, ...]:
        """Kinds of inner addresses that the catalog is among, by how its own address is written: no resolver decides
        that, which might be its own."""
        home = _host_and_port(self.home)[0]
        kind = inner_address(home) if _is_address(home) else None
        if kind == _LOOPBACK or home == "localhost":
            return (_LOOPBACK, _PRIVATE)
        inside = bool(home) and not _is_address(home) and ("." not in home or home.endswith(tuple(_suffixes())))
        return (_PRIVATE,) if inside or kind == _PRIVATE else ()


def plain_path(href: str) -> str:
    """The path of a `file:` URL; any other address as it is."""
    return unquote(urlsplit(href).path) if href.startswith("file:") else href


def is_listable(entry: str) -> bool:
    """Whether `entry` can be a member of `Reach.hosts`."""
    if "://" in entry:
        return _STORE.fullmatch(f"{entry}/key") is not None
    host, port = _split(entry)
    return bool(re.fullmatch(r"(\*\.)?[a-z0-9_]([a-z0-9._-]*[a-z0-9])?|\[?[0-9a-f:.]+\]?", host)) and port >= 0


def _suffixes() -> Iterable[str]:
    return (f".{name}" for name in (*_INSIDE, "localhost"))


def _listed(hosts: Sequence[str], host: str, port: int) -> bool:
    for entry in hosts:
        name, listed_port = _split(entry)
        fits = host.lower().endswith(name[1:]) if name.startswith("*.") else host.lower() == name.strip("[]")
        if fits and listed_port in (0, port):
            return True
    return False


def _split(entry: str) -> tuple[str, int]:
    """Host and port of an entry; 0: every port, -1: none that can be."""
    host, colon, port = entry.rpartition(":")
    if not colon or entry.endswith("]") or _is_address(entry):
        return entry, 0
    return host, int(port) if port.isdecimal() and 0 < int(port) < 65536 else -1


def _host_and_port(href: str) -> tuple[str, int]:
    """Of a web address; ("", 0) of anything else."""
    try:
        parts = urlsplit(href)
        return (parts.hostname or "", parts.port or _WEB[parts.scheme]) if parts.scheme in _WEB else ("", 0)
    except ValueError:
        return "", 0


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _connected(addresses: Sequence[str], port: int, timeout_s: float | None) -> socket.socket:
    last = OSError("the host has no address")
    for number, address in enumerate(addresses, start=1):
        # Where IPv6 leads nowhere, IPv4 is not kept waiting.
        patience = timeout_s if number == len(addresses) else min(timeout_s or _FIRST_S, _FIRST_S)
        try:
            made = socket.create_connection((address, port), patience)
        except OSError as err:
            last = err
        else:
            made.settimeout(timeout_s)
            return made
    raise last
