"""What one acquisition says of the ground: change against the past, evidence on open events, and new events."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitor.core import storms
from monitor.core.change import AlertSettings
from monitor.core.declared import Declared
from monitor.core.events import LookContext, changed_alike
from monitor.core.grid import project
from monitor.core.late import AsOf, as_of
from monitor.core.lifecycle import ALERT_STATES, OPEN_STATES, LifecycleSettings
from monitor.core.null_rate import NullRates
from monitor.core.resting import rests
from monitor.core.surroundings import Seen
from monitor.core.water import Cover
from monitor.evidence import absorb, apart, find, said_before, seen_before
from monitor.hearing import deaf_to, hear, lay_out, measuring
from monitor.late import LaterLooks, late_told
from monitor.looking import Instruments
from monitor.melting import Melting
from monitor.observing import compared, observed, silence
from monitor.past import EarlierLooks, Past
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
    Observation,
    PixelState,
    Sensor,
    Tile,
    Verdict,
)
from monitor.scene import Changes, Scene, below, compare
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
    hold: Callable[[], None] = lambda: None
    """Keeps the lease, before what may take long."""
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

        A look that is history (it was too old when it arrived, or is done again) feeds references only. One that
        arrived late is judged as of its own time.
        """
        return replace(self, alerts=_thresholds(self.alerts, case.instruments))._judge(case)

    def _judge(self, case: Case) -> tuple[AcquisitionResult, Change]:
        past, looked = case.past, case.looked
        history = self.store.is_history(case.acquisition)
        late = not history and self.store.is_late(case.acquisition)
        found = [] if history else self._found(case.acquisition)
        of_tiles = [event for event in found if event.detector is Detector.TILE]
        of_ground = [event for event in found if event.detector is not Detector.TILE]
        then = as_of(of_ground, case.acquisition.sensing_time, self.lifecycle)
        shown, seen = self._compared(case, then.known)
        rows = (*looked.hidden.values(), *_observations(case))
        judged = [] if history else self._events(case, shown, seen, then)
        after = self._later(case).afterwards(judged, then, case.acquisition)
        heard = {event.id for event in after.events}
        apart_from = [event for event in of_ground if event.id not in heard]
        others = [*apart_from, *(event for event in of_tiles if event.state not in OPEN_STATES)]
        events = storms.group(after.events, others, case.declared.every)
        risen = [] if history or late else self._risen(case, rows, of_tiles)
        told = late_told(case.acquisition.sensing_time, then, after) if late or after.asked else ""
        told += _summary([*events, *risen], past, looked, history)
        result = AcquisitionResult(
            reason=_reason(past, history, late),
            detail=told + silence(rows) + case.covered() + _alike(seen) + case.declared.told(),
            observations=rows,
            events=(*events, *storms.group(risen, [*events, *others], case.declared.every)),
            references=after.references,
            choices=tuple(case.choices),
        )
        change: Change = {detector: {} for detector in Detector}
        for scene, changes in seen:
            for detector, layer in changes.layers.items():
                change[detector].update(scene.canvas.cut(layer.change))
        return result, change

    def _later(self, case: Case) -> LaterLooks:
        return LaterLooks(
            store=self.store,
            earlier=case.earlier,
            terrain=case.instruments.terrain,
            alerts=self.alerts,
            lifecycle=self.lifecycle,
            hold=case.hold,
        )

    def _compared(self, case: Case, known: Sequence[Event]) -> tuple[list[Scene], list[tuple[Scene, Changes]]]:
        """The look in every UTM zone, and how it changed there, where there is a past.

        What changed alike above one height is no part of the scene for events either.
        """
        if not (case.past.references or known):
            return [], []
        # Also without a past, as after a change of model, open events get their evidence.
        shown = [apart(one, known) for one in scenes_of(case, self.alerts)]
        if not case.past.references:
            return shown, []
        seen = [(scene, compare(scene, case.past.references, self.alerts)) for scene in shown]
        seen = [(one if changes.alike is None else below(one, changes.alike), changes) for one, changes in seen]
        return [scene for scene, _ in seen], seen

    def _events(
        self,
        case: Case,
        shown: Sequence[Scene],
        seen: Sequence[tuple[Scene, Changes]],
        then: AsOf,
    ) -> list[Event]:
        """The known events with what this look says of them, some of them enlarged, and new ones.

        Args:
            shown: the look in every UTM zone.
            seen: and how it changed there, where there is a past.
            then: events as they stood at its time.
        """
        context = self._context(case)
        known = then.known
        resting = [event for event in then.ended if self._rests(event, context)]
        zones = {scene.canvas.epsg for scene in shown}
        here = [event for event in known if any(tile.epsg in zones for tile in event.tiles)]
        deaf = deaf_to(here, context)
        frozen = case.earlier.frozen([event for event in here if event.id not in deaf], case.looked.looks)
        heard = {event.id: event for event in hear(shown, here, frozen, context, self.alerts, self.lifecycle)}
        standing = list(heard.values())
        # What this look has settled is explained by it, and so is the change that it shows there.
        resting += [
            event for event in standing if rests(event, context.sensing_time, context.comparable, self.lifecycle)
        ]
        # Zone after zone: what was opened or enlarged in one takes up its ground in the next, and grows on there.
        for scene, changes in seen:
            # What this look has just refuted takes up no ground: it may show a change of its own there.
            taken = [event for event in standing if event.state in OPEN_STATES]
            found = self._clusters(scene, changes, [*taken, *resting], case.declared)
            dated = [(cluster, _seen(cluster, scene, case)) for cluster in found]
            local = replace(context, shift=_shift(changes))
            standing = absorb(dated, standing, local, self.alerts, self.lifecycle)
        return standing

    def _clusters(self, scene: Scene, changes: Changes, known: Sequence[Event], declared: Declared) -> list[Cluster]:
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

    def _found(self, acquisition: Acquisition) -> list[Event]:
        """Events of the region that are open, or ended since shortly before an acquisition."""
        since = acquisition.sensing_time - self.lifecycle.rest
        return self.store.events(acquisition.region, open_only=True, ended_since=since)

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
    how = measuring(case.acquisition, case.instruments.of_pairs)
    thawed = case.melting.thawed.tiles if case.melting is not None else {}
    return lay_out(case.looked.looks, case.cover, case.instruments.terrain, alerts, how, thawed)


