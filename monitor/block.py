"""Tiles looked at one after the other: what an acquisition shows of each, or why nothing.

What is known of a tile depends on the tile alone, not on the tiles beside it in a block nor on who looks.
"""

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from shapely import from_wkb

from monitor.ahead import ahead
from monitor.core.flat import FLAT
from monitor.core.grid import pixels_within
from monitor.core.sensors import clear_fraction
from monitor.leaving_out import left_out
from monitor.looking import Looker, Prepared
from monitor.observing import OUTSIDE, UNCLASSIFIED, unseen
from monitor.records import Look, Observation, Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is watched."""

    wkb: bytes
    """Geometry of the region, EPSG:4326."""
    flat_limit_deg: float
    """Slope below which ground is flat (`core.flat`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of one tile: a look, or the row that says why there is none."""

    tile: Tile
    look: Look | None
    row: Observation | None
    clear: float | None
    """Share of the watched ground that was seen (`core.sensors.clear_fraction`); None: the acquisition shows none."""


def look_at(looker: Looker, ground: Ground, tiles: Iterable[Tile]) -> Generator[Seen]:
    """Look at tiles in their order; while the network is busy with one, the next is read.

    Close the generator where it may be left early.

    Raises:
        Transient, Permanent: as the readers of `looker` do.
    """
    with closing(ahead(partial(_prepare, looker, ground), tiles)) as coming:
        for ready in coming:
            yield _seen(ready, looker)


@lru_cache(maxsize=2048)
def watched_pixels(wkb: bytes, tile: Tile) -> NDArray[np.bool_]:
    """(256, 256) pixels of a tile that lie in a region (WKB, EPSG:4326)."""
    return pixels_within(from_wkb(wkb), tile)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A tile that the network may look at, or the row that says why it may not."""

    tile: Tile
    row: Observation | None
    prepared: Prepared | None
    clear: float | None


def _prepare(looker: Looker, ground: Ground, tile: Tile) -> _Ready:
    """All that is read for a tile."""
    row = left_out(looker, tile, ground.flat_limit_deg)
    clear = None
    if row is None or row.decision not in (FLAT, OUTSIDE, UNCLASSIFIED):
        clear = clear_fraction(looker.state(tile), watched_pixels(ground.wkb, tile))
    return _Ready(tile=tile, row=row, prepared=looker.prepare(tile) if row is None else None, clear=clear)


def _seen(ready: _Ready, looker: Looker) -> Seen:
    """Let the network look."""
    tile, prepared, row, look = ready.tile, ready.prepared, ready.row, None
    if prepared is not None:
        look = looker.answer(prepared)
        row = None if look else unseen(looker.acquisition, prepared.pixels, tile, looker.instruments)
    return Seen(tile=tile, look=look, row=row, clear=ready.clear)
