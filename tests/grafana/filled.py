"""A Prometheus and a PostgreSQL that a real run has filled, with something wrong of every kind that panels show."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import httpx
import psycopg
import stamina
from shapely import box

from benchmarks.dashboards_asked import Asked, Servers
from monitor.adapters.store import SqlStore
from monitor.config import Settings
from monitor.core.grid import region_tiles
from monitor.daemon import Daemon
from monitor.night_drill import NightDrill
from monitor.records import AcquisitionState, SensorPolicy
from tests.adapters.channels.receiver import SECRET
from tests.adapters.store.factories import LEASE, acquisition, observation, result
from tests.grafana.watch import kept_going, taken_for_real
from tests.pipeline.radar_world import RADAR, make_radar_world
from tests.pipeline.world import REGION, Json, Source, World, edit_json, region
from tests.postgres import PostgresServer
from tests.prometheus import running_prometheus
from tests.test_daemon import run_while
from tests.test_night_drill import program, report

GUIDE = Path(__file__).parents[2] / "docs" / "operate.md"
ROLES = ("watch_owner", "watch", "watch_reader")
COAST = "coast"
_COAST = (13.0, 45.30, 13.16, 45.42)
_SCRAPE_S = 0.25
_PATIENCE_S = 180.0
_RECENT: Json = {"lookback_days": 90}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a dashboard can be asked of."""

    servers: Servers
    asked: Asked
    """The minute in which Prometheus read the watch, and the months of the looks."""


@contextmanager
def database_by_the_guide(server: PostgresServer) -> Iterator[dict[str, str]]:
    """URLs by role of a database with the roles that docs/operate.md makes, and our tables."""
    blocks = GUIDE.read_text(encoding="utf-8").partition("\n## Database\n")[2].split("```sql\n")[1:3]
    before, after = (block.partition("```")[0] for block in blocks)
    urls = {role: server.url("watch").replace("//scarpwatch@", f"//{role}@") for role in ROLES}
    try:
        _say(server, before)
        with closing(SqlStore(urls["watch_owner"])) as owner:
            owner.upgrade()
        _say(server, after)
        yield urls
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS watch WITH (FORCE)")
            for role in ROLES:
                admin.execute(f"DROP ROLE IF EXISTS {role}".encode())


def world_of(folder: Path, source: Source, database: str) -> World:
    """A valley with one scene that cannot be read, one item that is refused, two channels, and a region beside it."""
    world = make_radar_world(folder, source, SensorPolicy.OPTICAL_WHEN_CLEAR, database)
    taken_for_real(world.catalog.parent)
    world.asset(len(world.valley.times) - 1, "B04").write_bytes(b"no raster")
    for path in (world.catalog.parent / RADAR).glob("*/*.json"):
        edit_json(path, _forget_one_track)
    watched = region(*world.valley.bbox) | {"sensor_policy": SensorPolicy.OPTICAL_WHEN_CLEAR.value} | _RECENT
    world.configure(
        regions={REGION: watched, COAST: region(*_COAST, catalog="gone") | _RECENT},
        catalogs={
            "local": {"type": "static", "href": "catalog/catalog.json"},
            "gone": {"type": "stac", "href": "http://127.0.0.1:9/stac", "sign": "planetary-computer"},
        },
        channels={
            "folder": {"type": "directory", "path": "./told"},
            "duty": {"type": "webhook", "url": "http://127.0.0.1:9/", "secret": SECRET, "allow_private": True},
        },
        drills={"regions": [REGION]},
        poll_minutes=1440,
        serve={"port": 0},
    )
    return world


def _forget_one_track(item: Json) -> None:
    """Of the passes in the morning: the catalog left out what they can be compared with."""
    properties = item.get("properties")
    if isinstance(properties, dict) and properties.get("sat:orbit_state") == "descending":
        del properties["sat:relative_orbit"]


