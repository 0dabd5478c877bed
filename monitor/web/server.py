"""One port for everything, in a thread of its own."""

import socket
from threading import Thread

import uvicorn
from starlette.types import ASGIApp

from monitor.errors import ConfigError
from monitor.web.health import Answers, HealthApp

_CONNECTIONS = 500
"""More at once are answered 503."""
_KEPT_S = 75
"""An idle connection is kept for longer than callers and proxies keep theirs: none is closed under a request."""
_END_S = 5
"""How long requests at work may take to end."""


class WebServer:
    """Answers from `start` to `close`."""

    def __init__(self, host: str, port: int, answers: Answers, api: ASGIApp | None = None) -> None:
        """
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
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_KEPT_S,
            timeout_graceful_shutdown=_END_S,
            server_header=False,
            # Behind a proxy on the same machine the address that counts is the one it names.
            proxy_headers=True,
            forwarded_allow_ips="127.0.0.1",
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
