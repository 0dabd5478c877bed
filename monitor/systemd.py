"""The watchdog of systemd: it asks no probe, so the service says itself that it goes on, or is restarted.

The protocol is one datagram (https://www.freedesktop.org/software/systemd/man/sd_notify.html).
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

_SOCKET, _PERIOD = "NOTIFY_SOCKET", "WATCHDOG_USEC"


@contextmanager
def watched_by_systemd(alive: Callable[[], bool]) -> Iterator[None]:
    """Say so for as long as `alive`; nothing where no watchdog is set (`WatchdogSec=`)."""
    address, period = os.environ.get(_SOCKET, ""), os.environ.get(_PERIOD, "")
    if not address or not period.isdigit() or int(period) == 0:
        yield
        return
    ended = Event()
    # Twice a period, so that one that comes late does no harm.
    speaker = Thread(target=_speak, args=(address, int(period) / 2e6, alive, ended), name="systemd", daemon=True)
    speaker.start()
    try:
        yield
    finally:
        ended.set()
        speaker.join()


def _speak(address: str, every_s: float, alive: Callable[[], bool], ended: Event) -> None:
    # A name that begins with @ is of the abstract namespace.
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        while True:
            if alive():
                with suppress(OSError):  # who listens may be started anew
                    speaker.sendto(b"WATCHDOG=1", target)
            if ended.wait(every_s):
                return
