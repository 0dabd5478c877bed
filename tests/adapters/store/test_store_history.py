"""Observations: append-only, one current version, the last looks by index."""

from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import sqlite

from monitor.adapters.store import SqlStore, TileCoverage
from monitor.adapters.store.history import last_looks
from monitor.records import Acquisition, NetworkAnswer, Observation, Sensor, Sighting, Tile, TileStats
from tests.adapters.store.factories import LEASE, MODEL, NOW, TILE, acquisition, day, observation, result

ME = "here@1:1:1"
EAST = replace(TILE, column=151)
WEST = replace(TILE, column=149)


def process(store: SqlStore, of: Acquisition, *observations: Observation) -> None:
    """Discover, claim and complete one acquisition."""
    store.discover(of.region, [of], [], NOW)
    entry = store.claim(ME, LEASE, NOW, [of.region])
    assert entry is not None
    assert entry.acquisition.id == of.id
    assert store.complete(entry.acquisition, ME, result(observations=observations), NOW)


def looks(store: SqlStore, before: int, limit: int = 9, tile: Tile = TILE, model: str = MODEL) -> list[str]:
    """Ids of the last looks before a day."""
    found = store.looks_before(tile, model, "optical", day(before), limit)
    return [f"{one.acquisition_key}_{one.acquisition_version}" for one in found]


def test_observation_survives_the_database(store: SqlStore) -> None:
    """An observation comes back as it went in, to the last bit, also one of which nothing was observed."""
    one = acquisition(1)
    full = observation(one, WEST, mean_change=1e-300, p95_change=-0.1, hazard_change_ha=2 / 3)
    nothing = TileStats(valid_fraction=0.0, cloud_fraction=1.0, mean=None, p95=None, spread=None, hazard_area_ha=0.0)
    empty = observation(
        one,
        stats=nothing,
        look_href=None,
        decision="clouded",
        mean_change=None,
        previous_acquisition=None,
        relative_orbit=None,
    )
    process(store, one, full, empty)
    assert store.history(WEST) == [full]
    assert store.history(TILE) == [empty]


def test_last_looks_newest_first(store: SqlStore) -> None:
    """The last looks are those of the tile, sensor and model with a look, strictly before, newest first."""
    for number in range(5):
        one = acquisition(number)
        process(store, one, observation(one), observation(one, EAST), observation(one, model_version="scar-2"))
    clouded = acquisition(5)
    process(store, clouded, observation(clouded, look_href=None))
    radar = acquisition(6, sensor=Sensor.SAR)
    process(store, radar, observation(radar))
    assert looks(store, 9, limit=2) == ["optical-004_v1", "optical-003_v1"]
    assert looks(store, 4) == [f"optical-00{n}_v1" for n in (3, 2, 1, 0)]
    assert looks(store, 0) == []
    assert looks(store, 9, tile=WEST) == []
    assert [one.sensor for one in store.history(TILE, limit=2)] == [Sensor.SAR, Sensor.OPTICAL]


def test_sightings_say_what_the_rows_say(store: SqlStore) -> None:
    """What was seen of many tiles is what their newest rows say, also where there are none."""
    spoken, clouded = acquisition(1), acquisition(2, sensor=Sensor.SAR)
    process(store, spoken, observation(spoken, network=NetworkAnswer.ANSWERED), observation(spoken, EAST))
    process(store, clouded, observation(clouded, look_href=None, decision="clouded"))
    found = dict(store.sightings([TILE, EAST, WEST], limit=2))
    fields = attrgetter(*Sighting._fields)
    assert {tile: [tuple(one) for one in rows] for tile, rows in found.items()} == {
        tile: [fields(row) for row in store.history(tile, limit=2)] for tile in (TILE, EAST, WEST)
    }
    assert [(tile.column, len(rows)) for tile, rows in found.items()] == [(150, 2), (151, 1), (149, 0)]
    assert [len(rows) for _, rows in store.sightings([TILE], limit=1)] == [1]


