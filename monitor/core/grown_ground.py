"""The pieces of ground of an event that grew: what each of those that count adds to the others."""

from collections.abc import Sequence
from dataclasses import replace

from shapely import make_valid, set_precision, union_all
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import project
from monitor.records import Event, Growth

OUTLINE_GRID_M = 0.5
"""Corners of outlines lie on multiples of this: half a pixel's closing is 5 m."""
BEFORE = ""
"""In the place of an acquisition: what an event was before it grew."""


def opened_on(event: Event) -> BaseGeometry:
    """The ground that an event opened on, EPSG:4326, whatever it has grown onto since."""
    return next((one.geometry for one in event.growth if one.acquisition_id == BEFORE), event.geometry)


def counting(growth: Sequence[Growth]) -> tuple[Growth, ...]:
    """The pieces that were not taken back, with the hectares that they add.

    What an earlier look had shown as well a later one did not add. When the earlier is taken back, it does.
    """
    left = [one for one in growth if not one.withdrawn]
    if len(left) in (0, 1, len(growth)):
        return tuple(left)
    epsg = left[0].tiles[0].epsg
    counted, ground = left[:1], _in_metres(left[0].geometry, epsg)
    for one in left[1:]:
        own = _in_metres(one.geometry, epsg)
        added_ha = float(own.difference(ground, grid_size=OUTLINE_GRID_M).area) / 10_000.0
        # Never less than it added to more ground than is left now.
        area_ha = max(one.area_ha, added_ha)
        foreign_ha = one.foreign_ha * area_ha / one.area_ha if one.area_ha > 0 else 0.0
        counted.append(replace(one, area_ha=area_ha, foreign_ha=foreign_ha))
        ground = union_all([ground, own], grid_size=OUTLINE_GRID_M)
    return tuple(counted)


def union(parts: Sequence[BaseGeometry], epsg: int) -> BaseGeometry:
    """Outlines in EPSG:4326 as one, joined in metres: without a grid it would have invalid slivers."""
    if len(parts) == 1:
        return parts[0]
    grounds = [_in_metres(part, epsg) for part in parts]
    return project(union_all(grounds, grid_size=OUTLINE_GRID_M), epsg, 4326)


def _in_metres(part: BaseGeometry, epsg: int) -> BaseGeometry:
    return set_precision(make_valid(project(part, 4326, epsg)), OUTLINE_GRID_M)
