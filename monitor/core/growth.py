"""Events that become larger, and what is left of one when the looks that enlarged it are taken back.

What a look adds is kept as a piece of its own (`records.Growth`): outline, hectares and change of the event follow from
those that count, so that whatever is taken back the rest gives the same as if nobody had ever said it.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from shapely import make_valid, set_precision

from monitor.core.events import LookContext, replayed, with_actions
from monitor.core.grid import project
from monitor.core.grown_ground import BEFORE, OUTLINE_GRID_M, counting, union
from monitor.core.lifecycle import ALERT_STATES, LifecycleSettings
from monitor.records import Action, ActionKind, Cluster, Event, Growth, Tier, Verdict


def beside(cluster: Cluster, events: Sequence[Event], join_m: float) -> list[Event]:
    """The events whose ground lies within `join_m` of a cluster, strongest first."""
    near = [
        event for event in events if project(event.geometry, 4326, cluster.epsg).distance(cluster.geometry) <= join_m
    ]
    return sorted(near, key=lambda event: (-event.strength, event.id))


def enlarge(event: Event, cluster: Cluster, look: LookContext, settings: LifecycleSettings, own: bool = True) -> Event:
    """The event with a neighbouring cluster's ground added (first seen by a later look).

    Its mean change stays in the measure of its own detector: what only another sensor or track saw (not `own`) is
    `foreign_ha`.
    """
    added = _added(event, cluster, look, own)
    return _grown(event, added, settings) if added.area_ha > 0 else event


def merge(home: Event, other: Event, epsg: int, look: LookContext, settings: LifecycleSettings) -> tuple[Event, Event]:
    """Two events of one storm that grew together: one with the ground of both, and what ends the other."""
    ground = Cluster(
        detector=other.detector,
        geometry=project(other.geometry, 4326, epsg),
        epsg=epsg,
        area_ha=other.area_ha,
        mean_change=other.mean_change,
        strength=other.strength,
        spread=other.spread,
        slope_deg=other.slope_deg,
        tiles=other.tiles,
    )
    own = other.detector is home.detector and other.comparable == home.comparable
    action = Action(
        at=look.sensing_time, by="", kind=ActionKind.MERGE, reason=home.id, acquisition_id=look.acquisition_id
    )
    ended = with_actions(other, [action], settings)
    start, end = min(home.window_start, other.window_start), min(home.window_end, other.window_end)
    both = replace(home, released=home.released or other.released, window_start=start, window_end=end)
    added = _added(home, ground, look, own)
    if other.state in ALERT_STATES:  # nobody has heard of a candidate
        added = replace(added, took_in=(other.id,), warning=other.tier is Tier.WARNING)
    return _grown(both, added, settings), ended


def with_growth(event: Event, pieces: Sequence[Growth], settings: LifecycleSettings) -> Event:
    """The event with ground that looks added; what a look has added already is ignored."""
    known = {one.acquisition_id: one for one in _kept(event)}
    news = {one.acquisition_id: one for one in pieces if one.acquisition_id not in known}
    return _with(event, (known | news).values(), settings) if news else event


def regrown(event: Event) -> Event:
    """The event with the outline, hectares and change that follow from the pieces of ground that count."""
    left = counting(event.growth)
    if not left:
        return event
    area_ha, foreign_ha = sum(one.area_ha for one in left), sum(one.foreign_ha for one in left)
    own_ha = area_ha - foreign_ha
    change = sum((one.area_ha - one.foreign_ha) * one.mean_change for one in left)
    mean_change = change / own_ha if own_ha > 0 else event.mean_change
    return replace(
        event,
        geometry=union([one.geometry for one in left], left[0].tiles[0].epsg),
        area_ha=area_ha,
        mean_change=mean_change,
        strength=own_ha * mean_change,
        foreign_ha=foreign_ha,
        tiles=tuple(sorted({tile for one in left for tile in one.tiles})),
        took_in=tuple(name for one in left for name in one.took_in),
    )


def without_merge(event: Event, settings: LifecycleSettings) -> Event:
    """The event as if it had not been joined to another one."""
    left = tuple(one for one in event.actions if one.kind is not ActionKind.MERGE or one.withdrawn)
    return replayed(replace(event, actions=left), settings)


def without_taken(event: Event, others: Container[str], settings: LifecycleSettings) -> Event:
    """The event as if it had not taken in some others."""
    left = tuple(one for one in event.growth if not any(name in others for name in one.took_in))
    return event if left == event.growth else replayed(regrown(replace(event, growth=left)), settings)


def _added(event: Event, cluster: Cluster, look: LookContext, own: bool) -> Growth:
    """What a cluster adds to an event's ground."""
    # The way to degrees and back moved corners by nanometres; without a grid the difference would have slivers.
    ground = set_precision(make_valid(project(event.geometry, 4326, cluster.epsg)), OUTLINE_GRID_M)
    added_ha = float(cluster.geometry.difference(ground).area) / 10_000.0
    return Growth(
        acquisition_id=look.acquisition_id,
        sensing_time=look.sensing_time,
        geometry=project(cluster.geometry, cluster.epsg, 4326),
        area_ha=added_ha,
        foreign_ha=0.0 if own else added_ha,
        mean_change=cluster.mean_change if own else 0.0,
        tiles=cluster.tiles,
    )


def _grown(event: Event, added: Growth, settings: LifecycleSettings) -> Event:
    """The event with what a look adds now; its parts are one piece."""
    known = {one.acquisition_id: one for one in _kept(event)}
    before = known.get(added.acquisition_id)
    known[added.acquisition_id] = added if before is None else _joined(before, added)
    return _with(event, known.values(), settings)


def _with(event: Event, growth: Iterable[Growth], settings: LifecycleSettings) -> Event:
    in_order = sorted(growth, key=lambda one: (one.acquisition_id != BEFORE, one.sensing_time, one.acquisition_id))
    # The picture is to be drawn again with the new outline, on the chips that are kept.
    return replayed(regrown(replace(event, growth=tuple(in_order), picture=None)), settings)


def _kept(event: Event) -> tuple[Growth, ...]:
    """The pieces of an event's ground; one that never grew is in one piece."""
    if event.growth:
        return event.growth
    opened = next((piece.sensing_time for piece in event.evidence if piece.verdict is Verdict.OPENS), event.window_end)
    whole = Growth(
        acquisition_id=BEFORE,
        sensing_time=opened,
        geometry=event.geometry,
        area_ha=event.area_ha,
        foreign_ha=event.foreign_ha,
        mean_change=event.mean_change,
        tiles=event.tiles,
        took_in=event.took_in,
    )
    return (whole,)


def _joined(one: Growth, more: Growth) -> Growth:
    """What one look adds in two parts."""
    area_ha, foreign_ha = one.area_ha + more.area_ha, one.foreign_ha + more.foreign_ha
    parts = [(part.area_ha - part.foreign_ha, part.mean_change) for part in (one, more)]
    own_ha = area_ha - foreign_ha
    return replace(
        one,
        geometry=union([one.geometry, more.geometry], one.tiles[0].epsg),
        area_ha=area_ha,
        foreign_ha=foreign_ha,
        mean_change=sum(own * change for own, change in parts) / own_ha if own_ha > 0 else 0.0,
        tiles=tuple(sorted({*one.tiles, *more.tiles})),
        took_in=(*one.took_in, *more.took_in),
        warning=one.warning or more.warning,
    )
