"""What the service finds without a network, on chips of simulated valleys: the measure that a network must beat.

Optics: brightening in red against the median of earlier looks. Radar: backscatter against the mean of earlier passes of
the track in units of their spread. Both are the service's own functions, on chips of 128 pixels instead of a scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.core.change import AlertSettings, Colours, bare_ground_change
from monitor.core.features import date_of
from monitor.core.grid import RESOLUTION_M
from monitor.core.radar import build_backscatter_reference, compare_backscatter
from monitor.records import Sensor
from training.samples import Samples
from training.simulated.chips import Stack, depth_of, place_of, stacks_of
from training.simulated.reading import BANDS
from training.simulated.valley_files import ValleyFile, View, file_of, open_valley

Array = NDArray[np.float32]

NAMES: Final[Mapping[Sensor, str]] = {Sensor.OPTICAL: "brightening of red", Sensor.SAR: "backscatter baseline"}
_FULL: Final[Mapping[Sensor, float]] = {Sensor.OPTICAL: 2.0, Sensor.SAR: 15.0}
"""Change that counts as 1: log-ratio, standard deviations."""
_SETTINGS: Final = AlertSettings()
_LEAST_SLOPE_DEG: Final = _SETTINGS.seed_slope_deg / 2


def plain_answers(folder: Path, samples: Samples, sensor: Sensor) -> Array:
    """(N, H, W) change from 0 to 1 of every chip, 0 on flat ground; NaN where there is too little to compare with."""
    answers = np.full(samples.labels.shape, np.nan, dtype=np.float32)
    depth = depth_of(samples.bands)
    placed = np.array([place_of(int(number)) for number in samples.ids])
    for seed in np.unique(placed[:, 0]):
        valley = open_valley(file_of(folder, int(seed)))
        stacks = stacks_of(valley, sensor, depth)
        for place in np.unique(placed[placed[:, 0] == seed, 1]):
            here = np.flatnonzero((placed[:, 0] == seed) & (placed[:, 1] == place))
            answers[here] = _changes(valley, stacks[int(place)], sensor)[placed[here, 2]]
    return answers


def traps_of(folder: Path, samples: Samples) -> NDArray[np.bool_]:
    """(N, H, W) ground of every chip that changed for a cause that is no landslide, at some time."""
    placed = [place_of(int(number)) for number in samples.ids]
    masks = {seed: open_valley(file_of(folder, seed)).mask("traps") for seed in {one[0] for one in placed}}
    return np.stack([masks[seed][chip] for seed, _, chip in placed])


def _changes(valley: ValleyFile, stack: Stack, sensor: Sensor) -> Array:
    """(K, H, W) of all chips of a valley's file."""
    now = stack.newest[0]
    earlier = _earlier(valley, stack)
    bands = BANDS[sensor]
    pixels = np.stack([_bands(valley, bands, view) for view in (now, *earlier)])
    slope = valley.layer("slope").astype(np.float32)
    elevation = valley.layer("elevation").astype(np.float32)
    found = np.full(slope.shape, np.nan, dtype=np.float32)
    for chip in range(len(slope)):
        slopes = np.nan_to_num(slope[chip]) >= _LEAST_SLOPE_DEG
        if sensor is Sensor.OPTICAL:
            change = _brightening(pixels[:, :, chip], elevation[chip], slopes)
        else:
            change = _backscatter(pixels[:, :, chip], (now, *earlier), slopes)
        found[chip] = np.where(slopes, change, np.where(np.isfinite(change), np.float32(0.0), change))
    return np.asarray(np.clip(found / np.float32(_FULL[sensor]), 0.0, 1.0), dtype=np.float32)


def _earlier(valley: ValleyFile, stack: Stack) -> list[View]:
    """Looks of the track from before, newest first; of a pair of sets those on the side of the earlier one."""
    newest = stack.newest[-1]
    track = [one for one in valley.views if one.track == newest.track and one.time < newest.time]
    if stack.before:
        track = [one for one in track if one.time <= stack.before[0].time and one.after == stack.before[0].after]
    elif stack.slid:
        track = [one for one in track if not one.after]
    return list(reversed(track))


def _bands(valley: ValleyFile, bands: tuple[str, ...], view: View) -> Array:
    """(C, K, H, W)."""
    return np.stack([valley.layer(date_of(band)[0], view).astype(np.float32) for band in bands])


def _brightening(pixels: Array, elevation: Array, slopes: NDArray[np.bool_]) -> Array:
    """(H, W) log-ratio of red; pixels: (looks, 3, H, W), the look first."""
    if len(pixels) < 2:
        return np.full(elevation.shape, np.nan, dtype=np.float32)
    seen = np.asarray(np.isfinite(pixels).all(axis=1), dtype=np.bool_)
    before = np.where(seen[1:, None], pixels[1:], np.float32(np.nan))
    count = np.minimum(np.cumsum(seen[1:], axis=0), _SETTINGS.looks + 1)
    before[np.broadcast_to((count > _SETTINGS.looks)[:, None], before.shape)] = np.nan
    ordered = np.sort(before, axis=0)
    known = np.isfinite(ordered).sum(axis=0)
    middle = np.take_along_axis(ordered, np.maximum(known - 1, 0)[None] // 2, axis=0)[0]
    # A chip is too small for a fit of its own for each date.
    undated = np.zeros(elevation.shape)
    return bare_ground_change(Colours(*pixels[0]), Colours(*middle), undated, elevation, slopes, RESOLUTION_M).change


def _backscatter(pixels: Array, views: tuple[View, ...], slopes: NDArray[np.bool_]) -> Array:
    """(H, W) standard deviations; pixels: (passes, 2, H, W), the pass first."""
    nothing = np.full(slopes.shape, np.nan, dtype=np.float32)
    if len(pixels) < 2:
        return nothing
    times = [datetime.fromisoformat(view.time).timestamp() for view in views[1:]]
    reference = build_backscatter_reference(pixels[1:], times, _SETTINGS.radar_looks)
    if reference is None:
        return nothing
    return compare_backscatter(pixels[0], reference, slopes, RESOLUTION_M, BANDS[Sensor.SAR]).layer.change