def test_new_version_becomes_current(store: SqlStore) -> None:
    """A newer version counts instead of the older one; tiles it does not cover keep theirs; nothing is deleted."""
    old, new = acquisition(1), acquisition(1, "v2")
    process(store, old, observation(old), observation(old, EAST), observation(old, model_version="scar-2"))
    store.discover("atsuma", [new], [], NOW)
    assert looks(store, 9) == ["optical-001_v1"], "the old one stays until there is something better"
    process(store, new, observation(new))
    assert looks(store, 9) == ["optical-001_v2"]
    assert looks(store, 9, tile=EAST) == ["optical-001_v1"]
    assert looks(store, 9, model="scar-2") == ["optical-001_v1"]
    with store.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM observation")) == 4


def test_known_observation_is_kept(store: SqlStore) -> None:
    """What another region has already written for the same tile and acquisition is neither doubled nor changed."""
    here, there = acquisition(1), acquisition(1, region="abira")
    process(store, here, observation(here))
    process(store, there, observation(there, decision="changed"), observation(there, EAST))
    assert [one.decision for one in store.history(TILE)] == ["looked"]
    assert looks(store, 9, tile=EAST) == ["optical-001_v1"]


@pytest.mark.parametrize("why", ["no-elevation", "flat"])
@pytest.mark.parametrize("blind_first", [True, False])
def test_missing_elevation_gives_way_to_a_look(store: SqlStore, blind_first: bool, why: str) -> None:
    """One region's catalogs know no elevation or call it flat, another's do not: the look counts, whoever is first."""
    here, there = acquisition(1), acquisition(1, region="abira")
    look, blind = observation(here), observation(there, look_href=None, decision=why)
    for of, row in [(there, blind), (here, look)] if blind_first else [(here, look), (there, blind)]:
        process(store, of, row)
    assert [one.decision for one in store.history(TILE)] == ["looked"]
    assert looks(store, 9) == ["optical-001_v1"]
    newer = acquisition(1, "v2", region="abira")
    store.discover("abira", [newer], [], NOW)
    process(store, newer, replace(blind, acquisition_version="v2"))
    assert looks(store, 9) == ["optical-001_v1"], "a newer version without elevation hides no look"


def test_forgotten_looks(store: SqlStore) -> None:
    """Looks that are gone are no longer given; the others stay, and a second time nothing is left to forget."""
    for number in range(3):
        process(store, acquisition(number), observation(acquisition(number)))
    assert store.forget_looks(lambda href: "optical-001" not in href) == 1
    assert looks(store, 9) == ["optical-002_v1", "optical-000_v1"]
    assert store.forget_looks(lambda href: "optical-001" not in href) == 0


def test_coverage_tells_what_was_not_seen(store: SqlStore) -> None:
    """Every tile asked for is answered: its last look with valid pixels, or that there is none."""
    blind = TileStats(valid_fraction=0.0, cloud_fraction=1.0, mean=None, p95=None, spread=None, hazard_area_ha=0.0)
    one, two, radar = acquisition(1), acquisition(2), acquisition(3, sensor=Sensor.SAR)
    process(store, one, observation(one), observation(one, model_version="scar-2"))
    process(store, two, observation(two, stats=blind), observation(two, WEST, stats=blind))
    process(store, radar, observation(radar, EAST))
    unseen = TileCoverage(tile=WEST, last_look=None, valid_fraction=0.0)
    assert store.coverage([TILE, EAST, WEST], day(0)) == {
        TILE: TileCoverage(tile=TILE, last_look=day(1), valid_fraction=0.75),
        EAST: TileCoverage(tile=EAST, last_look=day(3), valid_fraction=0.75),
        WEST: unseen,
    }
    assert store.coverage([EAST], day(0), Sensor.OPTICAL)[EAST].last_look is None
    assert store.coverage([TILE], day(1))[TILE].last_look == day(1)
    assert store.coverage([TILE], day(1) + timedelta(microseconds=1))[TILE].last_look is None


