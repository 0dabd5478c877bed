"""What callers hear of a watch that is unwell: that it is, and nothing of how it is built. The log keeps the whole.

Errors of the database name its user, host, port and name, and the API answers everybody who can reach the port.
"""

import time
from collections.abc import Callable
from threading import Lock

from structlog.typing import FilteringBoundLogger

from monitor.errors import Refused, ScarpwatchError, StoreBusy, one_line
from monitor.web.health import Check

_ITEM = "database"
_GONE = "the database cannot be reached now"
_WAIT = "It is tried again; whoever runs the watch finds the cause in its log"
_AGAIN_S = 60.0
"""The same trouble is one line a minute in the log, however many ask."""
_WHOLE = 4000
"""Characters of one line."""


class Unwell:
    """Says to callers what they may hear, and to the log the rest. Safe across threads."""

    def __init__(
        self, log: FilteringBoundLogger | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Without a log the rest is lost."""
        self._log = log
        self._monotonic = monotonic
        self._lock = Lock()
        self._said: dict[str, float] = {}

    def told(self, error: ScarpwatchError) -> ScarpwatchError:
        """The error for callers, of the same reason: what a person may not do as it is, all else without its text.

        Remedies are our own words and name no place.
        """
        if isinstance(error, Refused):
            return error
        self._note(error)
        if isinstance(error, StoreBusy):
            return StoreBusy(_GONE, item=_ITEM, remedy=_WAIT, reason=error.reason)
        told = ScarpwatchError(
            "the watch cannot do this as it stands", item="watch", remedy=error.remedy, reason=error.reason
        )
        told.__cause__ = error
        return told

    def database(self, check: Callable[[], None]) -> Check:
        """Whether the database can be worked with, for those who ask without a token."""
        try:
            check()
        except StoreBusy as error:
            return Check(name=_ITEM, passed=False, detail=self.told(error).message)
        except ScarpwatchError as error:
            detail = f"cannot be worked with as it is. {self.told(error).remedy}"
            return Check(name=_ITEM, passed=False, detail=detail)
        return Check(name=_ITEM, passed=True, detail="reachable, of the right version")

    def _note(self, error: ScarpwatchError) -> None:
        said, now = one_line(error, _WHOLE), self._monotonic()
        with self._lock:
            self._said = {one: at for one, at in self._said.items() if now - at < _AGAIN_S}
            if said in self._said:
                return
            self._said[said] = now
        if self._log is not None:
            self._log.warning(said, action="cannot-answer", reason=error.reason, item=error.item)
