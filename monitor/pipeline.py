"""One acquisition's life, top to bottom: look at every tile, compare with the past, judge, publish, write once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from monitor.checking import check_input
from monitor.core.change import AlertSettings
from monitor.core.events import LookContext, add_evidence
from monitor.core.flat import flat_limit_deg
from monitor.core.grid import RESOLUTION_M
from monitor.core.lifecycle import ALERT_STATES, OPEN_STATES, LifecycleSettings, rests
from monitor.core.sensors import EarlierChoices, SensorSettings, choose, memory_days, told
from monitor.errors import BadItem, StoreBusy
from monitor.evidence import absorb, find, judge_events, opening_acquisition, said_before, seen_before
from monitor.illustrating import LooksBefore, needs_picture
from monitor.looking import Instruments, Looker, Stopwatch
from monitor.observing import compared, observed
from monitor.past import EarlierLooks, Past, comparable_with
from monitor.ports import Illustrator, LookArchive, Publisher, Store
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    AlertStatus,
    Choice,
    Detector,
    Event,
    Evidence,
    Look,
    Observation,
    Region,
    Sensor,
    Tile,
    Verdict,
)
from monitor.scene import Changes, Measuring, Scene, compare, scenes
from monitor.survey import Survey, Way, survey, watched_tiles

Array = NDArray[np.float32]
_OTHER_MODEL = "another model version"

Change = dict[Detector, dict[Tile, Array]]
"""Change of every detector on every compared tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """What an operator may set about one acquisition's way."""

    alerts: AlertSettings
    lifecycle: LifecycleSettings
    sensors: SensorSettings = field(default_factory=SensorSettings)
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
    complaint: str = ""
    """What was amiss and did not stop it, with what helps."""


