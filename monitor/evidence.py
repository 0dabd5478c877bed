"""One acquisition against the past: clusters, the events they open, and what it says about open events."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from monitor.core.canvas import Canvas
from monitor.core.change import AlertSettings, ChangeLayer
from monitor.core.clusters import Ground, burn, clusters
from monitor.core.events import (
    Level,
    LookContext,
    add_evidence,
    judge,
    judge_across,
    measure,
    open_event,
    together,
)
from monitor.core.grid import PIXEL_HA, project, tile_polygon, zone_strip
from monitor.core.growth import beside, enlarge, merge
from monitor.core.lifecycle import OPEN_STATES, RECOVERED, LifecycleSettings
from monitor.core.surroundings import Seen, look_around, neighbourhood
from monitor.records import (
    ActionKind,
    AlertStatus,
    Cluster,
    Detector,
    Event,
    EventState,
    Evidence,
    PixelState,
    Prediction,
    Sensor,
    Tier,
    Tile,
    Verdict,
)
from monitor.scene import NAN, Before, Changes, Scene, change_layers, scene_settings, threshold_of
from monitor.scene import beside as scene_beside

_UNSEEN = np.uint8(PixelState.NODATA)
_MOSTLY = 0.5
"""Share of a cluster that must lie where the look is the evidence of record, to open an alert at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """Events that are judged against the same ground as it was before."""

    events: tuple[Event, ...]
    past: Mapping[Tile, Before]
    answers: Mapping[Tile, Prediction] | None = None
    """What a network of pairs says of the look beside that ground, where it has opened one of them."""


def find(scene: Scene, changes: Changes, known: Sequence[Event], settings: AlertSettings) -> list[Cluster]:
    """Clusters of the alerting detectors outside the ground of events that are known."""
    alerting = [detector for detector in settings.detectors if detector in changes.masks]
    if not alerting:
        return []
    taken = np.zeros(scene.canvas.shape, dtype=bool)
    settled = np.zeros_like(taken)
    for event in known:
        # Within half a valley that changed alike and settled, a landslide of its own is news.
        ground = settled if event.alike_from_m is not None and event.state not in OPEN_STATES else taken
        ground |= burn(project(event.geometry, 4326, scene.canvas.epsg), scene.canvas)
    around = Ground(
        canvas=scene.canvas,
        slope_deg=scene.slope_deg,
        elevation_m=scene.elevation_m,
        spread=scene.spread,
        alike=None if changes.alike is None else changes.alike.above,
    )
    masks = {detector: changes.masks[detector] & ~taken for detector in alerting}
    union = np.logical_or.reduce(list(masks.values()))
    lead = alerting[0]
    found = clusters(changes.layers[lead].change, union, lead, around, scene_settings(scene, settings))
    news = [one for one in found if one.alike_from_m is None or not _mostly(burn(one.geometry, scene.canvas), settled)]
    return [_attribute(cluster, scene, changes, masks) for cluster in news]


def _mostly(ground: NDArray[np.bool_], among: NDArray[np.bool_]) -> bool:
    """Whether more than half of some pixels are among others."""
    return bool(2 * (ground & among).sum() > ground.sum())


def _attribute(
    cluster: Cluster, scene: Scene, changes: Changes, masks: Mapping[Detector, NDArray[np.bool_]]
) -> Cluster:
    """The cluster in the words of the detector that saw most of it."""
    pixels = burn(cluster.geometry, scene.canvas)
    detector = max(masks, key=lambda one: int((masks[one] & pixels).sum()))
    values = changes.layers[detector].change[masks[detector] & pixels]
    mean_change = float(np.nanmean(values)) if values.size else cluster.mean_change
    return replace(cluster, detector=detector, mean_change=mean_change, strength=cluster.area_ha * mean_change)


def judge_events(
    scenes: Sequence[Scene],
    frozen: Sequence[Frozen],
    context: LookContext,
    settings: AlertSettings,
    lifecycle: LifecycleSettings,
) -> list[Event]:
    """Open events with this look's evidence, each judged against its own frozen reference.

    Args:
        scenes: of every UTM zone: the look gives an event that lies in two of them one piece of evidence.
    """
    judged = []
    for group in frozen:
        # Only where the past is known or an event lies: a region may be a hundred times as large.
        tiles = {*group.past, *(tile for event in group.events for tile in event.tiles)}
        near = [scene.part(tiles) for scene in scenes if any(tile.epsg == scene.canvas.epsg for tile in tiles)]
        seen = [(part, change_layers(_told(part, group), group.past)) for part in near]
        for event in group.events:
            piece = _evidence(event, seen, context, settings)
            if piece is not None and not said_before(event, context.acquisition_key, piece.verdict):
                judged.append(add_evidence(event, [piece], lifecycle))
    return judged


def _told(scene: Scene, group: Frozen) -> Scene:
    """The scene with what a network of pairs says of it beside the frozen looks, not beside the last ones."""
    if group.answers is None:
        return scene
    said = {tile: answer.probability for tile, answer in group.answers.items()}
    return replace(scene, probability=scene.canvas.lay(said, NAN))


