"""Real optical scenes with classes that can be told in them: what simulated reflectance is laid beside."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import h5py
import numpy as np
import rasterio
from numpy.typing import NDArray

from monitor.adapters.landslide4sense import BANDS as PUBLISHED
from monitor.adapters.landslide4sense import read_image
from monitor.sandbox.clouds import SceneClass
from monitor.sandbox.spectra import BANDS
from training.simulated.spectra import CLEAR, PATH, PUBLISHED_UNIT

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Reflectance = Mapping[str, Array]
"""Surface reflectance by band, all of one shape; a band that a scene lacks is not there."""

BARE_NDVI = 0.25
_LEVEL_1C = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
_PATH = {**dict(zip(PUBLISHED, PATH.tolist(), strict=False)), "B8A": 0.0075}
_CLEAR = {**dict(zip(PUBLISHED, CLEAR.tolist(), strict=False)), "B8A": 0.96}
"""Path radiance and transmission of clear air, as training's patches are given them."""
_DARKEST = 0.01
"""Reflectance of a scene's darkest hundredth in blue: shaded conifers."""
STEEP_DEG, LIT = 15.0, 0.08
"""Slope and red reflectance from which bare ground of a Landslide4Sense patch (without mask) is taken for a scar."""
_FOREST, _GRASS = 2, 3
"""Classes of the Slovenian land cover map."""
_CLEAR_SCENES = (2, 3, 4)
"""Of the five reference scenes: 2015-09-09, 2015-08-30 and 2015-07-11; the others are clouded."""
_SEEN_SHARE = 0.8
_SEASON = (6, 10)
"""Months in which a valley is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One scene with the classes that can be told in it."""

    reflectance: Reflectance
    classes: Mapping[str, Mask]

    def of(self, name: str) -> Reflectance:
        """(P,) pixels of a class, by band."""
        return {band: pixels[self.classes[name]] for band, pixels in self.reflectance.items()}


def surface_of(top_of_atmosphere: Reflectance) -> Reflectance:
    """Level-1C freed of a clear air: as hazy as makes the darkest hundredth in blue as dark as shaded conifers."""
    darkest = float(np.percentile(top_of_atmosphere["B02"], 1.0))
    haze = max((darkest - _CLEAR["B02"] * _DARKEST) / _PATH["B02"], 0.0)
    return {
        band: (pixels - haze * _PATH[band]) / _CLEAR[band]
        for band, pixels in top_of_atmosphere.items()
        if band in BANDS
    }


def ndvi(reflectance: Reflectance) -> Array:
    """(B08 - B04) / (B08 + B04)."""
    near, red = reflectance["B08"], reflectance["B04"]
    return np.asarray((near - red) / np.maximum(near + red, 1e-3), dtype=np.float64)


def pooled(scenes: Sequence[Scene], name: str) -> Reflectance:
    """(P,) pixels of a class of several scenes, by band."""
    parts = [scene.of(name) for scene in scenes]
    return {band: np.concatenate([part[band] for part in parts]) for band in parts[0]}


def read_slovenia(folder: Path) -> Iterator[Scene]:
    """The clear reference scenes (Level-1C, 13 bands) with the land cover map, September first, July last."""
    scenes = np.load(folder / "REFERENCE_SCENES.npy").astype(np.float64)
    cover = np.load(folder / "TestEOPatch" / "mask_timeless" / "LULC.npy")[..., 0]
    for number in _CLEAR_SCENES:
        bands = {band: scenes[number][..., place] for place, band in enumerate(_LEVEL_1C)}
        yield Scene(reflectance=surface_of(bands), classes={"forest": cover == _FOREST, "grass": cover == _GRASS})


def read_series(folder: Path) -> dict[str, Array]:
    """(2, dates) day of the year and median NDVI of forest and of grass, at the top of the atmosphere (Level-1C).

    Dates on which less than four fifths of a class are seen are left out; snow is not.
    """
    patch = folder / "TestEOPatch"
    times = json.loads((patch / "timestamps.json").read_text(encoding="utf-8"))
    days = np.array([datetime.fromisoformat(time).timetuple().tm_yday for time in times])
    index = np.load(patch / "data" / "NDVI.npy")[..., 0]
    clear = np.load(patch / "mask" / "IS_VALID.npy")[..., 0] & ~np.load(patch / "mask" / "CLM.npy")[..., 0].astype(bool)
    cover = np.load(patch / "mask_timeless" / "LULC.npy")[..., 0]
    found = {}
    for name, kind in (("forest", _FOREST), ("grass", _GRASS)):
        seen = np.flatnonzero(clear[:, cover == kind].mean(axis=1) > _SEEN_SHARE)
        found[name] = np.stack(
            [days[seen], [np.median(index[date][(cover == kind) & clear[date]]) for date in seen]]
        ).astype(np.float64)
    return found


