"""What the lab looks at: the pixels of one file or of one stored tile, and what is known of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.georeference import Ground
from monitor.core.features import VISIBLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One file or tile, read."""

    name: str
    """Of the file without its suffix, or of the stored tile."""
    bands: tuple[str, ...]
    """Names as in model cards."""
    pixels: NDArray[np.float32]
    """(C, H, W); NaN = no observation."""
    state: NDArray[np.uint8]
    """(H, W) PixelState: why nothing was observed."""
    pixel_ha: float
    ground: Ground | None
    """None where the file does not say."""
    scaled: str = ""
    """Why its values are no reflectance, metres or degrees; empty: they are."""
    noise: bool = False
    """8-bit values: a network is shown them with noise of half a step, as in training."""
    simulated: bool = False
    """The scene itself is."""
    notes: tuple[str, ...] = ()
    """What was supposed about it."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def of(self, names: tuple[str, ...]) -> NDArray[np.float32]:
        """(len(names), H, W) of these bands, which must be there."""
        return self.pixels[[self.bands.index(name) for name in names]]

    def colours(self) -> NDArray[np.float32]:
        """(3, H, W) red, green and blue; where they are not there, its first band three times."""
        return self.of(VISIBLE) if set(VISIBLE) <= set(self.bands) else self.pixels[[0, 0, 0]]
