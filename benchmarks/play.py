"""Two simulated years that go by while the service watches: the valley, a catalog that gains scenes, the daemon.

What `benchmarks chaos` and `benchmarks soak` have in common. The valley is simulated once; every run has a catalog of
its own whose lists grow by one scene at a time, in order of sensing time, each list replaced as a whole.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import yaml

from benchmarks.receiving import SECRET
from benchmarks.years_watch import LOOKS_A_YEAR, Size, make_year
from monitor.adapters.files import write_atomic
from monitor.adapters.store import SqlStore
from monitor.records import DeliveryState
from monitor.sandbox.catalog_writer import SCENES
from monitor.sandbox.radar_items import RADAR
from monitor.sandbox.valley import Valley, load_valley
from tests.adapters.tiny_model import write_card, write_filter

SEED = 6
SIZE_PX = 160
"""Within one tile of the grid, and large enough for slopes of every size to fail."""
YEARS = 2.0
REGIONS = ("east", "west")
_SHARED = 0.1
"""Of the valley's width, that both regions watch on their side of its middle."""
_INSET, _TOP = 0.04, 0.28
"""Of its width and height, that nobody watches at its edges and in the north: no region reaches into another tile."""
_LISTS = (SCENES, RADAR)
_AHEAD = 2
"""Acquisitions that may wait when the next scene is listed."""
_PATIENCE_S, _LOOK_S = 900.0, 0.1
_AFTERWARDS_S = 1.5
"""What a daemon does when its last acquisition is written: it measures and tidies."""
_DELAY = timedelta(hours=6)
"""From sensing to the catalog, where the clock follows the scenes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A scene as a catalog lists it."""

    sensed: datetime
    """Or when its sensing began."""
    collection: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a run is configured beside what all runs share."""

    database: str
    receiver: str
    """Address of the webhook."""
    model: Path
    lookback_days: int
    changes: Mapping[str, object] = field(default_factory=dict)
    """Further keys of the configuration."""


class Play:
    """One run's catalog and clock in a folder of its own."""

    def __init__(self, folder: Path, valley: Valley) -> None:
        """Nothing is listed yet but ground; files are shared with the valley by hard links."""
        self.folder = folder
        self._catalog = folder / "catalog"
        shutil.copytree(valley.catalog.parent, self._catalog, copy_function=os.link)
        self._whole = {name: _document(self._catalog / name / "collection.json") for name in _LISTS}
        self.scenes = tuple(sorted(_scenes(self._catalog), key=lambda one: (one.sensed, one.name)))
        """All that will be listed, oldest first."""
        self._bbox = valley.bbox
        self._listed: set[str] = set()
        for name in _LISTS:
            self._write(name)
        self.set_clock(self.scenes[0].sensed - timedelta(days=1))

    @property
    def clock(self) -> Path:
        """The file that says by how many seconds the daemons' clock is ahead."""
        return self.folder / "clock"

    def set_clock(self, now: datetime) -> None:
        """Let the daemons' clock stand at a time, from which it goes on at its own pace."""
        write_atomic(self.clock, str((now - datetime.now(UTC)).total_seconds()).encode())

    def show(self, scene: Shown, follow: bool) -> None:
        """List one more scene; `follow`: the clock goes to the time when it is listed in life."""
        self._listed.add(scene.name)
        if follow:
            self.set_clock(scene.sensed + _DELAY)
        self._write(scene.collection)

    def _write(self, name: str) -> None:
        document = dict(self._whole[name])
        document["links"] = [link for link in document["links"] if self._is_shown(link)]
        write_atomic(self._catalog / name / "collection.json", json.dumps(document).encode())

    def _is_shown(self, link: Mapping[str, str]) -> bool:
        return link["rel"] != "item" or Path(link["href"]).stem in self._listed

    def configure(self, wanted: Wanted, name: str = "config.yaml") -> Path:
        """Write a configuration; returns its path."""
        west, south, east, north = self._bbox
        in_x, in_y = _INSET * (east - west), _INSET * (north - south)
        west, south, east, north = west + in_x, south + in_y, east - in_x, north - _TOP * (north - south)
        middle, rim = (west + east) / 2, _SHARED * (east - west)
        boxes = {"east": (middle - rim, south, east, north), "west": (west, south, middle + rim, north)}
        channel = {"type": "webhook", "url": wanted.receiver, "secret": SECRET, "allow_private": True}
        document: dict[str, object] = {
            "database": wanted.database,
            "products": "./products",
            "models": str(wanted.model.parent),
            "model": wanted.model.name,
            "threads": 1,
            "catalogs": {"valley": {"type": "static", "href": "catalog/catalog.json"}},
            "regions": {name: _region(boxes[name], wanted.lookback_days) for name in REGIONS},
            "channels": {"duty": {**channel, "statuses": ["test"], "alive": False}},
            "poll_minutes": 0.02,
            "alive": {"send": False},
            "audit": {"nightly": False},
            "serve": {"port": 0},
            "log": {"json": True},
            **wanted.changes,
        }
        path = self.folder / name
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        return path