def top_of_atmosphere(reflectance: Reflectance) -> Reflectance:
    """What a Level-1C scene shows of ground under a clear air: the inverse of `surface_of` at a haze of 1."""
    return {band: _PATH[band] + _CLEAR[band] * pixels for band, pixels in reflectance.items()}


def read_belgium(folder: Path) -> Reflectance:
    """(P,) all pixels of the monthly composites (Level-2A, 9 bands) of the months in which valleys are looked at."""
    with h5py.File(folder / "worldcereal_preprocessed_inputs.nc") as file:
        months = [(date(1990, 1, 1) + timedelta(days=int(day))).month for day in file["t"][:]]
        summer = [place for place, month in enumerate(months) if _SEASON[0] <= month <= _SEASON[1]]
        found = {band: file[f"S2-L2A-{band}"][summer].ravel() for band in BANDS if f"S2-L2A-{band}" in file}
    whole = np.all([pixels > 0 for pixels in found.values()], axis=0)
    return {band: pixels[whole] / 1e4 for band, pixels in found.items()}


def read_patches(folder: Path) -> Iterator[Scene]:
    """Landslide4Sense patches (Level-1C, no masks): slopes laid bare, and slopes in leaf."""
    for path in sorted(folder.glob("*.h5")):
        values = read_image(path).astype(np.float64) * np.array(PUBLISHED_UNIT)[:, None, None]
        layers = dict(zip(PUBLISHED, values, strict=True))
        found = surface_of({band: layers[band] / 1e4 for band in BANDS if band in layers})
        steep, bare = layers["slope"] > STEEP_DEG, ndvi(found) < BARE_NDVI
        yield Scene(
            reflectance=found,
            classes={"slid and bare": steep & bare & (found["B04"] > LIT), "not slid, slopes": steep & ~bare},
        )


def read_spain(folder: Path) -> Scene:
    """The Sen1Floods11 chip (Level-1C) with its hand-drawn water."""
    (optical,), (label,) = (tuple((folder / part).glob("*.tif")) for part in ("S2", "Labels"))
    with rasterio.open(optical) as file:
        bands = dict(zip(_LEVEL_1C, file.read().astype(np.float64) / 1e4, strict=True))
    found, water = surface_of(bands), read_band(label)
    return Scene(
        reflectance=found, classes={"bare ground": (water == 0) & (ndvi(found) < BARE_NDVI), "muddy water": water == 1}
    )


def read_chittagong(folder: Path) -> Scene:
    """All labelled pixels of the chips (four bands): polygons of landslides and points on stable ground."""
    pixels, labels = [], []
    for path in sorted((folder / "images").glob("*.tif")):
        with rasterio.open(path) as file:
            image = file.read().astype(np.float64) / 1e4
        label = read_band(folder / "labels" / path.name)
        known = (label > 0) & (image > 0).all(axis=0)
        pixels.append(image[:, known])
        labels.append(label[known])
    bands = dict(zip(("B04", "B03", "B02", "B08"), np.concatenate(pixels, axis=1), strict=True))
    label = np.concatenate(labels)
    return Scene(reflectance=bands, classes={"slid, by the labels": label == 2, "not slid, slopes": label == 1})


def read_desert(folder: Path) -> Reflectance:
    """(P,) bare ground by SCL of the Level-2A overview over the Sahara, on pixels of 200 m."""
    (scl,) = folder.glob("sentinel-cogs/**/S2A_29RKH*/SCL.tif")
    bare = read_band(scl) == SceneClass.NOT_VEGETATED
    found = {band: read_band(scl.with_name(f"{band}.tif")) / 1e4 for band in BANDS}
    halves = {band: _coarse(pixels, len(bare)) for band, pixels in found.items()}
    return {band: pixels[bare] for band, pixels in halves.items()}


def read_band(path: Path) -> Array:
    with rasterio.open(path) as file:
        return np.asarray(file.read(1), dtype=np.float64)


def fine(pixels: Array, side: int) -> Array:
    times = side // len(pixels)
    return np.asarray(np.kron(pixels, np.ones((times, times))), dtype=np.float64)


def _coarse(pixels: Array, side: int) -> Array:
    times = len(pixels) // side
    return np.asarray(pixels.reshape(side, times, side, times).mean(axis=(1, 3)), dtype=np.float64)
