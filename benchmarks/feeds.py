"""Feeds and API over a database of many alerts: how long callers wait, asked at a fixed rate from another process.

All alerts are synthetic: boxes of about a hectare, each told once. The server is `scarpwatch serve` in a process of its
own on SQLite; while it is asked, this process writes a step of an alert every few seconds, as a watch at work does, so
that what is kept goes out of date. Requests start on the clock, whether or not earlier ones have been answered, and
waiting counts from then.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import yaml
from shapely import box
from sqlalchemy import insert

from benchmarks import machine
from benchmarks.asking import REGIONS, Answered, all_feeds
from monitor.adapters.store import SqlStore, codec, messages
from monitor.adapters.store.events import put
from monitor.adapters.store.schema import EventRow, EvidenceRow, OutboxRow, TransitionRow
from monitor.adapters.store.tokens import TokenRows
from monitor.config import load
from monitor.core.ranking import rank
from monitor.records import AlertStatus, Detector, Event, EventState, Evidence, Role, Tier, Transition, Verdict

_CHUNK = 5_000
_OPEN_SHARE = 0.05
_WARNING_SHARE = 0.1
_YEARS = 3.0
_WRITE_EVERY_S = 5.0
TARGET_MS = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One run."""

    machine: str
    alerts: int
    rate: float
    seconds: float
    answered: tuple[Answered, ...]
    first_s: tuple[float, ...]
    """The first request of every feed, one after the other before the measured time: nothing was kept yet."""
    peak_mib: float
    """Of the server."""
    writes: int


def run(alerts: int, rate: float, seconds: float) -> str:
    """Fill, serve, ask, and say what was measured."""
    said = machine.describe()
    with tempfile.TemporaryDirectory(prefix="scarpwatch-feeds-") as name:
        config, token = prepare(Path(name), alerts)
        with serving(config) as (base, process):
            first = tuple(_once(base, token, path) for path in all_feeds())
            plan = (str(rate), str(seconds), str(alerts))
            answered, writes = _asked(config, base, token, plan)
            peak = _peak_mib(process.pid)
    return table(
        Served(
            machine=said,
            alerts=alerts,
            rate=rate,
            seconds=seconds,
            answered=tuple(answered),
            first_s=first,
            peak_mib=peak,
            writes=writes,
        )
    )


