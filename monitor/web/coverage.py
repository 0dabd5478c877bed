"""What was not observed, at hand: counting it takes seconds, and no list of alerts is shown without it."""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from monitor.core.geojson import Json
from monitor.errors import ScarpwatchError
from monitor.web.unwell import Unwell

_OLD = timedelta(minutes=10)
_TOO_OLD = timedelta(minutes=30)
"""A count this old says nothing of today: a watch that died since looks well in it."""
_PATIENCE_S = 5.0
"""So long who asks waits for a new count where there is only one that is too old."""
_AT_ONCE_S = 2.0
"""So long who asks waits for the troubles that need no count, where there is none."""


class CoverageBoard:
    """The newest count. One that is old is counted anew in the background; meanwhile the last one is shown.

    Unless it is so old that it may hide what happened since: then who asks waits for a new one, for a little while.
    Until there is one, the troubles that need no count are shown: a watch that is not well says so from the first page
    on.
    """

    def __init__(
        self,
        count: Callable[[], Mapping[str, Json]],
        clock: Callable[[], datetime],
        troubled: Callable[[], Mapping[str, Json]] = dict,
        unwell: Unwell | None = None,
    ) -> None:
        """Nothing is counted before somebody asks; `troubled` tells at once what needs no count."""
        self._count = count
        self._troubled = troubled
        self._unwell = unwell or Unwell()
        self._clock = clock
        self._troubles: Mapping[str, Json] = {}
        self._troubles_known = threading.Event()
        self._lock = threading.Lock()
        self._counting: threading.Thread | None = None
        self._tried: datetime | None = None
        self._counted: datetime | None = None
        self._found: Mapping[str, Json] = {}
        self._failure: str | None = None
        self._asked: set[str] = set()
        self.number = 0
        """Of counts so far: what was made of an earlier one is out of date."""

    def read(self, regions: tuple[str, ...]) -> Json:
        """Of every region (or declared storm) the newest count, or why there is none yet."""
        self._refresh(regions)
        if self._counted is not None and self._too_old():
            self.wait(_PATIENCE_S)
        if self._too_old():
            self._troubles_known.wait(_AT_ONCE_S)
        with self._lock:
            found = {} if self._too_old() else self._found
            unknown: Json = {"unknown": self._failure or "it is being counted: ask again in a minute"}
            return {region: found.get(region) or unknown | self._troubles.get(region, {}) for region in regions}

    def _too_old(self) -> bool:
        return self._counted is None or abs(self._clock() - self._counted) > _TOO_OLD

    def wait(self, seconds: float) -> None:
        """Until the count at work is done."""
        counting = self._counting
        if counting is not None:
            counting.join(seconds)

    def _refresh(self, wanted: tuple[str, ...]) -> None:
        with self._lock:
            if self._counting is not None and self._counting.is_alive():
                return
            # What was declared since the last count is counted at once, and then as often as the rest.
            new = not self._asked.issuperset(wanted)
            self._asked.update(wanted)
            if not new and self._tried is not None and abs(self._clock() - self._tried) < _OLD:
                return
            self._troubles_known.clear()
            self._counting = threading.Thread(target=self._work, name="coverage", daemon=True)
            self._counting.start()

    def _work(self) -> None:
        found: Mapping[str, Json] = {}
        failure = None
        try:
            self._tell_troubles()
            found = self._count()
        except ScarpwatchError as error:
            failure = str(self._unwell.told(error))
        with self._lock:
            self._tried, self._failure = self._clock(), failure
            if failure is None:
                self._counted, self._found = self._tried, found
            self.number += 1

    def _tell_troubles(self) -> None:
        """Have the troubles shown that need no count; those of before say nothing of now."""
        told: Mapping[str, Json] = {}
        try:
            told = self._troubled()
        finally:
            with self._lock:
                self._troubles = told
                self.number += 1
            self._troubles_known.set()
