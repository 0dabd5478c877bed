"""/livez, /readyz and /metrics on a small HTTP server of its own thread."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from monitor.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must be so for the service to do its job."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the server asks before it answers. Called from its threads."""

    alive: Callable[[], tuple[Check, ...]]
    """Not passed: restart the process."""
    ready: Callable[[], tuple[Check, ...]]
    """Not passed: the watch is not watching; a restart may not help."""
    registry: CollectorRegistry


class HealthServer:
    """Answers from `start` to `close`."""

    def __init__(self, host: str, port: int, answers: Answers) -> None:
        """
        Raises:
            ConfigError: the address is taken or not ours.
        """
        try:
            self._server = _Server((host, port), answers)
        except OSError as err:
            raise ConfigError(
                f"cannot listen on {host}:{port} ({err.strerror})",
                item="serve",
                remedy="Choose another serve.port or serve.host, or stop the process that has it",
            ) from err
        self._thread = Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port really in use."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answers: Answers) -> None:
        self.answers = answers
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/livez":
            self._checks(self.server.answers.alive())
        elif path == "/readyz":
            self._checks(self.server.answers.ready())
        elif path == "/metrics":
            self._answer(HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.server.answers.registry))
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"/livez /readyz /metrics\n")

    def _checks(self, checks: tuple[Check, ...]) -> None:
        passed = all(check.passed for check in checks)
        body = json.dumps({"passed": passed, "checks": [asdict(check) for check in checks]}, indent=1) + "\n"
        status = HTTPStatus.OK if passed else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, "application/json", body.encode())

    def _answer(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds; nobody wants a line for each."""
