"""Asking catalogs about a long time, part by part."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.errors import CatalogUnavailable
from monitor.records import Acquisition, Region, Rejected, SceneItem, Sensor, SensorPolicy
from monitor.searching import find, together, windows

START = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
REGION = Region(
    id="valley", geometry=box(141.9, 42.7, 141.95, 42.75), catalogs=("local",), sensor_policy=SensorPolicy.OPTICAL_ONLY
)


def item(at: datetime, grid: str = "54TXN") -> SceneItem:
    """One tile of a pass over the region."""
    return SceneItem(
        catalog="local",
        collection="sentinel-2-l2a",
        id=f"S2A_{at:%Y%m%dT%H%M%S}_{grid}",
        sensing_time=at,
        geometry=box(141, 42, 143, 43),
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
        relative_orbit=54,
        grid_code=grid,
        datastrip=f"{at:%Y%m%d}",
        processing_baseline="05.00",
        processing_time=at + DAY,
    )


class Listed:
    """A catalog of these items; silent about what was sensed after a time."""

    name = "local"

    def __init__(self, items: Sequence[SceneItem], silent_after: datetime | None = None) -> None:
        self.items = items
        self.silent_after = silent_after

    def search(
        self, geometry: BaseGeometry, start: datetime, end: datetime, sensor: Sensor = Sensor.OPTICAL
    ) -> tuple[list[SceneItem], list[Rejected]]:
        """Those in [start, end]."""
        if self.silent_after is not None and end > self.silent_after:
            raise CatalogUnavailable("answers 503", item="local", remedy="It is asked again.")
        return [one for one in self.items if start <= one.sensing_time <= end], []

    def terrain(self, geometry: BaseGeometry) -> list[SceneItem]:
        """None."""
        return []

    def land_cover(self, geometry: BaseGeometry) -> list[SceneItem]:
        """None."""
        return []


def _names(found: Sequence[Acquisition]) -> list[tuple[str, str, int]]:
    return [(one.key, one.version, len(one.items)) for one in found]


@pytest.mark.parametrize("shift_s", [-20, -10, 0])
def test_parts_know_what_the_whole_knows(shift_s: int) -> None:
    """Every pass once and whole, also the one that the edge of a window cuts in two."""
    edge = START + 30 * DAY + timedelta(seconds=shift_s)
    items = [item(START + 5 * day * DAY) for day in range(17)]
    items = [one for one in items if abs(one.sensing_time - edge) > DAY]
    items += [item(edge), item(edge + timedelta(seconds=15), "54TXM")]
    catalogs, end, now = {"local": Listed(items)}, START + 80 * DAY, START + 200 * DAY
    parts = [find(REGION, catalogs, *window, now) for window in windows(START, end)]
    whole = find(REGION, catalogs, START, end, now)
    assert len(parts) == 3
    assert _names(together(parts).acquisitions) == _names(whole.acquisitions)
    assert sum(len(one.items) for one in whole.acquisitions) == len([i for i in items if i.sensing_time < end])


def test_windows_cover_a_time_without_overlap() -> None:
    """One begins where another ends; nothing is asked about no time."""
    found = list(windows(START, START + 65 * DAY))
    assert [start for start, _ in found] == [START, START + 30 * DAY, START + 60 * DAY]
    assert [end for _, end in found][-1] == START + 65 * DAY
    assert list(windows(START, START)) == []


def test_what_is_sensed_at_this_moment_is_found() -> None:
    """A pass of now belongs to the window that ends now."""
    catalogs = {"local": Listed([item(START)])}
    assert len(find(REGION, catalogs, START - DAY, START, START).acquisitions) == 1
    assert find(REGION, catalogs, START - DAY, START, START + DAY).acquisitions == ()


def test_a_catalog_that_does_not_answer() -> None:
    """Its failure is told with the time that it was asked about."""
    catalogs = {"local": Listed([item(START)], silent_after=START + 40 * DAY)}
    parts = [find(REGION, catalogs, *window, START + 90 * DAY) for window in windows(START, START + 60 * DAY)]
    assert [len(part.failures) for part in parts] == [0, 1]
    assert parts[1].start == START + 30 * DAY
