"""What looks said is taken back, and looks are processed again, on real files."""

from contextlib import closing

from monitor.core.lifecycle import ALERT_STATES
from monitor.records import AcquisitionState, EventState
from tests.pipeline.processes import Running
from tests.pipeline.world import REGION, World, later

DONE, SUPERSEDED = AcquisitionState.DONE, AcquisitionState.SUPERSEDED


def _alerts(world: World) -> list[tuple[str, EventState]]:
    """Ground and state of every alert that stands."""
    return sorted((event.geometry.wkt, event.state) for event in world.events() if event.state in ALERT_STATES)


def test_taken_back_and_looked_at_again(world: World) -> None:
    """All alerts of a storm are cancelled, and the same looks, processed anew, raise them again under other ids."""
    world.once()
    before = _alerts(world)
    assert before
    named = {event.id for event in world.events()}
    since = f"{world.valley.times[2]:%Y-%m-%d}"
    ended = Running(
        world, "rollback", REGION, "--since", since, "--text", "a drill", "--requeue", "--yes", now=later(30)
    ).end()
    assert (ended.code, "2 acquisition(s) would be processed again" in ended.out) == (0, True), ended
    assert _alerts(world) == []
    assert world.once(later(60)).processed == 2
    assert _alerts(world) == before
    assert {event.id for event in world.events() if event.state in ALERT_STATES}.isdisjoint(named)
    with closing(world.store()) as store:
        told = [(entry.event_id, entry.payload["reason"]) for entry in store.outbox_pending()]
    alerts = {name for name, reason in told if reason == "change-found"}
    assert {name for name, reason in told if reason == "rolled-back"} == alerts & named
