"""`scarpwatch db prune`: what goes, what stays whatever the settings, and a process killed half-way."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from monitor.adapters import products, pruning, stac_json
from monitor.adapters.products import ProductFolder
from monitor.adapters.pruning import Pruned, Pruner, Retention
from monitor.adapters.store import SqlStore, declarations, dump, history
from monitor.adapters.store import pruning as pruned_rows
from monitor.core.masks import LOOKED, UNDER_SNOW
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
from tests.core.test_declared import declaration
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
    publishes: bool = True

    def look(self, of: Acquisition, decision: str = LOOKED, **parts: object) -> Observation:
        """An acquisition that is done, with its kept look and its product; without where it saw no ground."""
        href = f"looks/{TILE.id}/{of.id}__{MODEL}.tif" if decision == LOOKED else None
        row = observation(of, look_href=href, decision=decision)
        if href:
            path = self.root / href
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * 1000)
            os.utime(path, (of.sensing_time.timestamp(),) * 2)
        if href and self.publishes:
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
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watch]:
    """Nothing was looked at."""
    url = f"sqlite:///{tmp_path}/watch.db"
    if request.param == "postgres":
        url = str(request.getfixturevalue("postgres_url"))
    with closing(SqlStore(url)) as store:
        store.upgrade()
        yield Watch(store, tmp_path / "products")


@pytest.fixture
def watch(empty: Watch) -> Watch:
    """Looks of ten days long ago and of three recent ones, one of them clouded; an item that was refused."""
    return fill(empty)


@pytest.fixture
def bare(empty: Watch) -> Watch:
    """The same without products, which take long to make."""
    empty.publishes = False
    return fill(empty)


def fill(one: Watch) -> Watch:
    """As `watch` says."""
    for number in (*range(8), 900, 950):
        one.look(acquisition(number))
    one.look(acquisition(8), "cloud")
    one.store.discover("atsuma", [], [rejected()], day(9))
    return one


def test_what_nothing_needs_goes(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted first, then gone, then nothing is left to do; the last looks before the edge stay as references."""
    monkeypatch.setattr(pruning, "_AT_ONCE", 4)
    everything, before = (watch.looks(), watch.products()), dump(watch.store)
    counted = watch.prune(dry=True)
    assert ((watch.looks(), watch.products()), dump(watch.store)) == (everything, before)
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
    with watch.store.database.write() as session:
        session.execute(text("UPDATE observation SET look_href = NULL WHERE acquisition_key = 'optical-000'"))
    watch.prune()
    assert 0 in watch.looks()
    assert watch.store.event("E1") is not None
    assert (watch.store.outbox()[: len(told[0])], watch.store.deliveries()) == told


def test_a_declaration_keeps_what_it_compares_with(empty: Watch) -> None:
    """Also one that is over or was ended, while looks from its time may still arrive."""
    for until, ended, edge in ((895, None, 3), (889, None, 890), (960, 895, 3), (960, 889, 890)):
        with empty.store.database.write() as session:
            number = declarations.add(session, declaration(at=day(3), until=day(until)))
            assert ended is None or declarations.end(session, number, "mori", day(ended))
            assert pruned_rows.edge(session, day(890)) == day(edge)
            session.rollback()


def test_the_last_looks_of_every_class_stay(empty: Watch) -> None:
    """As many as references of its sensor are made of; of a version that was replaced none is needed."""
    radar = [acquisition(number, sensor=Sensor.SAR) for number in (1, 2, 3, 4)]
    optical = [acquisition(number) for number in (1, 2, 3)]
    newer = replace(optical[2], version="v2")
    rows = [observation(one) for one in (*radar, *optical, newer)]
    rows += [observation(one, model_version="2.0", look_href=f"{one.id}-2.0") for one in optical[:2]]
    with empty.store.database.write() as session:
        for row in rows:
            history.append(session, [row], NOW)
        depth = {Sensor.OPTICAL: 1, Sensor.SAR: 3}
        gone = set(pruned_rows.old_looks(session, [TILE.id], NOW, depth).values())
    plain = {row.look_href for row in (*rows[:1], *rows[4:7])}
    assert gone == {*plain, "optical-001_v1-2.0"}


def test_the_snow_that_optics_saw_last_is_remembered(bare: Watch) -> None:
    """However old that is; and all that they saw in the season before the oldest scene that may still arrive."""
    for number in (9, 10, 820):
        bare.look(acquisition(number), UNDER_SNOW)
    bare.look(acquisition(12, sensor=Sensor.SAR), UNDER_SNOW)
    short = replace(ALL, observations=timedelta(days=60))
    bare.prune(short)
    assert 9 not in seen(bare)
    assert {10, 820} <= seen(bare)
    assert bare.store.all_white(TILE, day(700))
    bare.prune(replace(short, lookback=timedelta(days=20)))
    assert 820 in seen(bare)
    assert bare.store.all_white(TILE, day(899))


def seen(bare: Watch) -> set[int]:
    """Days of the history of the tile."""
    return {int(one.acquisition_key.split("-")[1]) for one in bare.store.history(TILE, 1000)}


def test_choices_that_a_late_scene_asks_about_stay(bare: Watch) -> None:
    """It may have been sensed a look-back ago, and asks how it was decided before."""
    bare.look(acquisition(880))
    short = replace(ALL, choices=timedelta(days=60))
    assert bare.prune(replace(short, memory=timedelta(days=45)), dry=True)["choices"].rows == 9
    assert bare.prune(short, dry=True)["choices"].rows == 10


def test_a_clock_that_is_ahead_makes_nothing_old(bare: Watch) -> None:
    """Ages are counted from the newest acquisition. What another prune has removed meanwhile is no trouble."""
    (bare.root / f"looks/{TILE.id}/optical-000_v1__{MODEL}.tif").unlink()
    assert bare.prune(now=NOW + 20 * AGE)["looks"] == Pruned(kind="looks", rows=5, files=4, size_bytes=4000)
    assert bare.looks() == [5, 6, 7, 900, 950]


def test_nobody_publishes_while_products_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are renamed or removed meanwhile would end it."""
    held: list[bool] = []

    def items(_region: Path) -> dict[Path, stac_json.Document]:
        with (tmp_path / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(True)
        return {}

    monkeypatch.setattr(products, "_items", items)
    (tmp_path / "regions" / "atsuma").mkdir(parents=True)
    assert ProductFolder(tmp_path).listed() == []
    assert held == [True]


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
    watch.look(acquisition(1500), "cloud")
    watch.prune(half, now=day(1600))
    watch.prune(replace(half, products_bytes=1), now=day(1600))
    assert watch.products() == [950], "the newest of a region stays"


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