Seeing = tuple[Scene, Mapping[Detector, ChangeLayer]]
"""A scene, and its change against what was known before."""


def _evidence(event: Event, seen: Sequence[Seeing], context: LookContext, settings: AlertSettings) -> Evidence | None:
    """What the scenes say about an event; None when they do not show any of its ground."""
    parts = [(*one, ground) for one in seen if (ground := _ground(event, one[0].canvas)).any()]
    offered = {detector for _, layers, _ in parts for detector in layers}
    if not offered:
        return None
    own = event.comparable == context.comparable and event.detector in offered
    detector = event.detector if own else next(one for one in _BASELINES if one in offered)
    high = threshold_of(detector, settings)
    levels = [_level(scene, layers.get(detector), ground, high, settings) for scene, layers, ground in parts]
    level = together([*levels, *_hidden(event, {scene.canvas.epsg for scene, _, _ in parts})])
    quiet = next(layers[detector].quiet for _, layers, _ in parts if detector in layers)
    if own:
        # Ground that only another sensor saw change thins the mean that is to be expected.
        foreign = event.foreign_ha / event.area_ha
        verdict, detail = judge(level, event.mean_change * (1.0 - foreign) + quiet * foreign, quiet)
    else:
        verdict, detail = judge_across(level, high, context.sensor, quiet)
    if verdict in (Verdict.SUPPORTS, Verdict.CONTRADICTS) and event.alike_from_m is None and _among_alike(parts):
        verdict, detail = Verdict.INCONCLUSIVE, f"{detail}; but the slopes around it changed alike"
    return Evidence(
        acquisition_id=context.acquisition_id,
        sensing_time=context.sensing_time,
        detector=detector,
        verdict=verdict,
        observed_fraction=level.observed_fraction,
        level=level.mean_change or 0.0,
        strength=level.area_ha * (level.mean_change or 0.0),
        detail=detail,
        own=own,
    )


def _among_alike(parts: Sequence[tuple[Scene, object, NDArray[np.bool_]]]) -> bool:
    """Whether most of the ground of an event lies where the look shows ground above one height that changed alike."""
    inside = sum(int((ground & scene.alike).sum()) for scene, _, ground in parts if scene.alike is not None)
    return 2 * inside > sum(int(ground.sum()) for *_, ground in parts)


def apart(scene: Scene, known: Sequence[Event]) -> Scene:
    """A pass of radar, with what it did as a whole measured beside the ground of known events that changed alike.

    Otherwise most of a valley that slid becomes the scene as soon as it is part of what was known before.
    """
    alike = [event for event in known if event.alike_from_m is not None]
    if scene.sensor is Sensor.OPTICAL or not alike:
        return scene
    return scene_beside(scene, np.logical_or.reduce([_ground(event, scene.canvas) for event in alike]))


def _ground(event: Event, canvas: Canvas) -> NDArray[np.bool_]:
    """(H, W) pixels of an event on a canvas."""
    if canvas.epsg not in {tile.epsg for tile in event.tiles}:
        return np.zeros(canvas.shape, dtype=np.bool_)
    return burn(_part(event, canvas.epsg), canvas)


def _hidden(event: Event, shown: Container[int]) -> list[Level]:
    """The ground of an event in those of its zones that the look does not show."""
    zones = sorted({tile.epsg for tile in event.tiles if tile.epsg not in shown})
    areas = [float(_part(event, zone).area) / 10_000.0 for zone in zones]
    return [Level(observed_fraction=0.0, mean_change=None, area_ha=area_ha) for area_ha in areas]


def _part(event: Event, epsg: int) -> BaseGeometry:
    """An event's ground in one of its zones, in that zone's CRS. Tiles of two zones overlap: each has its own part."""
    alone = len({tile.epsg for tile in event.tiles}) == 1
    return project(event.geometry if alone else event.geometry.intersection(zone_strip(epsg)), 4326, epsg)


def _level(
    scene: Scene, layer: ChangeLayer | None, ground: NDArray[np.bool_], high: float, settings: AlertSettings
) -> Level:
    """One scene's change on an event's pixels; without a layer they were not observed."""
    change = np.full(ground.shape, NAN) if layer is None else layer.change
    # Where a cluster may start: not on a bank, which a flood has cleared.
    strong = (change >= high) & (scene.slope_deg >= settings.seed_slope_deg)
    if layer is not None and layer.real is not None:
        strong &= layer.real >= settings.baseline_real
    return measure(change, ground, PIXEL_HA, strong)


_BASELINES = (Detector.BASELINE, Detector.RADAR)
"""What speaks for a sensor about an event that another sensor or track opened."""


