"""The herald of the watch: once a week it puts into the outbox how the watch over every region stands.

Silence must not look like an outage, so whoever relies on the watch hears from it when nothing happens, too. The
message goes the way of every other: planned for each channel, sent until it is acknowledged, never twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from monitor.core import alive
from monitor.core.alive_telling import texts
from monitor.core.fleet import Fleet, all_retired
from monitor.core.intake import Arrival, Sight
from monitor.core.next_pass import MEMORY, Passed, next_passes
from monitor.core.sensors import sensors_of
from monitor.overview import Coverage
from monitor.records import Fallback, HeldBack, Region, Sensor, Tier


class Vitals(Protocol):
    """Where it is read how the watch does (`monitor.adapters.store`)."""

    def sources(self, catalogs: Sequence[str]) -> list[alive.Source]:
        """How these catalogs answered when they were last asked."""

    def open_alerts(self, region: str) -> dict[Tier, int]:
        """How many alerts of a region are open, by tier."""

    def opened_since(self, region: str, since: datetime) -> int:
        """How many events of a region became alerts at or after a time."""

    def parked(self, region: str) -> dict[str, int]:
        """How many acquisitions of a region wait for a person, by reason."""

    def arrivals(self, region: str, since: datetime) -> list[Arrival]:
        """The acquisitions of a region sensed at or after a time, and those that wait longer."""

    def last_worked(self, now: datetime) -> datetime | None:
        """When a try of any acquisition last ended, up to now; None: none has."""

    def newest_ever(self, region: str, sensor: Sensor) -> tuple[datetime | None, datetime | None]:
        """Sensing time of the newest acquisition of a sensor, and of the newest that showed ground, however old."""

    def undelivered(self, region: str, now: datetime) -> dict[str, int]:
        """How many messages about a region do not get through, by channel."""

    def held_back(self, now: datetime, region: str | None = None) -> Sequence[HeldBack]:
        """The silences in force over a region, and how many messages of it each keeps back."""

    def passes(self, region: str, since: datetime, until: datetime) -> list[Passed]:
        """Every pass over a region, sensed in [since, until], that a catalog listed."""

    def platforms(self, region: str) -> Mapping[Sensor, set[str]]:
        """The satellites that ever passed over a region, by sensor."""

    def fallback(self, region: str) -> Fallback | None:
        """The catalogs that stand in for those of a region; None: none do."""

    def hearing_since(self, channels: Sequence[str]) -> datetime | None:
        """From when on the first of these channels hears what happens; None: none does yet."""

    def last_alive(self, region: str) -> datetime | None:
        """When the last sign of life of a region was written; None: never."""

    def post_alive(self, key: str, payload: dict[str, object], now: datetime) -> bool:
        """Put a sign of life into the outbox; False when that of its week is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeraldSettings:
    """When and to whom it speaks, and how."""

    week: alive.Week
    days: int = 14
    """What was seen is told of so many."""
    channels: tuple[str, ...] = ()
    """Those that want to hear it; none: nothing is written."""
    languages: tuple[str, ...] = ("en",)
    fleet: Fleet = field(default_factory=dict)
    """When satellites begin and end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A sign of life that was put into the outbox."""

    region: str
    key: str
    title: str
    at: datetime
    well: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Newest:
    """What is known of the looks at a region."""

    tiles: int
    """That can be looked at; uncounted, whether there are any."""
    last_look: datetime | None
    looks: Mapping[Sensor, datetime]
    """The newest of each sensor."""
    seen: Mapping[Sensor, float] = field(default_factory=dict)
    """Shares; none where nothing was counted."""


def _newest(seen: Coverage) -> _Newest:
    return _Newest(
        tiles=seen.tiles - len(seen.flat), last_look=seen.last_look, looks=seen.last_look_by, seen=seen.seen_by
    )


