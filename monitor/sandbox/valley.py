"""A simulated valley: made-up ground seen by made-up satellites before and after a storm, and the truth beside it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from monitor.core.grid import project
from monitor.sandbox.backscatter import under_water
from monitor.sandbox.catalog_files import Raster, footprint
from monitor.sandbox.catalog_writer import CatalogWriter
from monitor.sandbox.frame import EPSG
from monitor.sandbox.land_cover import draw_map
from monitor.sandbox.passes import Pass, Radar, make_radar, observe_pass, plan_passes
from monitor.sandbox.radar_items import NODATA, quantised
from monitor.sandbox.scars import Scar
from monitor.sandbox.scenes import acquire
from monitor.sandbox.story import PLAIN, VALLEY_VERSION, Story
from monitor.sandbox.terrain import elevation_model
from monitor.sandbox.traps import Cause, Trap, outline, worked_fields
from monitor.sandbox.world import World, make_world

_VISIBLE_SHARE = 0.7
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
    passes: tuple[datetime, ...] = ()
    """Middle of every radar pass, oldest first."""
    traps: tuple[Trap, ...] = ()
    """Ground that changed for another cause."""
    version: int = VALLEY_VERSION


def build_valley(
    folder: Path,
    *,
    seed: int,
    size_px: int = 768,
    quiet: int = 4,
    after: int = 1,
    story: Story = PLAIN,
    report: Report = lambda _: None,
) -> Valley:
    """Simulate a valley and write it: `folder/catalog` for the service, `folder/truth.json` for judging it.

    Args:
        folder: created when missing.
        seed: any integer; the same seed and story give the same pixels.
        size_px: side of the scene in 10 m pixels, even, at least 128.
        quiet: optical looks before the storm, 5 days apart, at least 1.
        after: optical looks after it, 0 for a valley in which nothing happened yet.
        story: what else happens, and whether a radar looks too.
        report: told one line per step.

    Raises:
        ValueError: a size or count that makes no sense.
    """
    if quiet < 1 or after < 0:
        raise ValueError(f"a valley needs quiet >= 1 and after >= 0 acquisitions; got {quiet} and {after}")
    world = make_world(seed, size_px, quiet, after, story, report)
    writer = CatalogWriter(folder / "catalog")
    hidden = _look(world, writer, report)
    radar = _listen(world, writer, report) if story.radar else None
    terrain = _terrain_raster(world)
    writer.add_terrain(terrain)
    if story.land_cover:
        classes, transform = draw_map(world)
        writer.add_land_cover(Raster(pixels=classes, transform=transform, nodata=0, epsg=4326))
    valley = Valley(
        catalog=writer.save(),
        truth=folder / "truth.json",
        bbox=footprint(_scene_outline(world)).bounds,
        seed=seed,
        times=world.times,
        storm=world.storm,
        scars=tuple(_true_scar(scar, hidden) for scar in world.ground.scars.each) if after else (),
        passes=tuple(one.time for one in radar[1]) if radar else (),
        traps=_traps(world, radar),
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
        # A valley of version 1 has none of these.
        passes=tuple(datetime.fromisoformat(time) for time in document.get("scarpwatch:passes", [])),
        traps=tuple(_load_trap(one) for one in document.get("scarpwatch:traps", [])),
        version=document.get("scarpwatch:valley_version", 1),
    )


def _look(world: World, writer: CatalogWriter, report: Report) -> NDArray[np.bool_]:
    """All optical looks; returns which pixels of the padded frame nobody can see in the last one."""
    for index, time in enumerate(world.times):
        scene, hidden = acquire(world, index)
        writer.add_scene(scene)
        when = "quiet" if index < world.quiet else f"after the storm, {len(world.ground.scars.each)} slopes have failed"
        report(f"{time:%Y-%m-%d} {scene.platform}: {scene.cloud_percent:.0f} % cloud, {when}")
    return hidden


def _listen(world: World, writer: CatalogWriter, report: Report) -> tuple[Radar, tuple[Pass, ...]]:
    """All radar passes."""
    passes = plan_passes(world.times, world.storm, world.seed, year=world.story.year)
    radar = make_radar(world, passes)
    for one in passes:
        bands = quantised(observe_pass(world, radar, one))
        transform = world.frame.transform()
        writer.add_pass(
            one,
            {key: Raster(pixels=bands[i], transform=transform, nodata=NODATA) for i, key in enumerate(("vv", "vh"))},
        )
    report(f"{len(passes)} radar passes, {passes[0].time:%Y-%m-%d} to {passes[-1].time:%Y-%m-%d}, on two tracks")
    return radar, passes


def _traps(world: World, radar: tuple[Radar, tuple[Pass, ...]] | None) -> tuple[Trap, ...]:
    """Everything that changed and is no landslide, oldest first."""
    cover, frame, times = world.ground.cover, world.frame, world.times
    causes = [
        (Cause.FIELD, worked_fields(cover, world.crops[i - 1], world.crops[i]), times[i]) for i in range(1, len(times))
    ]
    if world.after:
        standing = [one.time for one in radar[1] if one.time > world.storm][:1] if radar else []
        flood = cover.flood
        for time in standing:
            assert radar is not None
            flood = flood | under_water(radar[0].ground, (time - world.storm) / timedelta(days=1))
        causes.append((Cause.FLOOD, flood, world.storm))
    if world.clearcut is not None:
        causes.append((Cause.CLEARCUT, world.clearcut.mask, times[world.clearcut.since]))
    causes += [(Cause.SNOW, snow.mask, times[snow.look]) for snow in world.snow]
    drawn = [Trap(cause=cause, geometry=outline(frame, mask), time=time) for cause, mask, time in causes]
    return tuple(sorted((trap for trap in drawn if not trap.geometry.is_empty), key=lambda trap: trap.time))


def _terrain_raster(world: World) -> Raster:
    elevation, margin_m = elevation_model(world.frame, world.relief, world.ground.cover.canopy_m, world.seed)
    return Raster(pixels=elevation, transform=world.frame.transform(30.0, margin_m))


def _scene_outline(world: World) -> Raster:
    """The scene's ground without its pixels."""
    side = world.frame.size_px
    return Raster(pixels=np.broadcast_to(np.uint8(0), (side, side)), transform=world.frame.transform())


def _true_scar(scar: Scar, hidden: NDArray[np.bool_]) -> TrueScar:
    clear = 1.0 - float(hidden[scar.rows, scar.columns].mean())
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
        "scarpwatch:valley_version": valley.version,
        "scarpwatch:storm": valley.storm.isoformat(),
        "scarpwatch:times": [time.isoformat() for time in valley.times],
        "scarpwatch:passes": [time.isoformat() for time in valley.passes],
        "scarpwatch:traps": [_trap_feature(trap) for trap in valley.traps],
        "bbox": list(valley.bbox),
        "features": features,
    }
    valley.truth.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _trap_feature(trap: Trap) -> dict[str, object]:
    return {
        "type": "Feature",
        "geometry": mapping(trap.geometry),
        "properties": {"cause": trap.cause.value, "time": trap.time.isoformat()},
    }


def _load_trap(feature: dict[str, Any]) -> Trap:
    told = feature["properties"]
    return Trap(
        cause=Cause(told["cause"]), geometry=shape(feature["geometry"]), time=datetime.fromisoformat(told["time"])
    )
