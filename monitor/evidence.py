"""One acquisition against the past: references, change, clusters, and what it says about open events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from monitor.core.canvas import Canvas, canvases
from monitor.core.change import AlertSettings, ChangeLayer, Colours, bare_ground_change, network_change
from monitor.core.clusters import Ground, burn, clusters, grow
from monitor.core.events import LookContext, add_evidence, belongs_to, enlarge, judge, measure, open_event
from monitor.core.grid import PIXEL_HA, RESOLUTION_M, project
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.masks import grow as grow_mask
from monitor.core.reference import Reference, build_reference, valid
from monitor.core.surroundings import Seen, look_around, neighbourhood
from monitor.records import Cluster, Detector, Event, Evidence, Look, PixelState, Terrain, Tile, Verdict

Array = NDArray[np.float32]
NAN = np.float32(np.nan)
_UNSEEN = np.uint8(PixelState.NODATA)
_BANK_M = 40.0
RED, BLUE = 0, 2
"""Where they stand among the bands that a look keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All looks of one acquisition on one canvas, with the ground below them. Arrays are (H, W)."""

    canvas: Canvas
    probability: Array
    colours: Colours
    spread: Array
    slope_deg: Array
    """0 within 40 m of open water: floods move gravel there, and a bank is no slope that slides."""
    elevation_m: Array
    slopes: NDArray[np.bool_]
    """Where scene-wide shifts are measured: observed slopes."""
    state: NDArray[np.uint8]
    """PixelState; NODATA where there is no look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Change of both detectors on one canvas, and the clusters found in it."""

    layers: Mapping[Detector, ChangeLayer]
    masks: Mapping[Detector, NDArray[np.bool_]]


def scenes(looks: Mapping[Tile, Look], terrain: Mapping[Tile, Terrain], settings: AlertSettings) -> list[Scene]:
    """Lay the looks of an acquisition side by side, one scene per UTM zone."""
    return [_scene(canvas, looks, terrain, settings) for canvas in canvases(looks)]


def _scene(
    canvas: Canvas, looks: Mapping[Tile, Look], terrain: Mapping[Tile, Terrain], settings: AlertSettings
) -> Scene:
    observed = {tile: valid(looks[tile]) for tile in canvas.tiles}
    slope = canvas.lay({tile: terrain[tile].slope_deg for tile in canvas.tiles if tile in terrain}, NAN)
    state = canvas.lay({tile: looks[tile].state for tile in canvas.tiles}, _UNSEEN)
    return Scene(
        canvas=canvas,
        probability=canvas.lay(
            {tile: np.where(seen, looks[tile].probability, NAN) for tile, seen in observed.items()}, NAN
        ),
        colours=_colours(
            canvas, {tile: np.where(seen, looks[tile].reflectance, NAN) for tile, seen in observed.items()}
        ),
        spread=canvas.lay({tile: looks[tile].spread for tile in canvas.tiles}, NAN),
        slope_deg=_away_from_water(slope, state),
        elevation_m=canvas.lay({tile: terrain[tile].elevation_m for tile in canvas.tiles if tile in terrain}, NAN),
        slopes=np.nan_to_num(slope, nan=0.0) >= settings.seed_slope_deg / 2,
        state=state,
    )


def _away_from_water(slope_deg: Array, state: NDArray[np.uint8]) -> Array:
    bank = grow_mask(state == PixelState.WATER, _BANK_M, RESOLUTION_M)
    return np.where(bank, np.float32(0.0), slope_deg)


def _colours(canvas: Canvas, reflectance: Mapping[Tile, Array]) -> Colours:
    return Colours(
        red=canvas.lay({tile: bands[RED] for tile, bands in reflectance.items()}, NAN),
        blue=canvas.lay({tile: bands[BLUE] for tile, bands in reflectance.items()}, NAN),
    )


def references(looks: Mapping[Tile, Sequence[Look]], depth: int) -> dict[Tile, Reference]:
    """The reference of every tile that has earlier looks, from the last `depth` valid ones of each pixel."""
    built = {tile: build_reference(earlier, depth) for tile, earlier in looks.items()}
    return {tile: reference for tile, reference in built.items() if reference is not None}


def compare(scene: Scene, past: Mapping[Tile, Reference], settings: AlertSettings) -> Changes:
    """Change of the scene against its references, by the network and by the baseline, and where it is coherent."""
    canvas = scene.canvas
    probability = canvas.lay({tile: past[tile].probability for tile in canvas.tiles if tile in past}, NAN)
    before = _colours(canvas, {tile: past[tile].reflectance for tile in canvas.tiles if tile in past})
    network = network_change(scene.probability, probability, scene.slopes)
    baseline = bare_ground_change(scene.colours, before, scene.elevation_m, scene.slopes, RESOLUTION_M)
    high = max(settings.baseline_high, settings.noise_factor * baseline.noise)
    low = max(settings.baseline_low, 0.6 * settings.noise_factor * baseline.noise)
    slope = settings.seed_slope_deg
    return Changes(
        layers={Detector.NETWORK: network, Detector.BASELINE: baseline},
        masks={
            Detector.NETWORK: grow(network.change, scene.slope_deg, settings.high, settings.low, slope),
            Detector.BASELINE: grow(baseline.change, scene.slope_deg, high, low, slope),
        },
    )


def find(scene: Scene, changes: Changes, known: Sequence[Event], settings: AlertSettings) -> list[Cluster]:
    """Clusters of the alerting detectors outside the ground of events that are already open."""
    taken = np.zeros(scene.canvas.shape, dtype=bool)
    for event in known:
        taken |= burn(project(event.geometry, 4326, scene.canvas.epsg), scene.canvas)
    ground = Ground(canvas=scene.canvas, slope_deg=scene.slope_deg, elevation_m=scene.elevation_m, spread=scene.spread)
    masks = {detector: changes.masks[detector] & ~taken for detector in settings.detectors}
    union = np.logical_or.reduce(list(masks.values()))
    lead = settings.detectors[0]
    found = clusters(changes.layers[lead].change, union, lead, ground, settings)
    return [_attribute(cluster, scene, changes, masks, settings) for cluster in found]


def _attribute(
    cluster: Cluster,
    scene: Scene,
    changes: Changes,
    masks: Mapping[Detector, NDArray[np.bool_]],
    settings: AlertSettings,
) -> Cluster:
    """The cluster in the words of the detector that saw most of it."""
    pixels = burn(cluster.geometry, scene.canvas)
    detector = max(settings.detectors, key=lambda one: int((masks[one] & pixels).sum()))
    values = changes.layers[detector].change[masks[detector] & pixels]
    mean_change = float(np.nanmean(values)) if values.size else cluster.mean_change
    return replace(cluster, detector=detector, mean_change=mean_change, strength=cluster.area_ha * mean_change)


def judge_events(
    scene: Scene,
    frozen: Mapping[str, Mapping[Tile, Reference]],
    known: Sequence[Event],
    context: LookContext,
    settings: AlertSettings,
    lifecycle: LifecycleSettings,
) -> list[Event]:
    """Every open event with this look's evidence, judged against its own frozen reference.

    Args:
        frozen: references by `opening_acquisition(event)`: events that opened together share them.
    """
    judged = []
    for opening, past in frozen.items():
        opened = [event for event in known if opening_acquisition(event) == opening]
        if not opened:
            continue
        changes = compare(scene, past, settings)
        for event in opened:
            ground = burn(project(event.geometry, 4326, scene.canvas.epsg), scene.canvas)
            if not ground.any():
                continue
            level = measure(changes.layers[event.detector].change, ground, PIXEL_HA)
            verdict, detail = judge(level, event.mean_change)
            if said_before(event, context.acquisition_key, verdict):
                continue
            piece = Evidence(
                acquisition_id=context.acquisition_id,
                sensing_time=context.sensing_time,
                detector=event.detector,
                verdict=verdict,
                observed_fraction=level.observed_fraction,
                level=level.mean_change or 0.0,
                strength=level.area_ha * (level.mean_change or 0.0),
                detail=detail,
            )
            judged.append(add_evidence(event, [piece], lifecycle))
    return judged


def seen_before(cluster: Cluster, scene: Scene, past: Mapping[Tile, Reference]) -> Seen:
    """When most of a cluster's ground was last seen as it was, which starts its failure window; and what is around."""
    near = neighbourhood(scene.canvas, cluster.geometry.bounds)
    ground = burn(cluster.geometry, near)
    times = near.lay({tile: past[tile].last_seen_s for tile in near.tiles if tile in past}, np.float64(np.nan))
    state = near.lay({tile: scene.state[scene.canvas.window(tile)] for tile in near.tiles}, _UNSEEN)
    known = np.isfinite(times)
    around, beside_hidden = look_around(ground, known & (state == PixelState.VALID), state)
    # The upper middle is a time that really occurs, and errs to the shorter window.
    seen = np.sort(times[ground & known])
    before = datetime.fromtimestamp(float(seen[len(seen) // 2]), UTC)
    return Seen(before=before, around=around, beside_hidden=beside_hidden)


def absorb(
    found: Sequence[tuple[Cluster, Seen]],
    known: Sequence[Event],
    context: LookContext,
    settings: AlertSettings,
    lifecycle: LifecycleSettings,
) -> list[Event]:
    """Open an event for every new cluster; one beside an event that this look supports enlarges that event.

    Args:
        found: clusters, and how their ground was seen before and what is around it now.
    """
    grown = {event.id: event for event in known}
    opened = []
    for cluster, seen in found:
        supported = [event for event in grown.values() if said_before(event, context.acquisition_key, Verdict.SUPPORTS)]
        home = belongs_to(cluster, supported, settings.join_m)
        if home is None:
            there = replace(
                context, previous_time=seen.before, seen_around=seen.around, beside_hidden=seen.beside_hidden
            )
            opened.append(open_event(cluster, there, lifecycle))
        else:
            grown[home.id] = enlarge(home, cluster)
    return [*grown.values(), *opened]


def opening_acquisition(event: Event) -> str:
    """The acquisition that opened an event."""
    return next(piece.acquisition_id for piece in event.evidence if piece.verdict is Verdict.OPENS)


def said_before(event: Event, acquisition_key: str, verdict: Verdict) -> bool:
    """Whether this pass, in whatever version, has said so of the event: pixels that come again are no second look."""
    said = {piece.verdict for piece in event.evidence if _pass(piece.acquisition_id) == acquisition_key}
    return verdict in said or (verdict is Verdict.SUPPORTS and Verdict.OPENS in said)


def _pass(acquisition_id: str) -> str:
    """The natural key, which every version of an acquisition shares."""
    return acquisition_id.rpartition("_")[0]
