"""The last looks of many tiles at once: what the history says, whatever was written into it, in whichever order."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select

from monitor.adapters.store import SqlStore, kept_looks
from monitor.adapters.store.kept_looks import NEWEST, NewestLooksRow
from monitor.adapters.store.views import Chosen
from monitor.records import Acquisition, Action, ActionKind, KeptLook, Observation, Sensor, Tile
from tests.adapters.store.factories import MODEL, NOW, TILE, acquisition, day, observation
from tests.adapters.store.test_store_history import process

EAST, WEST = replace(TILE, column=151), replace(TILE, column=149)
TILES = (TILE, EAST, WEST)
OTHER = "scar-2"
ROLLED_BACK = Action(at=NOW, by="engineer", kind=ActionKind.ROLL_BACK, text="the provider shifted it")


def plain(row: Observation) -> KeptLook:
    """What a kept look says, of an observation."""
    assert row.look_href is not None
    return KeptLook(
        row.acquisition_key,
        row.acquisition_version,
        row.sensing_time,
        row.relative_orbit,
        row.model_version,
        row.look_href,
    )


def check(store: SqlStore) -> None:
    """Ask everything of both, at once and tile by tile."""
    times = [day(number) for number in (-1, 3, 20, 99)]
    for comparable, model, before, limit in product(
        ("optical", "sar"), (MODEL, OTHER, None), times, (1, 3, NEWEST, 30)
    ):
        said = store.kept_looks(TILES, model, comparable, before, limit)
        history = {tile: store.looks_before(tile, model, comparable, before, limit) for tile in TILES}
        assert said == {tile: [plain(row) for row in rows] for tile, rows in history.items()}


def in_rows(store: SqlStore) -> dict[tuple[str, str], int]:
    """How many looks stand in the row of each tile and class."""
    with store.database.read() as session:
        rows = session.execute(select(NewestLooksRow.tile, NewestLooksRow.comparable, NewestLooksRow.looks)).all()
    return {(tile, comparable): looks.count("\n") + 1 for tile, comparable, looks in rows}


def fill(store: SqlStore, passes: int = 20) -> list[Acquisition]:
    """Passes in an order of their own, some clouded, some through two models, some by radar."""
    dice = random.Random(5)
    numbers = list(range(passes))
    dice.shuffle(numbers)
    made = []
    for number in numbers:
        one = acquisition(number, sensor=Sensor.SAR if number % 4 == 1 else Sensor.OPTICAL)
        rows = [observation(one, tile) for tile in TILES if dice.random() < 0.8]
        rows = [replace(row, look_href=None) if dice.random() < 0.2 else row for row in rows]
        rows += [replace(row, model_version=OTHER) for row in rows if number % 3 == 0]
        process(store, one, *rows)
        made.append(one)
    return made


def test_whatever_order_looks_come_in(store: SqlStore) -> None:
    """Late ones too; the rows hold the newest and no more, and tell what the history tells."""
    assert store.kept_looks(TILES, None, "optical", day(9), 3) == {tile: [] for tile in TILES}
    fill(store, 40)
    check(store)
    rows = in_rows(store)
    assert max(rows.values()) == NEWEST
    assert {tile for tile, _ in rows} == {tile.id for tile in TILES}


def test_the_rows_are_what_is_read(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what they hold nothing is asked of the history; of what they do not hold, for those tiles alone."""
    fill(store, 40)
    asked: list[list[str]] = []
    whole = kept_looks._from_history

    def told(session: object, tiles: list[str], *rest: object) -> object:
        asked.append(tiles)
        return whole(session, tiles, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(kept_looks, "_from_history", told)
    store.kept_looks(TILES, None, "optical", day(99), 3)
    assert asked == []
    with store.database.write() as session:
        kept_looks.drop(session, [EAST.id])
    store.kept_looks(TILES, None, "optical", day(99), 3)
    assert asked == [[EAST.id]]
    store.kept_looks([TILE], None, "optical", day(99), NEWEST + 1)
    assert asked[1:] == [[TILE.id]], "more than the row holds"


def test_a_version_takes_the_place_of_another(store: SqlStore) -> None:
    """Its look counts instead; where it was clouded none does."""
    made = fill(store)
    for one in made[:6]:
        newer = acquisition(int(one.key[-3:]), "v2", sensor=one.sensor)
        process(store, newer, observation(newer), observation(newer, EAST, look_href=None, decision="clouded"))
        check(store)


def test_a_version_of_another_class(store: SqlStore) -> None:
    """A look that moved to another class is gone from the row of the old one."""
    first = acquisition(1)
    process(store, first, observation(first))
    second = acquisition(1, "v2")
    process(store, second, observation(second, comparable="sar"))
    assert store.kept_looks([TILE], None, "optical", day(9), 3) == {TILE: []}
    check(store)


@pytest.mark.parametrize(
    "take",
    [
        lambda store: store.forget_looks(lambda href: "optical-00" not in href),
        lambda store: store.roll_back(Chosen(region="atsuma", tiles=TILES, since=day(4)), ROLLED_BACK, NOW),
    ],
    ids=["forgotten", "rolled back"],
)
def test_what_is_taken_away_is_gone(store: SqlStore, take: Callable[[SqlStore], object]) -> None:
    """Looks that are lost, and those of passes that are set aside; those that come later count again."""
    fill(store)
    before = store.kept_looks(TILES, None, "optical", day(99), 30)
    take(store)
    after = store.kept_looks(TILES, None, "optical", day(99), 30)
    assert after != before
    check(store)
    late = acquisition(40)
    process(store, late, *(observation(late, tile) for tile in TILES))
    check(store)
    assert min(in_rows(store).values()) > 0


def test_a_name_that_would_tear_a_row(store: SqlStore) -> None:
    """It has no row, and the history answers."""
    one = acquisition(1)
    process(store, one, observation(one, look_href="looks/a\tb.tif"), observation(one, EAST))
    assert in_rows(store) == {(EAST.id, "optical"): 1}
    check(store)


def test_times_are_kept_to_the_microsecond(store: SqlStore) -> None:
    """In UTC, and what was sensed at the very time does not count as before."""
    at = datetime.fromisoformat("2026-03-01T01:02:03.000004+00:00")
    one = replace(acquisition(1), sensing_time=at)
    process(store, one, replace(observation(one), sensing_time=at, relative_orbit=None))
    (look,) = store.kept_looks([TILE], MODEL, "optical", at + timedelta(microseconds=1), 3)[TILE]
    assert (look.sensing_time, look.relative_orbit, look.acquisition_id) == (at, None, one.id)
    assert store.kept_looks([TILE], MODEL, "optical", at, 3) == {TILE: []}


def test_no_tile_at_all(store: SqlStore) -> None:
    """No answer, and no error."""
    assert store.kept_looks([], MODEL, "optical", day(9), 3) == {}


def test_a_thousand_tiles(store: SqlStore) -> None:
    """As many parameters as there are tiles would be too many for some databases."""
    tiles: list[Tile] = [replace(TILE, row=row) for row in range(1200)]
    one = acquisition(1)
    process(store, one, *(observation(one, tile) for tile in tiles))
    found = store.kept_looks(tiles, MODEL, "optical", day(9), 3)
    assert [len(looks) for looks in found.values()] == [1] * len(tiles)
