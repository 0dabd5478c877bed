"""Scars painted into a real series of radar: what stays is confirmed and stays so, what goes is taken back.

Real Sentinel-1 passes of one OPERA burst, moved to a pass every twelve days, so that no winter without passes ends an
event; nothing else of them is touched but the painted ground. Five scars of 5 ha are there from the storm on. Two
patches of the same look are there at the first pass after it only, as wet snow may be. Of two of the scars the second
pass sees less than half.
"""

import json
import shutil
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import PropertyMock, patch

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from shapely import Point
from shapely.geometry.base import BaseGeometry

from monitor.adapters.store import SqlStore
from monitor.config.tiers import TierSettings
from monitor.core.grid import project
from monitor.core.implants import Scar, scar_at
from monitor.core.lifecycle import LifecycleSettings, replay
from monitor.core.radar_implants import Contrast, equivalent_looks, native_cover, paint_backscatter
from monitor.records import Event, EventState, Evidence, Verdict
from monitor.wiring import build
from tests.pipeline.opera import EPSG, SLOPE, items_of, watch_of
from tests.pipeline.world import START, Source

Array = NDArray[np.float32]

NATIVE_M, STEP, SIDE_PX = 30.0, 3, 300
EVERY = timedelta(days=12)
FIRST = datetime(2024, 1, 3, 2, tzinfo=UTC)
LEARNED, PASSES = 8, 21
"""Passes before the storm, and in all."""
RUBBLE = Contrast(decibels=(3.0, 2.0))
"""VV and VH rise alike where rubble lies on grass."""
STAY = ((50, 60), (50, 160), (50, 250), (150, 60), (150, 160))
GO = ((240, 60), (240, 180))
"""Heads, row and column of 10 m."""
HALF_SEEN = STAY[3:]
NEVER_SETTLED = LifecycleSettings(settle_looks=PASSES)
"""An event that three looks have supported is closed otherwise, and no further look is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the watch made of the series."""

    store: SqlStore
    times: tuple[datetime, ...]
    """Of the passes after the storm."""
    at: dict[tuple[int, int], list[Event]]
    """By head of what was painted: the events on it."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, data_folder: Path, source: Source) -> Watched:
    """The whole service over the painted series; events are not closed as settled."""
    folder = tmp_path_factory.mktemp("standing")
    shutil.copytree(data_folder / "california_s1_rtc" / "catalog", folder / "catalog")
    items = items_of(folder / "catalog")
    assert len(items) == PASSES
    scars = {head: scar_at(*head, 5.0, _height()) for head in (*STAY, *GO)}
    series = _Series(items, data_folder / "california_s1_rtc", scars)
    for number in range(PASSES):
        series.write(number)
    settings = watch_of(folder, folder / "catalog" / "catalog.json", source)
    with patch.object(TierSettings, "lifecycle", PropertyMock(return_value=NEVER_SETTLED)):
        store = SqlStore(settings.database, lifecycle=NEVER_SETTLED)
        store.upgrade()
        with closing(build(settings)) as service:
            service.once(lambda: START)
    events = store.events()
    at = {head: [event for event in events if event.geometry.intersects(series.ground(scars[head]))] for head in scars}
    return Watched(store=store, times=tuple(FIRST + EVERY * n for n in range(LEARNED, PASSES)), at=at)


def test_nothing_else_is_told(watched: Watched) -> None:
    """Every event lies on what was painted."""
    assert {event.id for event in watched.store.events()} == {one.id for own in watched.at.values() for one in own}


def test_what_stays_is_confirmed_by_the_next_look_and_by_ten_more(watched: Watched) -> None:
    """The first look opens, the second (or, where it saw too little, the third) confirms, and no later one objects."""
    for head in STAY:
        (event,) = watched.at[head]
        first, *later = _told(event)
        assert (first.verdict, first.sensing_time) == (Verdict.OPENS, watched.times[0])
        decided = [one.verdict for one in later if one.verdict is not Verdict.NOT_OBSERVED]
        assert decided == [Verdict.SUPPORTS] * (len(watched.times) - 1 - (head in HALF_SEEN)), (head, decided)
        assert len(decided) >= 11
        assert event.state is EventState.CONFIRMED
        (confirmed,) = (step for step in event.transitions if step.state is EventState.CONFIRMED)
        assert confirmed.at == watched.times[2 if head in HALF_SEEN else 1]


def test_what_goes_is_refuted_by_the_next_look(watched: Watched) -> None:
    """It was told, or waited as a candidate, for one pass."""
    for head in GO:
        (event,) = watched.at[head]
        first, second = _told(event)
        assert (first.verdict, second.verdict) == (Verdict.OPENS, Verdict.CONTRADICTS)
        assert (event.state, event.transitions[-1].at) == (EventState.REFUTED, watched.times[1])


def test_a_look_that_saw_half_neither_confirms_nor_refutes(watched: Watched) -> None:
    """The event stands after it as it stood before."""
    for head in HALF_SEEN:
        (event,) = watched.at[head]
        pieces = _told(event)
        assert pieces[1].verdict is Verdict.NOT_OBSERVED
        assert 0.0 < pieces[1].observed_fraction < 0.5
        assert replay(pieces[:2], NEVER_SETTLED)[-1].state is event.transitions[0].state


class _Series:
    """The real passes of the burst, repainted and dated anew."""

    def __init__(self, items: list[Path], rasters: Path, scars: dict[tuple[int, int], Scar]) -> None:
        self._items, self._rasters, self._scars = items, rasters, scars
        self._looks = equivalent_looks(self._read(1)[0], self._read(2)[0])

    def _read(self, number: int) -> tuple[Array, dict[str, Path]]:
        assets = json.loads(self._items[number].read_text(encoding="utf-8"))["assets"]
        paths = {name: self._rasters / Path(assets[name]["href"]).name for name in ("vv", "vh")}
        bands = []
        for path in paths.values():
            with rasterio.open(path) as file:
                bands.append(file.read(1))
        return np.stack(bands), paths

    def write(self, number: int) -> None:
        """One pass with its item, which then names the new files."""
        power, paths = self._read(number)
        power = self._paint(power, number)
        item = self._items[number]
        document = json.loads(item.read_text(encoding="utf-8"))
        document["properties"]["datetime"] = f"{FIRST + EVERY * number:%Y-%m-%dT%H:%M:%SZ}"
        for band, (name, path) in zip(power, paths.items(), strict=True):
            with rasterio.open(path) as file:
                profile = file.profile
            with rasterio.open(item.parent / path.name, "w", **profile) as file:
                file.write(band, 1)
            document["assets"][name]["href"] = path.name
        item.write_text(json.dumps(document), encoding="utf-8")

    def _paint(self, power: Array, number: int) -> Array:
        """What the storm left, what lies there for one pass, and what the second pass does not see."""
        there: tuple[tuple[int, int], ...] = ()
        if number >= LEARNED:
            there = (*STAY, *GO) if number == LEARNED else STAY
        generator = np.random.default_rng([7, number])
        painted = paint_backscatter(power, self._covers(there), RUBBLE, self._looks, generator)
        if number == LEARNED + 1:
            for head in HALF_SEEN:
                rows, columns = np.nonzero(self._covers([head])[0])
                # The ground rises to the east: all from the head down to the last three tenths.
                edge = round(float(np.quantile(columns, 0.3)))
                painted[:, rows.min() - 2 : rows.max() + 3, edge : columns.max() + 3] = np.nan
        return painted

    def _covers(self, heads: Iterable[tuple[int, int]]) -> list[Array]:
        return [native_cover(self._scars[head], (SIDE_PX, SIDE_PX), STEP) for head in heads]

    def ground(self, scar: Scar) -> BaseGeometry:
        """A disc around the middle of a scar, WGS 84."""
        weight = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        weight[scar.window] = scar.weight
        rows, columns = np.nonzero(weight > 0.5)
        with rasterio.open(self._read(0)[1]["vv"]) as file:
            x, y = file.transform * (columns.mean() / STEP, rows.mean() / STEP)
        return project(Point(x, y).buffer(60.0), EPSG, 4326)


def _height() -> Array:
    """(H, W) the plane of the ground, rising to the east as everywhere in these tests."""
    return np.tile((np.arange(SIDE_PX) * 10.0 * SLOPE).astype(np.float32), (SIDE_PX, 1))


def _told(event: Event) -> list[Evidence]:
    return sorted(event.evidence, key=lambda piece: piece.sensing_time)
