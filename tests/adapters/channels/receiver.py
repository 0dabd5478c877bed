"""A real HTTP receiver that does what it is told, verifies signatures and remembers what came."""

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook as Verifier

from tests.adapters.serving import serving

SECRET = "whsec_" + "c2NhcnB3YXRjaCB0ZXN0IHNlY3JldCBvZiAzMiBieXRlcw=="


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver says, and how slowly."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    after_s: float = 0.0
    drip_s: float = 0.0
    """Wait before every byte of the head."""


@dataclass(slots=True)
class Inbox:
    """What came, in order."""

    url: str = ""
    ids: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    verified: list[object] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    """Ends every wait, so that no test waits for a slow receiver."""


Script = Callable[[Inbox], Answer]


def always(answer: Answer) -> Script:
    """The same answer to everything."""
    return lambda _inbox: answer


def in_turn(answers: Sequence[Answer]) -> Script:
    """One answer after the other; the last one stays."""
    return lambda inbox: answers[min(len(inbox.ids), len(answers)) - 1]


@contextmanager
def receiving(script: Script, verify: bool = True, tls: ssl.SSLContext | None = None) -> Iterator[Inbox]:
    """A receiver on loopback; signatures are verified against the real time."""
    inbox, lock = Inbox(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                inbox.ids.append(headers.get("webhook-id", ""))
                inbox.bodies.append(body)
                inbox.headers.append(headers)
                if verify and "webhook-id" in headers:
                    inbox.verified.append(Verifier(SECRET).verify(body, headers))
                answer = script(inbox)
            inbox.release.wait(answer.after_s)
            self._answer(answer)
            if 200 <= answer.status < 300:
                with lock:
                    inbox.acknowledged.append(headers.get("webhook-id", ""))

        def _answer(self, answer: Answer) -> None:
            head = [f"HTTP/1.1 {answer.status} told", *(f"{name}: {value}" for name, value in answer.headers)]
            content = ("\r\n".join([*head, f"content-length: {len(answer.body)}", "", ""])).encode() + answer.body
            try:
                if not answer.drip_s:
                    self.wfile.write(content)
                    return
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if inbox.release.wait(answer.drip_s):
                        return
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_hung_up: None  # type: ignore[method-assign]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    inbox.url = f"http://127.0.0.1:{server.server_address[1]}/alerts?token=x"
    with serving(server):
        try:
            yield inbox
        finally:
            inbox.release.set()
