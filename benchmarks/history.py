"""What the history of the tiles costs to read as it grows, on a PostgreSQL of its own (as the tests start one).

The last looks of the tiles of a scene are asked for in two ways: as the service does, of the rows that hold the newest
looks of a tile, and of the history alone, as it would be without them. The same tiles are given ever more passes, a
hundredth, a tenth and all of the rows, and the same questions are asked after each. Rows are as life writes them: pass
by pass, each over all tiles, so that those of one tile lie far apart. Of five passes three are optical, of which 60 %
of the tiles are clouded and leave no look; two are radar tracks. The model changes in the middle of the time.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
from sqlalchemy import Select, delete, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from benchmarks import machine
from monitor.adapters.store import SqlStore, kept_looks
from monitor.adapters.store.history import last_looks, newest_rows
from monitor.adapters.store.kept_looks import NewestLooksRow
from monitor.adapters.store.schema import ObservationRow
from monitor.core.grid import tile_from_id
from tests.postgres import running_server

K = 3
"""Looks that make up a reference of optics."""
TILES = 1_000
_HISTORY = 100
"""Rows of one tile's history, as its page shows them."""
_PER_TILE = 2_500
"""Passes in ten years: optics every two to three days, two tracks of radar every six."""
_RUNS, _SINGLE_RUNS = 60, 1_000
_BEGIN = datetime(2016, 1, 1, tzinfo=UTC)
_EVERY = timedelta(hours=35)
_MODELS = ("scar-1", "scar-2")
_TARGETS_MS = {"last looks of 1,000 tiles": 10.0, "one tile's history": 2.0}

_FILL = """
INSERT INTO observation (
    tile, acquisition_key, acquisition_version, sensing_time, sensor, relative_orbit, model_version, valid_fraction,
    cloud_fraction, mean, p95, spread, hazard_area_ha, snow_fraction, look_href, comparable, decision,
    network, mean_change, p95_change, hazard_change_ha, previous_acquisition, reference_count, shared_fraction,
    jointly_valid_fraction, current, created)
SELECT tile, key, 'v-3f2a91c07d5e', at, CASE WHEN optical THEN 'optical' ELSE 'sar' END, orbit, model,
    CASE WHEN seen THEN 0.7 + 0.3 * dice ELSE 0.0 END, CASE WHEN seen THEN 0.1 ELSE 0.95 END,
    CASE WHEN seen THEN dice * 0.2 END, CASE WHEN seen THEN dice * 0.6 END, CASE WHEN seen THEN 0.02 END, dice, 0.0,
    CASE WHEN seen THEN 'looks/' || tile || '/' || key || '_v-3f2a91c07d5e__' || model || '.tif' END,
    CASE WHEN optical THEN 'optical' ELSE 'sar:R' || lpad(orbit::text, 3, '0') || ':ascending:vv+vh:sentinel-1-rtc' END,
    CASE WHEN seen THEN 'looked' ELSE 'clouded' END, 'answered', 0.01, 0.02, 0.1,
    CASE WHEN seen THEN 'before_v1' END, 3, 0.9, 0.8, true, at + interval '4 hours'
FROM (
    SELECT 'UTM54N-' || lpad((100 + t / 100)::text, 4, '0') || '-' || lpad((1800 + t % 100)::text, 4, '0') AS tile,
        'pass-' || lpad(p::text, 6, '0') AS key, CAST(:begin AS timestamptz) + p * CAST(:every AS interval) AS at,
        p % 5 < 3 AS optical, CASE WHEN p % 5 < 3 THEN 54 ELSE 40 + p % 5 END AS orbit,
        CASE WHEN p < :changed THEN 'scar-1' ELSE 'scar-2' END AS model, dice,
        p % 5 >= 3 OR dice < 0.4 AS seen
    FROM (
        SELECT p, t, random() AS dice FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS p
        CROSS JOIN generate_series(0, CAST(:tiles AS integer) - 1) AS t
        ORDER BY p, t
    ) AS thrown
) AS passes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """How long a question took, asked again and again."""

    name: str
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was measured at one length of the history."""

    rows: int
    table_mb: float
    indexes_mb: float
    timed: tuple[Timed, ...]


