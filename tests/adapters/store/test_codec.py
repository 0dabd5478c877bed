"""Geometries to rows and back."""

import pytest
from shapely import GeometryCollection, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.store.codec import geometry_from_json, geometry_to_json

RING = Point(141.95, 42.72).buffer(0.01)


@pytest.mark.parametrize(
    "geometry",
    [
        RING,
        RING.difference(RING.centroid.buffer(0.004)),
        MultiPolygon([box(0, 0, 1, 1), Polygon(box(2, 0, 3, 1).exterior, [box(2.2, 0.2, 2.4, 0.4).exterior])]),
        Polygon(),
        MultiPolygon(),
        GeometryCollection([box(0, 0, 1, 1), Point(2, 2)]),
    ],
    ids=["ring", "hole", "pieces", "empty", "no piece", "mixed"],
)
def test_a_geometry_comes_back_as_it_went(geometry: BaseGeometry) -> None:
    """Every corner is the same to the last bit, holes and empty outlines included."""
    found = geometry_from_json(geometry_to_json(geometry))
    assert (found.geom_type, found.wkb) == (geometry.geom_type, geometry.wkb)
