"""Acquisition to alert: wall time of one pass by stage, beside the bare engine on the same number of windows."""

import cProfile
import io
import pstats
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks import iburi, machine
from monitor import demo, wiring
from monitor.adapters.engine import open_engine
from monitor.adapters.store import SqlStore
from monitor.config import Settings
from monitor.core.grid import TILE_M, region_tiles
from monitor.ports import Engine
from monitor.records import ModelCard
from monitor.sandbox.story import STORM_UNDER_CLOUD
from monitor.sandbox.valley import build_valley
from monitor.service import PassEvent, PassSummary, Service

Configure = Callable[[Path], Settings]
"""What is watched, with a database and products of its own in a folder."""

STAGES = ("search", "read", "features", "engine", "change", "products", "store")
TARGET = 0.25
"""Share of the main job that may lie outside the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One pass over everything there is."""

    machine: str
    model: str
    wall_seconds: float
    """From the start of the poll to the last commit."""
    cpu_seconds: float
    stages: Mapping[str, float]
    """Seconds by stage; some run at the same time."""
    engine_wall_seconds: float
    """Inside `Engine.predict`."""
    calls: int
    """Windows through the network."""
    tiles: int
    """Tiles looked at, both acquisitions together."""
    area_km2: float
    peak_mib: float
    opening_seconds: float
    """Wiring and the engine's first load, before the poll: once per process, not part of the pass."""
    bare_seconds: float
    """The same number of windows through the same engine and nothing else."""
    bare_cpu_seconds: float
    """CPU time of that: what lies inside the engine, as other threads work while it is asked in the pass."""
    alerts: int

    @property
    def outside_share(self) -> float:
        """Share of the pass's wall time outside the engine."""
        return 1.0 - self.engine_wall_seconds / self.wall_seconds

    @property
    def outside_cpu_ms_per_tile(self) -> float:
        """CPU milliseconds per looked-at tile outside the engine."""
        return 1000.0 * (self.cpu_seconds - self.bare_cpu_seconds) / self.tiles


class MeasuredEngine:
    """An engine that counts its windows and the wall time within it."""

    def __init__(self, engine: Engine) -> None:
        """Wraps `engine`."""
        self._engine = engine
        self.wall = 0.0
        self.calls = 0

    @property
    def name(self) -> str:
        """The wrapped engine's."""
        return self._engine.name

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, H, W) to (N, H, W)."""
        started = time.perf_counter()
        answers = self._engine.predict(windows)
        self.wall += time.perf_counter() - started
        self.calls += len(windows)
        return answers


def pair_of(data: Path, model: Path) -> Configure:
    """The two real dates of Hokkaido: optics alone."""
    return lambda folder: iburi.settings_for(data, folder, model)


def valley_of(model: Path, radar_model: Path, seed: int = 1) -> Configure:
    """The demonstration's simulated valley: optics and radar, a network for each. Both lie in one folder of models."""

    def configure(folder: Path) -> Settings:
        valley = build_valley(
            folder, seed=seed, size_px=demo.SIZE_PX, quiet=demo.QUIET, after=demo.AFTER, story=STORM_UNDER_CLOUD
        )
        plain = yaml.safe_load(demo.write_config(folder, valley).read_text(encoding="utf-8"))
        networks = {"models": str(model.absolute().parent), "model": model.name, "radar_model": radar_model.name}
        return Settings.model_validate({"folder": folder.absolute(), **plain, **networks})

    return configure


def measure(configure: Configure, profile: Path | None = None) -> Speed:
    """One pass in this process on a fresh database in a temporary folder, then the bare engines.

    `profile` takes cProfile's statistics of the pass; profiling slows Python code, so do not quote that run.
    """
    described = machine.describe()
    with tempfile.TemporaryDirectory(prefix="scarpwatch-speed-") as folder:
        settings = configure(Path(folder))
        started = time.perf_counter()
        with closing(SqlStore(settings.database)) as store:
            store.upgrade()
        service, opened = _build(settings)
        opening = time.perf_counter() - started
        with closing(service):
            done = _pass(service, profile)
        peak = machine.peak_memory_mib()
        with closing(SqlStore(settings.database)) as store:
            tiles = _looked_at(store, settings)
    # Noted before the bare engines add to them.
    windows, wall = [engine.calls for _, engine in opened], sum(engine.wall for _, engine in opened)
    bare = [bare_engine(engine, card, calls) for (card, engine), calls in zip(opened, windows, strict=True)]
    return Speed(
        machine=described,
        model=" and ".join(card.version for card, _ in opened),
        wall_seconds=done.wall,
        cpu_seconds=done.cpu,
        stages=done.stages,
        engine_wall_seconds=wall,
        calls=sum(windows),
        tiles=tiles,
        area_km2=tiles * (TILE_M / 1000.0) ** 2,
        peak_mib=peak,
        opening_seconds=opening,
        bare_seconds=sum(wall for wall, _ in bare),
        bare_cpu_seconds=sum(cpu for _, cpu in bare),
        alerts=done.summary.alerts_opened,
    )


