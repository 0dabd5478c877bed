"""A server that writes whatever a test wants, byte by byte if need be: what no library for servers would send."""

import socketserver
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.adapters.serving import serving

Behaviour = Callable[[Callable[[bytes], None]], None]
"""Is given what writes to the one who asked."""


class RudeServer:
    """Answers by path; `asked` holds the paths in order."""

    def __init__(self) -> None:
        self.routes: dict[str, Behaviour] = {}
        self.files: dict[str, bytes] = {}
        """Sent as a store of objects does, in ranges."""
        self.asked: list[str] = []
        self.connections = 0
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.block_on_close = False

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server.server_address[1])

    @property
    def url(self) -> str:
        """Address without trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator["RudeServer"]:
        """Serve until the block ends."""
        with serving(self.server):
            yield self

    def _handler(rude) -> type[socketserver.StreamRequestHandler]:  # noqa: N805 (`self` is the handler below)
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                rude.connections += 1
                with suppress(OSError):  # readers hang up
                    while line := self.rfile.readline():
                        method, path = line.decode().split(" ")[:2]
                        headers = [line]
                        while headers[-1].strip():
                            headers.append(self.rfile.readline())
                        rude.asked.append(path)
                        if path in rude.files:
                            self.wfile.write(_ranged(rude.files[path], method, headers))
                        else:
                            rude.routes[path](self._write)

            def _write(self, part: bytes) -> None:
                self.wfile.write(part)

        return Handler


def _ranged(content: bytes, method: str, headers: list[bytes]) -> bytes:
    wanted = next((one for one in headers if one.lower().startswith(b"range: bytes=")), None)
    first, last, status = 0, len(content) - 1, "200 OK"
    if wanted is not None:
        start, _, end = wanted.decode().partition("=")[2].strip().partition("-")
        first, last, status = int(start), min(int(end or last), last), "206 Partial Content"
    part = content[first : last + 1]
    span = f"Content-Range: bytes {first}-{last}/{len(content)}"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(part)}\r\n{span}\r\n\r\n"
    return head.encode() + (b"" if method == "HEAD" else part)


def whole(body: bytes, *headers: str, status: str = "200 OK") -> Behaviour:
    """An ordinary answer."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
    return lambda write: write(f"{head}\r\n\r\n".encode() + body)


def away(href: str) -> Behaviour:
    """A redirect."""
    return whole(b"", f"Location: {href}", status="302 Found")


def late(behaviour: Behaviour, wait_s: float) -> Behaviour:
    """The same after a silence."""

    def answer(write: Callable[[bytes], None]) -> None:
        time.sleep(wait_s)
        behaviour(write)

    return answer


def dripping(head: bytes) -> Behaviour:
    """After the head a byte now and then, for ever."""

    def drip(write: Callable[[bytes], None]) -> None:
        write(head)
        while True:
            write(b"x")
            time.sleep(0.02)

    return drip


def endless(head: bytes) -> Behaviour:
    """After the head as much as can be sent, for ever."""

    def pour(write: Callable[[bytes], None]) -> None:
        write(head)
        while True:
            write(b"x" * (1 << 16))

    return pour
