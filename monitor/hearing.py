"""What a look says of events that are known: each is judged against the ground as it was before it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitor.core.change import AlertSettings
from monitor.core.events import LookContext, add_evidence
from monitor.core.grid import RESOLUTION_M
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.water import Cover, beside_water, under_snow
from monitor.evidence import Frozen, judge_events, said_before
from monitor.past import comparable_with
from monitor.ports import TerrainSource
from monitor.records import Acquisition, Detector, Event, Evidence, Look, Sensor, Tile, Verdict
from monitor.scene import Measuring, Scene, scenes

Mask = NDArray[np.bool_]

_OTHER_MODEL = "another model version"


def deaf_to(known: Sequence[Event], context: LookContext) -> dict[str, str]:
    """Ids of events that a look may not speak about, and why."""
    return {
        event.id: _OTHER_MODEL
        for event in known
        if event.comparable == context.comparable and not comparable_with(context.model_version, event)
    }


def hear(
    shown: Sequence[Scene],
    known: Sequence[Event],
    frozen: Sequence[Frozen],
    context: LookContext,
    alerts: AlertSettings,
    lifecycle: LifecycleSettings,
) -> list[Event]:
    """All known events, with what a look says about those that it may speak about.

    Args:
        shown: the look in every UTM zone.
        frozen: the ground before the events that it may speak about (`EarlierLooks.frozen`).
    """
    deaf = deaf_to(known, context)
    judged = []
    for group in frozen:
        lost = [event for event in group.events if group.past.keys().isdisjoint(event.tiles)]
        deaf |= {event.id: _nothing_to_compare(event, context) for event in lost}
        judged.append(replace(group, events=tuple(event for event in group.events if event.id not in deaf)))
    heard = judge_events(shown, [group for group in judged if group.events], context, alerts, lifecycle)
    tiles = {tile for scene in shown for tile in scene.canvas.tiles}
    heard += [
        not_observed(event, deaf[event.id], context, lifecycle)
        for event in known
        if event.id in deaf and not tiles.isdisjoint(event.tiles)
    ]
    standing: Mapping[str, Event] = {event.id: event for event in (*known, *heard)}
    return list(standing.values())


def lay_out(
    looks: Mapping[Tile, Look],
    cover: Mapping[Tile, Cover],
    terrain: TerrainSource,
    alerts: AlertSettings,
    how: Measuring,
    thawed: Mapping[Tile, Mask] | None = None,
) -> list[Scene]:
    """Looks side by side, without water and what cannot be compared, one scene per UTM zone.

    Args:
        cover: what optics saw lie on the ground, of a radar pass.
        thawed: (256, 256) of tiles where snow lay in the reference.
    """
    seen = {tile: beside_water(look, cover[tile].water) if tile in cover else look for tile, look in looks.items()}
    seen |= {tile: under_snow(seen[tile], snow) for tile, snow in (thawed or {}).items() if tile in seen}
    found = {tile: terrain.read(tile) for tile in looks}
    return scenes(seen, {tile: ground for tile, ground in found.items() if ground is not None}, alerts, how)


def not_observed(event: Event, why: str, context: LookContext, settings: LifecycleSettings) -> Event:
    """The event after a look that can say nothing about it; one of the same pass has said so already is left out."""
    if said_before(event, context.acquisition_key, Verdict.NOT_OBSERVED):
        return event
    piece = Evidence(
        acquisition_id=context.acquisition_id,
        sensing_time=context.sensing_time,
        detector=_voice(event, context),
        verdict=Verdict.NOT_OBSERVED,
        observed_fraction=0.0,
        level=0.0,
        strength=0.0,
        detail=why,
    )
    return add_evidence(event, [piece], settings)


def _voice(event: Event, context: LookContext) -> Detector:
    """What would have spoken about an event, had the look seen it."""
    if context.sensor is Sensor.SAR:
        return Detector.RADAR
    return Detector.BASELINE if event.detector is Detector.RADAR else event.detector


def measuring(acquisition: Acquisition, of_pairs: bool = False) -> Measuring:
    """What the looks of an acquisition hold; `of_pairs` where their probability is of earlier looks as well."""
    if acquisition.sensor is Sensor.OPTICAL:
        return Measuring(of_pairs=of_pairs)
    return Measuring(
        sensor=acquisition.sensor,
        polarisations=acquisition.polarisations,
        native_m=max(acquisition.resolution_m or RESOLUTION_M, RESOLUTION_M),
        of_pairs=of_pairs,
    )


def _nothing_to_compare(event: Event, context: LookContext) -> str:
    if event.comparable == context.comparable:
        return "no look from before the event is left to compare with"
    return "no look of this sensor and track from before the event to compare with"
