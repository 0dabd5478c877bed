"""Land-cover classes of the maps that can be had, and how one map's classes are said in another's.

A crosswalk is a reading, not a fact: it never adds detail, and where a class has no counterpart the pixel has no class.
What each one loses is said at its table. There is none to JAXA's map: its five kinds of forest decide how slopes hold,
and no other map here tells them apart. A model that wants them runs where the map is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.uint8]

NODATA = 0
"""No class: outside the map, or a value that its legend does not have. All schemes here keep 0 for that."""


class Scheme(StrEnum):
    """Legends, as model cards name them: `land_cover:<scheme>`."""

    ESA_WORLDCOVER = "esa-worldcover"
    """10 m, 2020 and 2021, 11 classes."""
    IO_LULC = "io-lulc"
    """Impact Observatory annual maps, 10 m, since 2017, 9 classes."""
    JAXA_HRLULC = "jaxa-hrlulc"
    """High-resolution land use and land cover of Japan, 10 m, 15 classes."""


COLLECTIONS: Mapping[str, Scheme] = {
    "esa-worldcover": Scheme.ESA_WORLDCOVER,
    "io-lulc-annual-v02": Scheme.IO_LULC,
    "io-lulc-9-class": Scheme.IO_LULC,
    "jaxa-hrlulc": Scheme.JAXA_HRLULC,
}
"""Collections whose legend is known."""


class WorldCover(IntEnum):
    """ESA WorldCover v100 and v200 (product user manual, table 2)."""

    TREE_COVER = 10
    SHRUBLAND = 20
    GRASSLAND = 30
    CROPLAND = 40
    """Annual crops; greenhouses are built-up, tree crops are tree cover."""
    BUILT_UP = 50
    BARE_SPARSE = 60
    SNOW_ICE = 70
    WATER = 80
    HERBACEOUS_WETLAND = 90
    MANGROVES = 95
    MOSS_LICHEN = 100


class IoLulc(IntEnum):
    """Impact Observatory annual land cover, 9 classes (`io-lulc-9-class`, `io-lulc-annual-v02`).

    The first map (`io-lulc`, 2020) has grass 3 and scrub 6 in place of rangeland 11; those values are unknown here.
    """

    WATER = 1
    TREES = 2
    """Mangroves and swamps with closed canopy included."""
    FLOODED_VEGETATION = 4
    """Rice paddies included."""
    CROPS = 5
    BUILT_AREA = 7
    BARE_GROUND = 8
    SNOW_ICE = 9
    CLOUDS = 10
    RANGELAND = 11
    """Grass and scrub."""


class Hrlulc(IntEnum):
    """JAXA HRLULC Japan, v25.04 (https://www.eorc.jaxa.jp/ALOS/en/dataset/lulc/lulc_v2504_e.htm).

    v21.11 has the first 12 of these, v23.12 the first 14, under the same values.
    """

    WATER = 1
    BUILT_UP = 2
    PADDY = 3
    CROPLAND = 4
    GRASSLAND = 5
    DECIDUOUS_BROADLEAF = 6
    DECIDUOUS_NEEDLELEAF = 7
    EVERGREEN_BROADLEAF = 8
    EVERGREEN_NEEDLELEAF = 9
    BARE = 10
    BAMBOO = 11
    SOLAR_PANEL = 12
    WETLAND = 13
    GREENHOUSE = 14
    REEF_TIDAL_FLAT = 15


CLASSES: Mapping[Scheme, tuple[IntEnum, ...]] = {
    Scheme.ESA_WORLDCOVER: tuple(WorldCover),
    Scheme.IO_LULC: tuple(IoLulc),
    Scheme.JAXA_HRLULC: tuple(Hrlulc),
}
"""Classes by scheme, in the order of a model's channels."""
_SILENT: Mapping[Scheme, frozenset[int]] = {
    Scheme.ESA_WORLDCOVER: frozenset({NODATA}),
    Scheme.IO_LULC: frozenset({NODATA}),
    Scheme.JAXA_HRLULC: frozenset({NODATA, 255}),
}
"""Values that say "no data" and need no word."""

# Lost: shrubland and moss are not told from grassland; sparse wetland from paddies. Mangroves become trees, as
# Impact Observatory defines them.
_WORLDCOVER_TO_IO: Mapping[IntEnum, IntEnum | None] = {
    WorldCover.TREE_COVER: IoLulc.TREES,
    WorldCover.SHRUBLAND: IoLulc.RANGELAND,
    WorldCover.GRASSLAND: IoLulc.RANGELAND,
    WorldCover.CROPLAND: IoLulc.CROPS,
    WorldCover.BUILT_UP: IoLulc.BUILT_AREA,
    WorldCover.BARE_SPARSE: IoLulc.BARE_GROUND,
    WorldCover.SNOW_ICE: IoLulc.SNOW_ICE,
    WorldCover.WATER: IoLulc.WATER,
    WorldCover.HERBACEOUS_WETLAND: IoLulc.FLOODED_VEGETATION,
    WorldCover.MANGROVES: IoLulc.TREES,
    WorldCover.MOSS_LICHEN: IoLulc.RANGELAND,
}
# Lost: scrub becomes grassland (the larger part of rangeland), paddies become wetland, mangroves stay trees; moss is
# never met. Clouds are no class of the ground.
_IO_TO_WORLDCOVER: Mapping[IntEnum, IntEnum | None] = {
    IoLulc.WATER: WorldCover.WATER,
    IoLulc.TREES: WorldCover.TREE_COVER,
    IoLulc.FLOODED_VEGETATION: WorldCover.HERBACEOUS_WETLAND,
    IoLulc.CROPS: WorldCover.CROPLAND,
    IoLulc.BUILT_AREA: WorldCover.BUILT_UP,
    IoLulc.BARE_GROUND: WorldCover.BARE_SPARSE,
    IoLulc.SNOW_ICE: WorldCover.SNOW_ICE,
    IoLulc.CLOUDS: None,
    IoLulc.RANGELAND: WorldCover.GRASSLAND,
}
# Lost: the kinds of forest, and bamboo among them; paddies; solar panels and greenhouses become built-up, as
# WorldCover's manual has it for greenhouses. Shrubland, mangroves, moss and snow are never met.
_HRLULC_TO_WORLDCOVER: Mapping[IntEnum, IntEnum | None] = {
    Hrlulc.WATER: WorldCover.WATER,
    Hrlulc.BUILT_UP: WorldCover.BUILT_UP,
    Hrlulc.PADDY: WorldCover.CROPLAND,
    Hrlulc.CROPLAND: WorldCover.CROPLAND,
    Hrlulc.GRASSLAND: WorldCover.GRASSLAND,
    Hrlulc.DECIDUOUS_BROADLEAF: WorldCover.TREE_COVER,
    Hrlulc.DECIDUOUS_NEEDLELEAF: WorldCover.TREE_COVER,
    Hrlulc.EVERGREEN_BROADLEAF: WorldCover.TREE_COVER,
    Hrlulc.EVERGREEN_NEEDLELEAF: WorldCover.TREE_COVER,
    Hrlulc.BARE: WorldCover.BARE_SPARSE,
    Hrlulc.BAMBOO: WorldCover.TREE_COVER,
    Hrlulc.SOLAR_PANEL: WorldCover.BUILT_UP,
    Hrlulc.WETLAND: WorldCover.HERBACEOUS_WETLAND,
    Hrlulc.GREENHOUSE: WorldCover.BUILT_UP,
    Hrlulc.REEF_TIDAL_FLAT: WorldCover.BARE_SPARSE,
}
# Lost: as to WorldCover; paddies are flooded vegetation, as Impact Observatory defines it.
_HRLULC_TO_IO: Mapping[IntEnum, IntEnum | None] = {
    Hrlulc.WATER: IoLulc.WATER,
    Hrlulc.BUILT_UP: IoLulc.BUILT_AREA,
    Hrlulc.PADDY: IoLulc.FLOODED_VEGETATION,
    Hrlulc.CROPLAND: IoLulc.CROPS,
    Hrlulc.GRASSLAND: IoLulc.RANGELAND,
    Hrlulc.DECIDUOUS_BROADLEAF: IoLulc.TREES,
    Hrlulc.DECIDUOUS_NEEDLELEAF: IoLulc.TREES,
    Hrlulc.EVERGREEN_BROADLEAF: IoLulc.TREES,
    Hrlulc.EVERGREEN_NEEDLELEAF: IoLulc.TREES,
    Hrlulc.BARE: IoLulc.BARE_GROUND,
    Hrlulc.BAMBOO: IoLulc.TREES,
    Hrlulc.SOLAR_PANEL: IoLulc.BUILT_AREA,
    Hrlulc.WETLAND: IoLulc.FLOODED_VEGETATION,
    Hrlulc.GREENHOUSE: IoLulc.BUILT_AREA,
    Hrlulc.REEF_TIDAL_FLAT: IoLulc.BARE_GROUND,
}
_CROSSWALKS: Mapping[tuple[Scheme, Scheme], Mapping[IntEnum, IntEnum | None]] = {
    (Scheme.ESA_WORLDCOVER, Scheme.IO_LULC): _WORLDCOVER_TO_IO,
    (Scheme.IO_LULC, Scheme.ESA_WORLDCOVER): _IO_TO_WORLDCOVER,
    (Scheme.JAXA_HRLULC, Scheme.ESA_WORLDCOVER): _HRLULC_TO_WORLDCOVER,
    (Scheme.JAXA_HRLULC, Scheme.IO_LULC): _HRLULC_TO_IO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LandCover:
    """A map on one geobox, in its own classes."""

    scheme: Scheme
    classes: Classes
    """(H, W) values of the scheme's legend; 0 = no class."""
    unknown_px: int = 0
    """Pixels whose value the legend does not have; they are 0 in `classes`."""


def crosswalk(source: Scheme, target: Scheme) -> Mapping[IntEnum, IntEnum | None] | None:
    """What each class of `source` is called in `target` (None: it has no name there); None where there is no way."""
    if source is target:
        return {one: one for one in CLASSES[source]}
    return _CROSSWALKS.get((source, target))


def sources_for(target: Scheme) -> tuple[Scheme, ...]:
    """Maps that can be read in a model's classes: its own first."""
    return (target, *(one for one in Scheme if one is not target and crosswalk(one, target) is not None))


def unknown_values(classes: Classes, scheme: Scheme) -> dict[int, int]:
    """Values that the scheme's legend does not have, with the number of their pixels; nodata is none of them."""
    values, counts = np.unique(classes, return_counts=True)
    known = {int(one) for one in CLASSES[scheme]} | _SILENT[scheme]
    return {int(value): int(count) for value, count in zip(values, counts, strict=True) if int(value) not in known}


def land_cover(classes: Classes, scheme: Scheme) -> LandCover:
    """The map without what its legend does not know: `classes` (H, W) as read from the file."""
    table = np.zeros(256, dtype=np.uint8)
    for one in CLASSES[scheme]:
        table[one] = one
    unknown_px = sum(unknown_values(classes, scheme).values())
    return LandCover(scheme=scheme, classes=table[classes], unknown_px=unknown_px)


def in_classes_of(found: LandCover, target: Scheme) -> Classes:
    """(H, W) the map in another scheme's classes; 0 where a class has no name there.

    Raises:
        ValueError: there is no crosswalk from the map's classes to these.
    """
    names = crosswalk(found.scheme, target)
    if names is None:
        raise ValueError(f"classes of {found.scheme.value} cannot be said in those of {target.value}")
    table = np.full(256, NODATA, dtype=np.uint8)
    for own, other in names.items():
        if other is not None:
            table[own] = other
    return table[found.classes]


def one_hot(found: LandCover, target: Scheme) -> NDArray[np.float32]:
    """(C, H, W) 1 where a pixel is of a class, in the order of `CLASSES[target]`; all 0 where it has none.

    Raises:
        ValueError: there is no crosswalk from the map's classes to these.
    """
    classes = in_classes_of(found, target)
    return np.stack([classes == one for one in CLASSES[target]]).astype(np.float32)
