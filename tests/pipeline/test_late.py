"""Acquisitions that come late, and acquisitions that come again."""

from functools import partial

from shapely import union_all
from shapely.geometry.base import BaseGeometry

from monitor.records import AcquisitionState, EventState, Verdict
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.processes import Running, die_after
from tests.pipeline.world import World, later

DONE, SUPERSEDED = AcquisitionState.DONE, AcquisitionState.SUPERSEDED
HEARD = ("evidence", "transition", "outbox", "reference")


def states(world: World) -> list[EventState]:
    """States of all events, strongest first."""
    return [event.state for event in world.events()]


def test_a_late_look_before_the_failure(small_world: World) -> None:
    """One from before the storm that arrives last shows the ground intact: windows begin with it, and that is all."""
    world = small_world
    world.hide(1)
    world.once()
    before = world.dump()
    assert {event.window_start for event in world.events()} == {world.valley.times[0]}
    world.publish()
    assert world.once(later(30)).processed == 1
    after = world.dump()
    assert world.states()[1] == (DONE, "late")
    assert (world.ledger()[1].detail or "").startswith("late: judged as of ")
    assert {table: after[table] for table in HEARD} == {table: before[table] for table in HEARD}
    assert {event.window_start for event in world.events()} == {world.valley.times[1]}
    assert all(row["look_href"] for row in after["observation"] if row["decision"] == "looked")


def test_a_late_look_after_the_failure(small_world: World, clean: Undisturbed) -> None:
    """The first look after the storm comes last, and the first process that takes it up dies: as if in time."""
    world = small_world
    world.hide(2)
    world.once()
    world.publish()
    assert Running(world, "once", setup=partial(die_after, "events", 1, 1)).end().code < 0
    assert world.once(later(30)).processed == 1
    assert world.states()[2] == (DONE, "late")
    assert "asked" not in (world.ledger()[2].detail or ""), "the later look has spoken of all there is"
    times = world.valley.times
    assert {(event.window_start, event.window_end) for event in world.events()} == {(times[1], times[2])}
    assert set(states(world)) == {EventState.CONFIRMED}
    late, in_time = _confirmed(world), _confirmed(clean.world)
    assert late.intersection(in_time).area >= 0.95 * in_time.area


def _confirmed(world: World) -> BaseGeometry:
    """The ground of what is confirmed."""
    return union_all([event.geometry for event in world.events() if event.state is EventState.CONFIRMED])


def test_a_late_first_acquisition_learns(small_world: World) -> None:
    """The oldest of all, arriving last, has nothing before it, and tells nothing of events that began later."""
    small_world.hide(0)
    small_world.once()
    before = small_world.dump()
    small_world.publish()
    small_world.once(later(30))
    assert small_world.states()[0] == (DONE, "learning")
    assert small_world.dump()["event"] == before["event"]


def test_a_new_version_supersedes(world: World) -> None:
    """A reprocessed acquisition is processed again, and its observations take the place of the old ones."""
    world.once()
    world.reprocess(3)
    assert world.once(later(30)).processed == 1
    assert [state for state, _ in world.states()] == [DONE, DONE, DONE, DONE, SUPERSEDED]
    newest = [
        row for row in world.dump()["observation"] if row["acquisition_key"] == world.ledger()[-1].acquisition.key
    ]
    assert len(newest) == 4
    assert {row["acquisition_version"] for row in newest if row["current"]} == {
        entry.acquisition.version for entry in world.ledger()[3:] if entry.state is DONE
    }


def test_the_same_pass_does_not_confirm_itself(world: World) -> None:
    """A reprocessed version of the look that opened an alert is not a second look at it."""
    world.hide(3)
    world.once()
    opened = states(world)
    assert EventState.PROVISIONAL in opened
    world.reprocess(2)
    assert world.once(later(30)).processed == 1
    assert states(world) == opened
    world.publish()
    world.once(later(60))
    assert EventState.CONFIRMED in states(world)


def test_the_same_pass_supports_once(small_world: World) -> None:
    """Of a pass that supports an event and is reprocessed one piece of evidence counts."""
    small_world.once()
    small_world.reprocess(3)
    small_world.once(later(30))
    for event in small_world.events():
        supporting = [piece.sensing_time for piece in event.evidence if piece.verdict is Verdict.SUPPORTS]
        assert len(supporting) == len(set(supporting))
