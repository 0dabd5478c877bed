"""The radar baseline in simulated valleys: scars found by the first pass after the storm, false clusters before it.

Everything here is simulated: it says that the chain works on 10 m pixels of a 22 m resolution, not how well it does on
real slopes. Items are read as in service: the catalog, the radar and the elevation adapters, radar-blind ground, tiles
laid side by side, at the shipped settings.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from shapely import box

from benchmarks.scoring import FOUND_SHARE, binomial_interval
from monitor.adapters.catalog.static import StaticCatalog
from monitor.adapters.radar_imagery import RadarImageSource
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.change import AlertSettings
from monitor.core.clusters import burn, label_clusters
from monitor.core.grid import PIXEL_HA, TILE_PX, project, region_tiles
from monitor.core.radar import LEAST_PASSES, BackscatterReference
from monitor.radar_view import blind_ground
from monitor.records import Detector, Look, SceneItem, Sensor, Terrain, Tile
from monitor.sandbox.story import STORM_UNDER_CLOUD
from monitor.sandbox.valley import TrueScar, Valley, build_valley
from monitor.scene import Measuring, Scene, before_of, compare, scene_settings, scenes
from training.alerts.counting import poisson_interval

Array = NDArray[np.float32]

SEEDS = (7001, 7002, 7003, 7004)
SIZE_PX, QUIET = 640, 4
POLARISATIONS = ("vv", "vh")
CLASSES_HA = (0.5, 1.0, 2.0, 5.0, float("inf"))
"""Edges of the classes of size; smaller scars are below what radar may see."""
_START, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One simulated scar in the first pass of one track after the storm."""

    track: str
    area_ha: float
    seen: float
    """Share of it that is jointly observed."""
    found: bool
    decibels: tuple[float, ...]
    """Its power against that of the mean of the earlier passes, by polarisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """One pass before the storm."""

    track: str
    km2_years: float
    clusters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One pass of a track, laid out as the service does, with the clusters that it finds."""

    item: SceneItem
    scene: Scene
    change: Array
    labels: NDArray[np.int32]
    count: int
    ratio: Array
    """(P, H, W) power against the mean of the earlier passes."""
    gap_days: float

    @property
    def track(self) -> str:
        """Relative orbit and direction."""
        return f"{self.item.relative_orbit} {self.item.pass_direction}"

    @property
    def km2_years(self) -> float:
        """Exposure: ground that was jointly observed, times the time since the pass before."""
        seen = float(np.isfinite(self.change).sum()) * PIXEL_HA / 100.0
        return seen * self.gap_days / 365.25


def passes(catalog: Path, bbox: tuple[float, float, float, float]) -> Iterator[Passed]:
    """Every pass with enough earlier ones of its track."""
    ground = box(*bbox)
    source = StaticCatalog(name="valley", href=str(catalog))
    items, _ = source.search(ground, _START, _END, Sensor.SAR)
    terrain = RasterTerrainSource(source.terrain(ground))
    shapes = {tile: terrain.read(tile) for tile in region_tiles(ground)}
    known = {tile: shape for tile, shape in shapes.items() if shape is not None}
    for orbit in sorted({item.relative_orbit or 0 for item in items}):
        history: list[tuple[SceneItem, dict[Tile, Look]]] = []
        for item in sorted((one for one in items if (one.relative_orbit or 0) == orbit), key=lambda i: i.sensing_time):
            looks = {tile: _look(item, tile, known.get) for tile in known}
            if len(history) >= LEAST_PASSES:
                laid = scenes(
                    looks,
                    known,
                    AlertSettings(),
                    Measuring(sensor=Sensor.SAR, polarisations=POLARISATIONS, native_m=item.resolution_m or 10.0),
                )
                yield from (_passed(item, scene, history) for scene in laid)
            history.append((item, looks))


def judge(valley: Valley) -> tuple[list[Found], list[Quiet]]:
    """Scars in the first pass of every track after the storm, and clusters of the passes before it."""
    found: list[Found] = []
    quiet: list[Quiet] = []
    done: set[str] = set()
    for one in passes(valley.catalog, valley.bbox):
        if one.item.sensing_time < valley.storm:
            quiet.append(Quiet(track=one.track, km2_years=one.km2_years, clusters=one.count))
        elif one.track not in done:
            done.add(one.track)
            found += [_scar(one, scar) for scar in valley.scars if scar.area_ha >= CLASSES_HA[0]]
    return found, quiet


def _scar(one: Passed, scar: TrueScar) -> Found:
    canvas = one.scene.canvas
    ground = burn(project(scar.geometry, 4326, canvas.epsg), canvas)
    seen = ground & np.isfinite(one.change)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = one.ratio[:, seen].mean(axis=1) if seen.any() else np.full(len(one.ratio), np.nan)
    return Found(
        track=one.track,
        area_ha=scar.area_ha,
        seen=float(seen.sum()) / max(int(ground.sum()), 1),
        found=float((one.labels[ground] > 0).mean()) >= FOUND_SHARE,
        decibels=tuple(float(value) for value in 10.0 * np.log10(power)),
    )


