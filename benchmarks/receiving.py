"""A receiver of webhooks in a process of its own, and what its log says of missing and doubled messages."""

import hmac
import json
import multiprocessing
import multiprocessing.connection
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standardwebhooks import Webhook as Verifier

from monitor.records import Delivery

_CONTEXT = multiprocessing.get_context("forkserver")
SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIGJlbmNobWFyazogMzIgYnl0"
"""Of every webhook here."""
_SLOWEST_ANSWER_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """What arrived."""

    arrived: int
    """Different messages."""
    missing: int
    """Messages of which it is noted that they were delivered, and that never came."""
    after_noted: int
    """Arrivals after the acknowledgement of the same message was noted."""
    before_noted: int
    """Arrivals of a message that had arrived, while no acknowledgement of it was noted."""


@contextmanager
def receiver(log: Path, any_time: bool = False) -> Iterator[str]:
    """A receiver that verifies every signature and writes down what arrives before it answers; its address.

    `any_time`: also of messages from senders whose clock is years ahead or behind.
    """
    mine, its = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_receive, args=(str(log), its, any_time))
    process.start()
    try:
        yield f"http://127.0.0.1:{mine.recv()}/"
    finally:
        process.kill()
        process.join()


def count_arrivals(log: Path, delivered: Sequence[Delivery], ahead_s: float = 0.0) -> Arrivals:
    """Hold what arrived against what is noted as delivered.

    Args:
        delivered: every delivery that is noted, each under a message of its own.
        ahead_s: how far the clock of who noted it is ahead of the receiver's.
    """
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    arrivals: list[tuple[str, float]] = [tuple(json.loads(line)) for line in lines]
    noted = {f"{row.idempotency_key}:{row.channel}": row.delivered for row in delivered}
    times = {key: at.timestamp() - ahead_s for key, at in noted.items() if at is not None}
    counts = Counter(key for key, _ in arrivals)
    after = sum(at > times.get(key, float("inf")) for key, at in arrivals)
    return Arrivals(
        arrived=len(counts),
        missing=len(noted.keys() - counts.keys()),
        after_noted=after,
        before_noted=sum(counts.values()) - len(counts) - after,
    )


def _receive(log: str, parent: multiprocessing.connection.Connection, any_time: bool) -> None:
    chance, verify = random.Random(0), _verify_whenever if any_time else Verifier(SECRET).verify
    with open(log, "a", encoding="utf-8", buffering=1) as arrivals:

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                verify(body, headers)
                arrivals.write(json.dumps([headers["webhook-id"], time.time()]) + "\n")
                time.sleep(chance.uniform(0, _SLOWEST_ANSWER_S))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = _hung_up  # type: ignore[assignment]
        parent.send(server.server_address[1])
        server.serve_forever()


def _verify_whenever(body: bytes, headers: Mapping[str, str]) -> None:
    """As `Verifier.verify`, which also refuses what was sent more than five minutes ago or hence."""
    sent = datetime.fromtimestamp(float(headers["webhook-timestamp"]), tz=UTC)
    expected = Verifier(SECRET).sign(headers["webhook-id"], sent, body.decode())
    if not hmac.compare_digest(expected, headers["webhook-signature"]):
        raise ValueError(f"{headers['webhook-id']} is not signed by the sender")


def _hung_up(_request: object, _address: object) -> None:
    """A sender that was killed."""
