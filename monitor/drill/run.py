"""An exercise: scars in the newest pixels, the real chain beside the real history, alerts to every channel."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from monitor.core.grid import RESOLUTION_M
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.paint import Brush
from monitor.describing import Describer
from monitor.drill.beside import BesideLooks, BesideStore, History, NoPictures, Overheard
from monitor.drill.places import Known, Painted, choose_places, newest_compared, tiles_of
from monitor.drill.report import ChannelReport, DrillReport, DrillRequest, ScarReport
from monitor.drill.verdict import report_of, touching
from monitor.errors import StoreBusy
from monitor.looking import Instruments
from monitor.pipeline import Means, Outcome, Outlets, Pipeline, PipelineSettings
from monitor.ports import Illustrator, LookArchive, Publisher, Store
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    Action,
    ActionKind,
    AlertStatus,
    DismissalReason,
    Event,
    Region,
    Sensor,
)

Clock = Callable[[], datetime]
OWNER = "drill"
OVER = "The exercise is over."
"""With which its alerts end."""
_LEASE = timedelta(days=1)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class OwnStore(Store, Protocol):
    """The database of an exercise."""

    def upgrade(self) -> object:
        """Make its tables."""

    def act(self, event_id: str, action: Action, now: datetime, seen: int | None = None) -> Event:
        """Note what a person did with an event."""

    def close(self) -> None:
        """Close its connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Where an exercise leaves what people look at."""

    publisher: Publisher | None
    """None: nothing is published."""
    illustrator: Illustrator


Tell = Callable[[Path, Clock], Sequence[ChannelReport]]
"""Sends what waits in the outbox of the database in a folder to every channel that takes exercises; how these channels
stand then, with what they were told before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a drill is made with (`monitor.wiring`)."""

    history: History
    """The real database, for reading."""
    looks: LookArchive
    """The real archive, for reading."""
    regions: Mapping[str, Region]
    instruments: Callable[[Region, Sensor, Brush], Instruments]
    settings: PipelineSettings
    open_store: Callable[[Path], OwnStore]
    """The exercise's own database in a folder."""
    own_looks: Callable[[Path], LookArchive]
    shown: Callable[[Path], Shown]
    tell: Tell
    describer: Describer | None = None
    progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chain:
    """What the chain made of the painted acquisition."""

    outcome: Outcome
    scars: tuple[ScarReport, ...]
    alerts: tuple[Event, ...]


@dataclass(slots=True)
class _Exercise:
    """Makes exercise alerts of what touches a scar. All else that is found is real ground, and is not told again."""

    painted: Sequence[Painted]
    name: str
    """Of the drill: what its alerts are called and grouped by, so that receivers never mix them with real ones."""
    renamed: dict[str, str] = field(default_factory=dict)

    def revise(self, result: AcquisitionResult) -> AcquisitionResult:
        """The result with the exercise's events only."""
        for one in self.painted:
            for event, letter in zip(touching(one, result.events), _LETTERS, strict=False):
                self.renamed.setdefault(event.id, f"{self.name}-{one.number}{letter}")
        events = tuple(
            replace(event, id=self.renamed[event.id], storm=self.name, status=AlertStatus.EXERCISE)
            for event in result.events
            if event.id in self.renamed
        )
        references = tuple(
            replace(one, event_id=self.renamed[one.event_id])
            for one in result.references
            if one.event_id in self.renamed
        )
        return replace(result, events=events, references=references)


