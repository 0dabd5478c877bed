"""One acquisition's life, top to bottom: look at every tile, compare with the past, judge, publish, write once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from monitor.core.change import AlertSettings
from monitor.core.events import LookContext
from monitor.core.grid import PIXEL_HA, blocks, region_tiles
from monitor.core.lifecycle import ALERT_STATES, OPEN_STATES, LifecycleSettings
from monitor.core.reference import Reference, valid
from monitor.core.statistics import tile_stats
from monitor.errors import BadItem, StoreBusy
from monitor.evidence import (
    absorb,
    compare,
    find,
    judge_events,
    last_seen,
    opening_acquisition,
    references,
    scenes,
)
from monitor.looking import Instruments, Looker, Stopwatch, order_for_cache
from monitor.ports import Illustrator, LookArchive, Publisher, Store
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    AlertStatus,
    Detector,
    Event,
    FrozenReference,
    Look,
    Observation,
    PixelState,
    Region,
    Terrain,
    Tile,
)

Array = NDArray[np.float32]
Change = dict[Detector, dict[Tile, Array]]
"""Change of every detector on every compared tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """What an operator may set about one acquisition's way."""

    alerts: AlertSettings
    lifecycle: LifecycleSettings
    block_tiles: int = 4
    """Side of a block; the lease is renewed after each."""
    lease: timedelta = timedelta(minutes=10)
    simulated_alerts: AlertStatus = AlertStatus.TEST
    """Status of alerts from simulated pixels or from a model trained on simulated data alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one acquisition."""

    result: AcquisitionResult
    written: bool
    """False when the lease was lost on the way: another process has it."""
    opened: int
    """Alerts that this acquisition opened."""
    seconds: Mapping[str, float]
    """Wall time by stage."""
    tiles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """All looks of an acquisition."""

    looks: dict[Tile, Look]
    hrefs: dict[Tile, str]
    hidden: dict[Tile, Observation]
    """Tiles where nothing was observed, with the reason."""
    mask_source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What was known before: earlier comparable observations of every tile, newest first, and their looks reduced."""

    rows: dict[Tile, list[Observation]]
    newest: dict[Tile, Look]
    references: dict[Tile, Reference]


class Pipeline:
    """Processes claimed acquisitions; owns no state but its wiring."""

    def __init__(
        self,
        *,
        store: Store,
        archive: LookArchive,
        publisher: Publisher,
        illustrator: Illustrator,
        instruments: Callable[[Region], Instruments],
        settings: PipelineSettings,
        progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None,
    ) -> None:
        """`instruments` gives what a region is looked at with; `progress` hears (acquisition, tiles done, tiles)."""
        self._store = store
        self._archive = archive
        self._publisher = publisher
        self._illustrator = illustrator
        self._instruments = instruments
        self._settings = settings
        self._progress = progress

    def process(self, acquisition: Acquisition, region: Region, owner: str, clock: Callable[[], datetime]) -> Outcome:
        """Everything between claim and commit.

        Raises:
            Transient, Permanent: nothing was written to the database; the caller retries or parks.
        """
        watch = Stopwatch()
        instruments = self._instruments(region)
        tiles = _tiles(region)
        looked = self._look_at(acquisition, tiles, Looker(acquisition, instruments, watch), owner, clock)
        if not looked.looks:
            result = AcquisitionResult(
                reason="nothing-usable",
                detail="no clear ground in any tile of the region",
                observations=tuple(looked.hidden.values()),
            )
            return self._commit(acquisition, result, owner, clock, watch, len(tiles))
        past = watch.run("change", lambda: self._past(acquisition, looked.looks, instruments))
        history = self._store.is_history(acquisition)
        result, change = watch.run("change", lambda: self._judge(acquisition, looked, past, instruments, history))
        watch.run("products", lambda: self._publish(acquisition, looked, change, result, instruments))
        result = watch.run("products", lambda: self._illustrate(looked, past, change, result))
        return self._commit(acquisition, result, owner, clock, watch, len(tiles))

    def _look_at(
        self, acquisition: Acquisition, tiles: Sequence[Tile], looker: Looker, owner: str, clock: Callable[[], datetime]
    ) -> _Looked:
        """Look at every tile block by block, keeping each look on disk and the lease alive."""
        looks: dict[Tile, Look] = {}
        hrefs: dict[Tile, str] = {}
        hidden: dict[Tile, Observation] = {}
        version = looker.instruments.card.version
        for block in blocks(tiles, self._settings.block_tiles):
            for tile in order_for_cache(block):
                look = looker.look(tile)
                if look is None:
                    hidden[tile] = _unseen(acquisition, tile, looker.state(tile), version)
                else:
                    looks[tile] = look
                    hrefs[tile] = looker.watch.run("products", lambda kept=look: self._archive.write(kept, version))  # type: ignore[misc]
                self._progress(acquisition.key, len(looks) + len(hidden), len(tiles))
            if not self._store.extend(acquisition, owner, self._settings.lease, clock()):
                raise StoreBusy(
                    "the lease on this acquisition was lost while it was processed",
                    item=acquisition.id,
                    remedy="Another process has it; nothing was written here and nothing needs to be done.",
                    reason="lease-lost",
                )
        sources = looker.mask_sources - {"scl"}
        return _Looked(looks=looks, hrefs=hrefs, hidden=hidden, mask_source=min(sources, default="scl"))

    def _past(self, acquisition: Acquisition, looks: Mapping[Tile, Look], instruments: Instruments) -> _Past:
        """The last K comparable looks of every tile, reduced to references tile by tile."""
        rows: dict[Tile, list[Observation]] = {}
        newest: dict[Tile, Look] = {}
        built: dict[Tile, Reference] = {}
        for tile in looks:
            rows[tile] = self._store.looks_before(
                tile,
                instruments.card.version,
                acquisition.sensor,
                acquisition.sensing_time,
                self._settings.alerts.looks,
            )
            earlier = [self._archive.read(row.look_href) for row in rows[tile] if row.look_href]
            if earlier:
                newest[tile] = earlier[0]
                built.update(references({tile: earlier}))
        return _Past(rows=rows, newest=newest, references=built)

    def _judge(
        self, acquisition: Acquisition, looked: _Looked, past: _Past, instruments: Instruments, history: bool
    ) -> tuple[AcquisitionResult, Change]:
        """Observations of every tile, and events where there is a past and the look is not history."""
        observations = [
            *looked.hidden.values(),
            *(_observe(acquisition, look, looked, past, instruments) for look in looked.looks.values()),
        ]
        if not past.references:
            reason = "learning"
            detail = f"first look of {len(looked.looks)} tiles: nothing earlier to compare with"
            return AcquisitionResult(reason=reason, detail=detail, observations=tuple(observations)), {}
        known = [] if history else self._store.events(acquisition.region, open_only=True)
        terrain = _terrain(looked.looks, instruments)
        events: list[Event] = []
        change: Change = {detector: {} for detector in Detector}
        for scene in scenes(looked.looks, terrain, self._settings.alerts):
            changes = compare(scene, past.references, self._settings.alerts)
            for detector, layer in changes.layers.items():
                change[detector].update(scene.canvas.cut(layer.change))
            if history:
                continue
            here = [event for event in known if any(tile.epsg == scene.canvas.epsg for tile in event.tiles)]
            context = self._context(acquisition, looked, past, instruments, changes.layers[Detector.BASELINE].shift)
            judged = judge_events(
                scene, self._frozen(here), here, context, self._settings.alerts, self._settings.lifecycle
            )
            standing = {event.id: event for event in here} | {event.id: event for event in judged}
            found = find(scene, changes, list(standing.values()), self._settings.alerts)
            dated = [(cluster, last_seen(cluster, scene, past.references)) for cluster in found]
            events += absorb(dated, list(standing.values()), context, self._settings.alerts, self._settings.lifecycle)
        result = AcquisitionResult(
            reason="history" if history else "compared",
            detail="arrived late: feeds references only" if history else _summary(events, past, looked),
            observations=tuple(observations),
            events=tuple(events),
            references=tuple(self._freeze(events, past)),
        )
        return result, change

    def _frozen(self, events: Sequence[Event]) -> dict[str, dict[Tile, Reference]]:
        """Frozen references by opening acquisition: events that opened together share them."""
        hrefs: dict[str, dict[Tile, list[str]]] = {}
        for event in events:
            hrefs.setdefault(opening_acquisition(event), {}).update(self._store.reference(event.id))
        return {
            opening: references({tile: [self._archive.read(href) for href in kept] for tile, kept in tiles.items()})
            for opening, tiles in hrefs.items()
        }

    def _freeze(self, events: Sequence[Event], past: _Past) -> list[FrozenReference]:
        """The looks before an event, on all its tiles; rows that are already there are left as they are."""
        return [
            FrozenReference(
                event_id=event.id,
                tile=tile,
                acquisition_id=f"{row.acquisition_key}_{row.acquisition_version}",
                look_href=row.look_href,
            )
            for event in events
            if event.state in OPEN_STATES
            for tile in event.tiles
            for row in past.rows.get(tile, [])
            if row.look_href and row.sensing_time < event.window_end
        ]

    def _context(
        self, acquisition: Acquisition, looked: _Looked, past: _Past, instruments: Instruments, shift: float
    ) -> LookContext:
        simulated = instruments.card.simulated or any(item.simulated for item in acquisition.items)
        return LookContext(
            region=acquisition.region,
            acquisition_key=acquisition.key,
            acquisition_id=acquisition.id,
            sensing_time=acquisition.sensing_time,
            previous_time=max(look.sensing_time for look in past.newest.values()),
            model_version=instruments.card.version,
            status=self._settings.simulated_alerts if simulated else AlertStatus.ACTUAL,
            mask_source=looked.mask_source,
            shift=shift,
        )

    def _publish(
        self,
        acquisition: Acquisition,
        looked: _Looked,
        change: Change,
        result: AcquisitionResult,
        instruments: Instruments,
    ) -> None:
        layers = {
            "probability": {tile: look.probability for tile, look in looked.looks.items()},
            "spread": {tile: look.spread for tile, look in looked.looks.items()},
            "change": change.get(Detector.NETWORK, {}),
        }
        properties = {
            "scarpwatch:model": instruments.card.version,
            "scarpwatch:simulated": instruments.card.simulated or any(item.simulated for item in acquisition.items),
            "scarpwatch:outcome": result.reason,
            "scarpwatch:cloud_mask": looked.mask_source,
        }
        self._publisher.publish(acquisition, {name: layer for name, layer in layers.items() if layer}, properties)

    def _illustrate(
        self,
        looked: _Looked,
        past: _Past,
        change: Change,
        result: AcquisitionResult,
    ) -> AcquisitionResult:
        """A picture and evidence chips for every alert that has none yet."""
        bare = [event for event in result.events if event.picture is None and event.state in ALERT_STATES]
        hrefs = self._illustrator.illustrate(bare, looked.looks, past.newest, change)
        events = (replace(event, picture=hrefs.get(event.id, event.picture)) for event in result.events)
        return replace(result, events=tuple(events))

    def _commit(
        self,
        acquisition: Acquisition,
        result: AcquisitionResult,
        owner: str,
        clock: Callable[[], datetime],
        watch: Stopwatch,
        tiles: int,
    ) -> Outcome:
        written = watch.run("store", lambda: self._store.complete(acquisition, owner, result, clock()))
        opened = sum(
            1 for event in result.events if event.state in ALERT_STATES and opening_acquisition(event) == acquisition.id
        )
        return Outcome(result=result, written=written, opened=opened, seconds=dict(watch.seconds), tiles=tiles)


@lru_cache(maxsize=256)
def _tiles_of(wkb: bytes) -> tuple[Tile, ...]:
    from shapely import from_wkb

    return region_tiles(from_wkb(wkb))


def _tiles(region: Region) -> tuple[Tile, ...]:
    return _tiles_of(region.geometry.wkb)


def _terrain(looks: Mapping[Tile, Look], instruments: Instruments) -> dict[Tile, Terrain]:
    found = {tile: instruments.terrain.read(tile) for tile in looks}
    terrain = {tile: ground for tile, ground in found.items() if ground is not None}
    if not terrain:
        raise BadItem(
            "no elevation model covers any looked-at tile, so no slope is known",
            item=next(iter(looks)).id,
            remedy="Add a catalog with a collection of elevation (cop-dem-glo-30 by default) to the region.",
            reason="no-elevation",
        )
    return terrain


def _observe(
    acquisition: Acquisition, look: Look, looked: _Looked, past: _Past, instruments: Instruments
) -> Observation:
    """The history row of one look, with its change since the previous comparable look on jointly valid pixels."""
    threshold = instruments.card.threshold
    row = Observation(
        tile=look.tile,
        acquisition_key=acquisition.key,
        acquisition_version=acquisition.version,
        sensing_time=acquisition.sensing_time,
        sensor=acquisition.sensor,
        relative_orbit=acquisition.relative_orbit,
        model_version=instruments.card.version,
        stats=tile_stats(look.probability, look.spread, look.state, threshold),
        look_href=looked.hrefs[look.tile],
        decision="looked",
        reference_count=len(past.rows.get(look.tile, [])),
    )
    previous = past.newest.get(look.tile)
    if previous is None:
        return row
    joint = valid(look) & valid(previous)
    if not joint.any():
        return row
    now, before = look.probability[joint].astype(np.float64), previous.probability[joint].astype(np.float64)
    limit = np.float32(threshold)
    return replace(
        row,
        mean_change=float(now.mean() - before.mean()),
        p95_change=float(np.percentile(now, 95) - np.percentile(before, 95)),
        hazard_change_ha=float((now >= limit).sum() - (before >= limit).sum()) * PIXEL_HA,
        previous_acquisition=previous.acquisition_id,
        jointly_valid_fraction=float((valid(look) & (past.references[look.tile].count > 0)).mean()),
    )


def _unseen(acquisition: Acquisition, tile: Tile, state: NDArray[np.uint8], model_version: str) -> Observation:
    """The history row of a tile where nothing was observed: also a fact, with its reason."""
    nothing = np.full(state.shape, np.nan, dtype=np.float32)
    if (state == PixelState.NODATA).all():
        decision = "outside"
    else:
        hidden = {
            "clouded": np.isin(state, (PixelState.CLOUD, PixelState.SHADOW)).sum(),
            "snow": (state == PixelState.SNOW).sum(),
            "water": (state == PixelState.WATER).sum(),
        }
        decision = max(hidden, key=lambda reason: int(hidden[reason]))
    return Observation(
        tile=tile,
        acquisition_key=acquisition.key,
        acquisition_version=acquisition.version,
        sensing_time=acquisition.sensing_time,
        sensor=acquisition.sensor,
        relative_orbit=acquisition.relative_orbit,
        model_version=model_version,
        stats=tile_stats(nothing, nothing, state, 1.0),
        look_href=None,
        decision=decision,
    )


def _summary(events: Sequence[Event], past: _Past, looked: _Looked) -> str:
    alerts = sum(event.state in ALERT_STATES for event in events)
    return f"{len(past.references)} of {len(looked.looks)} tiles compared with earlier looks; {alerts} alerts stand"
