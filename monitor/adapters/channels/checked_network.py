"""Connections that are made only to addresses which were checked, and that end in time.

A name is resolved once for every try, all its addresses are checked, and the connection is made to one of these very
addresses: a name that points elsewhere a moment later (DNS rebinding) gains nothing.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache

import httpcore
import httpx

from monitor.core.network_addresses import inner_address
from monitor.errors import NotDelivered, Undeliverable

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port to addresses."""
_TEXT = 400


def system_resolver(host: str, port: int) -> list[str]:
    """Every address of a host, in the order in which the system would try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def checked_addresses(host: str, port: int, resolve: Resolver, allow_private: bool, item: str) -> list[str]:
    """The addresses of a host, all of which may be asked.

    Raises:
        NotDelivered: the name is not known now.
        Undeliverable: one of them is private, and private addresses are not allowed.
    """
    try:
        addresses = list(resolve(host, port))
    except (OSError, UnicodeError) as err:
        raise NotDelivered(
            f"{host} has no address now ({err})",
            item=item,
            remedy="It is tried again; if it lasts, see the name in `url` and the resolver of this machine",
            reason="no-address",
        ) from err
    if allow_private:
        return addresses
    for address in addresses:
        kind = inner_address(address)
        if kind is not None:
            raise Undeliverable(
                f"{host} is at {address}, a {kind} address",
                item=item,
                remedy="Where that is meant, set `allow_private: true` on this channel, then run `scarpwatch "
                "deliveries retry`",
                reason="private-address",
            )
    return addresses


class CheckedNetwork(httpcore.NetworkBackend):
    """Sockets of one try: to checked addresses only, and with one deadline for everything."""

    def __init__(self, *, resolve: Resolver, allow_private: bool, item: str, whole_s: float) -> None:
        """`whole_s` seconds from now everything ends."""
        self._resolve = resolve
        self._allow_private = allow_private
        self._item = item
        self._network = httpcore.SyncBackend()
        self._end = time.monotonic() + whole_s

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address that answers.

        Raises:
            NotDelivered, Undeliverable: as `checked_addresses`.
            httpcore.ConnectError, httpcore.ConnectTimeout: none answers.
        """
        addresses = checked_addresses(host, port, self._resolve, self._allow_private, self._item)
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = self._network.connect_tcp(
                    address, port, _within(self._end, timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as err:
                last = err
            else:
                return _TimedStream(stream, self._end)
        raise last


class _TimedStream(httpcore.NetworkStream):
    """A connection with a deadline: a receiver that sends a byte now and then does not prolong it."""

    def __init__(self, stream: httpcore.NetworkStream, end: float) -> None:
        self._stream = stream
        self._end = end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within(self._end, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _within(self._end, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, _within(self._end, timeout)), self._end
        )

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _within(end: float, timeout: float | None) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time of the whole try is over")
    return left if timeout is None else min(left, timeout)


@cache
def _authorities() -> ssl.SSLContext:
    """Whose certificates count, as httpx has it (SSL_CERT_FILE names others); reading them takes a while."""
    return httpx.create_ssl_context()


class CheckedTransport(httpx.BaseTransport):
    """What httpx sends through: plain httpcore over a checked network, without proxies."""

    def __init__(self, network: CheckedNetwork, encrypted: bool) -> None:
        """`encrypted` says whether the receiver is asked by https."""
        authorities = _authorities() if encrypted else None
        self._pool = httpcore.ConnectionPool(network_backend=network, ssl_context=authorities)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of the answer is still to be read."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(status_code=answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def first_words(response: httpx.Response) -> str:
    """The beginning of what a receiver says, printable; the rest of its answer is not read."""
    found = b""
    with suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpx.DecodingError):
        for part in response.iter_bytes():
            found += part[: _TEXT - len(found)]
            if len(found) >= _TEXT:
                break
    return "".join(one if one.isprintable() else " " for one in found.decode("utf-8", "replace")).strip()
