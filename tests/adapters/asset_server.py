"""A real object store on a free port, with tokens and with faults that can be switched on.

It is also a proxy: with `http_proxy` set to its address, files that are addressed as on the Planetary Computer
(http://account.blob.core.windows.net/container/...) come from here, and so does a catalog that is relayed.
"""

import http.client
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.adapters.serving import serving

STORE = "scenes.blob.core.windows.net"
CATALOG = "catalog.example"
TOKEN = "sig=SECRET"
"""In every token."""


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong. Of the requests to one host every so-many-th meets a fault; 0 is never."""

    token_lasts: int = 0
    """Requests for which a token is accepted; then 403 until there is a new one. 0: for ever."""
    busy_every: int = 0
    """429 with `Retry-After`."""
    busy_at_most: int = 3
    """Requests that are refused so in all: each costs a wait."""
    retry_after: str = "1"
    broken_every: int = 0
    """503."""
    cut_every: int = 0
    """The connection ends in the middle of the answer."""
    slow_every: int = 0
    """The answer comes in small pieces."""
    forbidden: bool = False
    """403 whatever the token."""
    gone: bool = False
    """503 for every file, always."""


@dataclass(slots=True, kw_only=True)
class _Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    slow: bool = False


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Readers hang up when they have what they want."""


class AssetServer:
    """Files of a folder under /<container>/ of `STORE`, tokens under /token/, and a relayed catalog."""

    def __init__(self, folder: Path) -> None:
        """Nothing goes wrong yet."""
        self.folder = folder
        self.faults = Faults()
        self.met: Counter[str] = Counter()
        """How often each fault was met, and what else was served."""
        self.catalog_port: int | None = None
        """Where `CATALOG` really is, on this machine."""
        self._turn = itertools.count(1)
        self._lock = threading.Lock()
        self._tokens: dict[str, int] = {}
        self._server = _Server(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """Address without trailing slash; also that of the proxy."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["AssetServer"]:
        """Serve until the block ends."""
        with serving(self._server):
            yield self

    def spoil(self, **changes: int | bool | str) -> None:
        """Switch faults; all others are off. Counting begins anew."""
        with self._lock:
            self.faults = Faults(**changes)  # type: ignore[arg-type]
            self.met.clear()
            self._turn = itertools.count(1)

    def revoke(self) -> None:
        """From now on no token of before is accepted."""
        with self._lock:
            self._tokens = dict.fromkeys((f"-{token}" for token in self._tokens), 0)

    def _reply(self, method: str, host: str, target: str, sent: bytes, headers: dict[str, str]) -> _Reply:
        parts = urlsplit(target)
        fault = self._fault(parts.query if host == STORE else None)
        self._count(fault or host)
        if fault == "token":
            return _Reply(status=403)
        if fault == "busy":
            return _Reply(status=429, headers={"Retry-After": self.faults.retry_after})
        if fault == "broken":
            return _Reply(status=503)
        if host == CATALOG:
            reply = self._relayed(method, target, sent, headers)
        elif parts.path.startswith("/token/"):
            reply = self._new_token()
        else:
            reply = self._file(parts.path, headers.get("range"))
        reply.cut, reply.slow = fault == "cut", fault == "slow"
        return reply

    def _fault(self, query: str | None) -> str | None:
        """The fault that this request meets; `query` holds the token of a file's request."""
        faults = self.faults
        with self._lock:
            if query is not None and not self._accepts(query):
                return "token"
            turn = next(self._turn)
            if (faults.gone and query is not None) or (faults.broken_every and turn % faults.broken_every == 0):
                return "broken"
            if faults.busy_every and turn % faults.busy_every == 0 and self.met["busy"] < faults.busy_at_most:
                return "busy"
            if faults.cut_every and turn % faults.cut_every == 0:
                return "cut"
            return "slow" if faults.slow_every and turn % faults.slow_every == 0 else None

    def _accepts(self, query: str) -> bool:
        if self.faults.forbidden or query not in self._tokens:
            return False
        self._tokens[query] += 1
        return not self.faults.token_lasts or self._tokens[query] <= self.faults.token_lasts

    def _new_token(self) -> _Reply:
        with self._lock:
            token = f"{TOKEN}{len(self._tokens)}"
            self._tokens[token] = 0
        expiry = (datetime.now(UTC) + timedelta(minutes=45)).isoformat()
        return _Reply(body=json.dumps({"msft:expiry": expiry, "token": token}).encode())

    def _file(self, path: str, wanted: str | None) -> _Reply:
        place = self.folder / path.lstrip("/").partition("/")[2]
        if not place.is_file():
            return _Reply(status=404)
        content = place.read_bytes()
        if wanted is None:
            return _Reply(body=content)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
        if start >= len(content):
            return _Reply(status=416)
        span = f"bytes {start}-{end}/{len(content)}"
        return _Reply(status=206, body=content[start : end + 1], headers={"Content-Range": span})

    def _relayed(self, method: str, target: str, sent: bytes, headers: dict[str, str]) -> _Reply:
        assert self.catalog_port is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.catalog_port, timeout=30)
        passed = {name: headers[name] for name in ("accept", "content-type") if name in headers}
        connection.request(method, target, sent or None, passed | {"Host": CATALOG})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return _Reply(status=answer.status, body=body, headers={"Content-Type": answer.headers["Content-Type"] or ""})

    def _count(self, what: str) -> None:
        with self._lock:
            self.met[what] += 1

    def _handler(store) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (`self` is the handler below)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                host = parts.netloc or self.headers.get("Host", "")
                target = parts.path + (f"?{parts.query}" if parts.query else "")
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self._send(store._reply(self.command, host, target, sent, headers))

            do_HEAD = do_POST = do_GET  # noqa: N815 - the names http.server looks for

            def _send(self, reply: _Reply) -> None:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                body = b"" if self.command == "HEAD" else reply.body
                if reply.cut:
                    self.wfile.write(body[: len(body) // 2])
                    self.close_connection = True
                elif reply.slow:
                    for start in range(0, len(body), max(1, len(body) // 5)):
                        self.wfile.write(body[start : start + max(1, len(body) // 5)])
                        time.sleep(0.02)
                else:
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Silence."""

        return Handler
