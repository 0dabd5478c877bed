"""A simulated valley: made-up ground seen by a made-up Sentinel-2 before and after a storm, and the truth beside it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import Point, mapping, shape
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import project
from monitor.sandbox.catalog_writer import CatalogWriter, Raster, Scene, footprint
from monitor.sandbox.clouds import SceneClass, Sky, add_clouds, classify, make_sky, place_sky
from monitor.sandbox.cover import Cover, grow_cover
from monitor.sandbox.fields import Crop, farm
from monitor.sandbox.frame import EPSG, Frame, place_frame, stream
from monitor.sandbox.optics import Sun, direct_light, draw_air, illuminate, observe, sun_position, to_digital
from monitor.sandbox.scars import Scar, fail_slopes
from monitor.sandbox.surface import BANDS, Ground, make_ground, reflect
from monitor.sandbox.terrain import Relief, build_relief, elevation_model

_REVISIT = timedelta(days=5)
_CLEAR_SHARE = 0.8
"""Of the scars, in the first acquisition after the storm."""
_SKIES = 16
"""Tries at a sky that leaves so many clear."""
_VISIBLE_SHARE = 0.7
_HIDDEN_CLASSES = (SceneClass.CLOUD_SHADOW, SceneClass.CLOUD_MEDIUM, SceneClass.CLOUD_HIGH, SceneClass.CIRRUS)
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueScar:
    """One landslide of the storm as it really lies there."""

    geometry: BaseGeometry
    """Polygon, EPSG:4326."""
    area_ha: float
    slope_deg: float
    """Mean slope of the ground under it."""
    visible: bool
    """At least 70 % of it lies free of cloud, shadow and their 80 m rims in the last acquisition after the storm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valley:
    """What was built, and the truth about it."""

    catalog: Path
    """catalog.json of a self-contained static STAC catalog."""
    truth: Path
    """truth.json, a GeoJSON FeatureCollection of the scars. Never for the service to read."""
    bbox: tuple[float, float, float, float]
    """West, south, east, north, EPSG:4326."""
    seed: int
    times: tuple[datetime, ...]
    """Sensing times, oldest first."""
    storm: datetime
    scars: tuple[TrueScar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """The ground and the calendar, before anybody looks."""

    frame: Frame
    seed: int
    relief: Relief
    ground: Ground
    crops: list[NDArray[np.int8]]
    times: tuple[datetime, ...]
    quiet: int
    """Number of acquisitions before the storm."""
    centre: tuple[float, float]
    """Longitude, latitude."""


def build_valley(
    folder: Path, *, seed: int, size_px: int = 768, quiet: int = 4, after: int = 1, report: Report = lambda _: None
) -> Valley:
    """Simulate a valley and write it: `folder/catalog` for the service, `folder/truth.json` for judging it.

    Args:
        folder: created when missing.
        seed: any integer; the same seed gives the same pixels.
        size_px: side of the scene in 10 m pixels, even, at least 128.
        quiet: acquisitions before the storm, 5 days apart, at least 1.
        after: acquisitions after it, 0 for a valley in which nothing happened yet.
        report: told one line per step.

    Raises:
        ValueError: a size or count that makes no sense.
    """
    if quiet < 1 or after < 0:
        raise ValueError(f"a valley needs quiet >= 1 and after >= 0 acquisitions; got {quiet} and {after}")
    world = _make_world(seed, size_px, quiet, after, report)
    storm = world.times[quiet - 1] + timedelta(days=2, hours=14)
    writer = CatalogWriter(folder / "catalog")
    hidden: NDArray[np.bool_] | None = None
    for index, time in enumerate(world.times):
        scene, hidden = _acquire(world, index)
        writer.add_scene(scene)
        when = "quiet" if index < quiet else f"after the storm, {len(world.ground.scars.each)} slopes have failed"
        report(f"{time:%Y-%m-%d} {scene.platform}: {scene.cloud_percent:.0f} % cloud, {when}")
    writer.add_terrain(_terrain_raster(world))
    bbox = footprint(scene.rasters["B02"]).bounds
    scars = tuple(_true_scar(scar, hidden if after else None) for scar in world.ground.scars.each) if after else ()
    valley = Valley(
        catalog=writer.save(),
        truth=folder / "truth.json",
        bbox=bbox,
        seed=seed,
        times=world.times,
        storm=storm,
        scars=scars,
    )
    _write_truth(valley)
    return valley


def load_valley(folder: Path) -> Valley:
    """A valley that `build_valley` wrote into `folder` before.

    Raises:
        FileNotFoundError: there is none, or it was not finished.
    """
    truth = folder / "truth.json"
    document = json.loads(truth.read_text(encoding="utf-8"))
    west, south, east, north = document["bbox"]
    return Valley(
        catalog=folder / "catalog" / "catalog.json",
        truth=truth,
        bbox=(west, south, east, north),
        seed=document["scarpwatch:seed"],
        times=tuple(datetime.fromisoformat(time) for time in document["scarpwatch:times"]),
        storm=datetime.fromisoformat(document["scarpwatch:storm"]),
        scars=tuple(TrueScar(geometry=shape(one["geometry"]), **one["properties"]) for one in document["features"]),
    )


def _make_world(seed: int, size_px: int, quiet: int, after: int, report: Report) -> _World:
    frame = place_frame(seed, size_px)
    west, south, east, north = frame.bounds
    report(f"raising hills over {(east - west) * (north - south) / 1e6:.0f} km² and letting rivers cut them")
    relief = build_relief(frame, seed)
    report("growing forest, laying out fields, setting the river in its bed")
    cover = grow_cover(frame, relief, seed)
    scars = fail_slopes(frame, relief, cover, seed)
    ground = make_ground(cover, scars, seed)
    fields = cover.kind == Cover.FIELD
    centre = project(Point((west + east) / 2, (south + north) / 2), EPSG, 4326)
    assert isinstance(centre, Point)
    return _World(
        frame=frame,
        seed=seed,
        relief=relief,
        ground=ground,
        crops=farm(cover.parcels, fields, seed, quiet, after),
        times=_calendar(seed, quiet + after),
        quiet=quiet,
        centre=(centre.x, centre.y),
    )


def _calendar(seed: int, count: int) -> tuple[datetime, ...]:
    """Passes at ten in the morning UTC, 5 days apart, starting in June, July or August 2025.

    Later in the year steep shaded slopes get so little light that fresh scars there cannot be seen.
    """
    start = datetime(2025, 6, 1, 10, 0, 31, tzinfo=UTC) + timedelta(days=int(stream(seed, "calendar").integers(0, 85)))
    return tuple(start + index * _REVISIT for index in range(count))


def _acquire(world: _World, index: int) -> tuple[Scene, NDArray[np.bool_]]:
    """One acquisition, and which pixels of the padded frame nobody can see in it."""
    rng = stream(world.seed, f"acquisition {index}")
    time = world.times[index]
    sun = sun_position(time, *world.centre)
    sky = _sky(world, index, sun, rng)
    revisits = max(index - world.quiet + 1, 0)
    surface = reflect(world.ground, world.crops[index], time.timetuple().tm_yday, revisits)
    lit = add_clouds(illuminate(surface, world.relief, sun, sky.shadow), sky)
    digital = world.frame.crop(to_digital(observe(lit, draw_air(rng), rng)))
    scl = _scene_classes(world, index, sky, sun, rng)
    fine, coarse = world.frame.transform(), world.frame.transform(20.0)
    rasters = {band: Raster(pixels=digital[i], transform=fine, nodata=0) for i, band in enumerate(BANDS)}
    rasters["SCL"] = Raster(pixels=world.frame.crop(scl, 20.0), transform=coarse, nodata=0)
    platform = f"sentinel-2{'ab'[(world.seed + index) % 2]}"
    clouded = 100.0 * float(np.isin(rasters["SCL"].pixels, _HIDDEN_CLASSES[1:]).mean())
    scene = Scene(time=time, platform=platform, cloud_percent=clouded, sun=sun, rasters=rasters)
    masked = np.kron(np.isin(scl, _HIDDEN_CLASSES), np.ones((2, 2), dtype=bool))
    return scene, sky.obstructed() | masked


def _sky(world: _World, index: int, sun: Sun, rng: np.random.Generator) -> Sky:
    """Weather: one quiet date is nearly clear, the first look after the storm has 5 to 20 % cloud."""
    side = world.frame.padded_px
    grounds = [(scar.rows, scar.columns) for scar in world.ground.scars.each]
    clear_day = int(stream(world.seed, "clear day").integers(0, world.quiet))
    if index == clear_day:
        return place_sky(make_sky(side, rng.uniform(0.0, 0.02), sun, rng), grounds, 1.0, rng)[0]
    if index < world.quiet:
        return make_sky(side, rng.uniform(0.02, 0.30), sun, rng, veiled=rng.uniform() < 0.3)
    # What the first look after the storm misses under cloud, the second one sees.
    wanted = _CLEAR_SHARE if index == world.quiet else 1.0
    cover = rng.uniform(0.07, 0.16)
    for _ in range(_SKIES):
        sky, clear_share = place_sky(make_sky(side, cover, sun, rng), grounds, wanted, rng)
        if clear_share >= wanted:
            break
        cover *= 0.85
    return sky


def _scene_classes(world: _World, index: int, sky: Sky, sun: Sun, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(padded / 2, padded / 2) SCL of an acquisition."""
    cover, scars = world.ground.cover, world.ground.scars
    state = world.crops[index][cover.parcels.field]
    bare = np.isin(cover.kind, (Cover.GRAVEL, Cover.ROAD, Cover.ROOF, Cover.ROCK))
    bare |= (cover.kind == Cover.FIELD) & np.isin(state, (Crop.STUBBLE, Crop.TILLED, Crop.RIPE))
    if index >= world.quiet:
        bare |= cover.flood | (scars.share > 0.5)
    return classify(sky, cover.kind, bare, direct_light(world.relief, sun), rng)


def _terrain_raster(world: _World) -> Raster:
    elevation, margin_m = elevation_model(world.frame, world.relief, world.ground.cover.canopy_m, world.seed)
    return Raster(pixels=elevation, transform=world.frame.transform(30.0, margin_m))


def _true_scar(scar: Scar, hidden: NDArray[np.bool_] | None) -> TrueScar:
    clear = 0.0 if hidden is None else 1.0 - float(hidden[scar.rows, scar.columns].mean())
    return TrueScar(
        geometry=project(scar.geometry, EPSG, 4326),
        area_ha=round(scar.area_ha, 4),
        slope_deg=round(scar.slope_deg, 1),
        visible=clear >= _VISIBLE_SHARE,
    )


def _write_truth(valley: Valley) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": mapping(scar.geometry),
            "properties": {"area_ha": scar.area_ha, "slope_deg": scar.slope_deg, "visible": scar.visible},
        }
        for scar in valley.scars
    ]
    document = {
        "type": "FeatureCollection",
        "scarpwatch:seed": valley.seed,
        "scarpwatch:storm": valley.storm.isoformat(),
        "scarpwatch:times": [time.isoformat() for time in valley.times],
        "bbox": list(valley.bbox),
        "features": features,
    }
    valley.truth.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
