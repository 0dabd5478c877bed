"""A small world with both sensors: scars that radar sees beyond doubt, under the clouds of the storm."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
import rasterio
from rasterio.features import geometry_mask

from monitor.core.grid import project
from monitor.records import SensorPolicy
from monitor.sandbox.frame import EPSG
from monitor.sandbox.story import STORM_UNDER_CLOUD
from monitor.sandbox.valley import Valley, build_valley
from tests.pipeline.world import REGION, Source, World, make_model_folder, make_world, region

RADAR = "sentinel-1-rtc"


def make_radar_source(folder: Path, seed: int, size_px: int) -> Source:
    """A valley with Sentinel-1 passes; in those after the storm the echo of every scar falls by 10 dB."""
    valley = build_valley(folder / "valley", seed=seed, size_px=size_px, quiet=3, after=3, story=STORM_UNDER_CLOUD)
    deepen_scars(valley, valley.catalog.parent, [time for time in valley.passes if time > valley.storm], 10.0)
    return Source(valley=valley, model=make_model_folder(folder / "models"))


def make_radar_world(folder: Path, source: Source, policy: SensorPolicy, database: str = "sqlite:///watch.db") -> World:
    """A fresh world whose region is watched under a policy."""
    world = make_world(folder, source, database)
    world.configure(regions={REGION: region(*source.valley.bbox) | {"sensor_policy": policy.value}})
    return world


def deepen_scars(valley: Valley, catalog: Path, times: Iterable[datetime], decibels: float) -> None:
    """Lower the backscatter of every scar in these passes."""
    scars = [project(scar.geometry, 4326, EPSG) for scar in valley.scars]
    for time in times:
        for path in rasters_of(catalog, time):
            with rasterio.open(path, "r+") as file:
                power = file.read(1)
                inside = geometry_mask(scars, power.shape, file.transform, invert=True)
                power[inside & (power > 0)] /= np.float32(10.0 ** (decibels / 10.0))
                file.write(power, 1)


def rasters_of(catalog: Path, time: datetime) -> list[Path]:
    """The VV and VH files of the pass whose middle is at a time."""
    items = [folder for folder in sorted((catalog / RADAR).iterdir()) if folder.is_dir()]
    (found,) = [folder for folder in items if _holds(folder.name, time)]
    return sorted(found.glob("*.tiff"))


def _holds(name: str, time: datetime) -> bool:
    """Whether S1A_IW_GRDH_1SDV_<start>_<end>_… was sensed around a time."""
    _, _, _, _, start, end, *_ = name.split("_")
    stamp = f"{time:%Y%m%dT%H%M%S}"
    return start <= stamp <= end
