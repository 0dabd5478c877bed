"""What lies on and near an event, and how it is said."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from monitor.core.exposure import Layer, exposure, layer_of, located, plain_name, told
from monitor.records import LayerKind, ZoneRelation

EVENT = box(1000, 1000, 1100, 1100)
RUNOUT = box(1000, 800, 1100, 1000)


def layer(kind: LayerKind, *features: tuple[str | None, BaseGeometry], name: str = "") -> Layer:
    """A layer of named features."""
    ground = np.array([one for _, one in features], dtype=object)
    return layer_of(name or kind.value, kind, ground, [name for name, _ in features])


def houses(*corners: tuple[float, float]) -> Layer:
    """Buildings of 10 m with these lower left corners."""
    return layer(LayerKind.BUILDINGS, *((None, box(x, y, x + 10, y + 10)) for x, y in corners))


def test_the_sentence_of_the_duty_officer() -> None:
    """Roads, buildings and zone in one line, as the alert says it."""
    near = [(1150.0 + 10 * index, 1050.0) for index in range(5)] + [(1010.0 + 10 * index, 1150.0) for index in range(9)]
    roads = layer(
        LayerKind.ROADS,
        ("Route 235", LineString([(900, 1000), (950, 1200)])),
        ("Route 235", LineString([(950, 1200), (1050, 1150)])),
        (None, LineString([(1120, 900), (1120, 1300)])),
    )
    zone = layer(LayerKind.ZONES, ("Iburi 7", box(500, 500, 2000, 2000)))
    found = exposure(EVENT, None, [houses(*near, (3000, 3000)), roads, zone])
    assert told(found) == "2 roads, 14 buildings within 100 m, inside a designated zone (Iburi 7)"
    assert found.roads is not None
    assert found.roads.names == ("Route 235",)


def test_what_the_runout_would_reach_counts() -> None:
    """A house far from the changed ground and on its possible runout is exposed, and reached."""
    far = houses((1050, 810), (1150, 810), (1250, 810))
    without, found = (exposure(EVENT, runout, [far]).buildings for runout in (None, RUNOUT))
    assert without is not None
    assert found is not None
    assert (without.count, found.count, found.reached) == (0, 2, 1)


def test_the_limit_is_the_distance() -> None:
    """A house 100 m away counts, one 101 m away does not."""
    found = exposure(EVENT, None, [houses((1200, 1050), (1201.1, 1050))]).buildings
    assert found is not None
    assert found.count == 1


def test_pieces_of_a_road_without_a_name_are_one_road() -> None:
    """Maps cut roads at every crossing; pieces that meet are one, others are not."""
    lines = [[(850, 1050), (950, 1050)], [(950, 1050), (999, 1050)], [(1101, 0), (1101, 500), (1150, 1100)]]
    found = exposure(EVENT, None, [layer(LayerKind.ROADS, *((None, LineString(line)) for line in lines))]).roads
    assert found is not None
    assert (found.count, found.names) == (2, ())


@pytest.mark.parametrize(
    ("zone", "relation", "words"),
    [
        (box(900, 900, 1200, 1200), ZoneRelation.INSIDE, "inside a designated zone (Z)"),
        (box(1050, 1050, 1200, 1200), ZoneRelation.TOUCHES, "partly inside a designated zone (Z)"),
        (box(1000, 700, 1100, 900), ZoneRelation.REACHED, "could run out into a designated zone (Z)"),
        (box(5000, 5000, 6000, 6000), ZoneRelation.OUTSIDE, "outside designated zones"),
    ],
)
def test_zones(zone: BaseGeometry, relation: ZoneRelation, words: str) -> None:
    """How an event lies to designated zones, and its words."""
    found = exposure(EVENT, RUNOUT, [layer(LayerKind.ZONES, ("Z", zone))])
    assert (found.zone, told(found)) == (relation, words)


def test_several_zones_together_may_hold_an_event() -> None:
    """Two zones side by side of which each holds half."""
    zones = layer(LayerKind.ZONES, ("A", box(900, 900, 1050, 1200)), ("B", box(1050, 900, 1200, 1200)))
    assert exposure(EVENT, None, [zones]).zone is ZoneRelation.INSIDE


def test_places_are_named_with_distance_and_direction() -> None:
    """The nearest settlement by name, and the municipality that holds most of the event."""
    towns = layer(LayerKind.PLACES, ("Atsuma", Point(1050 - 1485, 1050 - 1485)), ("Abira", Point(-5000, 1050)))
    areas = layer(LayerKind.PLACES, ("Small", box(0, 0, 1010, 2000)), ("Atsuma-cho", box(1010, 0, 2000, 2000)))
    assert located(exposure(EVENT, None, [towns, areas])) == "2.1 km NE of Atsuma, in Atsuma-cho"
    assert located(exposure(EVENT, None, [layer(LayerKind.PLACES, ("X", Point(1050, 1060)))])) == "at X"
    assert located(exposure(EVENT, None, [layer(LayerKind.PLACES, (None, Point(1050, 1060)))])) == ""


def test_unknown_is_never_nothing() -> None:
    """A layer that cannot be read is said to be unknown; without a layer nothing is claimed."""
    assert told(exposure(EVENT, None, [], ["houses"])) == "exposure unknown: houses cannot be read"
    found = exposure(EVENT, None, [houses()], ["roads"])
    assert told(found) == "no building within 100 m; exposure unknown: roads cannot be read"
    assert found.roads is None
    assert told(exposure(EVENT, None, [houses(), layer(LayerKind.ROADS)])) == "no road or building within 100 m"


def test_large_outlines_are_quick() -> None:
    """A zone and an event of 100,000 corners each, among 5,000 houses, are answered (in a tenth of a second)."""
    zone, event = _star(5000.0, 100_000), _star(900.0, 100_000)
    grid = [(x * 40.0, y * 40.0) for x in range(-35, 36) for y in range(-35, 36)]
    layers = [houses(*grid), layer(LayerKind.ZONES, ("Z", zone))]
    found = exposure(event, _star(800.0, 100_000), layers)
    assert found.buildings is not None
    assert found.buildings.reached > 1000
    assert found.zone is ZoneRelation.INSIDE


def _star(radius: float, corners: int) -> Polygon:
    angles = np.linspace(0.0, 2.0 * math.pi, corners, endpoint=False)
    reach = radius * (1.0 + 0.1 * np.cos(7 * angles))
    return Polygon(np.column_stack([reach * np.cos(angles), reach * np.sin(angles)]))


@given(st.lists(st.tuples(st.integers(-500, 2500), st.integers(-500, 2500)), max_size=30))
def test_counting_agrees_with_plain_distances(corners: Sequence[tuple[int, int]]) -> None:
    """The index finds exactly what measuring every distance finds."""
    found = exposure(EVENT, RUNOUT, [houses(*corners)]).buildings
    reach = shapely.union(EVENT, RUNOUT)
    metres = [reach.distance(box(x, y, x + 10, y + 10)) for x, y in corners]
    assert found is not None
    assert found.count == sum(one <= 100 for one in metres)
    assert found.reached == sum(one == 0 for one in metres)


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_a_name_is_one_line(text: str) -> None:
    """Whatever a file holds, a name has no line breaks or controls, and cleaning it again changes nothing."""
    name = plain_name(text)
    assert len(name.splitlines()) <= 1
    assert name.isprintable() or not name.isascii()
    assert plain_name(name) == name
