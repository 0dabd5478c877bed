"""`scarpwatch db prune`: what goes, what stays whatever the settings, and a process killed half-way."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters import pruning
from monitor.adapters.products import ProductFolder
from monitor.adapters.pruning import Pruned, Pruner, Retention
from monitor.adapters.store import SqlStore, dump
from monitor.errors import Refused
from monitor.records import Acquisition, AlertStatus, Channel, EventState, FrozenReference, Observation, Sensor
from tests.adapters.store.factories import (
    LEASE,
    MODEL,
    TILE,
    acquisition,
    choice,
    day,
    event,
    later,
    observation,
    rejected,
    result,
)
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

ME, DEPTH = "me@1:1:1", {Sensor.OPTICAL: 3, Sensor.SAR: 3}
NOW = day(1000)
AGE = timedelta(days=400)
ALL = Retention(
    lookback=timedelta(days=45), depth=DEPTH, looks=AGE, observations=AGE, products=AGE, choices=AGE, rejections=AGE
)


@dataclass(slots=True)
class Watch:
    """A database and its product folder."""

    store: SqlStore
    root: Path

    def look(self, of: Acquisition, looked: bool = True, **parts: object) -> Observation:
        """An acquisition that is done, with its kept look and its product."""
        row = observation(of)
        href = f"looks/{TILE.id}/{of.id}__{MODEL}.tif" if looked else None
        row = replace(row, look_href=href)
        if href:
            path = self.root / href
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * 1000)
            os.utime(path, (of.sensing_time.timestamp(),) * 2)
            layer = np.full((256, 256), 0.5, dtype=np.float32)
            ProductFolder(self.root).publish(of, {"probability": {TILE: layer}}, {})
        self.store.discover(of.region, [of], [], of.sensing_time)
        assert self.store.claim(ME, LEASE, of.sensing_time, [of.region]) is not None
        found = result(observations=(row,), choices=(choice(of),), **parts)
        assert self.store.complete(of, ME, found, of.sensing_time)
        return row

    def prune(self, retention: Retention = ALL, dry: bool = False, now: datetime = NOW) -> dict[str, Pruned]:
        """What went, by kind."""
        return {one.kind: one for one in Pruner(self.store, self.root, retention, now, dry).run()}

    def looks(self) -> list[int]:
        """Days of the kept looks on the disk."""
        return sorted(int(path.name.split("_")[0].split("-")[1]) for path in self.root.glob("looks/*/*.tif"))

    def products(self) -> list[int]:
        """Days of the products on the disk."""
        return sorted(int(path.name.split("_")[0].split("-")[1]) for path in self.root.glob("regions/*/*/"))

    def dangling(self) -> Sequence[str]:
        """Hrefs of rows whose file is not there."""
        hrefs = [one.look_href for one in self.store.history(TILE, 1000) if one.look_href]
        hrefs += [href for tile in self.store.reference("E1", "optical").values() for href in tile]
        return [href for href in hrefs if not (self.root / href).is_file()]


@pytest.fixture(params=["sqlite", "postgres"])
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watch]:
    """Looks of ten days long ago and of three recent ones, one of them clouded; an item that was refused."""
    sqlite = f"sqlite:///{tmp_path}/watch.db"
    store = SqlStore(sqlite if request.param == "sqlite" else str(request.getfixturevalue("postgres_url")))
    store.upgrade()
    one = Watch(store, tmp_path / "products")
    for number in (*range(8), 900, 950):
        one.look(acquisition(number))
    one.look(acquisition(8), looked=False)
    store.discover("atsuma", [], [rejected()], day(9))
    yield one
    store.close()


def test_what_nothing_needs_goes(watch: Watch) -> None:
    """Counted first, then gone, then nothing is left to do; the last looks before the edge stay as references."""
    everything, before = watch.looks(), dump(watch.store)
    counted = watch.prune(dry=True)
    assert (watch.looks(), dump(watch.store)) == (everything, before)
    done = watch.prune()
    assert done["looks"] == counted["looks"] == Pruned(kind="looks", rows=5, files=5, size_bytes=5000)
    assert watch.looks() == [5, 6, 7, 900, 950]
    assert watch.products() == [900, 950]
    assert (done["rejections"].rows, done["choices"].rows) == (1, 9)
    # The clouded one, and those whose look has gone: counted alone, before their looks go, it is only the first.
    assert (counted["observations"].rows, done["observations"].rows) == (1, 6)
    assert [one.acquisition_key for one in watch.store.looks_before(TILE, MODEL, "optical", day(600), 9)] == [
        f"optical-{number:03d}" for number in (7, 6, 5)
    ]
    assert watch.dangling() == []
    assert not any(one.rows or one.files for one in watch.prune().values())


def test_nothing_goes_by_default(watch: Watch) -> None:
    """Without settings only what was refused long ago."""
    everything = watch.looks(), watch.products()
    done = watch.prune(Retention(lookback=ALL.lookback, depth=DEPTH, rejections=AGE))
    assert {kind: one.rows for kind, one in done.items() if one.rows or one.files} == {"rejections": 1}
    assert (watch.looks(), watch.products()) == everything


def test_an_open_event_keeps_what_it_is_judged_by(watch: Watch) -> None:
    """Everything since its ground was last seen whole; what is frozen with it stays for ever."""
    first = acquisition(10)
    frozen = FrozenReference(
        event_id="E1",
        tile=TILE,
        acquisition_id="optical-000_v1",
        look_href=f"looks/{TILE.id}/optical-000_v1__{MODEL}.tif",
    )
    opened = replace(event(first), window_start=day(6))
    channel = Channel(name="duty", statuses=frozenset(AlertStatus))
    watch.store.begin_channels([channel], NOW)
    watch.look(first, events=(opened,), references=(frozen,))
    watch.store.plan_deliveries([channel], NOW)
    told = watch.store.outbox(), watch.store.deliveries()
    watch.prune()
    assert watch.looks() == [0, 3, 4, 5, 6, 7, 10, 900, 950]
    assert watch.products() == [6, 7, 10, 900, 950]
    watch.look(acquisition(960), events=(later(opened, acquisition(960), EventState.REFUTED),))
    watch.prune()
    assert watch.looks() == [0, 6, 7, 10, 900, 950, 960]
    assert watch.dangling() == []
    assert watch.store.event("E1") is not None
    assert (watch.store.outbox()[: len(told[0])], watch.store.deliveries()) == told


def test_a_quota_takes_the_oldest_rasters(watch: Watch) -> None:
    """As many as needed, whatever their age, but none that the look-back may ask about."""
    size = sum(one.size_bytes for one in ProductFolder(watch.root).listed())
    half = Retention(lookback=ALL.lookback, depth=DEPTH, products_bytes=size // 2)
    watch.prune(half)
    assert watch.products() == [5, 6, 7, 900, 950]
    watch.prune(replace(half, products_bytes=1, lookback=timedelta(days=110)))
    assert watch.products() == [900, 950]
    catalog = (watch.root / "regions" / "atsuma" / "collection.json").read_text()
    assert "optical-900" in catalog
    assert "optical-007" not in catalog


def test_killed_between_rows_and_files(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """No row points to a missing file, and the next run takes what was left."""

    class Killed(BaseException):
        """Of a process."""

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(pruning.Pruner, "_unlinked", kill)
        with pytest.raises(Killed):
            watch.prune()
    assert len(watch.looks()) == 10
    assert len(watch.store.looks_before(TILE, None, "optical", NOW, 99)) == 5
    assert watch.dangling() == []
    assert watch.prune()["orphans"] == Pruned(kind="orphans", files=5, size_bytes=5000)
    assert watch.looks() == [5, 6, 7, 900, 950]


def test_a_look_that_was_just_written_is_no_orphan(watch: Watch) -> None:
    """Its row comes when the acquisition is judged."""
    young = watch.root / "looks" / TILE.id / "optical-999_v1__x.tif"
    young.write_bytes(b"x")
    os.utime(young, (NOW.timestamp(),) * 2)
    watch.prune()
    assert young.exists()


def test_the_products_of_another_database_are_left_alone(watch: Watch, tmp_path: Path) -> None:
    """An empty database beside a full folder is a mistake in the configuration, not a wish."""
    with closing(SqlStore(f"sqlite:///{tmp_path}/other.db")) as other:
        other.upgrade()
        with pytest.raises(Refused, match="belong to each other"):
            Watch(other, watch.root).prune()
    assert len(watch.looks()) == 10