def table(served: Served) -> str:
    """What people read."""
    waits = np.array([one.ms for one in served.answered])
    p50, p95, p99 = np.percentile(waits, [50, 95, 99])
    errors = sum(one.status not in (200, 304) for one in served.answered)
    lines = [
        f"{served.machine}",
        f"{served.alerts} synthetic alerts, SQLite; {served.rate:g} requests per second for {served.seconds:g} s from "
        f"another process, {served.writes} writes meanwhile",
        f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, longest {waits.max():.0f} ms, {errors} errors of "
        f"{len(waits)}; server {served.peak_mib:.0f} MiB",
        f"before: every feed asked once after the start, the slowest {max(served.first_s) * 1000:.0f} ms",
        "",
        "| request | asked | p50 ms | p95 ms | p99 ms |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in sorted({one.kind for one in served.answered}):
        of_kind = np.array([one.ms for one in served.answered if one.kind == kind])
        low, middle, high = np.percentile(of_kind, [50, 95, 99])
        lines.append(f"| {kind} | {len(of_kind)} | {low:.1f} | {middle:.1f} | {high:.1f} |")
    verdict = "kept" if p95 < TARGET_MS and not errors else "MISSED"
    return "\n".join([*lines, "", f"Target, p95 below {TARGET_MS:.0f} ms without errors: {verdict}"])


def prepare(folder: Path, alerts: int) -> tuple[Path, str]:
    """A configuration with a full database, and a token."""
    config = folder / "config.yaml"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    region = {"geometry": {"bbox": [141.9, 42.7, 141.95, 42.75]}, "catalogs": ["none"]}
    settings = {
        "database": "sqlite:///feeds.db",
        "catalogs": {"none": {"type": "static", "href": str(folder)}},
        "regions": dict.fromkeys(REGIONS, region),
        "serve": {"port": port, "requests_per_s": 1000, "burst": 1000},
    }
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with closing(SqlStore(load(config).database)) as store:
        store.upgrade()
        fill(store, alerts)
        return config, TokenRows(store.database).add("benchmark", Role.READER, datetime.now(UTC))


def fill(store: SqlStore, alerts: int) -> None:
    """Write synthetic alerts, told over the last years, denser towards now."""
    now, rng = datetime.now(UTC), np.random.default_rng(1)
    for start in range(0, alerts, _CHUNK):
        made = [_alert(number, now, rng) for number in range(start, min(start + _CHUNK, alerts))]
        rows: dict[type, list[dict[str, object]]] = {EventRow: [], EvidenceRow: [], TransitionRow: [], OutboxRow: []}
        for number, (event, told) in enumerate(made, start=start + 1):
            step = codec.transition_values(event.id, 0, event.transitions[0])
            listed = {
                "rank": rank(event),
                "told_id": number,
                "told_sequence": 0,
                "told_at": told,
                "told_reason": "change-found",
            }
            rows[EventRow].append(codec.event_values(event) | listed | {"updated": told})
            rows[EvidenceRow] += [codec.evidence_values(event.id, one) for one in event.evidence]
            rows[TransitionRow].append(step | {"created": told})
            rows[OutboxRow].append(
                {
                    "id": number,
                    "idempotency_key": f"{event.id}:0",
                    "event_id": event.id,
                    "sequence": 0,
                    "payload": messages.payload(event, step),
                    "known": messages.known_to_json(event),
                    "rank": rank(event),
                    "created": told,
                }
            )
        with store.database.write() as session:
            for row, values in rows.items():
                session.execute(insert(row), values)


def _alert(number: int, now: datetime, rng: np.random.Generator) -> tuple[Event, datetime]:
    told = now - timedelta(days=365.25 * _YEARS * float(rng.random()) ** 3)
    west, south = 141.9 + 0.05 * rng.random(), 42.7 + 0.05 * rng.random()
    tier = Tier.WARNING if rng.random() < _WARNING_SHARE else Tier.WATCH
    state = EventState.PROVISIONAL if rng.random() < _OPEN_SHARE else EventState.CLOSED
    strength = float(rng.lognormal())
    opening = Evidence(
        acquisition_id=f"a{number}",
        sensing_time=told,
        detector=Detector.BASELINE,
        verdict=Verdict.OPENS,
        observed_fraction=0.9,
        level=0.5,
        strength=strength,
        detail="synthetic",
    )
    step = Transition(
        at=told, previous=None, state=state, reason="change-found", detail="", acquisition_id=f"a{number}", tier=tier
    )
    event = Event(
        id=f"{REGIONS[number % 4]}-{number:06d}",
        region=REGIONS[number % 4],
        state=state,
        status=AlertStatus.ACTUAL,
        detector=Detector.BASELINE,
        geometry=box(west, south, west + 0.0012, south + 0.0009),
        area_ha=1.0,
        mean_change=0.5,
        strength=strength,
        spread=0.02,
        slope_deg=30.0,
        confidence="medium",
        confidence_reason="the source has no cloud mask",
        window_start=told - timedelta(days=5),
        window_end=told,
        model_version="synthetic-1",
        tiles=(),
        tier=tier,
        storm=f"{REGIONS[number % 4]}-storm-{told:%Y%m%d}",
        picture=f"alerts/{number}/alert.png",
        evidence=(opening, replace(opening, acquisition_id=f"b{number}", verdict=Verdict.NOT_OBSERVED)),
        transitions=(step,),
    )
    return event, told


@contextlib.contextmanager
def serving(config: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """`scarpwatch serve` in a process of its own."""
    base = f"http://127.0.0.1:{load(config).serve.port}"
    command = [sys.executable, "-m", "monitor", "serve", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    try:
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{base}/readyz").status_code == 200:
                    break
            time.sleep(0.1)
        yield base, process
    finally:
        process.terminate()
        process.wait(20)


def _once(base: str, token: str, path: str) -> float:
    start = time.perf_counter()
    httpx.get(base + path, headers={"Authorization": f"Bearer {token}"}, timeout=30).raise_for_status()
    return time.perf_counter() - start


def _asked(config: Path, base: str, token: str, plan: Sequence[str]) -> tuple[Sequence[Answered], int]:
    """Ask from another process, and write from this one until it is done."""
    command = [sys.executable, "-m", "benchmarks.asking", base, *plan]
    asker = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"SCARPWATCH_BENCHMARK_TOKEN": token})
    writes = 0
    with closing(SqlStore(load(config).database)) as store:
        while True:
            try:
                out, _ = asker.communicate(timeout=_WRITE_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                _write(store, writes)
                writes += 1
    return [Answered(**one) for one in json.loads(out)], writes


def _write(store: SqlStore, number: int) -> None:
    """One more step of one alert."""
    event = store.event(f"north-{4 * number:06d}")
    if event is None:
        raise LookupError(f"alert {number} was not filled in")
    now = datetime.now(UTC)
    last = event.transitions[-1]
    step = replace(last, at=now, previous=last.state, state=EventState.CONFIRMED, reason="still-changed")
    with store.database.write() as session:
        put(session, replace(event, state=EventState.CONFIRMED, transitions=(*event.transitions, step)), now)


def _peak_mib(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
