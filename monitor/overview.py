"""What was seen of a region and what was not: the line without which "no alert" means nothing.

Counted pixel by pixel from the kept looks, inside the region only. A pixel is seen when a look within the
look-back observed it, and compared when so many comparable looks did that a change could be found there: two of
optics, and of radar the passes that its reference needs and one more.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.core.flat import FLAT
from monitor.core.grid import RESOLUTION_M, pixels_within, region_tiles
from monitor.core.masks import NO_ELEVATION
from monitor.core.null_rate import LEARNED_KM2_YEARS
from monitor.core.radar import LEAST_PASSES
from monitor.core.reference import valid
from monitor.core.sensors import sensors_of
from monitor.core.slope_sight import BlindSlopes, SightTally, track_of
from monitor.errors import BadAsset
from monitor.observing import OUTSIDE
from monitor.ports import LookArchive, SlopeSights
from monitor.records import Look, NetworkAnswer, PixelState, Region, Sensor, Sighting, Tile

Mask = NDArray[np.bool_]
_Kind = tuple[str, str]
"""Comparability class and model version."""

_LOOKS_PER_TILE = 100
_NEEDED = {Sensor.OPTICAL: 1, Sensor.SAR: LEAST_PASSES}
"""Earlier looks without which nothing is compared."""
_PIXEL_KM2 = (RESOLUTION_M / 1000.0) ** 2
_YEAR = timedelta(days=365.25)


class TileHistory(Protocol):
    """Where the observations of a tile are kept."""

    def sightings(self, tiles: Iterable[Tile], limit: int) -> Iterable[tuple[Tile, Sequence[Sighting]]]:
        """Every tile with what its newest current observations say was seen, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was seen of one region. Shares are 0-1 of its ground, flat tiles left out."""

    region: str
    since: datetime
    """Start of the look-back the shares are about."""
    area_km2: float
    """Of the ground that is watched: without flat tiles."""
    tiles: int
    """Flat ones included."""
    seen: float
    """Observed by at least one look."""
    compared: float
    """Observed by enough comparable looks of one sensor: where a change could have been found."""
    never_observed: tuple[Tile, ...]
    """Tiles of which no look of the look-back saw anything."""
    not_compared: tuple[Tile, ...]
    """Tiles seen, but nowhere twice."""
    last_look: datetime | None
    """Sensing time of the newest look that observed anything, however old."""
    broken_looks: int
    """Kept looks that could not be read; they count as not observed."""
    no_elevation: tuple[Tile, ...] = ()
    """Those of `never_observed` that cannot be looked at, because no elevation model covers them."""
    compared_by: Mapping[Sensor, float] = field(default_factory=dict)
    """`compared` by each sensor alone; sensors that looked at nothing are left out."""
    seen_by: Mapping[Sensor, float] = field(default_factory=dict)
    """`seen` by each sensor alone: by those of the region's policy, and by others that saw something."""
    tile_looks: Mapping[Tile, Mapping[Sensor, datetime]] = field(default_factory=dict)
    """Of every tile the sensing time of each sensor's newest look that observed anything, however old (as far as the
    hundred newest observations go); flat tiles are left out."""
    flat: tuple[Tile, ...] = ()
    """Tiles that need not be looked at, because nothing can slide there; they count neither as seen nor as not seen."""
    answers: Mapping[tuple[Sensor, NetworkAnswer], int] = field(default_factory=dict)
    """Looks of the look-back, tile by tile, of which the sensor's network spoke, or did not and why."""
    blind: BlindSlopes = field(default_factory=BlindSlopes)
    """Slopes that the radar tracks of the look-back never see, whenever they pass."""
    first: datetime | None = None
    """Sensing time of the first acquisition that was looked at; None: there is none, or some tile has a hundred."""
    learning_rates: Mapping[Sensor, float] = field(default_factory=dict)
    """km² × years compared by sensors that have compared less than rates of the region's own need
    (`core.null_rate.LEARNED_KM2_YEARS`) and have not looked at any tile a hundred times."""

    @property
    def last_look_by(self) -> dict[Sensor, datetime]:
        """Sensing time of the newest look of each sensor; sensors without any are left out."""
        newest: dict[Sensor, datetime] = {}
        for looks in self.tile_looks.values():
            for sensor, at in looks.items():
                newest[sensor] = max(at, newest.get(sensor, at))
        return newest

    @property
    def last_look_of(self) -> dict[Tile, datetime | None]:
        """Sensing time of the newest look of each tile, by whichever sensor; None: it has none."""
        return {tile: max(looks.values(), default=None) for tile, looks in self.tile_looks.items()}

    @property
    def by_age(self) -> tuple[tuple[Tile, datetime | None], ...]:
        """Tiles with their last look, the one not seen for longest first; before it those without any."""
        looked = self.last_look_of.items()
        never = [(tile, at) for tile, at in looked if at is None]
        return (*never, *sorted(((tile, at) for tile, at in looked if at is not None), key=lambda one: one[1]))

    @property
    def median_last_look(self) -> datetime | None:
        """Half of the tiles were looked at then or later; None: fewer were at all."""
        ages = self.by_age
        return ages[(len(ages) - 1) // 2][1] if ages else None

    @property
    def learning(self) -> bool:
        """No place has an earlier look to compare with: nothing can be found yet."""
        return self.compared == 0

    @property
    def began(self) -> datetime | None:
        """The first acquisition, where the look-back reaches further back; None: it does not."""
        return self.first if self.first is not None and self.first > self.since else None


@dataclass(slots=True)
class _TileCount:
    """Pixel counts of one tile."""

    inside: int
    seen: int = 0
    compared: int = 0
    compared_by: dict[Sensor, int] = field(default_factory=dict)
    seen_by: dict[Sensor, int] = field(default_factory=dict)
    clear: Mask | None = None
    """What optics saw; None: nothing."""
    looks: dict[Sensor, datetime] = field(default_factory=dict)
    """The newest of each sensor."""
    broken: int = 0
    no_elevation: bool = False
    """The newest acquisition left the tile out for that."""
    flat: bool = False
    """The newest acquisition left the tile out for that."""
    answers: Counter[tuple[Sensor, NetworkAnswer]] = field(default_factory=Counter)
    tracks: set[str] = field(default_factory=set)
    """Radar tracks that looked at the tile within the look-back."""
    tile_years: dict[Sensor, float] = field(default_factory=dict)
    """Share compared times the years since the look before, summed over the newest looks."""
    often: bool = False
    """There are more looks than those."""
    first: datetime | None = None
    """Sensing time of the oldest of them."""


def coverage(
    region: Region,
    history: TileHistory,
    looks: LookArchive,
    now: datetime,
    sights: SlopeSights | None = None,
    since: datetime | None = None,
) -> Coverage:
    """Count what the looks of a region's look-back observed.

    Args:
        region: the region.
        history: where its tiles' observations are.
        looks: where its looks are; a broken one counts as not observed.
        now: aware UTC; the look-back ends here.
        sights: where slopes that radar never sees are kept; None tells nothing of them.
        since: what is to be seen has happened then: the look-back begins there, and only looks from before it are looks
            to compare with; None: the region's look-back.
    """
    apart = since is not None
    since = since or now - timedelta(days=region.lookback_days)
    tiles = region_tiles(region.geometry)
    counts = {
        tile: _count(_Tally(pixels_within(region.geometry, tile), apart), rows, looks, since)
        for tile, rows in history.sightings(tiles, _LOOKS_PER_TILE)
    }
    flat = tuple(tile for tile, count in counts.items() if count.flat)
    counts = {tile: count for tile, count in counts.items() if not count.flat}
    pixels = max(1, sum(count.inside for count in counts.values()))
    times = [at for count in counts.values() for at in count.looks.values()]
    return Coverage(
        region=region.id,
        since=since,
        area_km2=pixels * _PIXEL_KM2,
        tiles=len(tiles),
        seen=sum(count.seen for count in counts.values()) / pixels,
        compared=sum(count.compared for count in counts.values()) / pixels,
        never_observed=tuple(tile for tile, count in counts.items() if not count.seen),
        not_compared=tuple(tile for tile, count in counts.items() if count.seen and not count.compared),
        last_look=max(times, default=None),
        broken_looks=sum(count.broken for count in counts.values()),
        no_elevation=tuple(tile for tile, count in counts.items() if count.no_elevation and not count.seen),
        compared_by={
            sensor: sum(count.compared_by.get(sensor, 0) for count in counts.values()) / pixels
            for sensor in Sensor
            if any(sensor in count.compared_by for count in counts.values())
        },
        seen_by=_seen_by(region, counts.values(), pixels),
        tile_looks={tile: count.looks for tile, count in counts.items()},
        flat=flat,
        answers=sum((count.answers for count in counts.values()), Counter()),
        blind=_blind(region, counts, sights) if sights is not None else BlindSlopes(),
        first=_first(counts.values()),
        learning_rates=_learning_rates(counts.values()),
    )


def _seen_by(region: Region, counts: Collection[_TileCount], pixels: int) -> dict[Sensor, float]:
    """Shares of the ground by the sensors of the region's policy, and by others that saw something."""
    seen = {sensor: sum(count.seen_by.get(sensor, 0) for count in counts) for sensor in Sensor}
    watched = sensors_of(region.sensor_policy)
    return {sensor: number / pixels for sensor, number in seen.items() if number or sensor in watched}


def _first(counts: Collection[_TileCount]) -> datetime | None:
    known = [count.first for count in counts if count.first is not None]
    return None if any(count.often for count in counts) else min(known, default=None)


def _learning_rates(counts: Collection[_TileCount]) -> dict[Sensor, float]:
    if any(count.often for count in counts):
        return {}
    seen = {sensor for count in counts for sensor in count.tile_years}
    compared = {
        sensor: sum(count.tile_years.get(sensor, 0.0) * count.inside for count in counts) * _PIXEL_KM2
        for sensor in sorted(seen)
    }
    return {sensor: km2_years for sensor, km2_years in compared.items() if km2_years < LEARNED_KM2_YEARS}


def _tile_years(rows: Sequence[Sighting]) -> dict[Sensor, float]:
    """From rows, newest first: what they say of the share that was compared, not the pixels."""
    total: dict[Sensor, float] = {}
    after: dict[Sensor, Sighting] = {}
    for row in (row for row in rows if row.look_href is not None):
        if (later := after.get(row.sensor)) is not None:
            waited = (later.sensing_time - row.sensing_time) / _YEAR
            total[row.sensor] = total.get(row.sensor, 0.0) + later.jointly_valid_fraction * waited
        after[row.sensor] = row
    return total


def _blind(region: Region, counts: Mapping[Tile, _TileCount], sights: SlopeSights) -> BlindSlopes:
    tally = SightTally()
    for tile, count in counts.items():
        if count.tracks:
            inside = pixels_within(region.geometry, tile)
            clear = np.zeros_like(inside) if count.clear is None else count.clear
            tally.add(inside, sights.read(tile), count.tracks, clear)
    return tally.total()


def _count(tally: "_Tally", rows: Sequence[Sighting], looks: LookArchive, since: datetime) -> _TileCount:
    """Walk back in time until every sensor compared every pixel or nothing more can be compared with."""
    newest = rows[0].decision if rows else None
    inside = tally.inside
    count = _TileCount(inside=int(inside.sum()), no_elevation=newest == NO_ELEVATION, flat=newest == FLAT)
    count.tile_years, count.often = _tile_years(rows), len(rows) == _LOOKS_PER_TILE
    count.first = rows[-1].sensing_time if rows else None
    for row in rows:
        if row.look_href is None:
            continue
        count.looks.setdefault(row.sensor, row.sensing_time)
        if not tally.wants(row, since):
            continue
        try:
            tally.add(row, _observed(looks.read(row.look_href)) & inside, row.sensing_time >= since)
        except BadAsset:
            count.broken += 1
    count.answers.update((row.sensor, row.network) for row in rows if row.network and row.sensing_time >= since)
    count.tracks.update(track_of(row.comparable) for row in rows if row.sensor is Sensor.SAR and _looked(row, since))
    count.seen = int(np.logical_or.reduce([np.zeros_like(inside), *tally.seen_by.values()]).sum())
    count.clear = tally.seen_by.get(Sensor.OPTICAL)
    count.seen_by = {sensor: int(mask.sum()) for sensor, mask in tally.seen_by.items()}
    count.compared_by = {sensor: int(mask.sum()) for sensor, mask in tally.compared.items()}
    count.compared = int(np.logical_or.reduce([np.zeros_like(inside), *tally.compared.values()]).sum())
    return count


class _Tally:
    """Which pixels of one tile were seen within the look-back, and compared by which sensor."""

    def __init__(self, inside: Mask, apart: bool = False) -> None:
        """`apart`: only looks from before the look-back are looks to compare with."""
        self.inside = inside
        self._apart = apart
        self._recent: dict[_Kind, Mask] = {}
        self._times_seen: dict[_Kind, NDArray[np.uint8]] = {}
        self.seen_by: dict[Sensor, Mask] = {}
        self.compared: dict[Sensor, Mask] = {}

    def wants(self, row: Sighting, since: datetime) -> bool:
        """Whether a look can add anything.

        The passes that a radar look is compared with may be older than the look-back: three repeats take a month.
        """
        alone = row.sensor is Sensor.OPTICAL and not self._apart
        if row.sensing_time < since and (alone or _kind(row) not in self._recent):
            return False
        compared = self.compared.get(row.sensor)
        return compared is None or not bool(compared[self.inside].all())

    def add(self, row: Sighting, observed: Mask, recent: bool) -> None:
        """Count a look that observed these pixels."""
        kind, nothing = _kind(row), np.zeros_like(self.inside)
        if recent:
            self.seen_by[row.sensor] = self.seen_by.get(row.sensor, nothing) | observed
            self._recent[kind] = self._recent.get(kind, nothing) | observed
        seen = self._times_seen.get(kind, nothing.astype(np.uint8))
        self._times_seen[kind] = seen if recent and self._apart else seen + observed
        # A look is none of those that it is compared with.
        enough = self._recent[kind] & (self._times_seen[kind] >= _NEEDED[row.sensor] + (not self._apart))
        self.compared[row.sensor] = self.compared.get(row.sensor, nothing) | enough


def _looked(row: Sighting, since: datetime) -> bool:
    return row.sensing_time >= since and row.decision not in (FLAT, NO_ELEVATION, OUTSIDE)


def _kind(row: Sighting) -> _Kind:
    return row.comparable, row.model_version


def _observed(look: Look) -> Mask:
    """Ground that counts as observed, and water: seen, and known not to slide."""
    return np.asarray(valid(look) | (look.state == PixelState.WATER), dtype=np.bool_)