class Herald:
    """Says how the watch over the regions stands."""

    def __init__(
        self,
        *,
        store: Vitals,
        regions: Sequence[Region],
        coverage: Callable[[Region, datetime], Coverage],
        settings: HeraldSettings,
    ) -> None:
        """`coverage` counts what was seen of a region within its look-back."""
        self.regions = tuple(regions)
        self._store = store
        self._coverage = coverage
        self._settings = settings

    def speak(self, now: datetime) -> list[Spoken]:
        """Put into the outbox what is due; what was written before, by whomever, is not written again."""
        said = []
        since = self._store.hearing_since(self._settings.channels)
        for region in self.regions:
            hour = alive.due(self._settings.week, since, self._store.last_alive(region.id), now)
            if hour is None:
                continue
            sign = self.sign(region, now, hour)
            told, key = self.texts(sign), alive.key_of(region.id, hour)
            if self._store.post_alive(key, alive.payload(sign, told), now):
                title = next(iter(told.values()))["title"]
                well = not alive.troubles(sign)
                said.append(Spoken(region=region.id, key=key, title=title, at=now, well=well))
        return said

    def spoken(self) -> dict[str, datetime]:
        """When the newest message of each region was written; regions without any are left out."""
        found = {region.id: self._store.last_alive(region.id) for region in self.regions}
        return {name: at for name, at in found.items() if at is not None}

    def sign(
        self, region: Region, now: datetime, hour: datetime | None = None, compared: Coverage | None = None
    ) -> alive.SignOfLife:
        """How the watch over a region stands.

        Args:
            region: one of them.
            now: aware UTC.
            hour: that of the week whose message it is; None: of the newest.
            compared: what was seen within the look-back, where that is counted already.
        """
        hour = self._settings.week.last(now) if hour is None else hour
        seen = self._coverage(replace(region, lookback_days=self._settings.days), now)
        compared = self._coverage(region, now) if compared is None else compared
        previous = self._store.last_alive(region.id)
        week_ago, pulse = now - alive.WEEK, self._pulse(region, now, _newest(seen), self._store.last_worked(now))
        silences = self._store.held_back(now, region.id)
        return alive.SignOfLife(
            region=region.id,
            week=alive.name_of(hour),
            at=now,
            days=pulse.days,
            seen=seen.seen,
            compared_days=region.lookback_days,
            compared={sensor: 0.0 for sensor in pulse.sights} | dict(compared.compared_by),
            sights=pulse.sights,
            arrivals=pulse.arrivals,
            worked=pulse.worked,
            tiles=pulse.tiles,
            never_observed=len(seen.never_observed),
            last_look=pulse.last_look,
            first=compared.first,
            blind_km2=seen.blind.together.blind_km2,
            blind_share=seen.blind.together.blind_share,
            passes=next_passes(self._store.passes(region.id, now - MEMORY, now), now, self._settings.fleet),
            retired=pulse.retired,
            fallback=self._store.fallback(region.id),
            open_alerts=self._store.open_alerts(region.id),
            opened=self._store.opened_since(region.id, week_ago if previous is None or previous > now else previous),
            parked=self._store.parked(region.id),
            silences=len(silences),
            held=sum(one.messages for one in silences),
            previous=previous,
            missed=alive.missed_weeks(previous, now, self._settings.week),
            sources=pulse.sources,
            undelivered=pulse.undelivered,
        )

    def pulses(self, seen: Mapping[str, Coverage], now: datetime) -> list[alive.Pulse]:
        """What tells whether the watch over each region is well; the sign of life of a region holds the same.

        Args:
            seen: what was seen of each region, of whatever look-back: of the newest looks it says the same.
            now: aware UTC.
        """
        worked = self._store.last_worked(now)  # asked once: it walks all acquisitions there are
        return [self._pulse(region, now, _newest(seen[region.id]), worked) for region in self.regions]

    def first_pulses(self, now: datetime) -> list[alive.Pulse]:
        """The same at once, before anything is counted: of what was seen they know the newest times only.

        Where nothing ever showed ground, perhaps because there is none to look at, only the count can tell whether a
        look is missing.
        """
        worked = self._store.last_worked(now)
        return [self._pulse(region, now, self._known(region, worked), worked) for region in self.regions]

    def _known(self, region: Region, worked: datetime | None) -> "_Newest":
        found = {one: self._store.newest_ever(region.id, one) for one in sensors_of(region.sensor_policy)}
        looks = {one: shown for one, (_, shown) in found.items() if shown is not None}
        has_ground = looks or worked is None or all(listed is None for listed, _ in found.values())
        return _Newest(tiles=1 if has_ground else 0, last_look=max(looks.values(), default=None), looks=looks)

    def _pulse(self, region: Region, now: datetime, newest: "_Newest", worked: datetime | None) -> alive.Pulse:
        days = self._settings.days
        return alive.Pulse(
            region=region.id,
            at=now,
            days=days,
            tiles=newest.tiles,
            last_look=newest.last_look,
            sights={
                one: Sight(seen=newest.seen.get(one, 0.0), last_look=newest.looks.get(one))
                for one in sensors_of(region.sensor_policy)
            },
            arrivals=self._store.arrivals(region.id, now - timedelta(days=days)),
            worked=worked,
            retired=self._retired(region, now),
            sources=self._store.sources(region.catalogs),
            undelivered=self._store.undelivered(region.id, now),
        )

    def _retired(self, region: Region, now: datetime) -> frozenset[Sensor]:
        """Sensors of which every satellite that ever passed over the region has ended."""
        if not self._settings.fleet:
            return frozenset()
        known = self._store.platforms(region.id)
        return frozenset(one for one, names in known.items() if all_retired(self._settings.fleet, names, now))

    def texts(self, sign: alive.SignOfLife) -> dict[str, dict[str, str]]:
        """Title and body in every language of the configuration."""
        return texts(sign, self._settings.languages)
