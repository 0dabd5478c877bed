"""What lies on and near an event, by an operator's own layers, and how people say it."""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from monitor.core.bearing import bearing_deg, compass
from monitor.records import Exposure, LayerKind, Nearby, ZoneRelation

Geometries = NDArray[np.object_]

NEAR_M = 100.0
"""What is so close to changed ground, or to where debris could go, counts as exposed."""
MOST_NAMES = 5
_NAME_LENGTH = 120
_ROUGH_M = 1.0
_AREAS = ("Polygon", "MultiPolygon")
# They turn the text around them: a name could make a message read as another one. Letters keep their own direction.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer, ready to be asked. Made by `layer_of`."""

    name: str
    kind: LayerKind
    ground: Geometries
    """(N,) valid, not empty, in one metric CRS."""
    names: tuple[str, ...]
    """(N,) name of each; empty where it has none."""
    tree: STRtree


@dataclass(frozen=True, slots=True, kw_only=True)
class LayersAtHand:
    """The layers of a region as far as they can be read."""

    layers: tuple[Layer, ...]
    unreadable: tuple[str, ...] = ()
    """Names of the others."""
    complaints: tuple[str, ...] = ()
    """What is wrong with any: each time of one that cannot be read, once of one that lost some features."""


def layer_of(name: str, kind: LayerKind, ground: Geometries, names: Sequence[object]) -> Layer:
    """A layer of (N,) geometries in one metric CRS and their names as they stand in the file; None has none."""
    return Layer(name=name, kind=kind, ground=ground, names=tuple(map(plain_name, names)), tree=STRtree(ground))