def _region(bounds: Sequence[float], lookback_days: int) -> dict[str, object]:
    return {
        "geometry": {"bbox": [round(edge, 6) for edge in bounds]},
        "catalogs": ["valley"],
        "lookback_days": lookback_days,
        "sensor_policy": "optical_when_clear",
    }


def make_model(folder: Path) -> Path:
    """A network of one convolution that answers with the redness of a pixel: as real as any, and quick."""
    model = folder / "models" / "redness"
    if not (model / "model.json").is_file():
        model.mkdir(parents=True, exist_ok=True)
        write_filter(model / "model.onnx", np.array([2.0, 0.0, 0.0], dtype=np.float32).reshape(3, 1, 1), -4.0)
        write_card(model)
    return model


def play_alone(play: Play, store: SqlStore, shown: Callable[[Shown], None], meanwhile: Callable[[], None]) -> None:
    """List every scene as fast as one daemon goes along, which is never idle and never far behind.

    The clock goes along too. The next scene is listed when all before it are in the ledger, so that whoever asks for
    one sensor after the other never finds the younger scene alone.

    Args:
        shown: called after each scene.
        meanwhile: called while it waits; raises when there is nobody to wait for.

    Raises:
        RuntimeError: nothing moves any more.
    """
    for number, scene in enumerate(play.scenes, start=1):
        play.show(scene, follow=True)
        _wait(lambda: found(store) >= number * len(REGIONS) and store.waiting(REGIONS) <= _AHEAD, meanwhile)  # noqa: B023
        shown(scene)
    drain(play, store, meanwhile)


def rest(store: SqlStore, meanwhile: Callable[[], None]) -> None:
    """Wait until nobody works.

    Raises:
        RuntimeError: nothing moves any more.
    """
    _wait(lambda: not store.waiting(REGIONS), meanwhile)
    time.sleep(_AFTERWARDS_S)


def drain(play: Play, store: SqlStore, meanwhile: Callable[[], None]) -> None:
    """Wait until every scene is done or parked, and every message is delivered or parked.

    Raises:
        RuntimeError: nothing moves any more.
    """
    wanted = len(play.scenes) * len(REGIONS)
    _wait(lambda: found(store) >= wanted and not store.waiting(REGIONS), meanwhile)
    _wait(lambda: not store.unplanned() and not store.deliveries(state=DeliveryState.DUE, limit=1), meanwhile)


def found(store: SqlStore) -> int:
    """Acquisitions in the ledger."""
    return sum(one.count for one in store.counts())


def _wait(done: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not done():
        meanwhile()
        if time.monotonic() > end:
            raise RuntimeError(f"nothing came of it within {_PATIENCE_S:.0f} s")
        time.sleep(_LOOK_S)


def make_valley(folder: Path, seed: int = SEED, years: float = YEARS, size_px: int = SIZE_PX) -> Valley:
    """The valley: simulated the first time (a minute), then the same again."""
    place = folder / f"valley-{seed}-{size_px}-{years:g}"
    if (place / "truth.json").is_file():
        return load_valley(place)
    return make_year(place, seed, Size(size_px=size_px, looks=round(years * LOOKS_A_YEAR)))


def _document(path: Path) -> dict[str, list[Mapping[str, str]]]:
    document: dict[str, list[Mapping[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _scenes(catalog: Path) -> list[Shown]:
    scenes = []
    for collection in _LISTS:
        for path in (catalog / collection).glob("*/*.json"):
            told = json.loads(path.read_text(encoding="utf-8"))["properties"]
            sensed = datetime.fromisoformat(told.get("start_datetime") or told["datetime"])
            scenes.append(Shown(sensed=sensed, collection=collection, name=path.stem))
    return scenes
