"""Pictures and chips of alerts, made from the looks at hand (`monitor.ports.Illustrator`)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.adapters.chips import Chips, chip_geobox, paste, patch, write_chips, write_picture
from monitor.adapters.picture import alert_picture
from monitor.records import Event, Look, Tile


class Illustrations:
    """Draws alerts into `root`/alerts/<event id>/."""

    def __init__(self, root: Path, regions: Mapping[str, BaseGeometry], threshold: float) -> None:
        """`root` is the product folder, `regions` their polygons (EPSG:4326), `threshold` the model card's."""
        self._root = root
        self._regions = regions
        self._threshold = threshold

    def illustrate(
        self,
        event: Event,
        now: Mapping[Tile, Look],
        before: Mapping[Tile, Look],
        change: Mapping[Tile, NDArray[np.float32]],
    ) -> str:
        """Write chips and picture of an alert and return the picture's href.

        Raises:
            DiskFull
        """
        geobox = chip_geobox(event.geometry, event.tiles[0].epsg)
        unknown = np.full(geobox.shape, np.nan, dtype=np.float32)
        chips = Chips(
            geobox=geobox,
            before=patch(list(before.values()), geobox),
            after=patch(list(now.values()), geobox),
            probability=paste({tile: look.probability for tile, look in now.items()}, geobox, unknown),
            change=paste(change, geobox, unknown),
        )
        write_chips(self._root, event, chips)
        picture = alert_picture(event, chips, region=self._regions.get(event.region), threshold=self._threshold)
        return write_picture(self._root, event, picture)
