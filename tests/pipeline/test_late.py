"""Acquisitions that come late, and acquisitions that come again."""

from monitor.records import AcquisitionState, EventState, Verdict
from tests.pipeline.world import World, later

DONE, SUPERSEDED = AcquisitionState.DONE, AcquisitionState.SUPERSEDED
JUDGEMENTS = ("event", "evidence", "transition", "outbox", "reference")


def states(world: World) -> list[EventState]:
    """States of all events, strongest first."""
    return [event.state for event in world.events()]


def test_a_late_acquisition_is_history(world: World) -> None:
    """One that arrives after a newer one was processed keeps its looks for comparison and judges nothing."""
    world.hide(1)
    world.once()
    before = world.dump()
    world.publish()
    assert world.once(later(30)).processed == 1
    after = world.dump()
    assert world.states()[1] == (DONE, "history")
    assert {table: after[table] for table in JUDGEMENTS} == {table: before[table] for table in JUDGEMENTS}
    new = [row for row in after["observation"] if row not in before["observation"]]
    assert len(new) == len(after["observation"]) - len(before["observation"])
    assert all(row["look_href"] for row in new if row["decision"] == "looked")
    assert any(row["mean_change"] is not None for row in new)


def test_a_late_first_acquisition_learns(small_world: World) -> None:
    """The oldest of all, arriving last, has nothing before it, and still judges nothing."""
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