class Drill:
    """Exercises on one deployment. Reads the real history, writes into folders that it is given."""

    def __init__(self, bench: Bench, close: Callable[[], None] = lambda: None) -> None:
        """`close` releases what was opened."""
        self._bench = bench
        self._close = close

    def run(self, request: DrillRequest, folder: Path, clock: Clock, deliver: bool = False) -> DrillReport:
        """One exercise; its own database, products and pictures lie in `folder`, which is empty.

        Args:
            deliver: send its alerts to the channels that take exercises, and then, that it is over.

        Raises:
            Refused: there is no acquisition to paint into, or no ground on it.
            Transient, Permanent: the acquisition cannot be processed again, for the reason given.
        """
        start = time.perf_counter()
        region = self._bench.regions[request.region]
        acquisition = newest_compared(self._bench.history, region, request.sensor).acquisition
        name = f"{region.id}-drill-{clock():%Y%m%dT%H%M%SZ}"
        with closing(self._bench.open_store(folder)) as own:
            own.upgrade()
            painted = self._paint(acquisition, region, request, own)
            placed = time.perf_counter()
            exercise = _Exercise(painted=painted, name=name)
            chain = self._chain(region, acquisition, exercise, own, folder, clock, self._bench.shown(folder))
            ended = time.perf_counter()
            channels = self._deliver(chain.alerts, own, folder, clock) if deliver else ()
        seconds = {"place": placed - start, **chain.outcome.seconds}
        if deliver:
            seconds["deliver"] = time.perf_counter() - ended
        return DrillReport(
            region=region.id,
            acquisition_id=acquisition.id,
            sensor=acquisition.sensor,
            sensing_time=acquisition.sensing_time,
            asked=len(request.sizes_ha),
            scars=chain.scars,
            seconds=seconds,
            elapsed_s=time.perf_counter() - start,
            delivering=deliver,
            channels=channels,
            kept=folder,
        )

    def strengths(self, request: DrillRequest, folder: Path, clock: Clock) -> tuple[ScarReport, ...]:
        """How strongly every painted scar was found, by what, or that it was missed; nothing is shown or told.

        The first of the sizes are painted, as many as there is room for (`implant_strengths`). `folder` is empty.

        Raises:
            As `run`.
        """
        region = self._bench.regions[request.region]
        acquisition = newest_compared(self._bench.history, region, request.sensor).acquisition
        nothing = Shown(publisher=None, illustrator=NoPictures())
        with closing(self._bench.open_store(folder)) as own:
            own.upgrade()
            exercise = _Exercise(painted=self._paint(acquisition, region, request, own), name=f"{region.id}-drill")
            return self._chain(region, acquisition, exercise, own, folder, clock, nothing).scars

    def close(self) -> None:
        """Release database connections."""
        self._close()

    def _paint(self, acquisition: Acquisition, region: Region, request: DrillRequest, own: Store) -> list[Painted]:
        bench = self._bench
        instruments = bench.instruments(region, acquisition.sensor, Brush()).fit_for(acquisition)
        known = Known(
            acquisition=acquisition,
            region=region,
            terrain=instruments.terrain,
            history=bench.history,
            earlier=BesideStore(bench.history, own),
            looks=bench.looks,
            model_version=instruments.model_version,
            alerts=bench.settings.alerts,
            contrast=request.contrast,
        )
        return choose_places(known, request.sizes_ha, request.seed)

    def _chain(
        self,
        region: Region,
        acquisition: Acquisition,
        exercise: _Exercise,
        own: OwnStore,
        folder: Path,
        clock: Clock,
        shown: Shown,
    ) -> _Chain:
        """The real chain over the painted acquisition."""
        bench, tiles = self._bench, tiles_of(exercise.painted)
        brush = Brush(patches=tuple(one.patch for one in exercise.painted))
        looks = BesideLooks(bench.looks, bench.own_looks(folder), tiles)
        overheard = Overheard(shown.publisher, tiles)
        pipeline = Pipeline(
            store=BesideStore(bench.history, own),
            means=Means(
                instruments=lambda where, sensor: bench.instruments(where, sensor, brush), progress=bench.progress
            ),
            outlets=Outlets(archive=looks, publisher=overheard, illustrator=shown.illustrator),
            settings=replace(bench.settings, lease=_LEASE),
            describer=bench.describer,
            revise=exercise.revise,
        )
        outcome = _process(pipeline, acquisition, region, own, clock)
        events = outcome.result.events
        native_m, thresholds = acquisition.resolution_m or RESOLUTION_M, bench.settings.alerts
        scars = tuple(
            report_of(one, touching(one, events), looks.painted.get(one.tile), overheard.layers, native_m, thresholds)
            for one in exercise.painted
        )
        alerts = tuple(event for event in events if event.state in ALERT_STATES)
        return _Chain(outcome=outcome, scars=scars, alerts=alerts)

    def _deliver(self, alerts: Sequence[Event], own: OwnStore, folder: Path, clock: Clock) -> tuple[ChannelReport, ...]:
        """Tell the alerts, and then that the exercise is over: receivers keep none of it."""
        self._bench.tell(folder, clock)
        for event in alerts:
            now = clock()
            over = Action(at=now, by=OWNER, kind=ActionKind.DISMISS, reason=DismissalReason.OTHER.value, text=OVER)
            own.act(event.id, over, now)
        return tuple(self._bench.tell(folder, clock))


def _process(pipeline: Pipeline, acquisition: Acquisition, region: Region, own: Store, clock: Clock) -> Outcome:
    now = clock()
    own.discover(region.id, [acquisition], [], now)
    if own.claim(OWNER, _LEASE, now, [region.id]) is None:
        raise StoreBusy("the exercise's own ledger is not empty", item=region.id, remedy="Give an empty folder.")
    surveyed = pipeline.survey(acquisition, region, partial(pipeline.hold, acquisition, OWNER, clock))
    return pipeline.judge(surveyed, OWNER, clock)
