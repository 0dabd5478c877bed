"""Acquisition to alert: wall time of one pass by stage, beside the bare engine on the same number of windows."""

import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks import iburi, machine
from monitor import wiring
from monitor.adapters.engine import open_engine
from monitor.adapters.model_store import load_card
from monitor.adapters.store import SqlStore
from monitor.core.grid import TILE_M
from monitor.ports import Engine
from monitor.records import ModelCard
from monitor.service import PassEvent, PassSummary

Value = TypeVar("Value")

STAGES = ("search", "read", "features", "engine", "change", "products", "store")
TARGET = 0.25
"""Share of the main job that may lie outside the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One pass over the pair."""

    machine: str
    model: str
    wall_seconds: float
    """From the start of the poll to the last commit."""
    cpu_seconds: float
    stages: Mapping[str, float]
    """Wall seconds by stage."""
    engine_wall_seconds: float
    """Inside `Engine.predict`."""
    engine_cpu_seconds: float
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
    alerts: int

    @property
    def outside_share(self) -> float:
        """Share of the pass's wall time outside the engine."""
        return 1.0 - self.engine_wall_seconds / self.wall_seconds

    @property
    def outside_cpu_ms_per_tile(self) -> float:
        """CPU milliseconds per looked-at tile outside the engine."""
        return 1000.0 * (self.cpu_seconds - self.engine_cpu_seconds) / self.tiles


class MeasuredEngine:
    """An engine that counts its windows, its wall time and the process's CPU time within it."""

    def __init__(self, engine: Engine) -> None:
        """Wraps `engine`; whatever other threads do meanwhile is counted too (nothing, in this pass)."""
        self._engine = engine
        self.wall = self.cpu = 0.0
        self.calls = 0

    @property
    def name(self) -> str:
        """The wrapped engine's."""
        return self._engine.name

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, C, H, W) to (N, H, W)."""
        wall, cpu = time.perf_counter(), machine.cpu_seconds()
        answers = self._engine.predict(windows)
        self.wall += time.perf_counter() - wall
        self.cpu += machine.cpu_seconds() - cpu
        self.calls += len(windows)
        return answers


def measure(data: Path, model: Path, profile: Path | None = None) -> Speed:
    """One pass in this process on a fresh database in a temporary folder, then the bare engine.

    `profile` takes cProfile's statistics of the pass; profiling slows Python code, so do not quote that run.
    """
    described = machine.describe()
    with tempfile.TemporaryDirectory(prefix="scarpwatch-speed-") as folder:
        started = time.perf_counter()
        settings = iburi.settings_for(data, Path(folder), model)
        with closing(SqlStore(settings.database)) as store:
            store.upgrade()
        engines: list[MeasuredEngine] = []
        with closing(_build(settings, engines)) as service:
            opening = time.perf_counter() - started
            events: list[PassEvent] = []
            search: list[float] = []
            cpu = machine.cpu_seconds()
            wall = time.perf_counter()
            summary = _profiled(profile, lambda: _pass(service, events, search))
            wall, cpu = time.perf_counter() - wall, machine.cpu_seconds() - cpu
            tiles = sum(len(_looked(service, settings, key)) for key in [event.item for event in events if event.action == "done"])
    engine = engines[0]
    peak = machine.peak_memory_mib()
    return Speed(
        machine=described,
        model=load_card(model).version,
        wall_seconds=wall,
        cpu_seconds=cpu,
        stages=_stages(events, search[0]),
        engine_wall_seconds=engine.wall,
        engine_cpu_seconds=engine.cpu,
        calls=engine.calls,
        tiles=tiles,
        area_km2=tiles * (TILE_M / 1000.0) ** 2,
        peak_mib=peak,
        opening_seconds=opening,
        bare_seconds=bare_engine(load_card(model), engine.calls),
        alerts=summary.alerts_opened,
    )