class Pipeline:
    """Processes claimed acquisitions; owns no state but its wiring."""

    def __init__(
        self,
        *,
        store: Store,
        archive: LookArchive,
        publisher: Publisher,
        illustrator: Illustrator,
        instruments: Callable[[Region, Sensor], Instruments],
        settings: PipelineSettings,
        progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None,
    ) -> None:
        """
        Args:
            instruments: what a region is looked at with by a sensor.
            progress: hears (acquisition, tiles done, tiles).
        """
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
        _check_readable(acquisition)
        instruments = self._instruments(region, acquisition.sensor)
        way = Way(
            archive=self._archive,
            block_tiles=self._settings.block_tiles,
            flat_limit_deg=flat_limit_deg(self._settings.alerts.seed_slope_deg),
            hold=lambda: self._hold(acquisition, owner, clock),
            progress=lambda done, tiles: self._progress(acquisition.key, done, tiles),
        )
        looked = survey(region, Looker(acquisition, instruments, watch), way)
        tiles = watched_tiles(region)
        choices = self._choose(acquisition, region, looked)
        if not looked.looks:
            result = AcquisitionResult(
                reason="nothing-usable",
                detail="no clear ground in any tile of the region" + looked.left_out() + told(choices),
                observations=tuple(looked.hidden.values()),
                choices=choices,
            )
            return self._commit(acquisition, result, owner, clock, watch, len(tiles))
        alerts = self._settings.alerts
        earlier = EarlierLooks(self._store, self._archive, acquisition, instruments.model_version, alerts)
        past = watch.run("change", lambda: earlier.past(looked.looks))
        watch.run("change", lambda: check_input(acquisition, looked, past))
        self._hold(acquisition, owner, clock)
        result, change = watch.run(
            "change", lambda: self._judge(acquisition, looked, past, instruments, earlier, choices)
        )
        self._hold(acquisition, owner, clock)
        watch.run("products", lambda: self._publish(acquisition, looked, change, result, instruments))
        result = watch.run("products", lambda: self._illustrate(acquisition, looked, change, result))
        complaint = earlier.complaint()
        detail = "; ".join(filter(None, (result.detail + told(choices), complaint)))
        result = replace(result, detail=detail, choices=choices)
        outcome = self._commit(acquisition, result, owner, clock, watch, len(tiles))
        return replace(outcome, complaint=complaint)

    def _choose(self, acquisition: Acquisition, region: Region, looked: Survey) -> tuple[Choice, ...]:
        """Which sensor is the evidence of record on every tile."""
        now, settings = acquisition.sensing_time, self._settings.sensors
        since = now - timedelta(days=memory_days(settings))
        earlier = EarlierChoices(
            optical=self._store.choices_before(region.id, Sensor.OPTICAL, now, since),
            radar=self._store.choices_before(region.id, Sensor.SAR, now, since),
        )
        return choose(acquisition, looked.clear, region.sensor_policy, earlier, settings)

    def _hold(self, acquisition: Acquisition, owner: str, clock: Callable[[], datetime]) -> None:
        """Prolong the lease, before every stage that may take long."""
        if not self._store.extend(acquisition, owner, self._settings.lease, clock()):
            raise StoreBusy(
                "the lease on this acquisition was lost while it was processed",
                item=acquisition.id,
                remedy="Another process has it; nothing was written here and nothing needs to be done.",
                reason="lease-lost",
            )

    def _judge(
        self,
        acquisition: Acquisition,
        looked: Survey,
        past: Past,
        instruments: Instruments,
        earlier: EarlierLooks,
        choices: Sequence[Choice],
    ) -> tuple[AcquisitionResult, Change]:
        """Observations of every tile, evidence on open events, and new events where there is a past to compare with.

        A look that is history (it arrived late) feeds references only.
        """
        history = self._store.is_history(acquisition)
        known, resting = ([], []) if history else self._known(acquisition)
        events: list[Event] = []
        change: Change = {detector: {} for detector in Detector}
        # Also without a past, as after a change of model, open events get their evidence.
        worth_it = bool(past.references or known)
        for scene in self._scenes(acquisition, looked.looks, instruments) if worth_it else []:
            changes = compare(scene, past.references, self._settings.alerts) if past.references else None
            for detector, layer in changes.layers.items() if changes else ():
                change[detector].update(scene.canvas.cut(layer.change))
            if history:
                continue
            here = [event for event in known if any(tile.epsg == scene.canvas.epsg for tile in event.tiles)]
            context = self._context(acquisition, looked, past, instruments)
            context = replace(context, shift=_shift(changes), records={one.tile: one.record for one in choices})
            standing = self._heard(scene, here, context, earlier)
            taken = [*standing, *resting]
            events += self._found(scene, changes, standing, taken, past, context) if changes else standing
        result = AcquisitionResult(
            reason="learning" if not past.references else "history" if history else "compared",
            detail=_summary(events, past, looked, history),
            observations=(*looked.hidden.values(), *_observations(acquisition, looked, past, instruments)),
            events=tuple(events),
            references=tuple(earlier.freeze(events, known)),
        )
        return result, change

    def _known(self, acquisition: Acquisition) -> tuple[list[Event], list[Event]]:
        """Open events of the region, and ended ones on whose ground a change is no news."""
        lifecycle, now = self._settings.lifecycle, acquisition.sensing_time
        found = self._store.events(acquisition.region, open_only=True, ended_since=now - lifecycle.rest)
        known = [event for event in found if event.state in OPEN_STATES]
        return known, [event for event in found if rests(event, now, lifecycle)]

    def _scenes(self, acquisition: Acquisition, looks: Mapping[Tile, Look], instruments: Instruments) -> list[Scene]:
        found = {tile: instruments.terrain.read(tile) for tile in looks}
        terrain = {tile: ground for tile, ground in found.items() if ground is not None}
        return scenes(looks, terrain, self._settings.alerts, _measuring(acquisition))

    def _heard(self, scene: Scene, known: Sequence[Event], context: LookContext, earlier: EarlierLooks) -> list[Event]:
        """All known events, with what this look says about those that it may speak about."""
        deaf = {
            event.id: _OTHER_MODEL
            for event in known
            if event.comparable == context.comparable and not comparable_with(context.model_version, event)
        }
        judged = []
        for group in earlier.frozen([event for event in known if event.id not in deaf]):
            lost = [event for event in group.events if group.past.keys().isdisjoint(event.tiles)]
            deaf |= {event.id: _nothing_to_compare(event, context) for event in lost}
            judged.append(replace(group, events=tuple(event for event in group.events if event.id not in deaf)))
        frozen = [group for group in judged if group.events]
        heard = judge_events(scene, frozen, context, self._settings.alerts, self._settings.lifecycle)
        heard += [
            not_observed(event, deaf[event.id], context, self._settings.lifecycle)
            for event in known
            if event.id in deaf and not set(scene.canvas.tiles).isdisjoint(event.tiles)
        ]
        standing = {event.id: event for event in known}
        standing.update((event.id, event) for event in heard)
        return list(standing.values())

    def _found(
        self,
        scene: Scene,
        changes: Changes,
        standing: Sequence[Event],
        taken: Sequence[Event],
        past: Past,
        context: LookContext,
    ) -> list[Event]:
        """The standing events, some of them enlarged, and new ones beside the ground of those that take it up."""
        alerts, lifecycle = self._settings.alerts, self._settings.lifecycle
        found = find(scene, changes, taken, alerts)
        dated = [(cluster, seen_before(cluster, scene, past.references)) for cluster in found]
        return absorb(dated, standing, context, alerts, lifecycle)

    def _context(self, acquisition: Acquisition, looked: Survey, past: Past, instruments: Instruments) -> LookContext:
        return LookContext(
            region=acquisition.region,
            acquisition_key=acquisition.key,
            acquisition_id=acquisition.id,
            sensing_time=acquisition.sensing_time,
            previous_time=max((look.sensing_time for look in past.newest.values()), default=acquisition.sensing_time),
            model_version=instruments.model_version,
            status=self._settings.simulated_alerts if _simulated(acquisition, instruments) else AlertStatus.ACTUAL,
            mask_source=looked.mask_source,
            shift=0.0,
            sensor=acquisition.sensor,
            comparable=acquisition.comparable,
            plain_status=self._plain_status(acquisition),
        )

    def _plain_status(self, acquisition: Acquisition) -> AlertStatus | None:
        """Radar is watched without a network as well, and a network on trial must not make drills of its alerts."""
        if acquisition.sensor is Sensor.OPTICAL:
            return None
        made_up = any(item.simulated for item in acquisition.items)
        return self._settings.simulated_alerts if made_up else AlertStatus.ACTUAL

    def _publish(
        self,
        acquisition: Acquisition,
        looked: Survey,
        change: Change,
        result: AcquisitionResult,
        instruments: Instruments,
    ) -> None:
        through_network = looked.looks if instruments.network else {}
        layers = {
            "probability": {tile: look.probability for tile, look in through_network.items()},
            "spread": {tile: look.spread for tile, look in through_network.items()},
            "change": change.get(Detector.NETWORK, {}),
            "brightening": change.get(Detector.BASELINE, {}),
            "backscatter-change": change.get(Detector.RADAR, {}),
        }
        properties = {
            "scarpwatch:model": instruments.model_version,
            "scarpwatch:simulated": _simulated(acquisition, instruments),
            "scarpwatch:outcome": result.reason,
            "scarpwatch:cloud_mask": looked.mask_source,
        }
        worth_showing = {name: layer for name, layer in layers.items() if layer}
        if worth_showing:  # a radar pass of which nothing is compared yet has none
            self._publisher.publish(acquisition, worth_showing, properties)

    def _illustrate(
        self, acquisition: Acquisition, looked: Survey, change: Change, result: AcquisitionResult
    ) -> AcquisitionResult:
        """Picture and evidence chips for new alerts; a new picture of those that this acquisition says something of."""
        told = [event for event in result.events if needs_picture(event, acquisition.id)]
        before = LooksBefore(self._store, self._archive, acquisition.comparable, self._settings.alerts.reach)
        hrefs = self._illustrator.illustrate(told, looked.looks, change, before, looked.mask_source)
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