def run(rows: int, progress: Callable[[str], None]) -> str:
    """Fill, ask, and tell as Markdown."""
    described = machine.describe()
    tiles = max(TILES, rows // _PER_TILE)
    settings = {"shared_buffers": "512MB", "wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "8GB"}
    with running_server(**settings, random_page_cost="1.1") as server:
        url = server.create_database()
        with closing(SqlStore(url)) as store:
            store.upgrade()
            steps, passes, changed = [], 0, rows // tiles // 2
            for part in (100, 10, 1):
                wanted = max(K * 10, rows // part // tiles)
                if wanted > passes:
                    progress(f"filling to {wanted * tiles:,} observations of {tiles:,} tiles")
                    _fill(store, tiles, passes, wanted, changed)
                    with psycopg.connect(url, autocommit=True) as plain:
                        # As the server does by itself, sooner or later.
                        plain.execute("VACUUM (ANALYZE) observation, newest_looks")
                        plain.execute("CHECKPOINT")
                    passes = wanted
                    progress("asking")
                    steps.append(_measured(store, tiles, passes, _MODELS[passes > changed]))
            plans = list(_plans(store, tiles, passes))
            with store.database.read() as session:
                version = session.scalar(text("SHOW server_version"))
    return _report(described, f"PostgreSQL {version}", tiles, steps, plans)


def _fill(store: SqlStore, tiles: int, first: int, end: int, changed: int) -> None:
    values = {"tiles": tiles, "first": first, "last": end - 1, "changed": changed, "begin": _BEGIN, "every": _EVERY}
    with store.database.write() as session:
        session.execute(text(_FILL), values)
        for comparable in session.scalars(select(ObservationRow.comparable).distinct()).all():
            kept_looks.renew(session, _ids(tiles), comparable)


def _measured(store: SqlStore, tiles: int, passes: int, model: str) -> Step:
    generator = np.random.default_rng(1)
    drawn = [_drawn(generator, tiles, passes) for _ in range(_RUNS)]
    asked = [([tile_from_id(one) for one in ids], model, "optical", before, K) for ids, before in drawn]
    store.kept_looks(*asked[0])  # plans and pages are at hand, as in a watch at work
    records = [_took(store.kept_looks, *one) for one in asked]
    with store.database.read() as session:
        rows = [_took(session.execute, kept_looks.rows_of(session, ids, "optical")) for ids, _ in drawn]
        sizes = session.execute(text("SELECT pg_table_size('observation'), pg_indexes_size('observation')")).one()
    singles = [tile_from_id(str(one)) for one in generator.choice(_ids(tiles), _SINGLE_RUNS)]
    history = [_took(store.history, tile, _HISTORY) for tile in singles]
    with store.database.read() as session:
        shown = [_took(session.execute, newest_rows(tile, _HISTORY)) for tile in singles]
    with store.database.write() as session:
        session.execute(delete(NewestLooksRow))
        walked = [_took(kept_looks.newest, session, *one) for one in asked]
        session.rollback()
    return Step(
        rows=tiles * passes,
        table_mb=sizes[0] / 1e6,
        indexes_mb=sizes[1] / 1e6,
        timed=(
            _timed("last looks of 1,000 tiles", rows),
            _timed("last looks of 1,000 tiles, as records", records),
            _timed("the same of the history alone", walked),
            _timed("one tile's history", shown),
            _timed("one tile's history, as records", history),
        ),
    )


def _drawn(generator: np.random.Generator, tiles: int, passes: int) -> tuple[list[str], datetime]:
    """Any 1,000 tiles, and a time within the last passes: a scene that came, or came late."""
    ids = [str(one) for one in generator.choice(_ids(tiles), min(tiles, TILES), replace=False)]
    return ids, _BEGIN + int(passes - generator.integers(0, 10)) * _EVERY


def _ids(tiles: int) -> list[str]:
    return [f"UTM54N-{100 + number // 100:04d}-{1800 + number % 100:04d}" for number in range(tiles)]


def _took(ask: Callable[..., Iterable[object]], *about: object) -> float:
    """Milliseconds until all of an answer is here."""
    begun = time.perf_counter()
    list(ask(*about))
    return (time.perf_counter() - begun) * 1000


def _timed(name: str, milliseconds: Sequence[float]) -> Timed:
    return Timed(name=name, median_ms=float(np.median(milliseconds)), p95_ms=float(np.percentile(milliseconds, 95)))


def _plans(store: SqlStore, tiles: int, passes: int) -> Iterator[tuple[str, str]]:
    ids, before = _drawn(np.random.default_rng(2), tiles, passes)
    tile = tile_from_id(ids[0])
    with store.database.read() as session:
        yield "last looks of 1,000 tiles", _explained(session, _literal(kept_looks.rows_of(session, ids, "optical")))
        yield (
            "last looks of one tile",
            _explained(session, _literal(last_looks(tile, _MODELS[-1], "optical", before, K))),
        )
        yield "one tile's history", _explained(session, _literal(newest_rows(tile, _HISTORY)))


def _literal(statement: Select[*tuple[object, ...]]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _explained(session: Session, sql: str) -> str:
    rows = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {sql}")
    return "\n".join(line if len(line) < 160 else f"{line[:157]}..." for (line,) in rows)


def _report(described: str, server: str, tiles: int, steps: Sequence[Step], plans: Sequence[tuple[str, str]]) -> str:
    names = [one.name for one in steps[0].timed]
    lines = [
        f"{tiles:,} tiles, {steps[-1].rows // tiles:,} passes each; K = {K}, history of {_HISTORY} rows. {server}, "
        f"512 MB of shared buffers, over a Unix socket. {described}",
        "",
        "| rows | table, indexes MB | " + " | ".join(f"{name}: median, p95 ms" for name in names) + " |",
        "| --- | --- | " + "--- | " * len(names),
    ]
    for step in steps:
        times = " | ".join(f"{one.median_ms:.2f}, {one.p95_ms:.2f}" for one in step.timed)
        lines.append(f"| {step.rows:,} | {step.table_mb:,.0f}, {step.indexes_mb:,.0f} | {times} |")
    last = {one.name: one.median_ms for one in steps[-1].timed}
    for name, target in _TARGETS_MS.items():
        met = "met" if last[name] < target else "missed"
        lines += ["", f"{name}: {last[name]:.2f} ms, target {target:g} ms: {met}"]
    for name, plan in plans:
        lines += ["", f"{name}:", "```", plan, "```"]
    return "\n".join(lines)
