"""What a simulated valley is asked to tell, and the version of the simulation.

Versions of the valley (`VALLEY_VERSION`, in truth.json and in every item):

1. Sentinel-2 and the elevation model.
2. Sentinel-1 passes of two tracks, a land cover map, a storm under cloud, clear-cuts and snow, each only where the
   story has it; causes of change that is no landslide in truth.json. Without a story the pixels are those of version 1.

Ten bands of Sentinel-2 came to version 2 later, where the story has them (`Story.ten_bands`). They are no version of
their own: whatever was there without them is the same to the last bit, and an older folder lists no further band.
"""

from dataclasses import dataclass

VALLEY_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happens in the valley beside the storm, and who looks at it."""

    radar: bool = False
    """Sentinel-1 passes over it on an ascending and a descending track."""
    land_cover: bool = False
    """A WorldCover-like map is in the catalog."""
    overcast: bool = False
    """One quiet look is mostly clouded, and the first look after the storm sees nothing but cloud."""
    clearcut: bool = False
    """A block of forest on a slope is felled between two quiet looks."""
    snow: bool = False
    """The highest ground is white in one quiet look."""
    year: bool = False
    """The looks last about a year: leaves fall and come back, fields follow the farmer's calendar, snow lies in spells
    of winter, most looks are clouded, a track of radar comes every 12 days. `overcast` and `snow` add nothing to it."""
    ten_bands: bool = False
    """Sentinel-2 delivers B05, B06, B07, B08, B8A, B11 and B12 too, those of 20 m at 20 m."""


PLAIN = Story()
"""The valley of version 1."""
STORM_UNDER_CLOUD = Story(radar=True, land_cover=True, overcast=True)
"""The demonstration: radar sees the slopes fail before the sky clears."""
