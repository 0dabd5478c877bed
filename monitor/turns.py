"""Several instances on one database: one of them asks the catalogs and makes exercises, the others hear of it."""

import time
from collections.abc import Iterable
from datetime import datetime

from structlog.typing import FilteringBoundLogger

from monitor.core.alive import Source
from monitor.ports import Turn


class Turns:
    """Whose turn it is. A change is told in the log."""

    def __init__(self, turn: Turn | None, log: FilteringBoundLogger) -> None:
        """`turn` None: nobody else works on this database."""
        self._turn = turn
        self._log = log
        self._ours: bool | None = None

    def ours(self) -> bool:
        """Whether it is the turn of this instance.

        Raises:
            StoreBusy: nobody can tell now.
        """
        if self._turn is None:
            return True
        ours = self._turn.hold()
        if ours is not self._ours:
            words = "this instance asks the catalogs" if ours else "another instance asks the catalogs"
            self._log.info(words, action="polls" if ours else "stands-by", item="catalogs")
        self._ours = ours
        return ours

    @property
    def standing_by(self) -> bool:
        """Whether it was the turn of another instance when this one last asked."""
        return self._ours is False

    def give_up(self) -> None:
        """Leave it to another instance, which may reach what this one does not."""
        if self._turn is not None:
            self._turn.give_up()

    @staticmethod
    def heard(sources: Iterable[Source], now: datetime) -> tuple[datetime, float] | None:
        """When a catalog last answered whichever instance asked, by both clocks; None: none ever did."""
        newest = max((one.answered for one in sources if one.answered is not None), default=None)
        return None if newest is None else (newest, time.monotonic() - max(0.0, (now - newest).total_seconds()))
