"""The process through which one channel sends by Apprise, kept for some seconds: a round sends several messages.

To start it and to load Apprise with all its plugins takes a second and more, so that not every message waits for it.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from queue import Empty, SimpleQueue

_MODULE = "monitor.adapters.channels.apprise_process"
_KEPT_S = 5.0
"""Used again within so long; it ends by itself later than that (`apprise_process.IDLE_S`), never in between."""


class Sender:
    """One process, which belongs to one channel."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """It starts, with these variables."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,  # Ctrl-C is ours to answer
        )
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._used = time.monotonic()
        self._reader = threading.Thread(target=_read, args=(self._process, self._lines), daemon=True)
        self._reader.start()

    @property
    def is_ready(self) -> bool:
        """Whether it takes another message."""
        return self._process.poll() is None and time.monotonic() - self._used < _KEPT_S

    @property
    def ended_with(self) -> int | None:
        """Its exit status; None: it lives."""
        return self._process.poll()

    def ask(self, asked: Mapping[str, object]) -> None:
        """Give it a message.

        Raises:
            OSError: it is gone.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, until: float) -> dict[str, object] | None:
        """Its next line; None: there are no more, because it ended.

        Args:
            until: of the monotonic clock.

        Raises:
            TimeoutError: there is none by then.
            ValueError: it is no JSON.
        """
        try:
            line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
        except Empty as err:
            raise TimeoutError from err
        self._used = time.monotonic()
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def end(self) -> None:
        """End it, whatever it does; twice is as once."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                continue  # what was not taken any more


def _read(process: "subprocess.Popen[bytes]", lines: "SimpleQueue[bytes]") -> None:
    """Holds no sender, so that one that nobody holds any more is ended."""
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(b"")
    process.wait()