def scar_table(found: Sequence[Found]) -> str:
    """Markdown: simulated scars by size, whether found, and what they did to backscatter."""
    lines = ["| simulated scars | seen by half and more | found | VV, dB (10–90 %) | VH, dB (10–90 %) |"]
    lines.append("| --- |" + " --- |" * 4)
    for low, high in pairwise(CLASSES_HA):
        own = [one for one in found if low <= one.area_ha < high]
        seen = [one for one in own if one.seen >= 0.5]
        if not seen:
            continue
        hits = sum(one.found for one in seen)
        least, most = binomial_interval(hits, len(seen))
        spread = [
            "{1:+.1f} ({0:+.1f} to {2:+.1f})".format(*np.percentile([one.decibels[band] for one in seen], (10, 50, 90)))
            for band in range(len(POLARISATIONS))
        ]
        name = f"{low:g} ha and more" if np.isinf(high) else f"{low:g} to {high:g} ha"
        share = f"{hits} ({100 * least:.0f}–{100 * most:.0f} %)"
        lines.append(f"| {name} | {len(seen)} of {len(own)} | {share} | {spread[0]} | {spread[1]} |")
    return "\n".join(lines)


def quiet_table(quiet: Sequence[Quiet]) -> str:
    """Markdown: false clusters before the storm, by track."""
    lines = ["| simulated track | quiet passes | km² x years | false clusters | per 1,000 km² and year (95 %) |"]
    lines.append("| --- |" + " --- |" * 4)
    for track in sorted({one.track for one in quiet}):
        own = [one for one in quiet if one.track == track]
        count, years = sum(one.clusters for one in own), sum(one.km2_years for one in own)
        low, high = (1000.0 * bound / years for bound in poisson_interval(count))
        lines.append(
            f"| {track} | {len(own)} | {years:.2f} | {count} | {1000 * count / years:.0f} ({low:.0f}–{high:.0f}) |"
        )
    return "\n".join(lines)


def run(seeds: Sequence[int], progress: Callable[[int, int], None]) -> str:
    """Build the valleys one after the other, judge them; gives the report as Markdown."""
    found: list[Found] = []
    quiet: list[Quiet] = []
    for done, seed in enumerate(seeds, start=1):
        with TemporaryDirectory() as folder:
            valley = build_valley(Path(folder), seed=seed, size_px=SIZE_PX, quiet=QUIET, story=STORM_UNDER_CLOUD)
            scars, silent = judge(valley)
        found += scars
        quiet += silent
        progress(done, len(seeds))
    names = ", ".join(map(str, seeds))
    head = f"Simulated valleys {names}, {SIZE_PX} pixels a side: nothing here was measured on real ground."
    return "\n\n".join((head, scar_table(found), quiet_table(quiet)))


def _look(item: SceneItem, tile: Tile, terrain: Callable[[Tile], Terrain | None]) -> Look:
    bands = RadarImageSource().read([item], POLARISATIONS, tile)
    nothing = np.full((TILE_PX, TILE_PX), np.nan, np.float32)
    return Look(
        tile=tile,
        acquisition_id=item.id,
        sensing_time=item.sensing_time,
        sensor=Sensor.SAR,
        probability=nothing,
        spread=nothing,
        pixels=np.asarray(bands.pixels.values, dtype=np.float32),
        state=blind_ground(bands.state, [item], tile, terrain),
    )


def _passed(item: SceneItem, scene: Scene, history: Sequence[tuple[SceneItem, dict[Tile, Look]]]) -> Passed:
    settings = AlertSettings()
    past = {tile: before_of([looks[tile] for _, looks in reversed(history)], settings) for tile in scene.canvas.tiles}
    before = {tile: one for tile, one in past.items() if isinstance(one, BackscatterReference)}
    changes = compare(scene, before, settings)
    rules = scene_settings(scene, settings)
    labels, count = label_clusters(changes.masks[Detector.RADAR], scene.slope_deg, scene.elevation_m, rules)
    mean = np.stack(
        [
            scene.canvas.lay({tile: one.mean[band] for tile, one in before.items()}, np.float32(np.nan))
            for band in range(len(POLARISATIONS))
        ]
    )
    return Passed(
        item=item,
        scene=scene,
        change=changes.layers[Detector.RADAR].change,
        labels=labels,
        count=count,
        ratio=scene.measured / mean,
        gap_days=(item.sensing_time - history[-1][0].sensing_time).total_seconds() / 86_400.0,
    )
