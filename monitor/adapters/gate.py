"""The way out for GDAL: a SOCKS proxy in this process that lets connections through to checked addresses only.

GDAL resolves names and follows redirects by itself; what it may reach can be said nowhere but at its connections. Each
reader's requests carry a name of their own (RFC 1929), by which the gate knows which catalog's reach counts; somebody
else on this machine has none. Bytes pass as they are: TLS is between GDAL and the store.
"""

import os
import secrets
import selectors
import socket
import time
from contextlib import suppress
from functools import cache
from threading import Lock, Thread
from urllib.request import getproxies

from monitor.adapters.reach import AddressRefusedError, Reach

_HELLO_S = 10.0
"""Within which a client has said what it wants."""
_CONNECT_S = 15.0
_IDLE_S = 300.0
"""After which a connection on which nothing moves is closed."""
_CHUNK = 1 << 18
_BREATH_S = 0.1
"""Before the next client, when this one found no descriptor or thread free."""
_DONE, _FAILED, _NOT_ALLOWED, _UNREACHABLE = 0, 1, 2, 4
"""Replies of RFC 1928, section 6."""


class Gate:
    """Listens on a free port of this machine from the beginning, as long as the process lives."""

    def __init__(self) -> None:
        self._names: dict[Reach, bytes] = {}
        self._reaches: dict[bytes, Reach] = {}
        self._lock = Lock()
        self._secret = secrets.token_hex(16).encode()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._port = int(self._socket.getsockname()[1])
        Thread(target=self._listen, name="gate", daemon=True).start()

    def way_for(self, reach: Reach) -> str:
        """The proxy that a reader of this reach uses."""
        with self._lock:
            if reach not in self._names:
                name = f"catalog{len(self._names)}".encode()
                self._names[reach], self._reaches[name] = name, reach
            name = self._names[reach]
        return f"socks5h://{name.decode()}:{self._secret.decode()}@127.0.0.1:{self._port}"

    def _listen(self) -> None:
        """For ever: without a gate nothing of the web is read any more."""
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                time.sleep(_BREATH_S)
                continue
            try:
                Thread(target=self._serve, args=(client,), name="gate-connection", daemon=True).start()
            except RuntimeError:
                client.close()
                time.sleep(_BREATH_S)

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, ValueError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(_HELLO_S)
            reach = self._known(client)
            if reach is None:
                return
            host, port = _wanted(client)
            try:
                server = reach.connect(host, port, _CONNECT_S)
            except AddressRefusedError:
                _reply(client, _NOT_ALLOWED)
            except OSError:
                _reply(client, _UNREACHABLE)
            else:
                with server:
                    _reply(client, _DONE)
                    _pass_on(client, server)

    def _known(self, client: socket.socket) -> Reach | None:
        """Whose reach counts; None where nobody knows the client."""
        _, methods = _exactly(client, 2)
        offered = _exactly(client, methods)
        if 2 not in offered:
            client.sendall(b"\x05\xff")
            return None
        client.sendall(b"\x05\x02")
        _, length = _exactly(client, 2)
        name = _exactly(client, length)
        secret = _exactly(client, _exactly(client, 1)[0])
        with self._lock:
            reach = self._reaches.get(name) if secrets.compare_digest(secret, self._secret) else None
        client.sendall(b"\x01\x00" if reach is not None else b"\x01\x01")
        return reach


def way_out(href: str, reach: Reach | None) -> dict[str, str]:
    """GDAL's options for reading within a reach: addresses of the web by the gate, object stores without it, as they
    are asked where the operator's own environment says; none for files.

    Where the environment names a proxy on the way out, that proxy decides what may be reached.
    """
    scheme = href.partition("://")[0]
    if reach is None or scheme == href or _has_own_proxy(scheme):
        return {}
    if scheme not in ("http", "https"):
        # Said though it is the default: rasterio sets what the main thread sets for all threads that set nothing.
        return {"GDAL_HTTP_PROXY": ""}
    return {"GDAL_HTTP_PROXY": _gate(os.getpid()).way_for(reach)}


def _has_own_proxy(scheme: str) -> bool:
    named = getproxies()
    asked = scheme if scheme == "http" else "https"
    return bool({asked, "all"} & named.keys()) or any(os.environ.get(f"GDAL_{one}_PROXY") for one in ("HTTP", "HTTPS"))


@cache
def _gate(_process: int) -> Gate:
    """One for each process: threads do not survive a fork."""
    return Gate()


def _wanted(client: socket.socket) -> tuple[str, int]:
    version, command, _, kind = _exactly(client, 4)
    if version != 5 or command != 1:
        raise ValueError("not a CONNECT of SOCKS 5")
    if kind == 3:
        host = _exactly(client, _exactly(client, 1)[0]).decode("ascii")
    else:
        family, length = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
        host = socket.inet_ntop(family, _exactly(client, length))
    return host, int.from_bytes(_exactly(client, 2), "big")


def _exactly(client: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = client.recv(count - len(found))
        if not part:
            raise ValueError("the client has gone")
        found += part
    return found


def _reply(client: socket.socket, code: int) -> None:
    client.sendall(bytes((5, code, 0, 1)) + bytes(6))


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    """Bytes both ways until one side ends or nothing moves."""
    with selectors.DefaultSelector() as selector:
        for one, other in ((client, server), (server, client)):
            one.settimeout(_IDLE_S)
            selector.register(one, selectors.EVENT_READ, (one, other))
        while ready := selector.select(_IDLE_S):
            for key, _ in ready:
                one, other = key.data
                part = one.recv(_CHUNK)
                if not part:
                    return
                other.sendall(part)
