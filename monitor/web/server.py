"""One port for everything, in a thread of its own."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, ip_network
from threading import Thread

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from monitor.errors import ConfigError
from monitor.web.health import Answers, HealthApp

_KEPT_S = 20
"""How long an idle connection is kept."""
_HEAD_S = 20.0
"""Who has not asked for anything this long after connecting, or after beginning to ask, is let go."""
_END_S = 5
"""How long requests at work may take to end."""


class _Impatient(H11Protocol):
    """A connection that does not wait for ever for the head of a request."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody comes."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Part of a request, which sends its head in time, however many parts it sends."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(_HEAD_S, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class WebServer:
    """Answers from `start` to `close`."""

    def __init__(
        self,
        host: str,
        port: int,
        answers: Answers,
        api: ASGIApp | None = None,
        trusted_proxies: Sequence[str] = ("127.0.0.1", "::1"),
    ) -> None:
        """
        Args:
            trusted_proxies: networks of the machines whose X-Forwarded-For and X-Forwarded-Proto are believed.

        Raises:
            ConfigError: the address is taken or not ours.
        """
        try:
            self._socket = _listen(host, port)
        except OSError as err:
            raise ConfigError(
                f"cannot listen on {host}:{port} ({err.strerror})",
                item="serve",
                remedy="Choose another serve.port or serve.host, or stop the process that has it",
            ) from err
        self._app = HealthApp(answers, api)
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            lifespan="off",
            # No `limit_concurrency`: it counts idle connections, and would answer 503 to the probes as well.
            http=_Impatient,
            timeout_keep_alive=_KEPT_S,
            timeout_graceful_shutdown=_END_S,
            server_header=False,
            # Behind a trusted proxy the address that counts is the last one that no trusted proxy added.
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=[*trusted_proxies, *_mapped(trusted_proxies)],
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port really in use."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and free the port."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        self._app.close()


def _mapped(networks: Sequence[str]) -> list[str]:
    """IPv4 networks as a socket of both families shows them (RFC 4291, section 2.5.5.2)."""
    four = [one for one in map(ip_network, networks) if isinstance(one, IPv4Network)]
    return [f"::ffff:{one.network_address}/{96 + one.prefixlen}" for one in four]


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket: who connects before the server begins is answered when it does."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(512)
    except OSError:
        found.close()
        raise
    return found
