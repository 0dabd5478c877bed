"""The ground and the calendar of a valley, before anybody looks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Point

from monitor.core.grid import project
from monitor.sandbox.cover import Cover, grow_cover
from monitor.sandbox.fields import farm
from monitor.sandbox.frame import EPSG, Frame, place_frame, stream
from monitor.sandbox.scars import fail_slopes
from monitor.sandbox.seasons import calendar, farm_year, winter
from monitor.sandbox.story import Story
from monitor.sandbox.surface import Ground, make_ground
from monitor.sandbox.terrain import Relief, build_relief
from monitor.sandbox.traps import Clearcut, Snow, fell_forest, let_it_snow

REVISIT = timedelta(days=5)
STORM_DELAY = timedelta(days=2, hours=14)
"""From the last quiet optical look to the storm."""
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that all looks share."""

    frame: Frame
    seed: int
    story: Story
    relief: Relief
    ground: Ground
    crops: list[NDArray[np.int8]]
    """Per optical look (count,) Crop."""
    times: tuple[datetime, ...]
    """Optical looks, oldest first."""
    quiet: int
    """Number of optical looks before the storm."""
    centre: tuple[float, float]
    """Longitude, latitude."""
    clearcut: Clearcut | None
    snow: tuple[Snow, ...]
    """At most one for each look."""

    @property
    def storm(self) -> datetime:
        """When the slopes fail."""
        return self.times[self.quiet - 1] + STORM_DELAY

    @property
    def after(self) -> int:
        """Number of optical looks after the storm."""
        return len(self.times) - self.quiet

    def snow_at(self, look: int) -> Snow | None:
        """What lies at an optical look, if anything."""
        return next((one for one in self.snow if one.look == look), None)


def make_world(seed: int, size_px: int, quiet: int, after: int, story: Story, report: Report) -> World:
    """Raise the ground, grow its cover, choose what will fail and when it is looked at."""
    frame = place_frame(seed, size_px)
    west, south, east, north = frame.bounds
    report(f"raising hills over {(east - west) * (north - south) / 1e6:.0f} km² and letting rivers cut them")
    relief = build_relief(frame, seed)
    report("growing forest, laying out fields, setting the river in its bed")
    cover = grow_cover(frame, relief, seed)
    scars = fail_slopes(frame, relief, cover, seed)
    fields = cover.kind == Cover.FIELD
    centre = project(Point((west + east) / 2, (south + north) / 2), EPSG, 4326)
    assert isinstance(centre, Point)
    if story.year:
        times = calendar(seed, quiet, quiet + after, REVISIT)
        crops = farm_year(cover.parcels, fields, seed, times, quiet)
        snow = winter(relief, seed, times)
    else:
        times = _calendar(seed, quiet + after)
        crops = farm(cover.parcels, fields, seed, quiet, after)
        snow = (let_it_snow(relief, seed, quiet),) if story.snow else ()
    return World(
        frame=frame,
        seed=seed,
        story=story,
        relief=relief,
        ground=make_ground(cover, scars, seed),
        crops=crops,
        times=times,
        quiet=quiet,
        centre=(centre.x, centre.y),
        clearcut=fell_forest(relief, cover, scars, seed, len(times) if story.year else quiet)
        if story.clearcut
        else None,
        snow=snow,
    )


def _calendar(seed: int, count: int) -> tuple[datetime, ...]:
    """Passes at ten in the morning UTC, 5 days apart, starting in June, July or August 2025.

    Later in the year steep shaded slopes get so little light that fresh scars there cannot be seen.
    """
    start = datetime(2025, 6, 1, 10, 0, 31, tzinfo=UTC) + timedelta(days=int(stream(seed, "calendar").integers(0, 85)))
    return tuple(start + index * REVISIT for index in range(count))
