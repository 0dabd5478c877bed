"""Asking upstream: how far back a poll looks, and which catalogs stand in for those that fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from monitor.core.fleet import NO_FLEET, Fleet
from monitor.core.next_pass import MEMORY, Passed
from monitor.core.sensors import sensors_of
from monitor.core.staleness import stale
from monitor.ports import Catalog
from monitor.records import Acquisition, Fallback, LedgerEntry, Region
from monitor.searching import Found, find, together, windows

_AT_ONCE = timedelta(days=1)
"""An outage of no more than this makes one question longer; a longer one is asked about month by month."""
_LONGEST_OUTAGE = timedelta(days=400)
"""What failed before cannot be an alert any more: events without a look end after so long."""


class PollStore(Protocol):
    """What polls remember."""

    def sensed(self, region: str, start: datetime, end: datetime) -> list[LedgerEntry]:
        """Acquisitions of a region sensed in [start, end), without versions that were replaced."""

    def searched_since(self, region: str) -> datetime | None:
        """From when on the catalogs of a region were searched beyond a look-back; None: never."""

    def last_answer(self, region: str) -> datetime | None:
        """When all catalogs of a region last answered a poll; None: never, as far as is known."""

    def fallback(self, region: str) -> Fallback | None:
        """The catalogs that stand in for those of a region; None: none do."""

    def note_fallback(self, region: str, one: Fallback | None) -> None:
        """Note which catalogs stand in for those of a region; None: none do any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a poll of one region brought."""

    found: Found
    watched_until: datetime
    """When its catalogs last answered: what was sensed a look-back before then, and later, is news."""
    answered: bool
    """Whether every catalog of the region itself did now."""
    searched: bool = False
    """Whether it went as far back as a new region is looked at."""
    fallback: tuple[str, ...] = ()
    """Catalogs that were asked beside or instead of the region's own."""
    told: tuple[tuple[str, str], ...] = ()
    """What people are to hear: an action, and a sentence."""


class Poller:
    """Asks the catalogs of regions."""

    def __init__(self, store: PollStore, catalogs: Mapping[str, Catalog], fleet: Fleet = NO_FLEET) -> None:
        """`fleet`: when satellites begin and end."""
        self._store = store
        self._catalogs = catalogs
        self._fleet = fleet

    def look_up(
        self,
        region: Region,
        start: datetime,
        end: datetime,
        now: datetime,
        stop: Callable[[], bool] = lambda: False,
        names: Sequence[str] | None = None,
    ) -> list[Found]:
        """What catalogs know of a time that may lie long ago: month by month, oldest first, up to one that a catalog
        did not answer for."""
        parts: list[Found] = []
        for window in windows(start, min(end, now)):
            if stop():
                break
            parts.append(find(region, self._catalogs, *window, now, names))
            if parts[-1].failures:
                break
        return parts

    def look_back(self, region: Region, now: datetime) -> Polled:
        """What the catalogs know of the look-back; of the history before it, where that was never asked; and of the
        time since they last answered.

        A look-back before the last answer is where a poll begins: what was listed while nobody asked is found as it
        would have been.
        """
        watched = self.watched_until(region, now)
        lookback = timedelta(days=region.lookback_days)
        recent = (watched if now - watched <= _AT_ONCE else now) - lookback
        history = now - timedelta(days=max(region.lookback_days, region.backfill_days or 0))
        searched = self._store.searched_since(region.id) if history < now - lookback else None
        wanted = history < now - lookback and (searched is None or history < searched)
        begin = min(watched - lookback, recent, *([history] if wanted else []))
        found = self._ask(region, begin, recent, now)
        answered = not found.silent
        polled = Polled(found=found, watched_until=watched, answered=answered, searched=wanted and answered)
        if now - watched > lookback:
            words = f"no poll was answered since {watched:%Y-%m-%d %H:%M} UTC: asked from {begin:%Y-%m-%d} on"
            polled = replace(polled, told=(("reaching-back", words),))
        return self._with_fallback(region, polled, recent, now)

    def watched_until(self, region: Region, now: datetime) -> datetime:
        """Until when a region was watched without a gap: when its catalogs last answered, as far as that counts."""
        last = self._store.last_answer(region.id)
        return now if last is None else max(min(last, now), now - _LONGEST_OUTAGE)

    def _ask(
        self, region: Region, begin: datetime, recent: datetime, now: datetime, names: Sequence[str] | None = None
    ) -> Found:
        newest = find(region, self._catalogs, recent, now, now, names)
        answering = [name for name in names or region.catalogs if name not in newest.silent]
        wanted = begin < recent and answering
        return together([*(self.look_up(region, begin, recent, now, names=answering) if wanted else []), newest])

    def _with_fallback(self, region: Region, polled: Polled, recent: datetime, now: datetime) -> Polled:
        """What other catalogs know, while those of the region fail or list nothing new."""
        before, found = self._store.fallback(region.id), polled.found
        if before is not None and before.catalogs != region.fallback_catalogs:  # configured otherwise since
            self._store.note_fallback(region.id, None)
            before = None
        if not region.fallback_catalogs:
            return polled
        why = self._why(region, found, now)
        if not why:
            if before is None:
                return polled
            self._store.note_fallback(region.id, None)
            words = f"{_names(region.catalogs)} answers again and is fresh: {_names(before.catalogs)} is asked no more"
            return replace(polled, told=(*polled.told, ("failback", words)))
        failed = found.silent >= set(region.catalogs)
        asked = region.fallback_catalogs if failed else (*region.catalogs, *region.fallback_catalogs)
        # Once it stands in, it is asked about the look-back only.
        other = self._ask(region, found.start if before is None else recent, recent, now, asked)
        merged = replace(together([found, other]), start=found.start) if failed else other
        if before is None and not other.silent & set(region.fallback_catalogs):
            self._store.note_fallback(region.id, Fallback(catalogs=region.fallback_catalogs, since=now, reason=why))
            words = f"{why}: {_names(region.fallback_catalogs)} stands in"
            polled = replace(polled, told=(*polled.told, ("failover", words)))
        return replace(polled, found=merged, fallback=region.fallback_catalogs)

    def _why(self, region: Region, found: Found, now: datetime) -> str:
        """Why other catalogs are asked, in a sentence; empty: they are not."""
        if found.silent >= set(region.catalogs):
            return str(found.failures[0])
        listed = [_passed(one) for one in found.acquisitions]
        # What only others list is no sign of its own catalogs.
        own = set(region.catalogs)
        entries = self._store.sensed(region.id, now - MEMORY, now)
        known = [_passed(one.acquisition) for one in entries if any(i.catalog in own for i in one.acquisition.items)]
        margin = timedelta(days=region.stale_days)
        late = stale(listed, known, sensors_of(region.sensor_policy), now, margin, self._fleet)
        return f"{_names(region.catalogs)} is stale: {late}" if late else ""


def nothing_shows(region: Region, refused: int) -> str:
    """What to check when a region's catalogs answered, but have nothing of it."""
    items = f" ({refused} refused: see scarpwatch status)" if refused else ""
    return (
        f"no scene of the last {region.lookback_days} days shows {region.id}{items}: "
        "check geometry, collections and lookback_days"
    )


def _passed(one: Acquisition) -> Passed:
    return Passed(
        sensor=one.sensor, relative_orbit=one.relative_orbit, sensing_time=one.sensing_time, platform=one.platform
    )


def _names(catalogs: Sequence[str]) -> str:
    return ", ".join(catalogs)
