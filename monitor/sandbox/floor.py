"""The valley floor and its river, as curves that can be asked at any resolution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from monitor.sandbox.frame import stream

Array = NDArray[np.float64]

_GRADIENT = 0.004
"""Fall of the floor along the valley, m/m: a gravel-bed river in hills."""
_CROSS_RISE = 0.006
"""Rise of the floor away from its axis (terraces, fan toes), m/m."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """A smooth random function of one variable: a sum of sines."""

    amplitude: Array
    length_m: Array
    phase: Array

    def __call__(self, at: Array) -> Array:
        """Value at positions (metres), same shape as `at`."""
        angle = 2 * np.pi * at[..., None] / self.length_m + self.phase
        return np.asarray((self.amplitude * np.sin(angle)).sum(axis=-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ValleyFloor:
    """A flat band across the scene. Coordinates: x east, y south, metres from the scene's centre; u along, v across."""

    angle: float
    axis: Waves
    half_width_m: float
    width: Waves
    river: Array
    """(P, 2) u, v of the river's centre line, every few metres."""
    bend: Array
    """(P,) signed curvature of the river, -1 to 1: gravel lies on the inner side."""

    def along_across(self, x: Array, y: Array) -> tuple[Array, Array]:
        """u (along the valley) and distance v from its axis."""
        u = x * np.cos(self.angle) + y * np.sin(self.angle)
        v = -x * np.sin(self.angle) + y * np.cos(self.angle)
        return u, v - self.axis(u)

    def outside_m(self, x: Array, y: Array) -> Array:
        """Signed distance to the floor's edge: negative on the floor."""
        u, v = self.along_across(x, y)
        return np.asarray(np.abs(v) - self.half_width_m * (1.0 + self.width(u)))

    def elevation_m(self, x: Array, y: Array) -> Array:
        """Height of the floor above the lower end of the valley, continued outside of it."""
        u, v = self.along_across(x, y)
        return np.asarray(-_GRADIENT * u + _CROSS_RISE * np.abs(v))

    def river_distance(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Distance to the river's centre line (m), and bend times side: positive on the inner side of a bend.

        Args:
            x, y: (P,) points.
        """
        u, v = self.along_across(x, y)
        distance, nearest = cKDTree(self.river).query(np.column_stack([u, v]), k=1)
        before = self.river[np.maximum(nearest - 1, 0)]
        heading = self.river[np.minimum(nearest + 1, len(self.river) - 1)] - before
        away = np.column_stack([u, v]) - self.river[nearest]
        side = np.sign(heading[:, 0] * away[:, 1] - heading[:, 1] * away[:, 0])
        return np.asarray(distance), np.asarray(side * self.bend[nearest])


def make_floor(seed: int, side_m: float) -> ValleyFloor:
    """A valley floor through the middle of a square of `side_m`, with a meandering river on it."""
    rng = stream(seed, "floor")
    half_width = min(430.0, 0.055 * side_m) * rng.uniform(0.85, 1.15)
    reach = 1.2 * side_m
    bends = np.array([0.07, 0.03, 0.01]) * side_m * rng.uniform(0.5, 1.2, 3)
    axis = _waves(bends, np.array([1.3, 0.6, 0.33]) * side_m * rng.uniform(0.8, 1.2, 3), rng)
    lengths = np.array([0.5, 0.23, 0.11]) * side_m * rng.uniform(0.8, 1.2, 3)
    width = _waves(np.array([0.22, 0.15, 0.10]), lengths, rng)
    river, bend = _meanders(rng, reach, half_width)
    return ValleyFloor(
        angle=rng.uniform(0, np.pi), axis=axis, half_width_m=half_width, width=width, river=river, bend=bend
    )


def _waves(amplitude: Array, length_m: Array, rng: np.random.Generator) -> Waves:
    """Waves of given size and random phase."""
    return Waves(amplitude=amplitude, length_m=length_m, phase=rng.uniform(0.0, 2 * np.pi, amplitude.size))


def _meanders(rng: np.random.Generator, reach: float, half_width: float) -> tuple[Array, Array]:
    """Centre line of a river that swings inside the floor, skewed so that bends overhang a little, and its bend."""
    along = np.arange(-reach, reach, 4.0)
    length = half_width * rng.uniform(2.8, 3.6)
    drift = _waves(rng.uniform(0.4, 0.9, 3), length * np.array([5.3, 3.1, 8.7]), rng)
    swing = 0.5 + _waves(np.array([0.17, 0.17]), length * np.array([2.7, 6.1]), rng)(along)
    phase = 2 * np.pi * along / length + drift(along)
    u = along - 0.09 * length * swing * np.sin(2 * phase)
    v = 0.8 * half_width * swing * np.sin(phase)
    du, dv = np.gradient(u), np.gradient(v)
    curvature = (du * np.gradient(dv) - dv * np.gradient(du)) / np.maximum(du**2 + dv**2, 1e-6) ** 1.5
    bend = np.clip(curvature / np.quantile(np.abs(curvature), 0.9), -1.0, 1.0)
    return np.column_stack([u, v]), bend
