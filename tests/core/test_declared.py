"""What holds on ground where a person has declared an event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.core.change import AlertSettings
from monitor.core.declared import (
    LONGEST_DAYS,
    Declared,
    DeclaredSettings,
    Told,
    counted,
    eased_lifecycle,
    entered,
    in_force,
    names,
    reason,
)
from monitor.core.events import open_event
from monitor.core.grid import project, tile_polygon
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.null_rate import Curve, NullRates
from monitor.core.storms import group
from monitor.errors import Refused
from monitor.records import Declaration, DeclarationKind, Event, EventState, Region, Tier, Tile
from tests.core.alerts import alert
from tests.core.test_events import CONTEXT
from tests.core.test_events import _cluster as plain_cluster

QUAKE = datetime(2018, 9, 5, 18, 8, tzinfo=UTC)
NOW = QUAKE + timedelta(hours=9)
TILE = Tile(epsg=32654, column=150, row=1842)
GROUND = project(tile_polygon(TILE), TILE.epsg, 4326)
REGION = Region(id="atsuma", geometry=GROUND.buffer(0.1), catalogs=("local",))
ELSEWHERE = box(10, 45, 10.1, 45.1)
LIFE = LifecycleSettings(watch_rate=1000.0, warning_rate=10.0)


def test_what_was_seen_since_is_told_also_after_the_end() -> None:
    """As far back as the region looks; what is declared tomorrow is not counted today."""
    ended = declaration(ended=NOW, ended_by="sato")
    assert counted(declaration(), 45, NOW)
    assert counted(ended, 45, NOW + timedelta(days=44))
    assert not counted(ended, 45, NOW + timedelta(days=45))
    assert not counted(declaration(), 45, NOW - timedelta(days=400))


def declaration(number: int = 1, days: float = 0.0, **changes: object) -> Declaration:
    """A declared earthquake, so many days after the first."""
    plain = Declaration(
        id=number,
        region="atsuma",
        at=QUAKE + timedelta(days=days),
        until=NOW + timedelta(days=60),
        geometry=None,
        kind=DeclarationKind.EARTHQUAKE,
        name="Iburi",
        rate_factor=10.0,
        size_factor=2.0,
        by="mori",
        declared=NOW,
        storm=f"atsuma-earthquake-{number}",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sensed", "ended", "holds"),
    [
        (timedelta(0), None, False),
        (timedelta(seconds=1), None, True),
        (timedelta(days=50), None, True),
        (timedelta(days=61), None, False),
        (timedelta(days=2), timedelta(days=3), True),
        (timedelta(days=4), timedelta(days=3), False),
        (timedelta(days=61), timedelta(days=90), False),
    ],
)
def test_for_which_looks_it_holds(sensed: timedelta, ended: timedelta | None, holds: bool) -> None:
    """For those sensed after the event and before the declaration was over, whenever they are processed."""
    one = declaration(ended=None if ended is None else QUAKE + ended)
    assert bool(Declared.of([one], QUAKE + sensed).holding) is holds


def test_that_it_is_in_force() -> None:
    """From when it was entered, until it is over or somebody ends it."""
    times = NOW - timedelta(hours=1), NOW, NOW + timedelta(days=59), NOW + timedelta(days=60)
    assert [bool(in_force([declaration()], at)) for at in times] == [False, True, True, False]
    assert not in_force([declaration(ended=NOW + timedelta(days=1))], NOW + timedelta(days=1))


@pytest.mark.parametrize(("area", "frozen"), [(None, True), (GROUND.centroid.buffer(0.001), True), (ELSEWHERE, False)])
def test_since_when_a_tile_is_remembered(area: BaseGeometry | None, frozen: bool) -> None:
    """A tile that the area touches is compared with looks from before the event; others go on as always."""
    held = Declared.of([declaration(geometry=area)], NOW)
    assert held.since(TILE) == (QUAKE if frozen else None)


def test_of_two_events_the_earlier_counts() -> None:
    """What the first has done must not pass for the ground that the second met."""
    held = Declared.of([declaration(2, days=3), declaration(1)], NOW + timedelta(days=9))
    assert held.since(TILE) == QUAKE
    assert held.on(GROUND) == declaration(1)


def test_thresholds_are_eased_and_warnings_stay() -> None:
    """By the factors that were written into the declaration."""
    usual = LifecycleSettings()
    eased = eased_lifecycle(usual, declaration())
    assert eased == replace(usual, watch_rate=10 * usual.watch_rate, open_strength=usual.open_strength / 2)
    assert eased_lifecycle(usual, None) == usual
    held = Declared.of([declaration()], NOW)
    assert held.eased(AlertSettings()) == replace(AlertSettings(), min_area_ha=AlertSettings().min_area_ha / 2)
    assert Declared().eased(AlertSettings()) == AlertSettings()


def test_the_reason_names_nobody() -> None:
    """It goes with alerts to everybody."""
    said = reason(declaration())
    assert said.startswith("declared: earthquake of 2018-09-05 18:08 UTC (Iburi)")
    assert "mori" not in said


def test_a_declaration_is_cut_to_its_region() -> None:
    """Ground that nobody watches is left out."""
    wide = entered(declaration(geometry=GROUND.buffer(1.0)), REGION, [], [], NOW)
    assert wide.geometry is not None
    assert wide.geometry.equals(REGION.geometry)


@pytest.mark.parametrize(
    ("wanted", "known", "why"),
    [
        (declaration(at=NOW + timedelta(minutes=1)), [], "in-the-future"),
        (declaration(at=NOW - timedelta(days=400)), [], "too-long-ago"),
        (declaration(geometry=ELSEWHERE), [], "outside-region"),
        (declaration(2, days=0.1), [declaration()], "already-declared"),
        (declaration(2, geometry=GROUND), [declaration(geometry=GROUND.buffer(0.01))], "already-declared"),
    ],
)
def test_what_cannot_be_declared(wanted: Declaration, known: list[Declaration], why: str) -> None:
    """Every refusal says why, and what to do."""
    with pytest.raises(Refused) as refused:
        entered(wanted, REGION, known, [], NOW)
    assert refused.value.reason == why
    assert refused.value.remedy


@pytest.mark.parametrize(
    "known",
    [
        declaration(ended=NOW),
        declaration(geometry=GROUND.buffer(0.05).difference(GROUND.buffer(0.01))),
        declaration(days=-2),
    ],
    ids=["ended", "elsewhere", "two days before"],
)
def test_what_is_no_repetition(known: Declaration) -> None:
    """Another area, another day, or one that somebody has ended; it gets a name of its own."""
    wanted = declaration(2, geometry=GROUND, storm="")
    known = replace(known, storm="atsuma-earthquake-20180905")
    assert entered(wanted, REGION, [known], [], NOW).storm == "atsuma-earthquake-20180905-2"


def test_it_holds_no_longer_than_explained_ground_rests() -> None:
    """After that the frozen references would show landslides anew that settled long ago."""
    told = Told(at=QUAKE, geometry=None, kind=DeclarationKind.EARTHQUAKE, name="", by="mori", days=60)
    months = QUAKE + timedelta(days=150)
    assert told.of("atsuma", DeclaredSettings(), NOW).until == NOW + timedelta(days=60)
    assert told.of("atsuma", DeclaredSettings(), months).until == QUAKE + timedelta(days=LONGEST_DAYS)
    assert timedelta(days=LONGEST_DAYS) <= LifecycleSettings().rest
    half_a_year = QUAKE + timedelta(days=LONGEST_DAYS)
    with pytest.raises(Refused, match="180 days ago or more"):
        entered(told.of("atsuma", DeclaredSettings(), half_a_year), REGION, [], [], half_a_year)


def test_an_area_that_also_touches_the_region_is_kept_as_an_area() -> None:
    """Where outlines run along each other the cut leaves lines: no programme that reads areas expects those."""
    outline = box(141, 42, 142, 42.5).union(box(141.5, 42, 142, 43))
    along = box(141, 42.5, 141.5, 42.8).union(box(141, 42.7, 141.8, 42.8))
    one = entered(declaration(geometry=along), replace(REGION, geometry=outline), [], [], NOW)
    assert one.geometry is not None
    assert one.geometry.equals(box(141.5, 42.7, 141.8, 42.8))
    assert one.geometry.geom_type == "Polygon"


def test_a_storm_that_is_known_keeps_its_name() -> None:
    """Alerts that were told under a name before anybody declared the event stay together with those to come."""
    before = alert("A", storm="atsuma-storm-20180907", window_start=QUAKE - timedelta(days=2))
    other = alert("B", storm="atsuma-storm-20180901", window_start=QUAKE + timedelta(hours=1))
    assert entered(declaration(), REGION, [], [other, before], NOW).storm == "atsuma-storm-20180907"
    assert entered(declaration(), REGION, [], [other], NOW).storm == "atsuma-earthquake-20180905"


@given(start=st.integers(-72, 72), length=st.integers(1, 72))
def test_events_are_named_after_what_lies_in_their_window(start: int, length: int) -> None:
    """After the declared event where it lies in the failure window and on the ground, else by looks alone."""
    window = QUAKE + timedelta(hours=start), QUAKE + timedelta(hours=start + length)
    event = alert(storm="", window_start=window[0], window_end=window[1])
    inside = window[0] < QUAKE <= window[1]
    (grouped,) = group([event], [], [declaration()])
    assert (grouped.storm == "atsuma-earthquake-1") is inside is names(declaration(), event)
    (apart,) = group([event], [], [declaration(geometry=ELSEWHERE)])
    assert apart.storm.startswith("atsuma-storm-")


def _opened(strength: float, null: NullRates | None, declared: Declaration | None) -> Event:
    cluster = replace(plain_cluster(), strength=strength)
    return open_event(cluster, replace(CONTEXT, null=null, declared=declared), LIFE)


@pytest.mark.parametrize(
    ("strength", "rate", "alone", "declared"),
    [
        (0.15, None, EventState.CANDIDATE, EventState.PROVISIONAL),
        (0.09, None, EventState.CANDIDATE, EventState.CANDIDATE),
        (0.15, 5_000.0, EventState.CANDIDATE, EventState.PROVISIONAL),
        (0.15, 20_000.0, EventState.CANDIDATE, EventState.CANDIDATE),
        (0.15, 50.0, EventState.PROVISIONAL, EventState.PROVISIONAL),
    ],
)
def test_what_opens_on_declared_ground(
    strength: float, rate: float | None, alone: EventState, declared: EventState
) -> None:
    """A weaker change is an alert at once there; none becomes a warning by it, and its evidence says why."""
    null = None
    if rate is not None:
        curve = Curve(strengths=(float("inf"),), opened=(rate,), held=(50.0,))
        null = NullRates(curves={"network": curve}, factors={}, km2_years={"network": 1000.0})
    usual, eased = (_opened(strength, null, one) for one in (None, declaration()))
    assert (usual.state, eased.state) == (alone, declared)
    assert eased.tier is usual.tier is Tier.WATCH
    assert not eased.evidence[0].held_warning
    assert "declared: earthquake" in eased.transitions[0].detail
    assert "declared" not in usual.transitions[0].detail


@pytest.mark.parametrize(
    ("first_seen", "ended", "named"),
    [(3, None, True), (3, 4, True), (5, 4, False), (70, None, False), (70, 2, False)],
)
def test_an_event_belongs_by_its_own_times(first_seen: int, ended: int | None, named: bool) -> None:
    """Whenever the look arrives that finds it; what is first seen when the declaration was over is named by looks."""
    one = declaration(ended=None if ended is None else QUAKE + timedelta(days=ended))
    seen = QUAKE + timedelta(days=first_seen)
    event = alert(storm="", window_start=QUAKE - timedelta(days=1), window_end=seen)
    found_late = Declared.of([one], QUAKE - timedelta(hours=1))
    assert not found_late.holding
    (grouped,) = group([event], [], found_late.every)
    assert (grouped.storm == one.storm) is named
    assert (found_late.at(seen).since(TILE) == QUAKE) is named


def test_what_turned_out_to_be_older_does_not_date_a_declared_event() -> None:
    """It keeps the name that people know it by; ground that failed before the event is not drawn into it."""
    days = QUAKE - timedelta(days=9), QUAKE - timedelta(days=5)
    older = alert("A", storm=declaration().storm, window_start=days[0], window_end=days[1])
    other = alert("B", storm="", window_start=days[0], window_end=days[1])
    kept, apart = group([older, other], [], [declaration()])
    assert kept.storm == declaration().storm != apart.storm
    assert group([other], [older], [declaration()])[0].storm != declaration().storm
