"""One date as a network is fed it: pixels tile by tile, with a rim, and the ground around each tile."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from threading import RLock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.core.canvas import with_halo
from monitor.core.context import Sample, blended, neighbourhood_statistics, thin
from monitor.core.features import ContextStatistics, context_layers
from monitor.inputs import Input
from monitor.records import PixelState, Terrain, Tile

Array = NDArray[np.float32]
Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The last `size` values by tile: memory stays bounded whatever the region's size. Safe across threads."""

    def __init__(self, size: int, make: Callable[[Tile], Value]) -> None:
        self._size = size
        self._make = make
        self._values: OrderedDict[Tile, Value] = OrderedDict()
        self._lock = RLock()

    def __call__(self, tile: Tile) -> Value:
        """The value of a tile, made when it is not at hand: once, whoever else asks meanwhile."""
        with self._lock:
            if tile in self._values:
                self._values.move_to_end(tile)
                return self._values[tile]
            value = self._make(tile)
            self._values[tile] = value
            while len(self._values) > self._size:
                self._values.popitem(last=False)
            return value


@dataclass(frozen=True, slots=True, kw_only=True)
class TilePixels:
    """One tile as read: the bands of a date, and its states."""

    bands: Array
    """(C, 256, 256) reflectance or linear power; NaN = no data."""
    state: NDArray[np.uint8]
    mask_source: str


class View:
    """The pixels of one date, wherever they come from."""

    def __init__(
        self,
        pixels: Callable[[Tile], TilePixels],
        bands: Sequence[str],
        inputs: Sequence[Input],
        terrain: Callable[[Tile], Terrain | None],
        size: int,
    ) -> None:
        """
        Args:
            pixels: of any tile; one that the date does not show is NODATA.
            bands: names of the C bands, in order.
            inputs: of the network; those seen against the ground around are described by it.
            terrain: says which of that ground is slopes.
            size: descriptions kept at hand (48 kB a tile).
        """
        self._pixels = pixels
        self._bands = tuple(bands)
        self._inputs = tuple(inputs)
        self._terrain = terrain
        self._samples = Recent(size, self._sample)
        self._statistics: Recent[ContextStatistics | None] = Recent(
            size, lambda tile: neighbourhood_statistics(tile, self._samples)
        )

    def bands(self, tile: Tile, halo_px: int) -> dict[str, Array]:
        """(256 + 2 halo, 256 + 2 halo) by name; NaN where neither clear ground nor water was seen."""
        layers = with_halo(tile, halo_px, lambda near: self._pixels(near).bands, np.float32(np.nan))
        state = self.state(tile, halo_px)
        hidden = (state != PixelState.VALID) & (state != PixelState.WATER)
        return dict(zip(self._bands, np.where(hidden, np.float32(np.nan), layers), strict=True))

    def state(self, tile: Tile, halo_px: int) -> NDArray[np.uint8]:
        """(256 + 2 halo, 256 + 2 halo) PixelState."""
        return with_halo(tile, halo_px, lambda near: self._pixels(near).state, np.uint8(PixelState.NODATA))

    def ground(self, tile: Tile, halo_px: int, without: AbstractSet[Tile] = frozenset()) -> tuple[Array, Array] | None:
        """Centre and scale (C, 256 + 2 halo, 256 + 2 halo) of the inputs seen against it; None = too little is seen.

        Tiles that are left out with `without` describe nothing, as if the date did not show them.
        """
        if not without:
            return blended(tile, halo_px, self._statistics)
        return blended(
            tile, halo_px, lambda near: neighbourhood_statistics(near, lambda one: self._unless(one, without))
        )

    def _unless(self, tile: Tile, without: AbstractSet[Tile]) -> Sample:
        sample = self._samples(tile)
        if tile not in without:
            return sample
        nothing = np.zeros_like(sample.clear)
        return replace(sample, clear=nothing, steep=nothing)

    def _sample(self, tile: Tile) -> Sample:
        pixels = self._pixels(tile)
        clear = pixels.state == PixelState.VALID
        ground = self._terrain(tile) if clear.any() else None
        layers = context_layers(self._inputs, dict(zip(self._bands, pixels.bands, strict=True)))
        return thin(layers, clear, None if ground is None else ground.slope_deg)
