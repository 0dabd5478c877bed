"""The grid on which a radar's own pixels lie below the 10 m of the canvas.

A pass of 30 m fills 3 x 3 pixels of a canvas with each of its own, one of 22 m blurs them. Either is compared on blocks
about as large as the native pixel, where nothing is worked on nine times; answers are laid back onto the canvas.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.core.grid import RESOLUTION_M

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Value = TypeVar("Value", bound=np.generic)

_LEAST_SHARE = 0.5
"""A block is observed where at least so much of it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeGrid:
    """Blocks of `step` x `step` canvas pixels."""

    step: int
    top: int
    left: int
    """Canvas pixels that the first blocks lack at the edge: native pixels need not start where the canvas does."""
    shape: tuple[int, int]
    """(H, W) of the canvas."""

    @classmethod
    def under(cls, power: Array, native_m: float) -> "NativeGrid":
        """The grid of pixels of `native_m` metres; repeated pixels of (P, H, W) `power` show where they start."""
        step = max(int(native_m / RESOLUTION_M + 1e-6), 1)
        top, left = (_missing(power[0], step, axis) for axis in (0, 1))
        return cls(step=step, top=top, left=left, shape=(power.shape[-2], power.shape[-1]))

    def share(self, seen: Mask) -> Array:
        """(h, w) share, 0 to 1, of every block that is seen; what lies beyond the canvas is not."""
        inside = self._sum(np.ones(self.shape, np.float32))
        return np.asarray(self._sum(seen.astype(np.float32)) / np.maximum(inside, 1.0), dtype=np.float32)

    def gather(self, values: Array, seen: Mask) -> Array:
        """(..., h, w) mean of every block over what is seen of (..., H, W) values; 0 where nothing is."""
        if self.step == 1:
            return np.where(seen, values, np.float32(0.0))
        count = np.maximum(self._sum(seen.astype(np.float32)), np.float32(1.0))
        return np.asarray(self._sum(np.where(seen, values, np.float32(0.0))) / count, dtype=np.float32)

    def observed(self, seen: Mask) -> Mask:
        """(h, w) blocks of which at least half is seen."""
        return np.asarray(self.share(seen) >= _LEAST_SHARE)

    def lay(self, values: NDArray[Value]) -> NDArray[Value]:
        """(..., H, W) values of blocks on the canvas."""
        if self.step == 1:
            return values
        rows = np.arange(self.shape[0]) + self.top
        columns = np.arange(self.shape[1]) + self.left
        return np.asarray(values[..., (rows // self.step)[:, None], columns // self.step])

    def _sum(self, values: Array) -> Array:
        """(..., h, w) sums of blocks."""
        if self.step == 1:
            return values
        height, width = self.shape
        before = [(0, 0)] * (values.ndim - 2)
        down, right = -(height + self.top) % self.step, -(width + self.left) % self.step
        padded = np.pad(values, [*before, (self.top, down), (self.left, right)])
        rows = np.add.reduce([padded[..., start :: self.step, :] for start in range(self.step)])
        blocks = np.add.reduce([rows[..., start :: self.step] for start in range(self.step)])
        return np.asarray(blocks, dtype=np.float32)


def _missing(power: Array, step: int, axis: int) -> int:
    """Pixels by which the first block is cut, where values are repeated; 0 where they are not."""
    if step == 1 or power.shape[axis] <= step:
        return 0
    lines = power if axis == 0 else power.T
    changes = (lines[1:] != lines[:-1]) & np.isfinite(lines[1:]) & np.isfinite(lines[:-1])
    starts = np.bincount((np.flatnonzero(changes.any(axis=1)) + 1) % step, minlength=step)
    # Blocks that are repeated change at one place in `step` only.
    return int(-np.argmax(starts) % step) if np.count_nonzero(starts) == 1 else 0