def plain_name(value: object) -> str:
    """A name as one line of text: without control characters and marks that turn the text around them.

    What markup would take for its own (<, &, quotes) stays: whoever writes markup escapes it.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = "".join(" " if one.isspace() else one for one in str(value) if one not in _TURNING)
    kept = "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cs", "Cn", "Co"))
    return " ".join(kept.split())[:_NAME_LENGTH].strip()


def exposure(
    outline: BaseGeometry,
    runout: BaseGeometry | None,
    layers: Iterable[Layer],
    unreadable: Sequence[str] = (),
    near_m: float = NEAR_M,
) -> Exposure:
    """What the layers have at an event.

    Args:
        outline: of the changed ground, in the CRS of the layers, as `runout`: where debris could go.
        unreadable: names of layers that are configured and cannot be read.
    """
    kinds: dict[LayerKind, list[Layer]] = {kind: [] for kind in LayerKind}
    for one in layers:
        kinds[one.kind].append(one)
    reach = outline if runout is None else shapely.union(outline, runout)
    relation, zones = _zones(outline, reach, kinds[LayerKind.ZONES])
    return Exposure(
        near_m=near_m,
        roads=_roads(reach, kinds[LayerKind.ROADS], near_m) if kinds[LayerKind.ROADS] else None,
        buildings=_buildings(reach, kinds[LayerKind.BUILDINGS], near_m) if kinds[LayerKind.BUILDINGS] else None,
        zone=relation,
        zones=zones,
        municipality=_municipality(outline, kinds[LayerKind.PLACES]),
        place=_place(outline, kinds[LayerKind.PLACES]),
        unreadable=tuple(unreadable),
    )


def told(found: Exposure) -> str:
    """Roads, buildings and zones in words: "2 roads, 14 buildings within 100 m, inside a designated zone"."""
    counted = ((found.roads, "road"), (found.buildings, "building"))
    known = [(one, what) for one, what in counted if one is not None]
    parts = []
    if any(one.count for one, _ in known):
        things = ", ".join(f"{one.count} {what}{'' if one.count == 1 else 's'}" for one, what in known if one.count)
        parts.append(f"{things} within {found.near_m:g} m")
    elif known:
        parts.append(f"no {' or '.join(what for _, what in known)} within {found.near_m:g} m")
    if found.zone is not None:
        parts.append(_ZONE_WORDS[found.zone] + (f" ({', '.join(found.zones)})" if found.zones else ""))
    said = ", ".join(parts)
    unknown = f"exposure unknown: {', '.join(found.unreadable)} cannot be read" if found.unreadable else ""
    return "; ".join(filter(None, (said, unknown)))


def located(found: Exposure) -> str:
    """Where it is in words: "2.1 km NE of Atsuma, in Atsuma-cho"; empty without a named place."""
    inside = f"in {found.municipality}" if found.municipality else ""
    return ", ".join(filter(None, (found.place, inside)))


_ZONE_WORDS = {
    ZoneRelation.INSIDE: "inside a designated zone",
    ZoneRelation.TOUCHES: "partly inside a designated zone",
    ZoneRelation.REACHED: "could run out into a designated zone",
    ZoneRelation.OUTSIDE: "outside designated zones",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Close:
    """Features within a distance, nearest first (to a metre)."""

    ground: Geometries
    names: tuple[str, ...]
    reached: NDArray[np.bool_]


def _close(reach: BaseGeometry, layers: Sequence[Layer], near_m: float) -> _Close:
    found = [(layer, np.sort(layer.tree.query(reach, predicate="dwithin", distance=near_m))) for layer in layers]
    ground = np.concatenate([np.zeros(0, dtype=object), *(layer.ground[index] for layer, index in found)])
    names = [layer.names[place] for layer, index in found for place in index]
    shapely.prepare(reach)
    reached = np.asarray(shapely.intersects(reach, ground), dtype=bool)
    # Distances serve the order of names alone, and from an outline of 100,000 corners they take seconds.
    metres = np.where(reached, 0.0, shapely.distance(reach.simplify(_ROUGH_M), ground))
    order = np.argsort(metres, kind="stable")
    return _Close(ground=ground[order], names=tuple(names[place] for place in order), reached=reached[order])


def _buildings(reach: BaseGeometry, layers: Sequence[Layer], near_m: float) -> Nearby:
    close = _close(reach, layers, near_m)
    return Nearby(count=len(close.names), reached=int(close.reached.sum()), names=_first(close.names))


def _roads(reach: BaseGeometry, layers: Sequence[Layer], near_m: float) -> Nearby:
    """Maps cut roads into pieces at every crossing: one name, or pieces without a name that meet, are one road."""
    close = _close(reach, layers, near_m)
    named = np.array([bool(name) for name in close.names], dtype=bool)
    whole, parts = connected_pieces(close.ground[~named])
    touched = close.reached
    names = {name for name in close.names if name}
    names_reached = {name for name, hit in zip(close.names, touched, strict=True) if name and hit}
    return Nearby(
        count=len(names) + whole,
        reached=len(names_reached) + len(set(parts[touched[~named]].tolist())),
        names=_first(close.names),
    )


def connected_pieces(ground: Geometries) -> tuple[int, NDArray[np.int32]]:
    """How many groups of touching geometries there are, and the number of the group of each."""
    if not len(ground):
        return 0, np.zeros(0, dtype=np.int32)
    one, other = STRtree(ground).query(ground, predicate="intersects")
    links = scipy.sparse.coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(len(ground), len(ground)))
    count, parts = scipy.sparse.csgraph.connected_components(links, directed=False)
    return int(count), np.asarray(parts, dtype=np.int32)


def _zones(
    outline: BaseGeometry, reach: BaseGeometry, layers: Sequence[Layer]
) -> tuple[ZoneRelation | None, tuple[str, ...]]:
    if not layers:
        return None, ()
    for area, relation in ((outline, ZoneRelation.TOUCHES), (reach, ZoneRelation.REACHED)):
        found = [(layer, np.sort(layer.tree.query(area, predicate="intersects"))) for layer in layers]
        if not any(len(index) for _, index in found):
            continue
        names = _first([layer.names[place] for layer, index in found for place in index])
        if relation is ZoneRelation.TOUCHES:
            together = shapely.union_all(np.concatenate([layer.ground[index] for layer, index in found]))
            relation = ZoneRelation.INSIDE if shapely.covers(together, outline) else relation
        return relation, names
    return ZoneRelation.OUTSIDE, ()


def _municipality(outline: BaseGeometry, layers: Sequence[Layer]) -> str | None:
    """The named area that holds most of the event."""
    shares = [
        (shapely.intersection(layer.ground[place], outline).area, layer.names[place])
        for layer in layers
        for place in layer.tree.query(outline, predicate="intersects").tolist()
        if layer.names[place] and layer.ground[place].geom_type in _AREAS
    ]
    return max(shares, default=(0.0, None))[1]


def _place(outline: BaseGeometry, layers: Sequence[Layer]) -> str | None:
    """Distance and direction from the nearest named settlement."""
    centre = outline.representative_point()
    points = [_points(layer) for layer in layers]
    ground = np.concatenate([np.zeros(0, dtype=object), *(one for one, _ in points)])
    names = [name for _, some in points for name in some]
    if not names:
        return None
    metres = shapely.distance(ground, centre)
    nearest = min(range(len(names)), key=lambda index: (metres[index], names[index]))
    place = shapely.get_point(shapely.shortest_line(ground[nearest], centre), 0)
    east, north = centre.x - place.x, centre.y - place.y
    if metres[nearest] < NEAR_M:
        return f"at {names[nearest]}"
    wind = compass(bearing_deg(east, north))
    return f"{_distance(float(metres[nearest]))} {wind} of {names[nearest]}"


def _points(layer: Layer) -> tuple[Geometries, list[str]]:
    kept = [place for place, one in enumerate(layer.ground) if layer.names[place] and one.geom_type not in _AREAS]
    return layer.ground[kept], [layer.names[place] for place in kept]


def _distance(metres: float) -> str:
    if metres < 950.0:
        return f"{10 * round(metres / 10)} m"
    return f"{metres / 1000:.1f} km" if metres < 9950.0 else f"{metres / 1000:.0f} km"


def _first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_NAMES]