def not_observed(event: Event, why: str, context: LookContext, settings: LifecycleSettings) -> Event:
    """The event after a look that can say nothing about it; one of the same pass has said so already is left out."""
    if said_before(event, context.acquisition_key, Verdict.NOT_OBSERVED):
        return event
    piece = Evidence(
        acquisition_id=context.acquisition_id,
        sensing_time=context.sensing_time,
        detector=event.detector,
        verdict=Verdict.NOT_OBSERVED,
        observed_fraction=0.0,
        level=0.0,
        strength=0.0,
        detail=why,
    )
    return add_evidence(event, [piece], settings)


def _check_readable(acquisition: Acquisition) -> None:
    """Raise BadItem for a radar pass whose items have no polarisation in common."""
    if acquisition.sensor is Sensor.SAR and not acquisition.polarisations:
        raise BadItem(
            "its slices have no polarisation in common, so they are no one pass",
            item=acquisition.id,
            remedy="Ask the catalog's operator; the pass is parked.",
            reason="mixed-polarisation",
        )


def _measuring(acquisition: Acquisition) -> Measuring:
    if acquisition.sensor is Sensor.OPTICAL:
        return Measuring()
    native_m = max(acquisition.resolution_m or RESOLUTION_M, RESOLUTION_M)
    return Measuring(sensor=acquisition.sensor, polarisations=acquisition.polarisations, native_m=native_m)


def _simulated(acquisition: Acquisition, instruments: Instruments) -> bool:
    return instruments.simulated or any(item.simulated for item in acquisition.items)


def _shift(changes: Changes | None) -> float:
    """What the whole scene did, in the measure of its sensor's baseline."""
    layers = changes.layers if changes else {}
    return next((layers[one].shift for one in (Detector.BASELINE, Detector.RADAR) if one in layers), 0.0)


def _nothing_to_compare(event: Event, context: LookContext) -> str:
    if event.comparable == context.comparable:
        return "no look from before the event is left to compare with"
    return "no look of this sensor and track from before the event to compare with"


def _observations(
    acquisition: Acquisition, looked: Survey, past: Past, instruments: Instruments
) -> Iterator[Observation]:
    for tile, look in looked.looks.items():
        row = observed(acquisition, look, looked.hrefs[tile], instruments)
        if tile in past.newest and tile in past.references:
            row = compared(row, look, past.rows[tile], past.newest[tile], past.references[tile], instruments.threshold)
        yield row


def _summary(events: Sequence[Event], past: Past, looked: Survey, history: bool) -> str:
    alerts = sum(event.state in ALERT_STATES for event in events)
    stand = f"{alerts} alert{' stands' if alerts == 1 else 's stand'}"
    if not past.references:
        earlier = any(past.rows.values())
        lacking = "too few earlier looks to compare with yet" if earlier else "nothing earlier to compare with"
        said = f"{'look' if earlier else 'first look'} of {len(looked.looks)} tiles: {lacking}"
        said += f"; {stand}" if events else ""
    elif history:
        said = "arrived late: feeds references only"
    else:
        said = f"{len(past.references)} of {len(looked.looks)} tiles compared with earlier looks; {stand}"
    return said + looked.left_out()
