"""What systemd is told: that the service is ready, how it stands, that it goes on, and that it ends.

The protocol is one datagram (https://www.freedesktop.org/software/systemd/man/sd_notify.html). systemd asks no probe:
the service says itself that it goes on, or is restarted.
"""

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from threading import Event, Thread

from monitor.adapters.metrics import RegionNow
from monitor.records import AcquisitionState

_SOCKET, _PERIOD = "NOTIFY_SOCKET", "WATCHDOG_USEC"
_PATIENCE_S = 5.0
"""With a systemd that does not listen just now."""


class Systemd:
    """Speaks to systemd where it listens, and to nobody elsewhere."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """`environ` holds the address that systemd gives a unit of `Type=notify` or with a watchdog."""
        address, period = environ.get(_SOCKET, ""), environ.get(_PERIOD, "")
        # A name that begins with @ is of the abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        # Twice a period, so that one that comes late does no harm.
        self._every_s = int(period) / 2e6 if period.isdigit() else 0.0

    def ready(self) -> None:
        """Units that come after this one may start."""
        self._say("READY=1")

    def stands(self, regions: Iterable[RegionNow], now: datetime) -> None:
        """The line of `systemctl status`, of all watched regions together."""
        waiting = parked = alerts = 0
        for region in regions:
            waiting += region.ledger[AcquisitionState.DISCOVERED.value]
            parked += region.ledger[AcquisitionState.PARKED.value]
            alerts += sum(region.alerts.values())
        told = f"{waiting} acquisition(s) wait, {parked} parked; {alerts} alert(s) open"
        self._say(f"STATUS={told} (as of {now:%Y-%m-%d %H:%M} UTC)")

    def stopping(self) -> None:
        """The end has begun, and `TimeoutStopSec=` counts."""
        self._say("STOPPING=1\nSTATUS=finishing the acquisition at hand")

    @contextmanager
    def watched(self, alive: Callable[[], bool]) -> Iterator[None]:
        """Say so for as long as it is `alive`; nothing where no watchdog is set (`WatchdogSec=`)."""
        if not self._address or self._every_s == 0:
            yield
            return
        ended = Event()
        speaker = Thread(target=self._go_on, args=(alive, ended), name="systemd", daemon=True)
        speaker.start()
        try:
            yield
        finally:
            ended.set()
            speaker.join()

    def _go_on(self, alive: Callable[[], bool], ended: Event) -> None:
        while True:
            if alive():
                self._say("WATCHDOG=1")
            if ended.wait(self._every_s):
                return

    def _say(self, words: str) -> None:
        if not self._address:
            return
        # Who listens may be started anew, and nothing that the service does hangs on it.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.settimeout(_PATIENCE_S)
            speaker.sendto(words.encode(), self._address)
