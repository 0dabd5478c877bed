"""A network beside the plain baseline of its sensor on some comparisons of a simulated year, at all their thresholds.

What is compared is what the service would compare: looks through the service's own readers, a reference of earlier
looks, change of both detectors on the same pixels, clusters by the same rules. A comparison is quiet where the storm
does not lie between the looks: then every cluster is false. Across the storm those are false that touch no scar.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.iburi import look_at
from benchmarks.scoring import FOUND_SHARE
from benchmarks.years_judging import SHOWN_SHARE
from benchmarks.years_records import OPTICS, RADAR, Sweep, TrialRecord
from benchmarks.years_watch import pictureless
from monitor import wiring
from monitor.config import Settings
from monitor.core.change import AlertSettings
from monitor.core.clusters import burn, grow, label_clusters
from monitor.core.grid import PIXEL_HA, TILE_PX, project, region_tiles
from monitor.core.radar import coherent_change
from monitor.core.water import under_snow
from monitor.hearing import measuring
from monitor.looking import Instruments
from monitor.melting import melting_snow
from monitor.records import Acquisition, Detector, Look, Region, Sensor, Terrain, Tile
from monitor.sandbox.valley import Valley
from monitor.scene import Changes, Scene, compare, depth_of, references, scene_settings, scenes

Mask = NDArray[np.bool_]
Rule = Callable[[Scene, Changes, float], Mask]

NETWORK = tuple(np.round(np.arange(0.05, 0.96, 0.05), 2).tolist())
BASELINE = tuple(np.round(np.arange(0.3, 1.65, 0.075), 3).tolist())
RADAR_BASELINE = tuple(np.round(np.arange(3.0, 8.1, 0.25), 2).tolist())
_CLOUDED = 50.0
"""Optical looks with more cloud, per cent, take no part."""
_QUIET = {Sensor.OPTICAL: 4, Sensor.SAR: 3}
"""Quiet comparisons, for radar on each track."""
_RIM_PX = 2
_NOWHERE = np.zeros((TILE_PX, TILE_PX), np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A look and those that make up its reference, the newest last."""

    now: Acquisition
    before: tuple[Acquisition, ...]
    storm: bool
    """The storm lies between them."""

    @property
    def told(self) -> str:
        """Its dates."""
        earlier = ", ".join(f"{one.sensing_time:%Y-%m-%d}" for one in self.before)
        return f"{self.now.sensing_time:%Y-%m-%d} ({earlier})"


def plan(acquisitions: Sequence[Acquisition], storm: datetime, sensor: Sensor, depth: int) -> list[Comparison]:
    """Quiet comparisons spread over the time before the storm, and the first one across it, for each track of radar.

    Args:
        depth: looks in a reference.
    """
    own = [one for one in acquisitions if one.sensor is sensor and _cloud_percent(one) <= _CLOUDED]
    planned: list[Comparison] = []
    for kind in sorted({one.comparable for one in own}):
        usable = sorted((one for one in own if one.comparable == kind), key=lambda one: one.sensing_time)
        quiet = [one for one in usable if one.sensing_time < storm]
        later = [one for one in usable if one.sensing_time > storm]
        last = len(quiet) - 1
        chosen = sorted({round(place) for place in np.linspace(min(depth, last), last, _QUIET[sensor])})
        planned += [
            Comparison(now=quiet[i], before=tuple(quiet[max(i - depth, 0) : i]), storm=False) for i in chosen if i > 0
        ]
        if later and quiet:
            planned.append(Comparison(now=later[0], before=tuple(quiet[-depth:]), storm=True))
    return planned


def _cloud_percent(acquisition: Acquisition) -> float:
    """As the producer counts it over the scene, which here is the valley; 0 for radar."""
    return max((item.cloud_percent or 0.0 for item in acquisition.items), default=0.0)


def try_network(settings: Settings, valley: Valley) -> TrialRecord:
    """The network of `settings` (its radar model, if it names one) beside the baseline."""
    started = time.perf_counter()
    sensor = Sensor.SAR if settings.radar_model is not None else Sensor.OPTICAL
    (region,) = settings.region_records()
    with pictureless(), closing(wiring.build(settings)) as service:
        # The composition root has no seam for this, on purpose; a benchmark may reach in.
        found = service._poller.look_back(region, datetime.now(UTC)).found
        tools = service._pipeline._means.instruments(region, sensor)
        planned = plan(found.acquisitions, valley.storm, sensor, depth_of(sensor, settings.alerts))
        trial = _Trial(tools, region, settings.alerts, valley)
        for comparison in planned:
            trial.add(comparison)
    return TrialRecord(
        seed=valley.seed,
        model=tools.card.version,
        sensor=RADAR if sensor is Sensor.SAR else OPTICS,
        quiet=sum(not one.storm for one in planned),
        storm=sum(one.storm for one in planned),
        km2=trial.km2,
        scars=tuple(trial.scars),
        network=trial.network.sweep(),
        baseline=trial.baseline.sweep(),
        seconds=time.perf_counter() - started,
        looks=tuple(f"{'across the storm: ' if one.storm else ''}{one.told}" for one in planned),
    )


