"""What looks said is taken back, and looks are processed again, on real files."""

from contextlib import closing

from sqlalchemy import text

from monitor.core.lifecycle import ALERT_STATES
from monitor.records import AcquisitionState, EventState
from monitor.service import PassEvent
from tests.pipeline.processes import Running
from tests.pipeline.world import REGION, World, later

DONE, SUPERSEDED = AcquisitionState.DONE, AcquisitionState.SUPERSEDED


def _alerts(world: World) -> list[tuple[str, EventState]]:
    """Ground and state of every alert that stands."""
    return sorted((event.geometry.wkt, event.state) for event in world.events() if event.state in ALERT_STATES)


def test_taken_back_and_looked_at_again(small_world: World) -> None:
    """All alerts of a storm are cancelled, and the same looks, processed anew, raise them again under other ids."""
    small_world.once()
    before = _alerts(small_world)
    assert before
    named = {event.id for event in small_world.events()}
    since = f"{small_world.valley.times[2]:%Y-%m-%d}"
    ended = Running(
        small_world, "rollback", REGION, "--since", since, "--text", "a drill", "--requeue", "--yes", now=later(30)
    ).end()
    assert (ended.code, "2 acquisition(s) would be processed again" in ended.out) == (0, True), ended
    assert _alerts(small_world) == []
    assert small_world.once(later(60)).processed == 2
    assert _alerts(small_world) == before
    assert {event.id for event in small_world.events() if event.state in ALERT_STATES}.isdisjoint(named)
    with closing(small_world.store()) as store:
        told = [(entry.event_id, entry.payload["reason"]) for entry in store.outbox_pending()]
    alerts = {name for name, reason in told if reason == "change-found"}
    assert {name for name, reason in told if reason == "rolled-back"} == alerts & named


def test_processed_again_while_the_watch_is_at_work(small_world: World) -> None:
    """The service takes up what is queued, replaces every look, and tells nobody anything anew."""
    small_world.once()
    before = small_world.dump()
    heard: list[str] = []
    small_world.reprocess(3)

    def meanwhile(event: PassEvent) -> None:
        heard.append(event.action)
        if event.action == "claimed" and heard.count("claimed") == 1:
            ended = Running(small_world, "reprocess", REGION, now=later(30)).end()
            assert (ended.code, "3 acquisition(s) wait to be processed again" in ended.out) == (0, True), ended

    assert small_world.once(later(30), meanwhile).processed == 4
    now = small_world.dump()
    for table in ("event", "transition", "outbox", "evidence"):
        assert now[table] == before[table], table
    current = [row for row in now["observation"] if row["current"]]
    assert len(current) == sum(bool(row["current"]) for row in before["observation"])
    assert {row["acquisition_version"] for row in current}.isdisjoint(
        row["acquisition_version"] for row in before["observation"]
    )


def test_what_ended_is_not_opened_again(small_world: World) -> None:
    """The look that opened an alert which was refuted since does not raise it once more."""
    small_world.once()
    with closing(small_world.store()) as store, store.database.write() as session:
        session.execute(text("UPDATE event SET state = 'refuted'"))
    told = small_world.dump()["outbox"]
    assert Running(small_world, "reprocess", REGION, now=later(30)).end().code == 0
    assert small_world.once(later(60)).processed == 4
    assert small_world.dump()["outbox"] == told
