"""Which chips overlap or are neighbours on the ground, by their footprints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from shapely import STRtree, buffer
from shapely.geometry.base import BaseGeometry


def touching_pairs(ids: NDArray[np.int64], footprints: Sequence[BaseGeometry], reach_deg: float) -> NDArray[np.int64]:
    """Pairs of ids, (P, 2), smaller id first, whose footprints overlap or lie within `reach_deg`.

    Args:
        footprints: one polygon per id, EPSG:4326.
        reach_deg: about half a pixel, so that neighbours count although their borders differ by rounding.
    """
    ground = np.array(footprints, dtype=object)
    tree = STRtree(ground)
    first, second = tree.query(buffer(ground, reach_deg, join_style="mitre"), predicate="intersects")
    pairs = np.sort(np.stack([ids[first], ids[second]], axis=1), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
