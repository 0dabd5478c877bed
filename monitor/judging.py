"""What one acquisition says of the ground: change against the past, evidence on open events, and new events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core import storms
from monitor.core.change import AlertSettings
from monitor.core.declared import Declared
from monitor.core.events import LookContext, add_evidence, changed_alike
from monitor.core.grid import RESOLUTION_M, project
from monitor.core.lifecycle import ALERT_STATES, OPEN_STATES, LifecycleSettings, rests
from monitor.core.null_rate import NullRates
from monitor.core.surroundings import Seen
from monitor.core.water import Cover, beside_water, under_snow
from monitor.evidence import absorb, apart, find, judge_events, said_before, seen_before
from monitor.looking import Instruments
from monitor.melting import Melting
from monitor.observing import compared, observed, silence
from monitor.past import EarlierLooks, Past, comparable_with
from monitor.ports import Store
from monitor.rarity import strata_of
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    AlertStatus,
    Choice,
    Cluster,
    Detector,
    Event,
    Evidence,
    Observation,
    PixelState,
    Sensor,
    Tile,
    Verdict,
)
from monitor.scene import Changes, Measuring, Scene, below, compare, scenes
from monitor.survey import Survey
from monitor.tile_rule import TileRule

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Change = dict[Detector, dict[Tile, Array]]
"""Change of every detector on every compared tile."""

_OTHER_MODEL = "another model version"
_TILE_ROWS = 100
"""More than the looks of a tile while an event is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One acquisition, what it shows, and what was known before."""

    acquisition: Acquisition
    instruments: Instruments
    looked: Survey
    past: Past
    earlier: EarlierLooks
    cover: Mapping[Tile, Cover]
    """What optics saw lie on the ground, of a radar pass. Snow is not among the ground of `looked` any more."""
    choices: Sequence[Choice] = ()
    released: bool = False
    """Its alerts may go to the public without a person's word."""
    declared: Declared = field(default_factory=Declared)
    """What people have declared on its ground."""
    melting: Melting | None = None
    """Snow that a radar pass shows itself. The ground that it hides is not in `looked` any more either."""

    @property
    def simulated(self) -> bool:
        """Made-up pixels, or a network that learned from nothing else."""
        return self.instruments.simulated or any(item.simulated for item in self.acquisition.items)

    def covered(self) -> str:
        """Where snow hides ground from a radar pass, and where nobody knows of it, for the end of a sentence."""
        if self.acquisition.sensor is Sensor.OPTICAL:
            return ""
        looks = self.looked.looks
        white = {
            tile: (look.state == PixelState.SNOW) & self.cover[tile].snow
            for tile, look in looks.items()
            if tile in self.cover
        }
        tiles = {
            "snow hides ground": sum(bool(snow.any()) for snow in white.values()),
            "open water and snow unknown for lack of optics": len(looks.keys() - self.cover.keys()),
        }
        said = "".join(f"; {what}: {count} tile{'s' if count > 1 else ''}" for what, count in tiles.items() if count)
        return said + (self.melting.told() if self.melting else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Turns looks into evidence and events; reads the store, writes nothing."""

    store: Store
    alerts: AlertSettings
    lifecycle: LifecycleSettings
    simulated_alerts: AlertStatus
    """Status of alerts from simulated pixels or from a model trained on simulated data alone."""
    null: NullRates | None = None
    """What quiet ground does; without it hectares × change decide."""

    def judge(self, case: Case) -> tuple[AcquisitionResult, Change]:
        """Observations of every tile, evidence on open events, and new events where there is a past to compare with.

        A look that is history (it was too old when it arrived, or it arrived late) feeds references only.
        """
        return replace(self, alerts=_thresholds(self.alerts, case.instruments))._judge(case)

    def _judge(self, case: Case) -> tuple[AcquisitionResult, Change]:
        past, looked = case.past, case.looked
        history = self.store.is_history(case.acquisition)
        known, ended = ([], []) if history else self._known(case.acquisition)
        change: Change = {detector: {} for detector in Detector}
        # Also without a past, as after a change of model, open events get their evidence.
        shown = [apart(one, known) for one in scenes_of(case, self.alerts)] if past.references or known else []
        seen = [self._compared(one, past) for one in shown] if past.references else []
        shown = [scene for scene, _ in seen] or shown
        for scene, changes in seen:
            for detector, layer in changes.layers.items():
                change[detector].update(scene.canvas.cut(layer.change))
        rows = (*looked.hidden.values(), *_observations(case))
        events = (
            [] if history else storms.group(self._events(case, shown, seen, known, ended), ended, case.declared.holding)
        )
        risen = [] if history else self._risen(case, rows, [*known, *ended])
        result = AcquisitionResult(
            reason="learning" if not past.references else "history" if history else "compared",
            detail=_summary([*events, *risen], past, looked, history)
            + silence(rows)
            + case.covered()
            + _alike(seen)
            + case.declared.told(),
            observations=rows,
            events=(*events, *storms.group(risen, [*events, *ended], case.declared.holding)),
            references=tuple(case.earlier.freeze(events, known)),
            choices=tuple(case.choices),
        )
        return result, change

    def _compared(self, scene: Scene, past: Past) -> tuple[Scene, Changes]:
        """A scene and its changes. What changed alike above one height is no part of the scene for events either."""
        changes = compare(scene, past.references, self.alerts)
        return scene if changes.alike is None else below(scene, changes.alike), changes

    def _events(
        self,
        case: Case,
        shown: Sequence[Scene],
        seen: Sequence[tuple[Scene, Changes]],
        known: Sequence[Event],
        ended: Sequence[Event],
    ) -> list[Event]:
        """The known events with what this look says of them, some of them enlarged, and new ones.

        Args:
            shown: the look in every UTM zone.
            seen: and how it changed there, where there is a past.
            ended: events that ended lately.
        """
        context = self._context(case)
        known, ended = ([event for event in some if event.detector is not Detector.TILE] for some in (known, ended))
        resting = [event for event in ended if self._rests(event, context)]
        zones = {scene.canvas.epsg for scene in shown}
        here = [event for event in known if any(tile.epsg in zones for tile in event.tiles)]
        standing = self._heard(shown, here, context, case)
        # What this look has settled is explained by it, and so is the change that it shows there.
        resting += [
            event for event in standing if rests(event, context.sensing_time, context.comparable, self.lifecycle)
        ]
        # Zone after zone: what was opened or enlarged in one takes up its ground in the next, and grows on there.
        for scene, changes in seen:
            # What this look has just refuted takes up no ground: it may show a change of its own there.
            taken = [event for event in standing if event.state in OPEN_STATES]
            found = self._found(scene, changes, [*taken, *resting], case.declared)
            dated = [(cluster, _seen(cluster, scene, case)) for cluster in found]
            local = replace(context, shift=_shift(changes))
            standing = absorb(dated, standing, local, self.alerts, self.lifecycle)
        return standing

    def _found(self, scene: Scene, changes: Changes, known: Sequence[Event], declared: Declared) -> list[Cluster]:
        """Clusters outside the ground of known events; smaller ones count where something is declared."""
        plain = find(scene, changes, known, self.alerts)
        if not declared.holding:
            return plain
        found = find(scene, changes, known, declared.eased(self.alerts))
        inside = [one for one in found if declared.on(project(one.geometry, one.epsg, 4326)) is not None]
        # With smaller ground beside it, a cluster may have become a larger one.
        return [*inside, *(one for one in plain if not any(one.geometry.intersects(new.geometry) for new in inside))]

    def _risen(self, case: Case, rows: Sequence[Observation], known: Sequence[Event]) -> list[Event]:
        """Tiles whose hazard probability rose as a whole, where the configuration asks for them."""
        rule = TileRule(alerts=self.alerts, lifecycle=self.lifecycle)
        if case.instruments.of_pairs or not (rule.asked_for or known):
            return []
        now = case.acquisition.sensing_time

        def since(tile: Tile, event: Event) -> list[Observation]:
            earlier = self.store.looks_before(tile, event.model_version, event.comparable, now, _TILE_ROWS)
            return [row for row in earlier if row.sensing_time >= event.window_end]

        before = {tile: look.sensing_time for tile, look in case.past.newest.items()}
        standing = [event for event in known if event.detector is Detector.TILE]
        return rule.events(rows, standing, since, before, self._context(case))

    def _rests(self, event: Event, context: LookContext) -> bool:
        """Whether an event that ended keeps its ground from opening another. What a pass saw change it sees once."""
        seen = said_before(event, context.acquisition_key, Verdict.SUPPORTS)
        return seen or rests(event, context.sensing_time, context.comparable, self.lifecycle)

    def _known(self, acquisition: Acquisition) -> tuple[list[Event], list[Event]]:
        """Open events of the region, and those that ended lately."""
        since = acquisition.sensing_time - self.lifecycle.rest
        found = self.store.events(acquisition.region, open_only=True, ended_since=since)
        known = [event for event in found if event.state in OPEN_STATES]
        return known, [event for event in found if event.state not in OPEN_STATES]

    def _heard(self, shown: Sequence[Scene], known: Sequence[Event], context: LookContext, case: Case) -> list[Event]:
        """All known events, with what this look says about those that it may speak about."""
        deaf = {
            event.id: _OTHER_MODEL
            for event in known
            if event.comparable == context.comparable and not comparable_with(context.model_version, event)
        }
        judged = []
        for group in case.earlier.frozen([event for event in known if event.id not in deaf], case.looked.looks):
            lost = [event for event in group.events if group.past.keys().isdisjoint(event.tiles)]
            deaf |= {event.id: _nothing_to_compare(event, context) for event in lost}
            judged.append(replace(group, events=tuple(event for event in group.events if event.id not in deaf)))
        frozen = [group for group in judged if group.events]
        heard = judge_events(shown, frozen, context, self.alerts, self.lifecycle)
        tiles = {tile for scene in shown for tile in scene.canvas.tiles}
        heard += [
            not_observed(event, deaf[event.id], context, self.lifecycle)
            for event in known
            if event.id in deaf and not tiles.isdisjoint(event.tiles)
        ]
        standing = {event.id: event for event in known}
        standing.update((event.id, event) for event in heard)
        return list(standing.values())

    def _context(self, case: Case) -> LookContext:
        acquisition, past = case.acquisition, case.past
        return LookContext(
            region=acquisition.region,
            acquisition_key=acquisition.key,
            acquisition_id=acquisition.id,
            sensing_time=acquisition.sensing_time,
            previous_time=max((look.sensing_time for look in past.newest.values()), default=acquisition.sensing_time),
            model_version=case.instruments.model_version,
            status=self.simulated_alerts if case.simulated else AlertStatus.ACTUAL,
            mask_source=case.looked.mask_source,
            shift=0.0,
            sensor=acquisition.sensor,
            comparable=acquisition.comparable,
            records={one.tile: one.record for one in case.choices},
            plain_status=self._plain_status(acquisition),
            null=self.null,
            released=case.released,
        )

    def _plain_status(self, acquisition: Acquisition) -> AlertStatus | None:
        """Radar is watched without a network as well, and a network on trial must not make drills of its alerts."""
        if acquisition.sensor is Sensor.OPTICAL:
            return None
        made_up = any(item.simulated for item in acquisition.items)
        return self.simulated_alerts if made_up else AlertStatus.ACTUAL


def _seen(cluster: Cluster, scene: Scene, case: Case) -> Seen:
    """How a cluster's ground was seen before, what is around it, and what kind of ground it is."""
    seen = seen_before(cluster, scene, case.past.references)
    times = seen.before, case.acquisition.sensing_time
    words = strata_of(cluster.geometry, scene.canvas, scene.elevation_m, cluster.slope_deg, scene.sensor, times)
    return replace(seen, strata=words, declared=case.declared.on(project(cluster.geometry, cluster.epsg, 4326)))


def scenes_of(case: Case, alerts: AlertSettings) -> list[Scene]:
    """The looks of a case side by side, without water and what cannot be compared, one scene per UTM zone."""
    looks = {
        tile: beside_water(look, case.cover[tile].water) if tile in case.cover else look
        for tile, look in case.looked.looks.items()
    }
    if case.melting is not None:
        thawed = case.melting.thawed.tiles
        looks |= {tile: under_snow(looks[tile], thawed[tile]) for tile in thawed.keys() & looks.keys()}
    found = {tile: case.instruments.terrain.read(tile) for tile in case.looked.looks}
    terrain = {tile: ground for tile, ground in found.items() if ground is not None}
    return scenes(looks, terrain, alerts, measuring(case.acquisition, case.instruments.of_pairs))


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


def _thresholds(alerts: AlertSettings, through: Instruments) -> AlertSettings:
    """Where clusters of the network start and end.

    The settings speak of a rise of probability. A network of pairs has its own threshold on its card, and clusters grow
    to the same share of it.
    """
    if not through.of_pairs:
        return alerts
    return replace(alerts, high=through.threshold, low=through.threshold * alerts.low / alerts.high)


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


def _shift(changes: Changes) -> float:
    """What the whole scene did, in the measure of its sensor's baseline."""
    layers = changes.layers
    return next((layers[one].shift for one in (Detector.BASELINE, Detector.RADAR) if one in layers), 0.0)


def _alike(seen: Sequence[tuple[Scene, Changes]]) -> str:
    """That ground above one height changed alike, for the end of a sentence."""
    lines_m = [changes.alike.from_m for _, changes in seen if changes.alike is not None]
    return f"; {changed_alike(min(lines_m))}" if lines_m else ""


def _nothing_to_compare(event: Event, context: LookContext) -> str:
    if event.comparable == context.comparable:
        return "no look from before the event is left to compare with"
    return "no look of this sensor and track from before the event to compare with"


def _observations(case: Case) -> Iterator[Observation]:
    past, through = case.past, case.instruments
    for tile, look in case.looked.looks.items():
        row = observed(case.acquisition, look, case.looked.hrefs[tile], through)
        if tile in past.newest and tile in past.references:
            row = compared(row, look, past.rows[tile], past.newest[tile], past.references[tile], through.threshold)
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
        said = "arrived late, or as history: feeds references only"
    else:
        said = f"{len(past.references)} of {len(looked.looks)} tiles compared with earlier looks; {stand}"
    return said + looked.left_out()
