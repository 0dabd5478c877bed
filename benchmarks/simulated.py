"""Real beside simulated: is the backscatter of the sandbox's valley what Sentinel-1 measures?

`benchmarks/simulated_optical.py` asks the same of its reflectance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks import simulated_optical
from benchmarks.simulated_figure import Histogram, Panel, draw
from monitor.sandbox.cover import Cover, grow_cover
from monitor.sandbox.frame import place_frame
from monitor.sandbox.radar_items import RADAR
from monitor.sandbox.story import Story
from monitor.sandbox.terrain import build_relief
from monitor.sandbox.valley import build_valley

Power = NDArray[np.float64]
Mask = NDArray[np.bool_]

SIZE_PX, QUIET, AFTER = 512, 2, 1
FOREST_BURSTS = ("T137-292319", "T137-292321")
"""OPERA crops over wooded coast ranges; the bursts further along are grass, desert or sea."""
GREEN_NDVI, DRY_NDVI = 0.6, 0.3
_CALIFORNIA, _SPAIN = Path("california_s1_rtc"), Path("spain_s1s2_chip")
_LAGS = range(7)
_HOMOGENEOUS = 0.85
"""Quantile of the local number of looks above which ground counts as homogeneous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One look at both polarisations with broad classes. Linear power, (H, W)."""

    vv: Power
    vh: Power
    forest: Mask
    open_land: Mask
    water: Mask

    def band(self, polarisation: str) -> Power:
        """By name."""
        return self.vv if polarisation == "VV" else self.vh


def run(data: Path, out: Path, seed: int) -> str:
    """Build a valley, read the real scenes, draw `simulated.png` and `simulated-optical.png`.

    Returns the medians as Markdown tables.
    """
    with TemporaryDirectory() as folder:
        simulated = simulate(Path(folder), seed)
        optical = simulated_optical.run(data, out, Path(folder), seed, SIZE_PX)
    spain = read_spain(data / _SPAIN)
    coast = {polarisation: read_california(data / _CALIFORNIA, polarisation) for polarisation in ("VV", "VH")}
    histograms = [_forest(polarisation, spain, coast[polarisation], simulated) for polarisation in ("VV", "VH")]
    histograms += [_open(polarisation, spain, simulated) for polarisation in ("VV", "VH")]
    panels = [
        Panel(title="Real: Sentinel-1 GRD, Spain (chip 7370579)", picture=false_colour(spain)),
        Panel(title="Simulated: descending pass", picture=false_colour(simulated)),
    ]
    speckle = {
        "real, VV": correlation(spain.vv, ~spain.water),
        "real, VH": correlation(spain.vh, ~spain.water),
        "simulated, VV": correlation(simulated.vv, simulated.forest),
        "simulated, VH": correlation(simulated.vh, simulated.forest),
    }
    draw(histograms, panels, speckle, out / "simulated.png")
    return f"{_table(histograms, speckle)}\n\n{optical}"


def simulate(folder: Path, seed: int) -> Scene:
    """The first pass over a valley, as it lies in its files."""
    build_valley(folder, seed=seed, size_px=SIZE_PX, quiet=QUIET, after=AFTER, story=Story(radar=True, ten_bands=True))
    frame = place_frame(seed, SIZE_PX)
    kind = frame.crop(grow_cover(frame, build_relief(frame, seed), seed).kind)
    first = min((folder / "catalog" / RADAR).glob("S1*"), key=lambda path: path.name[17:32])
    # A pixel beside another cover holds some of it.
    classes = {name: ndimage.binary_erosion(np.isin(kind, kinds), iterations=2) for name, kinds in _KINDS.items()}
    return Scene(
        vv=_read(first / "iw-vv.rtc.tiff"),
        vh=_read(first / "iw-vh.rtc.tiff"),
        forest=classes["forest"],
        open_land=classes["open_land"],
        water=ndimage.binary_erosion(kind == Cover.WATER),
    )


_KINDS = {
    "forest": (Cover.BROADLEAF, Cover.CONIFER),
    "open_land": (Cover.MEADOW, Cover.FIELD, Cover.ROAD, Cover.ROOF),
}


def read_spain(folder: Path) -> Scene:
    """The Sen1Floods11 chip with classes by the NDVI of its Sentinel-2 half and its hand-drawn water."""
    (radar,), (optical,), (label,) = (tuple((folder / part).glob("*.tif")) for part in ("S1", "S2", "Labels"))
    with rasterio.open(radar) as file:
        vv, vh = 10.0 ** (file.read().astype(np.float64) / 10.0)
    with rasterio.open(optical) as file:
        red, near_infrared = file.read(4).astype(np.float64), file.read(8).astype(np.float64)
    with rasterio.open(label) as file:
        water = file.read(1)
    ndvi = (near_infrared - red) / np.maximum(near_infrared + red, 1.0)
    dry_land = water == 0
    return Scene(
        vv=np.nan_to_num(vv),
        vh=np.nan_to_num(vh),
        forest=dry_land & (ndvi > GREEN_NDVI),
        open_land=dry_land & (ndvi < DRY_NDVI),
        water=water == 1,
    )


def read_california(folder: Path, polarisation: str) -> Power:
    """All dates of the wooded bursts, (P,) pixels of 30 m."""
    paths = sorted(path for burst in FOREST_BURSTS for path in folder.glob(f"OPERA*_{burst}-*_{polarisation}.tif"))
    pixels = np.concatenate([_read(path).ravel() for path in paths])
    return np.asarray(pixels[np.isfinite(pixels) & (pixels > 0)], dtype=np.float64)


def coarse(power: Power, mask: Mask) -> Power:
    """(P,) means of 3 x 3 pixels that lie wholly in a mask: 30 m, as OPERA's."""
    height, width = (side // 3 * 3 for side in power.shape)
    blocks = power[:height, :width].reshape(height // 3, 3, width // 3, 3).mean(axis=(1, 3))
    whole = mask[:height, :width].reshape(height // 3, 3, width // 3, 3).all(axis=(1, 3))
    return np.asarray(blocks[whole], dtype=np.float64)


def correlation(power: Power, mask: Mask) -> NDArray[np.float64]:
    """Correlation of speckle with that of pixels further south, by distance in pixels of 10 m, on homogeneous ground.

    Columns only: rows of the Spanish chip, which lies on degrees, have pixels of 8 m.
    """
    mean = ndimage.uniform_filter(power, 9)
    variance = np.maximum(ndimage.uniform_filter(power * power, 9) - mean * mean, 1e-12)
    looks = mean * mean / variance
    calm = mask & (looks > np.quantile(looks[mask], _HOMOGENEOUS))
    deviation = power / np.maximum(mean, 1e-9) - 1.0
    shared = np.array([(deviation * np.roll(deviation, -lag, 0))[calm].mean() for lag in _LAGS])
    return np.asarray(shared / shared[0], dtype=np.float64)


def decibels(power: Power) -> Power:
    """dB, of positive power only."""
    return np.asarray(10.0 * np.log10(power[power > 0]), dtype=np.float64)


def false_colour(scene: Scene) -> NDArray[np.uint8]:
    """(H, W, 3) VV, VH and their ratio in dB, stretched alike for every scene."""
    vv, vh = (10.0 * np.log10(np.maximum(band, 1e-5)) for band in (scene.vv, scene.vh))
    layers = ((vv + 18.0) / 16.0, (vh + 25.0) / 16.0, (vv - vh - 2.0) / 10.0)
    return np.asarray(255.0 * np.clip(np.stack(layers, axis=-1), 0.0, 1.0), dtype=np.uint8)


def _forest(polarisation: str, spain: Scene, coast: Power, simulated: Scene) -> Histogram:
    band = simulated.band(polarisation)
    series: Mapping[str, Power] = {
        "real, wooded hills, California, 30 m": decibels(coast),
        "simulated, forest, 30 m": decibels(coarse(band, simulated.forest)),
        "real, green ground, Spain, 10 m": decibels(spain.band(polarisation)[spain.forest]),
        "simulated, forest, 10 m": decibels(band[simulated.forest]),
    }
    return Histogram(title=f"Forest, {polarisation}", series=series)


def _open(polarisation: str, spain: Scene, simulated: Scene) -> Histogram:
    band, real = simulated.band(polarisation), spain.band(polarisation)
    series: Mapping[str, Power] = {
        "real, sparse ground, Spain, 10 m": decibels(real[spain.open_land]),
        "simulated, fields and meadows, 10 m": decibels(band[simulated.open_land]),
        "real, water, Spain, 10 m": decibels(real[spain.water]),
        "simulated, river, 10 m": decibels(band[simulated.water]),
    }
    return Histogram(title=f"Open land and water, {polarisation}", series=series)


def _table(histograms: list[Histogram], speckle: Mapping[str, NDArray[np.float64]]) -> str:
    lines = ["| ground | 5 % | median, dB | 95 % |", "| --- | --- | --- | --- |"]
    for one in histograms:
        for name, values in one.series.items():
            low, middle, high = np.percentile(values, (5, 50, 95))
            lines.append(f"| {one.title}: {name} | {low:.1f} | {middle:.1f} | {high:.1f} |")
    lines += ["", "| speckle shared with pixels at | 10 m | 20 m | 30 m |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {shared[1]:.2f} | {shared[2]:.2f} | {shared[3]:.2f} |" for name, shared in speckle.items()]
    return "\n".join(lines)


def _read(path: Path) -> Power:
    with rasterio.open(path) as file:
        return np.asarray(file.read(1), dtype=np.float64)
