"""A model on trial: the real chain over the last looks of a region, through another model, beside the real history.

What earlier looks show (colours, backscatter) is read from the real history. What the model on trial says is kept in a
database and a folder of the trial's own, so that it is compared with looks of its own version, as it will be in use.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Protocol

from shapely import union_all

from monitor.core.lifecycle import ALERT_STATES
from monitor.drill.beside import BesideLooks, BesideStore, History, NoPictures
from monitor.errors import Refused, ScarpwatchError
from monitor.evidence import opening_acquisition
from monitor.looking import Instruments
from monitor.pipeline import Means, Outcome, Outlets, Pipeline, PipelineSettings
from monitor.ports import LookArchive, Publisher, Store
from monitor.records import (
    Acquisition,
    AcquisitionState,
    Declaration,
    Event,
    KeptLook,
    Observation,
    Region,
    Sensor,
    Tile,
)
from monitor.survey import watched_tiles

Clock = Callable[[], datetime]
OWNER = "trial"
_LEASE = timedelta(days=1)
_ALL = 1_000_000
_ROWS = 400
_NOTHING_USABLE = "nothing-usable"


class RealHistory(History, Protocol):
    """What a trial reads of the real database."""

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """The newest current observations of a tile, newest first."""

    def declarations(self, region: str) -> list[Declaration]:
        """What people have declared in a region."""


class OwnStore(Store, Protocol):
    """The database of a trial."""

    def upgrade(self) -> object:
        """Make its tables."""

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """The newest current observations of a tile, newest first."""

    def close(self) -> None:
        """Close its connections."""


class TrialStore(BesideStore):
    """The real tile history beside that of the model on trial."""

    def __init__(self, real: RealHistory, own: Store) -> None:
        """`own` starts empty."""
        super().__init__(real, own)
        self._through_it = own
        self._declared = real.declarations

    def declarations(self, region: str) -> list[Declaration]:
        """The real ones: its alerts are beside those that were judged by them."""
        return self._declared(region)

    def looks_before(
        self, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> list[Observation]:
        """Of one model the trial's own looks, since it is the one on trial; of any model the real ones."""
        if model_version is None:
            return super().looks_before(tile, None, comparable, before, limit)
        return self._through_it.looks_before(tile, model_version, comparable, before, limit)

    def kept_looks(
        self, tiles: Collection[Tile], model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> dict[Tile, list[KeptLook]]:
        """As with `looks_before`."""
        if model_version is None:
            return super().kept_looks(tiles, None, comparable, before, limit)
        return self._through_it.kept_looks(tiles, model_version, comparable, before, limit)


class _Nowhere:
    """Publishes nothing (`Publisher`)."""

    def publish(self, acquisition: Acquisition, layers: Mapping[str, object], properties: Mapping[str, object]) -> Path:
        """Nothing."""
        return Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a trial is made with (`monitor.trial_wiring`)."""

    history: RealHistory
    """The real database, for reading."""
    looks: LookArchive
    """The real archive, for reading."""
    instruments: Callable[[Region, Sensor], Instruments]
    """With the model on trial."""
    settings: PipelineSettings
    open_store: Callable[[Path], OwnStore]
    own_looks: Callable[[Path], LookArchive]
    version: str
    """Of the model on trial."""
    sensor: Sensor
    """Whose looks it is tried on."""
    close: Callable[[], None] = lambda: None
    progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One acquisition through the model on trial."""

    acquisition_id: str
    sensing_time: datetime
    compared: bool
    """False: it only made the reference of those that follow."""
    seconds: float
    detail: str
    failed: bool = False
    tiles: int = 0
    """On which both models have spoken ..."""
    mean_now: float | None = None
    """... with the mean hazard probability through the model in use ..."""
    mean_tried: float | None = None
    """... and through the one on trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReport:
    """What would have differed."""

    region: str
    version: str
    sensor: Sensor
    tried: tuple[Tried, ...]
    same: tuple[str, ...]
    """Alerts of the real history that the trial raised too, of those that the compared looks opened."""
    missed: tuple[str, ...]
    """Those that it did not raise."""
    new: tuple[str, ...]
    """Its alerts on ground where the real history has no event: id, hectares and tier."""
    network_alerts: bool
    """Whether networks may open alerts at all (`alerts.detectors`)."""

    @property
    def shift(self) -> float | None:
        """Mean rise of the mean hazard probability against the model in use, over the compared looks."""
        rises = [
            one.mean_tried - one.mean_now
            for one in self.tried
            if one.compared and one.mean_tried is not None and one.mean_now is not None
        ]
        return fmean(rises) if rises else None


def try_model(bench: Bench, region: Region, looks: int, folder: Path, clock: Clock) -> TrialReport:
    """Run a model over the last looks of a region; `folder` is empty and takes what the trial writes.

    The looks before them, as many as a reference takes, are run first.

    Raises:
        Refused: no acquisition of the model's sensor was compared yet.
    """
    chosen = _newest(bench, region, looks + bench.settings.alerts.looks)
    if not chosen:
        raise Refused(
            f"no acquisition of {bench.sensor.value} is done in the region",
            item=region.id,
            remedy="Let the watch look at the region first: scarpwatch once.",
            reason="nothing-to-try",
        )
    counted = {one.id for one in chosen[-looks:]}
    with closing(bench.open_store(folder)) as own:
        own.upgrade()
        own.discover(region.id, chosen, [], clock())
        pipeline = _pipeline(bench, own, folder)
        tried = tuple(_one(bench, pipeline, own, one, region, one.id in counted, clock) for one in chosen)
        same, missed, new = _differences(bench.history.events(region.id), own.events(region.id), counted)
    return TrialReport(
        region=region.id,
        version=bench.version,
        sensor=bench.sensor,
        tried=tried,
        same=same,
        missed=missed,
        new=new,
        network_alerts="network" in bench.settings.alerts.detectors,
    )


def _newest(bench: Bench, region: Region, number: int) -> list[Acquisition]:
    """The last acquisitions that showed ground, oldest first."""
    done = [
        entry.acquisition
        for entry in bench.history.ledger(region.id, _ALL)
        if entry.state is AcquisitionState.DONE
        and entry.reason != _NOTHING_USABLE
        and entry.acquisition.sensor is bench.sensor
    ]
    return sorted(done, key=lambda one: (one.sensing_time, one.key))[-number:]


def _pipeline(bench: Bench, own: OwnStore, folder: Path) -> Pipeline:
    publisher: Publisher = _Nowhere()
    return Pipeline(
        store=TrialStore(bench.history, own),
        means=Means(instruments=bench.instruments, progress=bench.progress),
        outlets=Outlets(
            archive=BesideLooks(bench.looks, bench.own_looks(folder), frozenset()),
            publisher=publisher,
            illustrator=NoPictures(),
        ),
        settings=bench.settings,
    )


def _one(
    bench: Bench,
    pipeline: Pipeline,
    own: OwnStore,
    acquisition: Acquisition,
    region: Region,
    compared: bool,
    clock: Clock,
) -> Tried:
    """One acquisition; what cannot be read any more is told and left out."""
    now = clock()
    own.claim(OWNER, _LEASE, now, [region.id])
    try:
        surveyed = pipeline.survey(acquisition, region, partial(pipeline.hold, acquisition, OWNER, clock))
        outcome = pipeline.judge(surveyed, OWNER, clock)
    except ScarpwatchError as error:
        own.park(acquisition, OWNER, error.reason, str(error), now)
        return Tried(
            acquisition_id=acquisition.id,
            sensing_time=acquisition.sensing_time,
            compared=compared,
            seconds=0.0,
            detail=str(error),
            failed=True,
        )
    return _told(bench, own, acquisition, region, compared, outcome)


def _told(
    bench: Bench, own: OwnStore, acquisition: Acquisition, region: Region, compared: bool, outcome: Outcome
) -> Tried:
    pairs = [
        (now.stats.mean, tried.stats.mean)
        for tile in watched_tiles(region)
        if (tried := _row(own.history(tile, _ROWS), acquisition)) is not None
        and (now := _row(bench.history.history(tile, _ROWS), acquisition)) is not None
    ]
    both = [(now, tried) for now, tried in pairs if now is not None and tried is not None]
    return Tried(
        acquisition_id=acquisition.id,
        sensing_time=acquisition.sensing_time,
        compared=compared,
        seconds=sum(outcome.seconds.values()),
        detail=outcome.result.detail,
        tiles=len(both),
        mean_now=fmean(now for now, _ in both) if both else None,
        mean_tried=fmean(tried for _, tried in both) if both else None,
    )


def _row(rows: Sequence[Observation], acquisition: Acquisition) -> Observation | None:
    return next((row for row in rows if row.acquisition_key == acquisition.key), None)


def _differences(
    real: Sequence[Event], tried: Sequence[Event], counted: set[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Real alerts that the trial raised too, those that it missed, and its alerts where no event is."""
    raised = [event for event in tried if _was_alert(event)]
    found = union_all([event.geometry for event in raised])
    known = union_all([event.geometry for event in real])
    due = [event for event in real if _was_alert(event) and opening_acquisition(event) in counted]
    new = [event for event in raised if opening_acquisition(event) in counted and not event.geometry.intersects(known)]
    return (
        tuple(event.id for event in due if event.geometry.intersects(found)),
        tuple(event.id for event in due if not event.geometry.intersects(found)),
        tuple(f"{event.id}: {event.area_ha:.2f} ha, {event.tier.value}" for event in new),
    )


def _was_alert(event: Event) -> bool:
    return any(step.state in ALERT_STATES for step in event.transitions)
