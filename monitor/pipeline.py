"""One acquisition's life, top to bottom: look at every tile; then compare with the past, judge, publish, write once."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from monitor.blind_slopes import note_blind_slopes
from monitor.checking import check_input
from monitor.core.change import AlertSettings
from monitor.core.declared import Declared
from monitor.core.flat import flat_limit_deg
from monitor.core.lifecycle import ALERT_STATES, LifecycleSettings
from monitor.core.null_rate import NullRates
from monitor.core.sensors import EarlierChoices, SensorSettings, choose, memory_days, told
from monitor.describing import Described, Describer, Surroundings
from monitor.errors import BadItem, StoreBusy
from monitor.evidence import opening_acquisition
from monitor.executors.local import Executor, Local
from monitor.illustrating import LooksBefore, needs_picture
from monitor.judging import Case, Change, Judge, scenes_of
from monitor.looking import Instruments, Looker, Stopwatch
from monitor.melting import melting_snow, snow_is_about
from monitor.pairing import pair_network
from monitor.past import EarlierLooks
from monitor.ports import Illustrator, LookArchive, Publisher, SlopeSights, Store
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    AlertStatus,
    Choice,
    Detector,
    Region,
    Sensor,
)
from monitor.survey import Survey, Surveyed, Way, clear_of_snow, keep_cleared, survey, watched_tiles


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """What an operator may set about one acquisition's way."""

    alerts: AlertSettings
    lifecycle: LifecycleSettings
    sensors: SensorSettings = field(default_factory=SensorSettings)
    block_tiles: int = 4
    """Side of a block; the lease is renewed after each."""
    lease: timedelta = timedelta(minutes=10)
    null: NullRates | None = None
    """What quiet ground does."""
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
    blocks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Of tiles that workers looked at, by engine and result (`Looker.blocks`)."""
    complaint: str = ""
    """What was amiss and did not stop it, with what helps."""
    layer_complaints: tuple[str, ...] = ()
    """What is wrong with the operator's layers: exposure is told without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What acquisitions are looked at with."""

    instruments: Callable[[Region, Sensor], Instruments]
    """What a region is looked at with by a sensor."""
    executor: Executor = field(default_factory=Local)
    """Looks at blocks of tiles."""
    progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None
    """Hears (acquisition, tiles done, tiles)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlets:
    """Where goes what is made of them, but for the database."""

    archive: LookArchive
    publisher: Publisher
    illustrator: Illustrator
    sights: SlopeSights | None = None
    """Where slopes that radar never sees are kept; None keeps nothing of them."""


class Pipeline:
    """Looks at acquisitions and judges claimed ones; owns no state but its wiring."""

    def __init__(
        self,
        *,
        store: Store,
        means: Means,
        outlets: Outlets,
        settings: PipelineSettings,
        describer: Describer | None = None,
        revise: Callable[[AcquisitionResult], AcquisitionResult] = lambda result: result,
    ) -> None:
        """
        Args:
            describer: tells what surrounds alerts; None tells nothing of it.
            revise: what an exercise makes of a result before it is shown and written.
        """
        self._store = store
        self._means = means
        self._archive = outlets.archive
        self._publisher = outlets.publisher
        self._illustrator = outlets.illustrator
        self._sights = outlets.sights
        self._settings = settings
        self._describer = describer
        self._revise = revise
        self._judge = Judge(
            store=store,
            alerts=settings.alerts,
            lifecycle=settings.lifecycle,
            simulated_alerts=settings.simulated_alerts,
            null=settings.null,
        )

    def rests(self) -> bool:
        """Whether nothing can be looked at for a while."""
        return self._means.executor.rests()

    def survey(
        self,
        acquisition: Acquisition,
        region: Region,
        hold: Callable[[], None],
        stop: Callable[[], bool] = lambda: False,
    ) -> Surveyed:
        """Look at every tile and keep the looks on disk: the half that needs the network.

        May run for one acquisition in one thread while another is judged. `hold` is called after each block of tiles;
        when `stop` says so, nobody waits for others to look any more.

        Raises:
            Transient, Permanent: nothing was written to the database; the caller retries or parks.
        """
        watch = Stopwatch()
        _check_readable(acquisition)
        instruments = self._means.instruments(region, acquisition.sensor).fit_for(acquisition)
        way = Way(
            archive=self._archive,
            block_tiles=self._settings.block_tiles,
            flat_limit_deg=flat_limit_deg(self._settings.alerts.seed_slope_deg),
            hold=hold,
            progress=lambda done, tiles: self._means.progress(acquisition.key, done, tiles),
            executor=self._means.executor,
            stop=stop,
        )
        looker = Looker(acquisition, instruments, watch)
        looked = survey(region, looker, way)
        if acquisition.sensor is Sensor.SAR and self._sights is not None:
            kept, least_deg = self._sights, self._settings.alerts.seed_slope_deg
            watch.run("read", lambda: note_blind_slopes(looker, looked.clear, kept, least_deg, way))
        return Surveyed(acquisition=acquisition, region=region, instruments=instruments, looked=looked, watch=watch)

    def judge(self, surveyed: Surveyed, owner: str, clock: Callable[[], datetime]) -> Outcome:
        """Everything between the looks and the commit.

        Raises:
            Transient, Permanent: nothing was written to the database; the caller retries or parks.
        """
        acquisition, instruments, watch = surveyed.acquisition, surveyed.instruments, surveyed.watch
        hold = partial(self.hold, acquisition, owner, clock)
        pairs = pair_network(instruments, acquisition, watch, hold)
        declared = Declared.of(self._store.declarations(acquisition.region), acquisition.sensing_time)
        earlier = EarlierLooks(
            self._store, self._archive, acquisition, instruments.model_version, self._settings.alerts, pairs, declared
        )
        case = watch.run("change", lambda: self._case(surveyed, earlier, hold))
        hold()
        case = replace(case, declared=declared, choices=self._choose(acquisition, surveyed.region, case.looked))
        if not case.looked.looks:
            return self._commit(surveyed, _nothing(case), earlier.complaint(), owner, clock)
        result, change = watch.run("change", lambda: self._judge.judge(case))
        hold()
        result = self._revise(result)
        described = watch.run("context", lambda: self._describe(case, result))
        result = replace(result, events=described.events)
        result = watch.run("products", lambda: self._show(case, change, result))
        outcome = self._commit(surveyed, result, earlier.complaint(), owner, clock)
        return replace(outcome, layer_complaints=described.complaints)

    def _case(self, surveyed: Surveyed, earlier: EarlierLooks, hold: Callable[[], None]) -> Case:
        """What an acquisition shows of the ground that no snow hides, and what was known of that."""
        cover = earlier.cover(surveyed.looked.looks)
        snow = {tile: lying.snow for tile, lying in cover.items()}
        looked = clear_of_snow(surveyed, surveyed.looked, snow)
        past = earlier.past(looked.looks)
        hold()
        if looked.looks:
            check_input(surveyed.acquisition, looked, past)
        case = Case(
            acquisition=surveyed.acquisition,
            instruments=surveyed.instruments,
            looked=looked,
            past=past,
            earlier=earlier,
            cover=cover,
            released=surveyed.region.release_at_once,
            hold=hold,
        )
        radar = surveyed.acquisition.sensor is Sensor.SAR
        if radar and past.references and snow_is_about(looked.looks, cover, earlier.most_snow(cover)):
            melting = melting_snow(scenes_of(case, self._settings.alerts), past.references)
            if melting.hidden.tiles:
                looked = clear_of_snow(surveyed, looked, melting.hidden.tiles)
                past = earlier.past(looked.looks)
            case = replace(case, melting=melting)
            hold()
        past = earlier.answered(past, looked.looks)
        return replace(case, past=past, looked=keep_cleared(surveyed, looked, self._archive).told(past.answers))

    def hold(self, acquisition: Acquisition, owner: str, clock: Callable[[], datetime]) -> None:
        """Prolong the lease, before every stage that may take long.

        Raises:
            StoreBusy: it was lost.
        """
        if not self._store.extend(acquisition, owner, self._settings.lease, clock()):
            raise StoreBusy(
                "the lease on this acquisition was lost while it was processed",
                item=acquisition.id,
                remedy="Another process has it; nothing was written here and nothing needs to be done.",
                reason="lease-lost",
            )

    def _choose(self, acquisition: Acquisition, region: Region, looked: Survey) -> tuple[Choice, ...]:
        """Which sensor is the evidence of record on every tile."""
        now, settings = acquisition.sensing_time, self._settings.sensors
        since = now - timedelta(days=memory_days(settings))
        earlier = EarlierChoices(
            optical=self._store.choices_before(region.id, Sensor.OPTICAL, now, since),
            radar=self._store.choices_before(region.id, Sensor.SAR, now, since),
        )
        return choose(acquisition, looked.clear, region.sensor_policy, earlier, settings)

    def _describe(self, case: Case, result: AcquisitionResult) -> Described:
        """What surrounds new alerts, and those that this acquisition says something of."""
        if self._describer is None:
            return Described(events=result.events)
        ground = Surroundings(terrain=case.instruments.terrain, land_cover=case.instruments.land_cover)
        return self._describer.describe(result.events, case.acquisition, ground)

    def _show(self, case: Case, change: Change, result: AcquisitionResult) -> AcquisitionResult:
        """Products and pictures, side by side: both wait for compression and the disk."""
        with ThreadPoolExecutor(1, "publishing") as publishing:
            published = publishing.submit(self._publish, case, change, result.reason)
            illustrated = self._illustrate(case, change, result)
            published.result()
        return illustrated

    def _publish(self, case: Case, change: Change, outcome: str) -> None:
        looks = {tile: look for tile, look in case.looked.looks.items() if np.isfinite(look.probability).any()}
        of_pairs = case.instruments.of_pairs  # whose probability is the change
        layers = {
            "probability": {tile: look.probability for tile, look in looks.items()},
            "spread": {tile: look.spread for tile, look in looks.items()},
            "change": {} if of_pairs else change.get(Detector.NETWORK, {}),
            "brightening": change.get(Detector.BASELINE, {}),
            "backscatter-change": change.get(Detector.RADAR, {}),
        }
        properties = {
            "scarpwatch:model": case.instruments.model_version,
            "scarpwatch:simulated": case.simulated,
            "scarpwatch:outcome": outcome,
            "scarpwatch:cloud_mask": case.looked.mask_source,
        }
        worth_showing = {name: layer for name, layer in layers.items() if layer}
        if worth_showing:  # a radar pass of which nothing is compared yet has none
            self._publisher.publish(case.acquisition, worth_showing, properties)

    def _illustrate(self, case: Case, change: Change, result: AcquisitionResult) -> AcquisitionResult:
        """Picture and evidence chips for new alerts; a new picture of those that this acquisition says something of."""
        acquisition, looked = case.acquisition, case.looked
        told = [event for event in result.events if needs_picture(event, acquisition.id)]
        before = LooksBefore(self._store, self._archive, acquisition.comparable, self._settings.alerts.reach)
        hrefs = self._illustrator.illustrate(told, looked.looks, change, before, looked.mask_source)
        events = (replace(event, picture=hrefs.get(event.id, event.picture)) for event in result.events)
        return replace(result, events=tuple(events))

    def _commit(
        self, surveyed: Surveyed, result: AcquisitionResult, complaint: str, owner: str, clock: Callable[[], datetime]
    ) -> Outcome:
        """Write the result with what it took and what was amiss."""
        acquisition, watch = surveyed.acquisition, surveyed.watch
        detail = "; ".join(filter(None, (result.detail + told(result.choices), complaint)))
        result = replace(result, detail=detail)
        written = watch.run("store", lambda: self._store.complete(acquisition, owner, result, clock()))
        opened = sum(
            1 for event in result.events if event.state in ALERT_STATES and opening_acquisition(event) == acquisition.id
        )
        tiles = len(watched_tiles(surveyed.region))
        seconds = dict(watch.seconds)
        return Outcome(
            result=result,
            written=written,
            opened=opened,
            seconds=seconds,
            tiles=tiles,
            blocks=surveyed.looked.blocks,
            complaint=complaint,
        )


def _nothing(case: Case) -> AcquisitionResult:
    """The result of an acquisition of which no ground can be used."""
    return AcquisitionResult(
        reason="nothing-usable",
        detail="no clear ground in any tile of the region" + case.looked.left_out() + case.covered(),
        observations=tuple(case.looked.hidden.values()),
        choices=tuple(case.choices),
    )


def _check_readable(acquisition: Acquisition) -> None:
    """Raise BadItem for a radar pass whose items have no polarisation in common."""
    if acquisition.sensor is Sensor.SAR and not acquisition.polarisations:
        raise BadItem(
            "its slices have no polarisation in common, so they are no one pass",
            item=acquisition.id,
            remedy="Ask the catalog's operator; the pass is parked.",
            reason="mixed-polarisation",
        )
