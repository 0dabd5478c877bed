"""A small service on a real database and real look files: what the command line and the daemon are tested with.

As a program (`python -m tests.fake_watch run --config …`) it is `scarpwatch` with this service in place of the real
one, so that signals can be sent to a real process. SLOW_SECONDS in the environment makes every acquisition last.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.looks import LookFiles
from monitor.adapters.store import SqlStore, make_owner
from monitor.cli.parts import Parts, Progress
from monitor.cli.run import run
from monitor.config import Settings
from monitor.core.audit import AuditReport, Difference, Finding, report_json
from monitor.core.breaker import HostHealth
from monitor.core.delays import of_processing
from monitor.core.estimates import Cost, Estimate, estimate
from monitor.core.events import add_evidence
from monitor.core.grid import project, region_tiles, tile_polygon
from monitor.core.lifecycle import LifecycleSettings
from monitor.errors import BadItem, CatalogUnavailable
from monitor.observing import decisions
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    AlertStatus,
    Detector,
    Event,
    EventState,
    Evidence,
    FiledReport,
    Look,
    Observation,
    PixelState,
    ReportKind,
    Sensor,
    Tile,
    TileStats,
    Verdict,
)
from monitor.searching import Found
from monitor.service import PassEvent, PassSummary, Report
from tests.adapters.tiny_model import make_model

MODEL = "1.0"
LEASE = timedelta(minutes=5)
FIRST = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
NOW = datetime(2026, 1, 20, tzinfo=UTC)
TILE = Tile(epsg=32654, column=220, row=1842)
"""The watched region is the left half of this tile and all of its right neighbour."""
RIGHT = replace(TILE, column=TILE.column + 1)


def region_polygon() -> BaseGeometry:
    """Half a tile and a whole one, a little inside their outer edges so that no third tile is touched; EPSG:4326."""
    west, south, east, north = tile_polygon(TILE).union(tile_polygon(RIGHT)).bounds
    polygon = project(box(west + 1280, south + 5, east - 5, north - 5), TILE.epsg, 4326)
    assert region_tiles(polygon) == (TILE, RIGHT)
    return polygon


def write_config(folder: Path, extra: str = "") -> Path:
    """A configuration with one region, its model and its catalog."""
    import json

    from shapely.geometry import mapping

    make_model(folder / "models" / "scar-rgb-noiburi")
    (folder / "catalog.json").write_text("{}", encoding="utf-8")
    (folder / "area.geojson").write_text(json.dumps(mapping(region_polygon())), encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(
        "database: sqlite:///watch.db\n"
        "models: models\n"
        "catalogs: {local: {type: static, href: catalog.json}}\n"
        "regions: {valley: {geometry: area.geojson, catalogs: [local], lookback_days: 60}}\n"
        "serve: {port: 0}\n" + extra,
        encoding="utf-8",
    )
    return path


def acquisition(index: int) -> Acquisition:
    """The acquisition of the index-th pass, five days apart."""
    return Acquisition(
        region="valley",
        key=f"S2A-{index}",
        version="v1",
        sensing_time=FIRST + timedelta(days=5 * index),
        sensor=Sensor.OPTICAL,
        platform="S2A",
        relative_orbit=31,
        items=(),
    )


def look(tile: Tile, of: Acquisition, observed_columns: int = 256) -> Look:
    """A look that observed the leftmost columns of a tile; the rest is cloud."""
    state = np.full((256, 256), PixelState.CLOUD, dtype=np.uint8)
    state[:, :observed_columns] = PixelState.VALID
    probability = np.where(state == PixelState.VALID, np.float32(0.1), np.float32(np.nan)).astype(np.float32)
    reflectance = np.full((3, 256, 256), 0.1, dtype=np.float32)
    return Look(
        tile=tile,
        acquisition_id=of.id,
        sensing_time=of.sensing_time,
        probability=probability,
        spread=probability * np.float32(0.1),
        pixels=reflectance,
        state=state,
    )


def observation(seen: Look, of: Acquisition, href: str | None) -> Observation:
    """The history row of a look."""
    valid = float((seen.state == PixelState.VALID).mean())
    stats = TileStats(
        valid_fraction=valid, cloud_fraction=1 - valid, mean=0.1, p95=0.1, spread=0.01, hazard_area_ha=0.0
    )
    return Observation(
        tile=seen.tile,
        acquisition_key=of.key,
        acquisition_version=of.version,
        sensing_time=of.sensing_time,
        sensor=of.sensor,
        relative_orbit=of.relative_orbit,
        model_version=MODEL,
        stats=stats,
        look_href=href,
        decision="looked",
    )


def event(name: str, state: EventState, strength: float) -> Event:
    """An event in the middle of the region; strong enough to be an alert unless it is a candidate."""
    found = FIRST + timedelta(days=5)
    says = [Verdict.OPENS, Verdict.CONTRADICTS] if state is EventState.REFUTED else [Verdict.OPENS]
    pieces = [
        Evidence(
            acquisition_id=f"S2A-{number}_v1",
            sensing_time=found + timedelta(days=5 * number),
            detector=Detector.NETWORK,
            verdict=verdict,
            observed_fraction=1.0,
            level=0.5,
            strength=strength,
            detail="",
        )
        for number, verdict in enumerate(says, start=1)
    ]
    blank = Event(
        id=name,
        region="valley",
        state=state,
        status=AlertStatus.ACTUAL,
        detector=Detector.NETWORK,
        geometry=region_polygon().centroid.buffer(0.001),
        area_ha=strength * 2,
        mean_change=0.5,
        strength=strength,
        spread=0.02,
        slope_deg=25.0,
        confidence="medium",
        confidence_reason="one look",
        storm="valley-storm-1",
        window_start=FIRST,
        window_end=found,
        model_version=MODEL,
        tiles=(RIGHT,),
        picture=f"pictures/{name}.png",
    )
    opened = add_evidence(blank, pieces, LifecycleSettings())
    assert opened.state is state
    return opened


class FakeService:
    """Finds two acquisitions; the second opens events. Claims and writes as the real one does."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.store = SqlStore(settings.database)
        self.engine = "onnxruntime-cpu"
        self.clock = clock
        self.looks = LookFiles(settings.products)
        self.down = os.environ.get("CATALOG_DOWN") == "yes"
        self.bad = os.environ.get("BAD_ITEM") == "yes"
        self.seconds = float(os.environ.get("SLOW_SECONDS", "0"))
        self.owner = make_owner()

    def once(
        self, clock: Callable[[], datetime], report: Report = lambda _: None, stop: Callable[[], bool] = lambda: False
    ) -> PassSummary:
        """Poll, then process."""
        discovered, errors = self.poll(clock(), report)
        summary = self.process(clock, stop, report)
        return replace(summary, discovered=discovered, errors=(*errors, *summary.errors))

    def poll(self, now: datetime, report: Report = lambda _: None) -> tuple[int, tuple[str, ...]]:
        """Two acquisitions, or a catalog that is down."""
        if self.down:
            failure = CatalogUnavailable("answers 503", item="local", remedy="It is asked again.")
            report(PassEvent(action="poll-failed", region="valley", item="catalog local (x)", detail=str(failure)))
            return 0, (str(failure),)
        new = self.store.discover("valley", [acquisition(0), acquisition(1)], [], now)
        report(PassEvent(action="discovered", region="valley", item="valley", detail=f"{new} new"))
        return new, ()

    def look_up(
        self,
        region: str,
        start: datetime,
        end: datetime,
        now: datetime,
        stop: Callable[[], bool] = lambda: False,
    ) -> list[Found]:
        """The same two, one after the other; a catalog that is down does not answer for the second."""
        failure = CatalogUnavailable("answers 503", item="local", remedy="It is asked again.")
        return [
            Found(start=start, end=end, acquisitions=(acquisition(0),)),
            Found(start=start, end=end, acquisitions=(acquisition(1),), failures=(failure,) if self.down else ()),
        ]

    def estimate(self, region: str, parts: Sequence[Found]) -> Estimate:
        """Of what the catalog answered."""
        known = [one for part in parts if not part.failures for one in part.acquisitions]
        return estimate(known, known, 2, Cost(), 3)

    def enter(self, region: str, parts: Sequence[Found], now: datetime) -> int:
        """Into the queue, as far as the catalog answered."""
        known = [one for part in parts if not part.failures for one in part.acquisitions]
        return self.store.discover(region, known, [], now, history_before=now - timedelta(days=10))

    def audit(self, region: str, now: datetime) -> AuditReport:
        """One acquisition that polls missed, and that is queued; or a catalog that does not answer."""
        since = now - timedelta(days=60)
        if self.down:
            return AuditReport(region=region, at=now, since=since, not_audited="catalog local (x): answers 503")
        one = acquisition(2)
        new = self.store.discover(region, [one], [], now)
        found = Difference(
            finding=Finding.MISSING,
            acquisition=one.id,
            sensor=one.sensor,
            sensing_time=one.sensing_time,
            reason="not-listed-then",
            detail="it was listed later",
        )
        differences = (found,) * new
        report = AuditReport(
            region=region, at=now, since=since, listed=3, known=3 - new, differences=differences, queued=new
        )
        self.store.put_report(ReportKind.AUDIT, FiledReport(subject=region, at=now, body=report_json(report)))
        return report

    def static_reads(self) -> dict[str, int]:
        """Two tiles of terrain."""
        return {"terrain": 2, "land_cover": 0}

    def sign_failures(self) -> dict[tuple[str, str], int]:
        """One link that a store refused."""
        return {("local", "token-refused"): 1, ("local", "token-unavailable"): 0}

    def layer_failures(self) -> dict[str, int]:
        """One layer that broke."""
        return {"houses": 1}

    def process(
        self,
        clock: Callable[[], datetime],
        stop: Callable[[], bool] = lambda: False,
        report: Report = lambda _: None,
        only: str | None = None,
    ) -> PassSummary:
        """Everything due, oldest first."""
        done = parked = opened = 0
        while not stop() and (entry := self.store.claim(self.owner, LEASE, clock(), ["valley"])):
            chosen = entry.acquisition
            report(PassEvent(action="claimed", region="valley", item=chosen.key, detail="try 1"))
            time.sleep(self.seconds)
            if self.bad and chosen.key == "S2A-1":
                error = BadItem("asset B04 is missing", item=chosen.key, remedy="Ask the provider.")
                self.store.park(chosen, self.owner, error.reason, str(error), clock())
                report(
                    PassEvent(action="parked", region="valley", item=chosen.key, detail=str(error), reason="bad-item")
                )
                parked += 1
                continue
            result = self._result(chosen)
            assert self.store.complete(chosen, self.owner, result, clock())
            done += 1
            opened += sum(one.state is EventState.PROVISIONAL for one in result.events if result.reason == "compared")
            seconds = {"read": 0.2, "engine": 1.5}
            report(
                PassEvent(
                    action="done",
                    region="valley",
                    item=chosen.key,
                    detail="",
                    reason=result.reason,
                    seconds=seconds,
                    acquisition=chosen,
                    tiles=decisions(result.observations),
                    delays=of_processing(entry, result.reason == "compared", clock()),
                )
            )
        return PassSummary(
            processed=done,
            parked=parked,
            waiting=self.store.waiting(["valley"]),
            alerts_opened=opened,
            errors=("S2A-1: parked",) * parked,
        )

    def hosts(self) -> Mapping[str, HostHealth]:
        """One host that answers, one that has begun to rest."""
        resting = HostHealth(failures=5, rests=1, resting_until=datetime.max.replace(tzinfo=UTC))
        return {"catalog.example": HostHealth(), "store.example": resting}

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def _result(self, chosen: Acquisition) -> AcquisitionResult:
        # First pass: everything clear. Second: the right tile only, and of it the left quarter.
        seen = [look(TILE, chosen), look(RIGHT, chosen)] if chosen.key == "S2A-0" else [look(RIGHT, chosen, 64)]
        rows = tuple(observation(one, chosen, self.looks.write(one, MODEL)) for one in seen)
        if chosen.key == "S2A-0":
            # Told before it is refuted: of what nobody has heard nobody hears the end either.
            told = (event("gone", EventState.PROVISIONAL, 3.0),)
            return AcquisitionResult(reason="learning", detail="no earlier look", observations=rows, events=told)
        events = (
            event("weak", EventState.CANDIDATE, 0.1),
            event("small", EventState.PROVISIONAL, 0.4),
            event("large", EventState.PROVISIONAL, 2.0),
            event("gone", EventState.REFUTED, 3.0),
        )
        return AcquisitionResult(reason="compared", detail="1 tile compared", observations=rows, events=events)


def parts(clock: Callable[[], datetime] = lambda: NOW) -> Parts:
    """The parts of a command line that works with the fake."""

    def build(settings: Settings, progress: Progress) -> FakeService:
        progress("starting", 0, 2)
        return FakeService(settings, clock)

    def demo(folder: Path, seed: int, check: bool, console: Console) -> bool:
        console.print(f"{folder.name} {seed} {check}")
        return seed != 13

    return Parts(build=build, demo=demo, clock=clock)


def main(arguments: Sequence[str]) -> int:
    """`scarpwatch` with the fake, on the real clock."""
    return run(arguments, parts(lambda: datetime.now(UTC)))


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main(sys.argv[1:]))
