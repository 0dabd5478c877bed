"""Radar pixels of a pass on the grid: gamma0 in linear power, and why a pixel is or is not an observation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling

from monitor.adapters.imagery import labelled, painted
from monitor.adapters.rasters import RasterReader
from monitor.adapters.signing import Signers
from monitor.core.faults import not_linear_power
from monitor.core.grid import tile_geobox
from monitor.core.paint import Brush
from monitor.core.radar_geometry import OperaMask, from_opera_mask
from monitor.errors import BadItem, InputFault
from monitor.records import Bands, PixelState, SceneItem, Tile

Array = NDArray[np.float32]
States = NDArray[np.uint8]

MASK_SOURCE = "radar"


class RadarImageSource:
    """Reads Sentinel-1 RTC like items (`ImageSource`)."""

    def __init__(self, signed: Signers | None = None, brush: Brush | None = None) -> None:
        """Files are opened on first use and kept open per thread; `signed` gives the link to read now.

        `brush` paints over what is read.
        """
        self._signed = signed or Signers({})
        self._brush = brush or Brush()
        self._reader = RasterReader()

    def read(self, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        """The tile's own 256x256 px of the polarisations `bands`; slices and bursts are laid over each other.

        Pixels coarser than 10 m are repeated, never smoothed: 30 m data stay 30 m data. Power that is not positive
        is no observation: borders and gaps of radar products are zero, and noise removal leaves negative values.

        Raises:
            BadAsset, BadItem: an item cannot be read, ever.
            AssetUnavailable: it cannot be read now.
            InputFault: its numbers are no linear power.
        """
        parts = [self._read_item(item, bands, tile) for item in sorted(items, key=lambda item: (item.id, item.catalog))]
        power, state = parts[0]
        for more_power, more_state in parts[1:]:
            better = (state != PixelState.VALID) & (
                (more_state == PixelState.VALID) | ((state == PixelState.NODATA) & (more_state != PixelState.NODATA))
            )
            power[:, better], state[better] = more_power[:, better], more_state[better]
        return Bands(pixels=labelled(power, bands, tile), state=state, mask_source=MASK_SOURCE)

    def _read_item(self, item: SceneItem, bands: Sequence[str], tile: Tile) -> tuple[Array, States]:
        """Power (P, 256, 256), NaN = none, and states (256, 256)."""
        power = np.concatenate([self._read_asset(item, name, tile) for name in bands])
        _check_linear(power, item)
        observed = np.isfinite(power).all(axis=0) & (power > 0).all(axis=0)
        power[:, ~observed] = np.nan
        state = np.where(observed, np.uint8(PixelState.VALID), np.uint8(PixelState.NODATA))
        if "mask" in item.assets:
            mask = self._read_asset(item, "mask", tile)[0]
            producer = from_opera_mask(np.nan_to_num(mask, nan=OperaMask.NODATA).astype(np.uint8))
            state[observed & producer.shadow] = PixelState.RADAR_SHADOW
            state[observed & producer.layover] = PixelState.LAYOVER
            state[producer.nodata] = PixelState.NODATA
        return power, state

    def _read_asset(self, item: SceneItem, name: str, tile: Tile) -> Array:
        if name not in item.assets:
            raise BadItem(
                f"the item has no asset for {name} (it has {', '.join(sorted(item.assets)) or 'none'})",
                item=item.id,
                remedy="Ask the catalog's operator; the pass is parked.",
                reason="missing-asset",
            )
        asset = item.assets[name]
        href = self._signed(item, asset.href)
        # Nearest: the passes of a track share their grid, and an interpolated pixel would mix ground with the zeros
        # of the border and have less speckle than its neighbours.
        power = self._reader.warp([href], item.id, tile_geobox(tile), Resampling.nearest, asset.nodata)
        return painted(power, name, tile_geobox(tile), self._brush)


def _check_linear(power: Array, item: SceneItem) -> None:
    """Here, not later: what is not above zero is no observation, so decibels would pass for an empty scene."""
    finding = not_linear_power(power)
    if finding is not None:
        raise InputFault(
            finding.detail,
            item=item.id,
            remedy="Ask the catalog's operator for gamma0 in linear power, or take the collection off the region.",
            reason=finding.fault.value,
        )