def bare_engine(engine: Engine, card: ModelCard, calls: int) -> tuple[float, float]:
    """Wall and CPU seconds of `calls` windows through an engine and nothing else."""
    shape = (1, card.channels, card.window_px, card.window_px)
    window = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    engine.predict(window)
    wall, cpu = time.perf_counter(), machine.cpu_seconds()
    for _ in range(calls):
        engine.predict(window)
    return time.perf_counter() - wall, machine.cpu_seconds() - cpu


def table(speed: Speed) -> str:
    """Markdown: the split of the pass, then the figures that are quoted."""
    lines = ["| stage | seconds | share |", "| --- | --- | --- |"]
    named = {stage: speed.stages.get(stage, 0.0) for stage in STAGES}
    # Reading ahead and writing behind are counted in full and pass while the network is busy.
    named["other, less what ran at the same time"] = speed.wall_seconds - sum(named.values())
    lines += [f"| {stage} | {value:.2f} | {value / speed.wall_seconds:.1%} |" for stage, value in named.items()]
    lines.append(f"| acquisition to alert | {speed.wall_seconds:.2f} | 100 % |")
    verdict = "met" if speed.outside_share <= TARGET else "missed"
    facts = [
        f"Outside the engine: {speed.outside_share:.1%} of the wall time (target {TARGET:.0%}: {verdict}), "
        f"{speed.outside_cpu_ms_per_tile:.0f} ms CPU per tile looked at",
        f"Bare engine on the same {speed.calls} windows: {speed.bare_seconds:.1f} s; the whole pass takes "
        f"{speed.wall_seconds / speed.bare_seconds:.2f} times that",
        f"{speed.tiles} tile looks, {speed.area_km2:.0f} km², {speed.area_km2 / speed.wall_seconds:.1f} km²/s, "
        f"{speed.alerts} alerts; peak memory {speed.peak_mib:.0f} MiB; opening database and engine before the poll "
        f"{speed.opening_seconds:.1f} s",
        f"Model {speed.model}, ONNX Runtime CPU fp32. {speed.machine}",
    ]
    return "\n".join([*lines, "", *(f"- {fact}" for fact in facts)])


def run(watched: Sequence[Configure], profile: Path | None) -> str:
    """Measure and give the report as Markdown; with `profile` the functions that take longest instead."""
    if profile is None:
        return "\n\n".join(table(measure(configure)) for configure in watched)
    measure(watched[-1], profile)
    return hot_spots(profile)


def hot_spots(profile: Path, longest: int = 60) -> str:
    """The functions of a profile by cumulative and by own time."""
    text = io.StringIO()
    statistics = pstats.Stats(str(profile), stream=text)
    statistics.sort_stats("cumulative").print_stats(longest)
    statistics.sort_stats("tottime").print_stats(longest)
    return text.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    summary: PassSummary
    wall: float
    cpu: float
    stages: Mapping[str, float]


def _pass(service: Service, profile: Path | None) -> _Done:
    """One pass as `Service.once` makes it; the search is what lies before the first claim."""
    events: list[PassEvent] = []
    times: list[float] = []

    def report(event: PassEvent) -> None:
        times.append(time.perf_counter())
        events.append(event)

    profiler = cProfile.Profile()
    cpu, wall = machine.cpu_seconds(), time.perf_counter()
    if profile:
        profiler.enable()
    summary = service.once(lambda: datetime.now(UTC), report)
    profiler.disable()
    ended = time.perf_counter()
    if profile:
        profiler.dump_stats(profile)
    if summary.errors:
        raise RuntimeError(f"the pass did not succeed: {summary.errors}")
    stages: dict[str, float] = {}
    for at, event in zip(times, events, strict=True):
        if event.action == "discovered":
            stages["search"] = at - wall
        for stage, seconds in event.seconds.items():
            stages[stage] = stages.get(stage, 0.0) + seconds
    return _Done(summary=summary, wall=ended - wall, cpu=machine.cpu_seconds() - cpu, stages=stages)


def _build(settings: Settings) -> tuple[Service, Sequence[tuple[ModelCard, MeasuredEngine]]]:
    """The service as the command line builds it, its engines wrapped."""
    opened: list[tuple[ModelCard, MeasuredEngine]] = []

    def measured(card: ModelCard, threads: int, provider: str) -> Engine:
        engine = MeasuredEngine(open_engine(card, threads, provider))
        opened.append((card, engine))
        return engine

    # The composition root has no seam for this, on purpose; a benchmark may reach in.
    with patch.object(wiring, "open_engine", measured):
        service = wiring.build(settings)
    return service, opened


def _looked_at(store: SqlStore, settings: Settings) -> int:
    """Tile looks that the network answered, over all acquisitions."""
    (region,) = settings.region_records()
    return sum(row.look_href is not None for tile in region_tiles(region.geometry) for row in store.history(tile))
