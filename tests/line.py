"""A line to a PostgreSQL server that can be cut and mended: a proxy on a Unix socket."""

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"


class Line:
    """Relays bytes both ways while it is whole."""

    def __init__(self, server: Path, folder: Path) -> None:
        """From `folder` to `server`, both folders of Unix sockets of PostgreSQL."""
        self._server = str(server / _SOCKET)
        self._own = folder / _SOCKET
        self._ends: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def mend(self) -> None:
        """The server can be reached."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._own))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Every connection ends, and none can be made: what was asked last may have been done or not."""
        listener, self._listener = self._listener, None
        self._own.unlink(missing_ok=True)
        for one in [*self._ends, *([listener] if listener else [])]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._ends = []

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._server)
            self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_relay, args=(source, sink), daemon=True).start()


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while some := source.recv(65_536):
            sink.sendall(some)
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(url: str) -> Iterator[tuple[str, Line]]:
    """A URL that reaches the same database through a line, and the line."""
    server = url.rpartition("?host=")[2]
    folder = Path(tempfile.mkdtemp(prefix="scarpwatch-line-", dir="/tmp"))
    line = Line(Path(server), folder)
    line.mend()
    try:
        yield url.replace(server, str(folder)), line
    finally:
        line.cut()
        shutil.rmtree(folder, ignore_errors=True)
