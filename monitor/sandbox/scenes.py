"""What Sentinel-2 delivers of the valley at each look."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.core.sun import Sun, sun_position
from monitor.sandbox.catalog_files import Raster
from monitor.sandbox.catalog_writer import Scene
from monitor.sandbox.clouds import SceneClass, Sky, add_clouds, classify
from monitor.sandbox.cover import Cover
from monitor.sandbox.fields import Crop
from monitor.sandbox.frame import stream
from monitor.sandbox.optics import Air, direct_light, draw_air, illuminate, observe, to_digital
from monitor.sandbox.spectra import BANDS, INFRARED, PIXEL_M, VISIBLE
from monitor.sandbox.surface import reflect
from monitor.sandbox.traps import lay_traps
from monitor.sandbox.weather import make_weather
from monitor.sandbox.world import World

_HIDDEN_CLASSES = (SceneClass.CLOUD_SHADOW, SceneClass.CLOUD_MEDIUM, SceneClass.CLOUD_HIGH, SceneClass.CIRRUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Light and air of one look."""

    index: int
    day_of_year: int
    sun: Sun
    sky: Sky
    air: Air


def acquire(world: World, index: int) -> tuple[Scene, NDArray[np.bool_]]:
    """One acquisition, and which pixels of the padded frame nobody can see in it."""
    rng = stream(world.seed, f"acquisition {index}")
    time = world.times[index]
    sun = sun_position(time, *world.centre)
    sky = make_weather(world, index, sun, rng)
    air = draw_air(rng, world.frame.padded_px)
    look = _Look(index=index, day_of_year=time.timetuple().tm_yday, sun=sun, sky=sky, air=air)
    rasters = _sense(world, look, rng, VISIBLE)
    scl = _scene_classes(world, look, rng)
    rasters["SCL"] = Raster(pixels=world.frame.crop(scl, 20.0), transform=world.frame.transform(20.0), nodata=0)
    if world.story.ten_bands:
        # Noise of their own: with or without them the visible bands are the same to the last bit.
        rasters |= _sense(world, look, stream(world.seed, f"infrared {index}"), INFRARED)
    platform = f"sentinel-2{'ab'[(world.seed + index) % 2]}"
    clouded = 100.0 * float(np.isin(rasters["SCL"].pixels, _HIDDEN_CLASSES[1:]).mean())
    scene = Scene(time=time, platform=platform, cloud_percent=clouded, sun=sun, rasters=rasters)
    masked = np.kron(np.isin(scl, _HIDDEN_CLASSES), np.ones((2, 2), dtype=bool))
    return scene, sky.obstructed() | masked


def _sense(world: World, look: _Look, rng: np.random.Generator, bands: slice) -> dict[str, Raster]:
    """Digital numbers of some of `spectra.BANDS` by name, each on its own pixels."""
    revisits = max(look.index - world.quiet + 1, 0)
    ground = world.ground
    year = world.story.year
    surface = reflect(ground, world.crops[look.index], look.day_of_year, revisits, bands, year=year)
    surface = lay_traps(surface, world.clearcut, world.snow_at(look.index), ground.scars, look.index, bands)
    lit = illuminate(surface, world.relief, look.sun, look.sky.shadow, bands, year=year)
    seen = observe(add_clouds(lit, look.sky, bands), look.air, rng, bands)
    return {
        band: Raster(
            pixels=world.frame.crop(to_digital(pixels), pixel_m), transform=world.frame.transform(pixel_m), nodata=0
        )
        for band, pixel_m, pixels in zip(BANDS[bands], PIXEL_M[bands], seen, strict=True)
    }


def _scene_classes(world: World, look: _Look, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(padded / 2, padded / 2) SCL of an acquisition."""
    cover, scars = world.ground.cover, world.ground.scars
    state = world.crops[look.index][cover.parcels.field]
    bare = np.isin(cover.kind, (Cover.GRAVEL, Cover.ROAD, Cover.ROOF, Cover.ROCK))
    bare |= (cover.kind == Cover.FIELD) & np.isin(state, (Crop.STUBBLE, Crop.TILLED, Crop.RIPE))
    if look.index >= world.quiet:
        bare |= cover.flood | (scars.share > 0.5)
    if world.clearcut is not None and look.index >= world.clearcut.since:
        bare |= world.clearcut.mask
    scl = classify(look.sky, cover.kind, bare, direct_light(world.relief, look.sun), rng)
    if (snow := world.snow_at(look.index)) is not None:
        side = scl.shape[0]
        white = snow.mask.reshape(side, 2, side, 2).mean(axis=(1, 3)) > 0.5
        scl[white & ~np.isin(scl, _HIDDEN_CLASSES)] = SceneClass.SNOW
    return scl