def seen_before(cluster: Cluster, scene: Scene, past: Mapping[Tile, Before]) -> Seen:
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

    Not so a change larger than the event, on ground that was seen intact since it opened: that is news, and not the
    rest of what clouds had hidden. Nor ground above one height that changed alike, if the event is no such ground, and
    the other way round: snow beside a landslide is another matter.

    Args:
        found: clusters, and how their ground was seen before and what is around it now.
    """
    grown = {event.id: event for event in known}
    opened: list[Event] = []
    for cluster, seen in found:
        supported = [
            event
            for event in grown.values()
            if event.state in OPEN_STATES
            and said_before(event, context.acquisition_key, Verdict.SUPPORTS)
            and (event.alike_from_m is None) is (cluster.alike_from_m is None)
            and not _outgrows(cluster, seen, event)
        ]
        homes = beside(cluster, supported, settings.join_m)
        if not homes:
            there = replace(
                context,
                previous_time=seen.before,
                seen_around=seen.around,
                beside_hidden=seen.beside_hidden,
                strata=seen.strata,
                declared=seen.declared,
                of_record=_of_record(cluster, context),
                status=_status(cluster, context),
            )
            parent = _split_from(cluster, grown.values(), context)
            opened.append(open_event(cluster, there, lifecycle, parent))
        else:
            grown |= _grow(cluster, homes, context, lifecycle)
    return [*grown.values(), *opened]


def _grow(
    cluster: Cluster, homes: Sequence[Event], context: LookContext, lifecycle: LifecycleSettings
) -> dict[str, Event]:
    """The first of some events with the ground of a cluster, and of those of its storm that the cluster joins to it."""
    strongest = homes[0]
    # Before an event has a storm nobody knows whether two happened at once; a test and a real alert are never one.
    of_it = [one for one in homes if one.storm and (one.storm, one.status) == (strongest.storm, strongest.status)]
    home = min(of_it, key=_standing, default=strongest)
    own = cluster.detector is home.detector and home.comparable == context.comparable
    kept = enlarge(home, cluster, context, lifecycle, own)
    grown = {}
    for other in of_it:
        if other.id != home.id:
            kept, grown[other.id] = merge(kept, other, cluster.epsg, context, lifecycle)
    return {**grown, kept.id: kept}


def _standing(event: Event) -> tuple[bool, bool, bool, datetime, float, str]:
    """The event that others are joined to comes first: what people saw or let out, warnings, then what opened first."""
    in_field = any(one.kind is ActionKind.CONFIRM for one in event.actions)
    watch = event.tier is not Tier.WARNING
    return not in_field, not event.released, watch, event.window_end, -event.strength, event.id


def _split_from(cluster: Cluster, events: Iterable[Event], context: LookContext) -> Event | None:
    """The event on most of whose ground this look finds nothing any more, while the cluster remains of it."""
    for event in events:
        last = event.transitions[-1]
        gone = event.state is EventState.REFUTED or last.reason == RECOVERED
        if gone and last.acquisition_id == context.acquisition_id:
            ground = project(event.geometry, 4326, cluster.epsg)
            if 2.0 * cluster.geometry.intersection(ground).area > cluster.geometry.area:
                return event
    return None


def _outgrows(cluster: Cluster, seen: Seen, event: Event) -> bool:
    """Whether a cluster beside an event is a later and larger change."""
    return cluster.area_ha > event.area_ha and seen.before >= event.window_end


def _status(cluster: Cluster, context: LookContext) -> AlertStatus:
    """A network trained on simulated data says nothing against what is found without it."""
    plain = cluster.detector is not Detector.NETWORK and context.plain_status is not None
    return context.plain_status if plain and context.plain_status is not None else context.status


def _of_record(cluster: Cluster, context: LookContext) -> bool:
    """Whether the look may open an alert there at once. Optics may wherever they see: clear pixels are clear pixels."""
    if context.sensor is Sensor.OPTICAL:
        return True
    counting = sum(
        float(cluster.geometry.intersection(tile_polygon(tile)).area)
        for tile in cluster.tiles
        if context.records.get(tile) is context.sensor
    )
    return counting >= _MOSTLY * float(cluster.geometry.area)


def opening_acquisition(event: Event) -> str:
    """The acquisition that opened an event."""
    return next(piece.acquisition_id for piece in event.evidence if piece.verdict is Verdict.OPENS)


def said_before(event: Event, acquisition_key: str, verdict: Verdict) -> bool:
    """Whether this pass, in whatever version, has said so of the event: pixels that come again are no second look."""
    heard = [piece for piece in event.evidence if not piece.withdrawn]
    said = {piece.verdict for piece in heard if _pass(piece.acquisition_id) == acquisition_key}
    return verdict in said or (verdict is Verdict.SUPPORTS and Verdict.OPENS in said)


def has_spoken(event: Event, acquisition_key: str) -> bool:
    """Whether this pass, in whatever version, has said anything of the event."""
    return any(_pass(piece.acquisition_id) == acquisition_key for piece in event.evidence if not piece.withdrawn)


def _pass(acquisition_id: str) -> str:
    """The natural key, which every version of an acquisition shares."""
    return acquisition_id.rpartition("_")[0]