def coast(database: str, now: datetime) -> None:
    """The history of a region of twenty tiles and more: fewer have no stability index."""
    tiles = region_tiles(box(*_COAST))
    with closing(SqlStore(database)) as store:
        for number in range(6):
            at = now - timedelta(days=30 - 5 * number)
            one = replace(acquisition(number, region=COAST), sensing_time=at)
            store.discover(COAST, [one], [], at)
            assert store.claim("me@1:1:1", LEASE, at, [COAST]) is not None
            seen = [observation(one, tile, look_href=None, shared_fraction=0.9) for tile in tiles]
            rows = tuple(
                replace(row, stats=replace(row.stats, mean=0.01 * (place + 1)), mean_change=0.001 * number)
                for place, row in enumerate(seen)
            )
            assert store.complete(one, "me@1:1:1", result(observations=rows), at)


@contextmanager
def filled(world: World, reader: str, prometheus: str, folder: Path) -> Iterator[Filled]:
    """Run the watch until nothing is left to do, read by a Prometheus all the while."""
    settings, begun = world.settings(), time.monotonic()
    newest = max(*world.valley.times, *world.valley.passes)
    coast(settings.database, newest)
    drill = NightDrill(settings.drills, program(folder, f"print({report('seen', 'seen', told=4)!r})"))  # type: ignore[arg-type]

    ahead = [timedelta(days=1)]

    def clock() -> datetime:
        return newest + ahead[0] + timedelta(seconds=time.monotonic() - begun)

    stamina.set_active(False)  # a catalog that is gone is asked once
    with kept_going(settings, clock, timedelta(seconds=0.2), drill, StringIO()) as daemon:
        target = f"127.0.0.1:{daemon.health.port}"
        with running_prometheus(prometheus, folder, target=target, interval_s=_SCRAPE_S) as base:
            start = datetime.now(UTC)
            ended: list[datetime] = []
            try:
                run_while(daemon, lambda _url: ended.append(_visit(daemon, settings, base, ahead)))
            finally:
                stamina.set_active(True)
            with closing(Servers(base, reader)) as servers:
                looks = (newest - timedelta(days=90), clock())
                yield Filled(servers=servers, asked=Asked(start=start, end=ended[0], scrape_s=_SCRAPE_S, looks=looks))


def _visit(daemon: Daemon, settings: Settings, prometheus: str, ahead: list[timedelta]) -> datetime:
    """When everything was done and read; what comes later is the end of the watch.

    `ahead`: of the newest look; a week later the watch says that it is alive, and gives up what nobody takes.
    """
    with closing(SqlStore(settings.database)) as store:
        unfinished = (AcquisitionState.DISCOVERED, AcquisitionState.CLAIMED)
        until(lambda: bool(store.ledger(REGION)))
        until(lambda: all(entry.state not in unfinished for entry in store.ledger(REGION)))
    ahead[0] = timedelta(days=9)
    daemon.audit()
    assert daemon._drills is not None
    daemon._drills.run(daemon._clock, lambda: False)
    daemon.say_alive()
    daemon.measure()
    seen = "scarpwatch_deliveries_total{result='delivered',channel='folder'} > 0"
    until(lambda: _answers(prometheus, seen))
    for last in ("drill_last_success", "alive_last_message", "audit_last_success"):
        until(lambda last=last: _answers(prometheus, f"scarpwatch_{last}_timestamp_seconds"))  # type: ignore[misc]
    return datetime.now(UTC)


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come true: the whole run, on a machine that has other things to do."""
    end = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def _answers(prometheus: str, query: str) -> bool:
    found = httpx.get(f"{prometheus}/api/v1/query", params={"query": query})
    return bool(found.raise_for_status().json()["data"]["result"])


def _say(server: PostgresServer, sql: str) -> None:
    psql = shutil.which("psql")
    assert psql is not None
    command = [psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", server.url("postgres")]
    ended = subprocess.run(command, input=sql, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
