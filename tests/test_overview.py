"""What counts as observed: pixels of the region, seen twice by looks that may be compared."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from monitor.adapters.looks import LookFiles
from monitor.cli.geojson import not_observed
from monitor.cli.tables import coverage_line
from monitor.core.shares import percent
from monitor.core.slope_sight import Sight
from monitor.overview import Coverage, coverage
from monitor.records import (
    Look,
    NetworkAnswer,
    NextPass,
    Observation,
    PixelState,
    Region,
    Sensor,
    SensorPolicy,
    Sighting,
    Tile,
)
from monitor.web.showing import unseen
from tests.fake_watch import NOW, RIGHT, TILE, acquisition, look, observation, region_polygon

REGION = Region(id="valley", geometry=region_polygon(), catalogs=("local",), lookback_days=60)
RIGHT_SHARE = 1 / 1.5
"""The right tile is whole, of the left one half belongs to the region."""


class History:
    """Observations by tile, newest first, as a store gives them."""

    def __init__(self, rows: list[Observation]) -> None:
        self._rows = sorted(rows, key=lambda row: row.sensing_time, reverse=True)

    def sightings(self, tiles: Iterable[Tile], limit: int) -> Iterator[tuple[Tile, list[Sighting]]]:
        """What the newest observations of every tile say."""
        for tile in tiles:
            rows = [row for row in self._rows if row.tile == tile][:limit]
            yield tile, [Sighting(*(getattr(row, name) for name in Sighting._fields)) for row in rows]


class Watch:
    """Looks on disk and their history."""

    def __init__(self, folder: Path) -> None:
        self.files = LookFiles(folder)
        self.rows: list[Observation] = []

    def saw(self, seen: Look, index: int, **changes: object) -> None:
        """Keep a look of the index-th acquisition; `changes` are to its history row."""
        row = observation(seen, acquisition(index), self.files.write(seen, f"m{len(self.rows)}"))
        self.rows.append(replace(row, **changes))  # type: ignore[arg-type]

    def coverage(self) -> Coverage:
        """What was seen of the region."""
        return coverage(REGION, History(self.rows), self.files, NOW)


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    """An empty watch."""
    return Watch(tmp_path)


def test_only_the_region_counts(watch: Watch) -> None:
    """Pixels of a tile outside the region change nothing: the left half of the left tile is outside."""
    watch.saw(look(TILE, acquisition(0), observed_columns=128), 0)
    seen = watch.coverage()
    assert seen.seen == pytest.approx(0, abs=0.01)
    assert seen.area_km2 == pytest.approx(1.5 * 2.56**2, rel=0.01)


def test_two_looks_meet_pixel_by_pixel(watch: Watch) -> None:
    """Compared is what both looks saw, not the smaller of two shares."""
    watch.saw(look(RIGHT, acquisition(0), observed_columns=128), 0)
    second = look(RIGHT, acquisition(1))
    second.state[:, :64] = PixelState.CLOUD
    watch.saw(second, 1)
    seen = watch.coverage()
    assert seen.compared == pytest.approx(RIGHT_SHARE * 64 / 256, abs=0.01)
    assert seen.seen == pytest.approx(RIGHT_SHARE, abs=0.01)
    assert seen.last_look == acquisition(1).sensing_time
    assert seen.never_observed == (TILE,)


def test_water_is_observed(watch: Watch) -> None:
    """Water is seen, and known not to slide; snow is not an observation."""
    for index, state in enumerate((PixelState.WATER, PixelState.WATER, PixelState.SNOW)):
        one = look(RIGHT, acquisition(index))
        one.state[:] = state
        one.probability[:] = np.nan
        watch.saw(one, index)
    assert watch.coverage().compared == pytest.approx(RIGHT_SHARE, abs=0.01)


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        ({}, {}, RIGHT_SHARE),
        ({}, {"model_version": "2.0"}, 0.0),
        ({}, {"relative_orbit": 74}, RIGHT_SHARE),
        ({"comparable": "sar:R046"}, {}, 0.0),
    ],
)
def test_only_comparable_looks_are_compared(
    watch: Watch, first: dict[str, object], second: dict[str, object], share: float
) -> None:
    """Never across models or sensors."""
    watch.saw(look(RIGHT, acquisition(0)), 0, **first)
    watch.saw(look(RIGHT, acquisition(1)), 1, **second)
    seen = watch.coverage()
    assert seen.compared == pytest.approx(share, abs=0.01)
    assert seen.learning is (share == 0)
    assert seen.not_compared == (() if share else (RIGHT,))


@pytest.mark.parametrize(
    ("passes", "share"), [(["R046"] * 3, 0.0), (["R046"] * 4, RIGHT_SHARE), (["R046"] * 3 + ["R074"] * 3, 0.0)]
)
def test_radar_is_compared_from_the_fourth_pass_of_a_track(watch: Watch, passes: list[str], share: float) -> None:
    """Three earlier passes make the reference of a track; those of other tracks do not count."""
    for index, track in enumerate(passes):
        watch.saw(look(RIGHT, acquisition(index)), index, sensor=Sensor.SAR, comparable=f"sar:{track}")
    assert watch.coverage().compared == pytest.approx(share, abs=0.01)


def test_looks_before_the_look_back_do_not_count(watch: Watch) -> None:
    """An old look is not an observation of now, but its age is told."""
    old = NOW - timedelta(days=61)
    watch.saw(look(RIGHT, acquisition(0)), 0, sensing_time=old)
    seen = watch.coverage()
    assert (seen.seen, seen.last_look) == (0.0, old)


def test_each_sensor_is_told_apart(watch: Watch) -> None:
    """Its share, its last look and that of each tile: a sensor that went silent is not hidden by another."""
    old, new = NOW - timedelta(days=61), NOW - timedelta(days=1)
    watch.saw(look(RIGHT, acquisition(0)), 0, sensing_time=old)
    half = look(RIGHT, acquisition(1), observed_columns=128)
    watch.saw(half, 1, sensing_time=new, sensor=Sensor.SAR, comparable="sar:R046")
    watch.saw(look(TILE, acquisition(1)), 1, sensing_time=old)
    seen = watch.coverage()
    assert seen.seen_by == {Sensor.OPTICAL: 0.0, Sensor.SAR: pytest.approx(RIGHT_SHARE / 2, abs=0.01)}
    assert seen.last_look_by == {Sensor.OPTICAL: old, Sensor.SAR: new}
    assert seen.last_look_of == {TILE: old, RIGHT: new}
    words = f"last look 24 h ago (at half of the tiles within 61 days, at {TILE.id} 61 days ago)"
    assert words in coverage_line(seen, NOW)
    (page,) = unseen({"valley": not_observed(seen)})
    share = percent(seen.seen_by[Sensor.SAR])
    assert page.details == (
        f"Seen by optics 0%, last on {old:%Y-%m-%d}; radar {share}%, last on {new:%Y-%m-%d}",
        f"Half of the tiles were last looked at on {old:%Y-%m-%d} or later; tile {TILE.id} last on {old:%Y-%m-%d}",
    )
    radar = replace(REGION, sensor_policy=SensorPolicy.RADAR_ONLY)
    assert coverage(radar, History([]), watch.files, NOW).seen_by == {Sensor.SAR: 0.0}


@pytest.mark.parametrize(
    ("days", "median", "words"),
    [
        ((), None, ""),
        ((1,), None, "At least half of the tiles were never looked at; tile {} never"),
        ((4, 1), 4, "Half of the tiles were last looked at on {:%Y-%m-%d} or later; tile {} last on {:%Y-%m-%d}"),
        ((2, 2), 2, ""),
    ],
)
def test_the_tile_not_seen_for_longest_is_named(
    watch: Watch, days: tuple[int, ...], median: int | None, words: str
) -> None:
    """One that was never looked at before any other; nothing where all are of one time, or none was."""
    for tile, day in zip((RIGHT, TILE), days, strict=False):
        watch.saw(look(tile, acquisition(0)), 0, sensing_time=NOW - timedelta(days=day))
    seen = watch.coverage()
    assert seen.median_last_look == (None if median is None else NOW - timedelta(days=median))
    tile, at = seen.by_age[0]
    assert not_observed(seen)["last_look_of_tiles"] == {
        "median": seen.median_last_look and seen.median_last_look.isoformat(),
        "oldest": at and at.isoformat(),
        "oldest_tile": tile.id,
        "tiles_without": 2 - len(days),
    }
    (page,) = unseen({"valley": not_observed(seen)})
    expected = words.format(tile.id) if at is None else words.format(at, tile.id, at)
    assert [one for one in page.details if "tile" in one] == [expected] * bool(words)


def test_blind_slopes_that_optics_did_not_see_either(watch: Watch) -> None:
    """What one sensor cannot see is told apart from what nothing saw."""
    sights = np.full((256, 256), Sight.BLIND, np.uint8)
    watch.saw(look(RIGHT, acquisition(0), observed_columns=64), 0)
    watch.saw(look(RIGHT, acquisition(1)), 1, sensor=Sensor.SAR, comparable="sar:R046:ascending")
    known = SimpleNamespace(read=lambda _tile: {"R046-ascending": sights})
    seen = coverage(REGION, History(watch.rows), watch.files, NOW, known)
    blind, dark = seen.blind.together.blind_km2, seen.blind.not_seen_km2
    assert blind == pytest.approx(2.56**2, rel=0.01)
    assert dark == pytest.approx(2.56**2 * 0.75, rel=0.01)
    told = f"{dark:.2f} km² of them optics did not see either"
    assert told in coverage_line(seen, NOW)
    coming = NextPass(sensor=Sensor.SAR, relative_orbit=46, expected=NOW + timedelta(days=3), basis="every 12 days")
    (page,) = unseen({"valley": not_observed(seen, (coming,))})
    assert page.lines[-2:] == [
        f"{blind:.2f} km² (100%) of the slopes no radar track ever sees; {told}",
        f"Next pass expected {coming.expected:%Y-%m-%d} (radar, orbit 46)",
    ]


def test_a_history_shorter_than_the_look_back_is_told_from_its_first_acquisition(watch: Watch) -> None:
    """Nobody looked before it. Once a tile has a hundred looks, the first one is not known."""
    first = NOW - timedelta(days=3)
    watch.saw(look(RIGHT, acquisition(0)), 0, sensing_time=first)
    watch.saw(look(TILE, acquisition(1)), 1, sensing_time=NOW - timedelta(days=1))
    seen = watch.coverage()
    assert (seen.first, seen.began) == (first, first)
    assert f": since the first acquisition of {first:%Y-%m-%d} " in coverage_line(seen, NOW)
    (said,) = unseen({"valley": not_observed(seen)})
    assert f"was not compared with anything since {first:%Y-%m-%d}" in said.told
    watch.saw(look(TILE, acquisition(2)), 2, sensing_time=seen.since - timedelta(days=1))
    assert watch.coverage().began is None
    assert ": in the last 60 days " in coverage_line(watch.coverage(), NOW)
    watch.rows = watch.rows[:2] * 100
    assert watch.coverage().first is None


@pytest.mark.parametrize(
    ("since", "seen", "compared"),
    [(2.5, 1.0, 1.0), (1.5, 1.0, 0.5), (0.5, 1.0, 0.25), (-1.0, 1.0, 0.0), (3.5, 0.0, 0.0)],
)
def test_since_an_event_only_looks_from_before_it_are_compared_with(
    watch: Watch, since: float, seen: float, compared: float
) -> None:
    """Two looks that both show what an earthquake did are nothing to compare; one before it is enough, however old."""
    half, quarter = (look(RIGHT, acquisition(index), observed_columns=64 * (2 - index)) for index in (0, 1))
    times = [NOW + timedelta(days=index - 200) for index in range(4)]
    for index, one in enumerate((quarter, half, look(RIGHT, acquisition(0)), look(RIGHT, acquisition(1)))):
        watch.saw(one, index % 2, sensing_time=times[index])
    event = NOW + timedelta(days=since - 200)
    found = coverage(REGION, History(watch.rows), watch.files, NOW, since=event)
    assert found.seen == pytest.approx(RIGHT_SHARE * seen, abs=0.01)
    assert found.compared == pytest.approx(RIGHT_SHARE * compared, abs=0.01)


def test_ground_without_elevation_is_named(watch: Watch) -> None:
    """A tile that cannot be watched says why it was never observed; one that is clouded does not."""
    nothing = {"look_href": None, "decision": "no-elevation"}
    watch.saw(look(TILE, acquisition(0)), 0, **nothing)
    watch.saw(look(RIGHT, acquisition(0)), 0, look_href=None, decision="clouded")
    seen = watch.coverage()
    assert seen.never_observed == (TILE, RIGHT)
    assert seen.no_elevation == (TILE,)
    assert "1 of them for lack of elevation" in coverage_line(replace(seen, last_look=NOW), NOW)


def test_flat_ground_is_counted_apart(watch: Watch) -> None:
    """It is neither seen nor unseen: the shares are of the other ground, and the line says so."""
    watch.saw(look(TILE, acquisition(0)), 0, look_href=None, decision="flat")
    for index in (0, 1):
        watch.saw(look(RIGHT, acquisition(index)), index)
    seen = watch.coverage()
    assert (seen.flat, seen.never_observed, seen.tiles) == ((TILE,), (), 2)
    assert (seen.seen, seen.compared) == (1.0, 1.0)
    assert seen.area_km2 == pytest.approx(2.56**2, rel=0.01)
    assert "1 of 2 tiles are flat and left out" in coverage_line(seen, NOW)
    everything = replace(seen, flat=(TILE, RIGHT), last_look=None)
    assert "all of it is flat" in coverage_line(everything, NOW)


def test_looks_without_an_answer_are_counted(watch: Watch) -> None:
    """By sensor and reason, within the look-back; people hear of a network that is there and did not speak."""
    answers = (None, NetworkAnswer.NONE, NetworkAnswer.ANSWERED, NetworkAnswer.LEARNING, NetworkAnswer.LEARNING)
    for index, answer in enumerate(answers):
        watch.saw(look(RIGHT, acquisition(index)), index, network=answer)
    watch.saw(look(RIGHT, acquisition(0)), 0, network=NetworkAnswer.LEARNING, sensing_time=NOW - timedelta(days=61))
    seen = watch.coverage()
    assert seen.answers == {
        (Sensor.OPTICAL, NetworkAnswer.NONE): 1,
        (Sensor.OPTICAL, NetworkAnswer.ANSWERED): 1,
        (Sensor.OPTICAL, NetworkAnswer.LEARNING): 2,
    }
    told = "; looks at tiles without an answer of the network: 2 of optics (too-few-earlier-looks)"
    assert told in coverage_line(seen, NOW)
    assert "answer of the network" not in coverage_line(replace(seen, answers={}), NOW)


@pytest.mark.parametrize(("apart_days", "share", "expected"), [(365, 1.0, 9.8), (365, 0.5, 4.9), (3650, 1.0, None)])
def test_a_region_learns_how_rare_change_is(
    watch: Watch, apart_days: float, share: float, expected: float | None
) -> None:
    """By the ground that was compared times the years since the look before, until that is enough."""
    for tile in (TILE, RIGHT):
        first = NOW - timedelta(days=1 + apart_days)
        watch.saw(look(tile, acquisition(0)), 0, sensing_time=first, jointly_valid_fraction=1.0)
        watch.saw(look(tile, acquisition(1)), 1, sensing_time=NOW - timedelta(days=1), jointly_valid_fraction=share)
    seen = watch.coverage()
    if expected is None:
        assert seen.learning_rates == {}
    else:
        assert seen.learning_rates == {Sensor.OPTICAL: pytest.approx(expected, rel=0.02)}
    seen = replace(seen, compared=0.5)
    told = f"learning how rare change is here: optics {expected} of 25 km² × years compared"
    assert (told in coverage_line(seen, NOW)) is (expected is not None)


def test_a_small_region_does_not_learn_for_ever(watch: Watch) -> None:
    """After a hundred looks at a tile it is told no more, however little ground that was."""
    for index in range(2):
        watch.saw(look(RIGHT, acquisition(index)), index, jointly_valid_fraction=1.0)
    assert watch.coverage().learning_rates != {}
    watch.rows *= 50
    assert watch.coverage().learning_rates == {}
