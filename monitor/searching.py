"""Asking the catalogs of a region which acquisitions there are in a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.acquisitions import group
from monitor.core.sensors import sensors_of
from monitor.errors import CatalogUnavailable
from monitor.looking import surroundings
from monitor.ports import Catalog
from monitor.records import Acquisition, Region, Rejected, SceneItem

_WHOLE_PASS = timedelta(days=1)
"""Searched beyond both edges: a pass that an edge cuts in two is left out whole, or taken whole. What is left of it
would look like a newer version and take the place of the whole one."""
_WINDOW = timedelta(days=30)
"""Asked for at once: some catalogs silently end long lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the catalogs of a region know of a time."""

    start: datetime
    end: datetime
    acquisitions: tuple[Acquisition, ...] = ()
    """In order of time, sensed in [start, end)."""
    refused_items: tuple[Rejected, ...] = ()
    """By the catalogs' readers, item by item."""
    refused: tuple[Rejected, ...] = ()
    """Because of other items of the same pass."""
    failures: tuple[CatalogUnavailable, ...] = ()
    """Of catalogs that did not answer: what they know is missing."""
    silent: frozenset[str] = frozenset()
    """Names of those."""


def find(
    region: Region,
    catalogs: Mapping[str, Catalog],
    start: datetime,
    end: datetime,
    now: datetime,
    names: Sequence[str] | None = None,
) -> Found:
    """Passes over a region that begin in [start, end), as whole as the catalogs list them at `now`.

    `names` are those to ask; None: the region's own.
    """
    asked = {name: catalogs[name] for name in (region.catalogs if names is None else names)}
    items, rejected, failures = _search(region, asked, start - _WHOLE_PASS, min(end + _WHOLE_PASS, now))
    acquisitions, refused = group(region.id, items, region.geometry)
    early = {item.id for item in items if item.sensing_time < start}
    return Found(
        start=start,
        end=end,
        acquisitions=tuple(
            one
            for one in acquisitions
            # Passes that show surroundings only are no concern of this region.
            if start <= one.sensing_time and _ends(one, end, now) and _shows(one, region)
        ),
        refused_items=tuple(rejected),
        refused=tuple(one for one in refused if one.item not in early),
        failures=tuple(failures.values()),
        silent=frozenset(failures),
    )


def windows(start: datetime, end: datetime, each: timedelta = _WINDOW) -> Iterator[tuple[datetime, datetime]]:
    """A long time cut into parts that a catalog is asked for one by one, oldest first."""
    while start < end:
        yield start, min(start + each, end)
        start += each


def together(parts: Sequence[Found]) -> Found:
    """What was found in consecutive times, at least one."""
    return Found(
        start=parts[0].start,
        end=parts[-1].end,
        acquisitions=tuple(one for part in parts for one in part.acquisitions),
        refused_items=tuple(one for part in parts for one in part.refused_items),
        refused=tuple(one for part in parts for one in part.refused),
        failures=tuple(one for part in parts for one in part.failures),
        silent=frozenset(name for part in parts for name in part.silent),
    )


def _search(
    region: Region, catalogs: Mapping[str, Catalog], start: datetime, end: datetime
) -> tuple[list[SceneItem], list[Rejected], dict[str, CatalogUnavailable]]:
    items: list[SceneItem] = []
    rejected: list[Rejected] = []
    failures: dict[str, CatalogUnavailable] = {}
    around = surroundings(region.geometry)
    for name, catalog in catalogs.items():
        try:
            for sensor in sensors_of(region.sensor_policy):
                found, refused = catalog.search(around, start, end, sensor)
                items += found
                rejected += refused
        except CatalogUnavailable as failure:
            failures[name] = failure
    return items, rejected, failures


def _ends(one: Acquisition, end: datetime, now: datetime) -> bool:
    """What is sensed at this very moment belongs to the newest window, which has no later one."""
    return one.sensing_time < end or end >= now


def _shows(one: Acquisition, region: Region) -> bool:
    return any(region.geometry.intersects(item.geometry) for item in one.items)