def test_coverage_of_a_large_region(store: SqlStore) -> None:
    """More tiles than one query takes are answered all."""
    tiles = [replace(TILE, column=column) for column in range(1201)]
    one = acquisition(1)
    process(store, one, *(observation(one, tile) for tile in tiles[::2]))
    seen = store.coverage(iter(tiles), day(0))
    assert [seen[tile].last_look is not None for tile in tiles] == [n % 2 == 0 for n in range(1201)]


@pytest.mark.parametrize("model", [MODEL, None])
def test_last_looks_walk_the_index(tmp_path: Path, model: str | None) -> None:
    """SQLite answers the last K looks from the index alone, without sorting: flat cost at any length of history."""
    url = f"sqlite:///{tmp_path}/watch.db"
    store = SqlStore(url)
    store.upgrade()
    statement = last_looks(TILE, model, "optical", day(1), 2)
    sql = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    engine = create_engine(url)
    with engine.connect() as connection:
        plan = " ".join(str(row.detail) for row in connection.execute(text(f"EXPLAIN QUERY PLAN {sql}")))
    engine.dispose()
    store.close()
    assert "USING INDEX ix_observation_looks (tile=? AND comparable=? AND sensing_time<?)" in plan
    assert "TEMP B-TREE" not in plan


def test_most_snow_is_of_one_pass_of_optics_within_a_time(store: SqlStore) -> None:
    """Of all that it saw of the tiles. Radar, other tiles and times, clouded tiles and rows without it have no say."""
    shares = {1: 0.75, 3: 0.25, 5: 0.5, 7: None, 9: 0.75}
    for number, share in shares.items():
        one = acquisition(number)
        here = observation(one)
        stats = replace(here.stats, valid_fraction=0.25, cloud_fraction=0.0, snow_fraction=share)
        clouded = replace(stats, cloud_fraction=0.6, snow_fraction=0.4)
        elsewhere = observation(one, EAST, stats=clouded if number != 9 else replace(stats, snow_fraction=0.0))
        process(store, one, replace(here, stats=stats), elsewhere)
    radar = acquisition(6, sensor=Sensor.SAR)
    process(store, radar, observation(radar, stats=replace(observation(radar).stats, snow_fraction=0.9)))
    assert store.most_snow([TILE], day(2), day(9)) == pytest.approx(0.5 / 0.75)
    assert store.most_snow([TILE], day(1), day(9)) == pytest.approx(0.75)
    assert store.most_snow([TILE, EAST], day(8), day(10)) == pytest.approx(0.75 / 1.25)
    assert store.most_snow([EAST], day(1), day(10)) == store.most_snow([TILE], day(6), day(8)) == 0.0
    assert store.most_snow([], day(1), day(10)) == 0.0
    assert store.looks_before(TILE, None, "optical", day(8), 1)[0].stats.snow_fraction is None


def test_a_tile_is_all_white_until_optics_see_its_ground(store: SqlStore) -> None:
    """Clouds tell nothing, snow in part, radar and other tiles neither; a look that is lost has seen the ground."""
    unseen = {1: "looked", 3: "snow", 5: "clouded", 7: "snow-in-part", 9: "looked"}
    for number, decision in unseen.items():
        one = acquisition(number)
        elsewhere = [observation(one, EAST, decision="snow", look_href=None)] if number == 9 else []
        process(store, one, observation(one, decision=decision, look_href=None), *elsewhere)
    radar = acquisition(6, sensor=Sensor.SAR)
    process(store, radar, observation(radar))
    white = [number for number in range(12) if store.all_white(TILE, day(number))]
    assert white == [4, 5, 6, 7, 8, 9]
    assert store.all_white(EAST, day(10))
    assert not store.all_white(EAST, day(9))