class _Counts:
    """One detector over its thresholds."""

    def __init__(self, rule: Rule, thresholds: Sequence[float]) -> None:
        self.rule, self.thresholds = rule, tuple(thresholds)
        self.quiet, self.storm = ([0] * len(self.thresholds) for _ in range(2))
        self.found: list[list[int]] = [[] for _ in self.thresholds]

    def sweep(self) -> Sweep:
        """As a record."""
        return Sweep(
            thresholds=self.thresholds,
            false_quiet=tuple(self.quiet),
            false_storm=tuple(self.storm),
            found=tuple(map(tuple, self.found)),
        )


class _Trial:
    """Comparisons one after the other; a look that several of them need is looked at once."""

    def __init__(self, tools: Instruments, region: Region, alerts: AlertSettings, valley: Valley) -> None:
        self.km2 = 0.0
        self.scars: list[float] = []
        self.network = _Counts(_by_network(alerts), NETWORK)
        radar = tools.card.sensor is Sensor.SAR
        self.baseline = _Counts(*((_by_radar(alerts), RADAR_BASELINE) if radar else (_by_red(alerts), BASELINE)))
        self._tools, self._alerts, self._valley = tools, alerts, valley
        self._tiles = region_tiles(region.geometry)
        ground = {tile: tools.terrain.read(tile) for tile in self._tiles}
        self._terrain: dict[Tile, Terrain] = {tile: one for tile, one in ground.items() if one is not None}
        self._looks: dict[str, dict[Tile, Look]] = {}

    def add(self, comparison: Comparison) -> None:
        """Compare and count."""
        now = self._look(comparison.now)
        before = {
            tile: [looks[tile] for one in reversed(comparison.before) if tile in (looks := self._look(one))]
            for tile in now
        }
        if not now:  # a few holes in the clouds, and none of them over slopes
            return
        past = references(before, self._alerts)
        (scene,) = scenes(now, self._terrain, self._alerts, measuring(comparison.now))
        if scene.sensor is Sensor.SAR:
            # Unlike in the service, always, because no optics are asked, and in this look alone.
            snow = melting_snow([scene], past).hidden.tiles
            now = {tile: under_snow(look, snow.get(tile, _NOWHERE)) for tile, look in now.items()}
            (scene,) = scenes(now, self._terrain, self._alerts, measuring(comparison.now))
        changes = compare(scene, past, self._alerts)
        seen = _observed(changes)
        self.km2 += float(seen.sum()) * PIXEL_HA / 100.0
        scars = self._scars(scene) if comparison.storm else []
        first = len(self.scars)
        shown = [(area, ground) for area, ground in scars if ground.any() and seen[ground].mean() >= SHOWN_SHARE]
        self.scars += [area for area, _ in shown]
        near = ndimage.binary_dilation(
            np.logical_or.reduce([ground for _, ground in scars]) if scars else np.zeros(seen.shape, bool),
            iterations=_RIM_PX,
        )
        rules = scene_settings(scene, self._alerts)
        for counts in (self.network, self.baseline):
            for place, threshold in enumerate(counts.thresholds):
                mask = counts.rule(scene, changes, threshold)
                labels, count = label_clusters(mask, scene.slope_deg, scene.elevation_m, rules)
                true = np.unique(labels[near])
                false = count - int((true > 0).sum())
                (counts.storm if comparison.storm else counts.quiet)[place] += false
                counts.found[place] += [
                    first + number
                    for number, (_, ground) in enumerate(shown)
                    if (labels[ground] > 0).mean() >= FOUND_SHARE
                ]

    def _scars(self, scene: Scene) -> list[tuple[float, Mask]]:
        canvas = scene.canvas
        return [(scar.area_ha, burn(project(scar.geometry, 4326, canvas.epsg), canvas)) for scar in self._valley.scars]

    def _look(self, acquisition: Acquisition) -> dict[Tile, Look]:
        if acquisition.key not in self._looks:
            self._looks[acquisition.key] = look_at(acquisition, self._tiles, self._tools)
        return self._looks[acquisition.key]


def _by_network(alerts: AlertSettings) -> Rule:
    share = alerts.low / alerts.high
    return lambda scene, changes, high: grow(
        changes.layers[Detector.NETWORK].change, scene.slope_deg, high, share * high, alerts.seed_slope_deg
    )


def _by_red(alerts: AlertSettings) -> Rule:
    share = alerts.baseline_low / alerts.baseline_high
    return lambda scene, changes, high: grow(
        changes.layers[Detector.BASELINE].change, scene.slope_deg, high, share * high, alerts.seed_slope_deg
    )


def _by_radar(alerts: AlertSettings) -> Rule:
    return lambda scene, changes, high: coherent_change(
        changes.layers[Detector.RADAR].change, scene.slope_deg, replace(alerts, radar_high=high), scene.native_m
    )


def _observed(changes: Changes) -> Mask:
    """(H, W) where a detector has an answer: each of them may take ground for unobserved that the other judges."""
    return np.asarray(np.logical_or.reduce([np.isfinite(layer.change) for layer in changes.layers.values()]))
