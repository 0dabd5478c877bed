"""A little valley of one tile, seen on seven days: looks as arrays, judged by the real pipeline in any order."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import cast
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import box
from sqlalchemy.orm import Session

from monitor.adapters.store import SqlStore
from monitor.core.change import AlertSettings
from monitor.core.grid import project, tile_polygon
from monitor.core.lifecycle import LifecycleSettings
from monitor.looking import Instruments, Stopwatch
from monitor.pipeline import Means, Outcome, Outlets, Pipeline, PipelineSettings
from monitor.ports import Illustrator, ImageSource, LookArchive, Publisher, TerrainSource
from monitor.records import (
    Acquisition,
    AcquisitionResult,
    Look,
    PixelState,
    Region,
    SceneItem,
    Sensor,
    SensorPolicy,
    Terrain,
    Tile,
)
from monitor.survey import Survey, Surveyed

TILE = Tile(epsg=32633, column=200, row=2000)
FIRST = datetime(2026, 5, 1, 10, tzinfo=UTC)
NOW = datetime(2026, 6, 15, tzinfo=UTC)
ME = "here:1:1"
REGION = Region(
    id="valley",
    geometry=project(tile_polygon(TILE), TILE.epsg, 4326),
    catalogs=("local",),
    lookback_days=60,
    sensor_policy=SensorPolicy.OPTICAL_ONLY,
)
_SIDE = 112
"""Pixels of the tile that are ever seen: more would take time and show nothing more."""
_ROWS, _COLUMNS = 24, 10
"""Of a scar, in pixels of 10 m: it runs downhill."""
_BARE = {"1": (_ROWS, _COLUMNS, 1.0), "2": (5, 3, 1.0), "3": (4, 2, 1.5)}
"""Rows, columns and brightness. The second is a candidate (no rate of change is known here), the third is too small to
be kept: both are alerts where something is declared."""


def day(number: int) -> datetime:
    """When a look is made."""
    return FIRST + timedelta(days=5 * number)


def acquisition(number: int, version: str = "v1") -> Acquisition:
    """The look of a day."""
    key = f"s2-{number}"
    item = SceneItem(
        catalog="local",
        collection="sentinel-2-l2a",
        id=f"{key}-{version}",
        sensing_time=day(number),
        geometry=box(*REGION.geometry.buffer(0.1).bounds),
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
        relative_orbit=54,
    )
    return Acquisition(
        region=REGION.id,
        key=key,
        version=version,
        sensing_time=day(number),
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
        relative_orbit=54,
        items=(item,),
    )


def place(index: int) -> tuple[slice, slice]:
    """Where the ground of a series lies in the tile."""
    top, left = 8 + 44 * (index // 3), 8 + 36 * (index % 3)
    return slice(top, top + _ROWS), slice(left, left + _COLUMNS)


@cache
def _forest() -> NDArray[np.float32]:
    rough = ndimage.gaussian_filter(np.random.default_rng(7).normal(size=(256, 256)), 2.0)
    return np.asarray(0.05 + 0.005 * rough / rough.std(), dtype=np.float32)


def look(of: Acquisition, number: int, series: Iterable[str]) -> Look:
    """What a day shows: `0` forest, `1` bare earth, `2` little of it, `3` less, `-` cloud, ground by ground."""
    red = _forest() + np.random.default_rng(number).normal(scale=0.0005, size=(256, 256)).astype(np.float32)
    state = np.full((256, 256), PixelState.NODATA, dtype=np.uint8)
    state[:_SIDE, :_SIDE] = PixelState.VALID
    pixels = np.stack([red, 1.1 * red, 0.8 * red]).astype(np.float32)
    for index, days in enumerate(series):
        window = place(index)
        if days[number] in _BARE:
            rows, columns, bright = _BARE[days[number]]
            scar = window[0].start, window[1].start
            bare = slice(scar[0], scar[0] + rows), slice(scar[1], scar[1] + columns)
            pixels[:, *bare] = np.array([0.22, 0.17, 0.10], dtype=np.float32)[:, None, None] * np.float32(bright)
        if days[number] == "-":
            state[window] = PixelState.CLOUD
    nothing = np.full((256, 256), np.nan, dtype=np.float32)
    return Look(
        tile=TILE,
        acquisition_id=of.id,
        sensing_time=of.sensing_time,
        probability=nothing,
        spread=nothing,
        pixels=pixels,
        state=state,
    )


class Slope:
    """A slope of 25 degrees that falls to the south."""

    def read(self, _tile: Tile) -> Terrain:
        """The same for every tile."""
        fall = np.float32(10.0 * np.tan(np.radians(25.0)))
        elevation = np.broadcast_to(2000.0 - fall * np.arange(256, dtype=np.float32)[:, None], (256, 256))
        steep = np.full((256, 256), 25.0, dtype=np.float32)
        return Terrain(elevation_m=np.ascontiguousarray(elevation), slope_deg=steep, tri_m=steep)


class Kept(dict[str, Look]):
    """Looks by name (`LookArchive`)."""

    def write(self, one: Look, model_version: str) -> str:
        """Keep a look."""
        href = f"looks/{one.tile.id}/{one.acquisition_id}_{model_version}.tif"
        self[href] = one
        return href

    def read(self, href: str) -> Look:
        """A kept look."""
        return self[href]


class Unseen:
    """Draws and publishes nothing."""

    def illustrate(self, *_shown: object) -> dict[str, str]:
        """No picture."""
        return {}

    def publish(self, *_shown: object) -> Path:
        """No product."""
        return Path()


class Killed(BaseException):
    """The process ends here."""


class Fragile(SqlStore):
    """Dies within the transaction that writes a result, after its last line, when it is told to."""

    dies = False

    def complete(self, of: Acquisition, owner: str, result: AcquisitionResult, now: datetime) -> bool:
        """As the real one."""
        if not self.dies:
            return super().complete(of, owner, result, now)
        write = self.database.write
        with patch.object(self.database, "write", partial(_dying, write)):
            return super().complete(of, owner, result, now)


@contextmanager
def _dying(write: Callable[[], AbstractContextManager[Session]]) -> Iterator[Session]:
    with write() as session:
        yield session
        raise Killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One database and what it has seen."""

    store: Fragile
    kept: Kept
    series: tuple[str, ...]

    def deliver(self, number: int, version: str = "v1", *, killed: bool = False) -> Outcome | None:
        """The look of a day arrives and is processed; killed: by a process that dies before it commits."""
        one = acquisition(number, version)
        self.store.discover(REGION.id, [one], [], NOW, history_before=REGION.history_before(NOW))
        entry = self.store.claim(ME, timedelta(minutes=10), NOW, [REGION.id])
        if entry is None:
            return None
        self.store.dies = killed
        try:
            return self._judge(entry.acquisition, number)
        except Killed:
            assert self.store.retry(one, ME, "", "", NOW, NOW), "its transaction left nothing behind"
            return None
        finally:
            self.store.dies = False

    def _judge(self, one: Acquisition, number: int) -> Outcome:
        nothing = Unseen()
        tools = Instruments(network=None, images=cast(ImageSource, nothing), terrain=cast(TerrainSource, Slope()))
        pipeline = Pipeline(
            store=self.store,
            means=Means(instruments=lambda _region, _sensor: tools),
            outlets=Outlets(
                archive=cast(LookArchive, self.kept),
                publisher=cast(Publisher, nothing),
                illustrator=cast(Illustrator, nothing),
            ),
            settings=PipelineSettings(alerts=AlertSettings(), lifecycle=LifecycleSettings()),
        )
        shown = look(one, number, self.series)
        looked = Survey(
            looks={TILE: shown}, hrefs={TILE: self.kept.write(shown, tools.model_version)}, clear={TILE: 1.0}
        )
        surveyed = Surveyed(acquisition=one, region=REGION, instruments=tools, looked=looked, watch=Stopwatch())
        return pipeline.judge(surveyed, ME, lambda: NOW)
