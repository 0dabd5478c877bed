"""The one client of catalogs, token services and stores: every answer has an end in bytes and in time.

`requests` bounds the wait for each piece of an answer and nothing else. Here the bytes of an answer are counted as they
come out of its compression, the whole of it has a deadline, heads and redirects included, and connections are made
within a catalog's reach.
"""

import io
import socket
import time
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager
from urllib3.response import BaseHTTPResponse

from monitor.adapters.reach import Reach

LARGEST_ANSWER = 32 << 20
"""Bytes of one answer, unpacked: a page of a hundred items is 1 or 2 MB."""
_REDIRECTS = 5
_PART = 1 << 16


class TooMuchError(requests.RequestException):
    """An answer is longer than anybody needs, or packed more than once."""


def web_session(whole_s: float, reach: Reach | None = None, most_bytes: int = LARGEST_ANSWER) -> requests.Session:
    """A client for one thread.

    Its requests raise TooMuchError for an answer of more bytes, AddressRefusedError for an address out of reach, and
    requests.Timeout or requests.ConnectionError for one that has not ended in time.

    Args:
        whole_s: seconds from the beginning of a request to the end of its answer; each redirect begins anew.
        reach: where addresses and redirects may lead; None: anywhere.
        most_bytes: of an answer, unpacked. One that is asked for with `stream=True` is the caller's to read.
    """
    session = requests.Session()
    session.max_redirects = _REDIRECTS
    session.headers["Accept-Encoding"] = "gzip, deflate"
    for scheme in ("http://", "https://"):
        session.mount(scheme, _BoundedAdapter(whole_s, reach, most_bytes))
    return session


class _Deadline:
    """When the answer to the request at work must have ended."""

    def __init__(self, whole_s: float) -> None:
        self._whole_s = whole_s
        self._end = 0.0

    def begin(self) -> None:
        self._end = time.monotonic() + self._whole_s

    def left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer did not end within {self._whole_s:g} s")
        return left


class _BoundedAdapter(HTTPAdapter):
    def __init__(self, whole_s: float, reach: Reach | None, most_bytes: int) -> None:
        self._deadline = _Deadline(whole_s)
        self._reach = reach
        self._most_bytes = most_bytes
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _bound(self.poolmanager, self._deadline, self._reach)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The proxy is the operator's and may be anywhere; what may be reached through it, it decides."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _bound(manager, self._deadline, None)
        return manager

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any
    ) -> requests.Response:
        """One request, each redirect one of its own."""
        if self._reach is not None:
            self._reach.check(request.url or "")
        self._deadline.begin()
        response = super().send(request, True, *args, **kwargs)
        if not stream:
            _read(response, self._most_bytes)
        return response


def _read(response: requests.Response, most_bytes: int) -> None:
    """Take in the whole answer, as `requests` does by itself without a bound."""
    said = response.headers.get("Content-Encoding", "")
    # Stores also say aws-chunked or utf-8, which is no packing: urllib3 lets the bytes be.
    packings = [one for one in said.lower().split(",") if one.strip() in BaseHTTPResponse.CONTENT_DECODERS]
    parts, count = [], 0
    try:
        if len(packings) > 1:  # what is packed ten times over unpacks to anything
            raise TooMuchError(f"the answer is packed more than once ({said[:40]!r})")
        for part in response.iter_content(_PART):
            count += len(part)
            if count > most_bytes:
                raise TooMuchError(f"the answer is larger than {most_bytes >> 20} MiB")
            parts.append(part)
    except BaseException:
        response.close()
        raise
    response._content = b"".join(parts)
    response._content_consumed = True


def _bound(manager: PoolManager, deadline: _Deadline, reach: Reach | None) -> None:
    """Have the connections of a manager, also one of a SOCKS proxy, end in time and stay within reach."""
    own = {"_deadline": deadline, "_reach": reach}
    known: dict[str, type[HTTPConnectionPool]] = manager.pool_classes_by_scheme
    pools = {}
    for scheme, pool in known.items():
        connection = type("BoundedConnection", (_Bounded, pool.ConnectionCls), own)
        pools[scheme] = type("BoundedPool", (pool,), {"ConnectionCls": connection})
    manager.pool_classes_by_scheme = pools


class _Bounded:
    """What both kinds of connections have in common."""

    _deadline: _Deadline
    _reach: Reach | None
    sock: Any
    host: str
    port: int
    timeout: float | None

    def _new_conn(self) -> socket.socket:
        if self._reach is None:
            return cast(socket.socket, super()._new_conn())  # type: ignore[misc]
        left = self._deadline.left()
        made = self._reach.connect(self.host, self.port, left if self.timeout is None else min(left, self.timeout))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = _TimedSocket(self.sock, self._deadline)


class _TimedSocket:
    """A socket whose reads and writes end at a deadline: a server that sends a byte now and then does not move it."""

    def __init__(self, made: socket.socket, deadline: _Deadline) -> None:
        self._made = made
        self._deadline = deadline
        self._timeout = made.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._made.settimeout(timeout)

    def sendall(self, data: bytes) -> None:
        self.hurry()
        self._made.sendall(data)

    def makefile(self, mode: str, *_args: object, **_kwargs: object) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(cast(io.RawIOBase, self._made.makefile(mode, buffering=0)), self))  # type: ignore[call-overload]

    def hurry(self) -> None:
        """Before whatever may wait."""
        left = self._deadline.left()
        self._made.settimeout(left if self._timeout is None else min(left, self._timeout))


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, hurried: _TimedSocket) -> None:
        self._raw = raw
        self._hurried = hurried

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._hurried.hurry()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