def _thresholds(alerts: AlertSettings, through: Instruments) -> AlertSettings:
    """Where clusters of the network start and end.

    The settings speak of a rise of probability. A network of pairs has its own threshold on its card, and clusters grow
    to the same share of it.
    """
    if not through.of_pairs:
        return alerts
    return replace(alerts, high=through.threshold, low=through.threshold * alerts.low / alerts.high)


def _shift(changes: Changes) -> float:
    """What the whole scene did, in the measure of its sensor's baseline."""
    layers = changes.layers
    return next((layers[one].shift for one in (Detector.BASELINE, Detector.RADAR) if one in layers), 0.0)


def _alike(seen: Sequence[tuple[Scene, Changes]]) -> str:
    """That ground above one height changed alike, for the end of a sentence."""
    lines_m = [changes.alike.from_m for _, changes in seen if changes.alike is not None]
    return f"; {changed_alike(min(lines_m))}" if lines_m else ""


def _observations(case: Case) -> Iterator[Observation]:
    past, through = case.past, case.instruments
    for tile, look in case.looked.looks.items():
        row = observed(case.acquisition, look, case.looked.hrefs[tile], through)
        if tile in past.newest and tile in past.references:
            row = compared(row, look, past.rows[tile], past.newest[tile], past.references[tile], through.threshold)
        yield row


def _reason(past: Past, history: bool, late: bool) -> str:
    if not past.references:
        return "learning"
    return "history" if history else "late" if late else "compared"


def _summary(events: Sequence[Event], past: Past, looked: Survey, history: bool) -> str:
    alerts = sum(event.state in ALERT_STATES for event in events)
    stand = f"{alerts} alert{' stands' if alerts == 1 else 's stand'}"
    if not past.references:
        earlier = any(past.rows.values())
        lacking = "too few earlier looks to compare with yet" if earlier else "nothing earlier to compare with"
        said = f"{'look' if earlier else 'first look'} of {len(looked.looks)} tiles: {lacking}"
        said += f"; {stand}" if events else ""
    elif history:
        said = "history: feeds references only"
    else:
        said = f"{len(past.references)} of {len(looked.looks)} tiles compared with earlier looks; {stand}"
    return said + looked.left_out()
