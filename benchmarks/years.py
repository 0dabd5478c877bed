"""Simulated years: valleys that nobody looked at, each watched by the service for a year, judged by the known truth.

Every seed leaves one small file of results, and one for each network that is tried; a run that was cut off goes on
where it stopped. The pixels are thrown away when a seed is done. **Everything here is simulated.**
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.iburi import card_of_one_look
from benchmarks.years_exposure import Kinds
from benchmarks.years_judging import judge_events, judge_scars, sights
from benchmarks.years_networks import try_network
from benchmarks.years_pictures import draw_false
from benchmarks.years_records import (
    OPTICS,
    RADAR,
    TrialRecord,
    YearRecord,
    load_trial,
    load_year,
    save,
)
from benchmarks.years_report import report
from benchmarks.years_watch import Size, make_year, parked, terrain, watch
from monitor.adapters.looks import LookFiles
from monitor.adapters.model_store import load_card
from monitor.adapters.store import SqlStore
from monitor.config import Settings, load
from monitor.core.canvas import Canvas, canvases
from monitor.core.grid import region_tiles
from monitor.demo import write_config
from monitor.quiet_ground import looks
from monitor.records import Sensor
from monitor.sandbox.valley import Valley
from monitor.service import PassEvent

SEEDS = tuple(range(8001, 8011))
Progress = Callable[[str], None]
_HELD = 10_000
"""Acquisitions of a ledger, more than any year has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be measured."""

    seeds: tuple[int, ...] = SEEDS
    size: Size
    models: tuple[Path, ...] = ()
    """Folders of networks to try beside the baselines."""
    out: Path
    """Folder of the results of each seed."""
    unsettled: bool = False
    """No event is closed as settled: what many later looks say of each. Results of their own."""


def run(task: Task, progress: Progress) -> str:
    """Do what is missing, then tell all of it as Markdown.

    Raises:
        BadModel: one of the models is of pairs of looks.
    """
    for model in task.models:
        card_of_one_look(model)
    task.out.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(task.seeds, start=1):
        missing = [model for model in task.models if load_trial(_trial_file(task, seed, model)) is None]
        if missing or load_year(_year_file(task, seed)) is None:
            progress(f"seed {seed}, {number} of {len(task.seeds)}")
            _run_seed(task, seed, missing, progress)
    years = [load_year(_year_file(task, seed)) for seed in task.seeds]
    trials = [load_trial(_trial_file(task, seed, model)) for model in task.models for seed in task.seeds]
    return report([one for one in years if one is not None], [one for one in trials if one is not None])


def _run_seed(task: Task, seed: int, models: Sequence[Path], tell: Progress) -> None:
    def progress(line: str) -> None:
        tell(f"{seed}: {line}")

    with tempfile.TemporaryDirectory(prefix=f"scarpwatch-year-{seed}-") as name:
        folder = Path(name)
        started = time.perf_counter()
        valley = make_year(folder, seed, task.size)
        seconds = {"simulation": time.perf_counter() - started}
        progress(f"simulated in {seconds['simulation']:.0f} s, storm on {valley.storm:%Y-%m-%d}")
        if load_year(_year_file(task, seed)) is None:
            record = _watch(task, folder, valley, seconds, progress)
            save(record, _year_file(task, seed))
            false = sum(not one.true for one in record.events)
            progress(f"watched in {record.seconds['watch']:.0f} s; {false} false events")
        for model in models:
            trial = _try(folder, model, valley)
            save(trial, _trial_file(task, seed, model))
            progress(f"{model.name} tried in {trial.seconds:.0f} s")


def _watch(task: Task, folder: Path, valley: Valley, seconds: dict[str, float], progress: Progress) -> YearRecord:
    started = time.perf_counter()
    settings = watch(folder, valley, _Teller(progress, len(valley.times) + len(valley.passes)), task.unsettled)
    with closing(SqlStore(settings.database)) as store:
        return judge(valley, settings, store, {**seconds, "watch": time.perf_counter() - started}, task)


def judge(valley: Valley, settings: Settings, store: SqlStore, seconds: dict[str, float], task: Task) -> YearRecord:
    """What a year's watch gave; draws the false alerts into the folder of results."""
    (region,) = settings.region_records()
    archive = LookFiles(settings.products)
    (canvas,) = canvases(region_tiles(region.geometry))
    kinds = _kinds(valley, settings, canvas)
    found = sights(looks(store, archive, canvas), valley, canvas, kinds)
    events = store.events()
    records = judge_events(valley, events, kinds, canvas.epsg, task.size.size_px)
    draw_false(store, archive, events, records, canvas, task.out / f"false-{valley.seed}.png")
    return YearRecord(
        seed=valley.seed,
        storm=valley.storm.isoformat(),
        years=(valley.times[-1] - valley.times[0]) / timedelta(days=365.25),
        km2=found.km2,
        km2_years=found.km2_years,
        looks=_compared(store),
        parked=dict(parked(store)),
        traps=_pieces(valley),
        scars=judge_scars(valley, events, found, canvas.epsg),
        events=records,
        seconds=seconds,
        cells=kinds.cells(),
    )


def _kinds(valley: Valley, settings: Settings, canvas: Canvas) -> Kinds:
    """What adds up the exposure of every kind of ground of a valley."""
    west, south, east, north = valley.bbox
    return Kinds(canvas, terrain(settings), ((west + east) / 2, (south + north) / 2))


def _compared(store: SqlStore) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for entry in store.ledger(limit=_HELD):
        name = RADAR if entry.acquisition.sensor is Sensor.SAR else OPTICS
        counts[f"{name} in all"] += 1
        counts[name] += entry.reason == "compared"
    return dict(counts)


def _pieces(valley: Valley) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for trap in valley.traps:
        counts[trap.cause.value] += len(getattr(trap.geometry, "geoms", [trap.geometry]))
    return dict(counts)


def _try(folder: Path, model: Path, valley: Valley) -> TrialRecord:
    """A network in place of the shipped one of its sensor."""
    named = "radar_model" if card_of_one_look(model).sensor is Sensor.SAR else "model"
    settings = load(write_config(folder, valley))
    # For a network of radar the shipped optical one stays: both lie in the folder of the one that is tried.
    return try_network(
        settings.model_copy(update={"models": model.absolute().parent, named: model.name}),
        valley,
    )


class _Teller:
    """Tells every tenth acquisition, and every one that was set aside."""

    def __init__(self, progress: Progress, wanted: int) -> None:
        self._progress, self._wanted, self._done = progress, wanted, 0

    def __call__(self, event: PassEvent) -> None:
        """Hear what the service reports."""
        if event.action == "done":
            self._done += 1
            if self._done % 10 == 0:
                self._progress(f"{self._done} of {self._wanted} acquisitions, {event.detail}")
        elif event.action not in ("claimed", "discovered", "ahead"):
            self._progress(f"{event.action} {event.item}: {event.reason} {event.detail}")


def _year_file(task: Task, seed: int) -> Path:
    kind = "unsettled" if task.unsettled else "year"
    return task.out / f"{kind}-{seed}-{task.size.size_px}-{task.size.looks}.json"


def _trial_file(task: Task, seed: int, model: Path) -> Path:
    version = load_card(model).version
    return task.out / f"trial-{seed}-{task.size.size_px}-{task.size.looks}-{model.name}-{version}.json"
