"""Events that grow, in the database: told once, the same after any restart, and taken back."""

from dataclasses import replace

from monitor.adapters.store import Chosen, SqlStore
from monitor.adapters.store.listing import AlertLists
from monitor.core.cap import CapSettings, MessageKind, cap_message
from monitor.core.events import add_evidence, with_actions
from monitor.core.growth import merge
from monitor.records import Action, ActionKind, Event, EventState, Tier, Verdict
from tests.adapters.store.factories import LIFE, NOW, TILE, acquisition, comment, event, evidence, grown
from tests.adapters.store.test_store_events import messages, process
from tests.test_growing import LATER


def opened(name: str = "E1") -> Event:
    """An event whose steps follow from its evidence."""
    blank = replace(event(acquisition(1), name), evidence=(), transitions=(), picture=None)
    return add_evidence(blank, [evidence(acquisition(1), Verdict.OPENS)], LIFE)


def known(store: SqlStore, name: str = "E1") -> Event:
    """As it is in the database."""
    found = store.event(name)
    assert found is not None
    return found


def confirmed(store: SqlStore) -> None:
    """An alert that two looks have told of."""
    process(store, acquisition(1), opened())
    process(store, acquisition(2), add_evidence(opened(), [evidence(acquisition(2))], LIFE))


def test_growth_is_told_once_with_the_new_outline(store: SqlStore) -> None:
    """As an update of CAP that says how large it is now; and comes back from the database as it went in."""
    confirmed(store)
    larger = grown(known(store), acquisition(3))
    process(store, acquisition(3), larger)
    process(store, acquisition(4), larger)
    assert known(store) == larger
    assert [key for key, _ in messages(store)] == ["E1:0", "E1:1", "E1:2"]
    before, after = (AlertLists(store.database).revision("E1", number) for number in (1, 2))
    assert before is not None
    assert after is not None
    assert (before.event.area_ha, after.event.area_ha, after.step.reason) == (2.0, 3.0, "grown")
    assert after.event.geometry == larger.geometry != before.event.geometry
    message = cap_message(after, CapSettings())
    assert message.kind is MessageKind.UPDATE
    assert b"3.0 ha" in message.xml
    assert b"larger than was told before" in message.xml


def test_little_growth_is_told_when_it_has_become_much(store: SqlStore) -> None:
    """A fifth at a time: the second of them makes it."""
    confirmed(store)
    for number, told in ((3, 2), (4, 3), (5, 3)):
        process(store, acquisition(number), grown(known(store), acquisition(number), area_ha=0.4))
        assert len(messages(store)) == told


def test_growth_is_told_though_somebody_has_seen_the_alert_since(store: SqlStore) -> None:
    """A look is processed hours after it was taken; what a person did in between was done with the smaller alert."""
    confirmed(store)
    store.act("E1", Action(at=NOW, by="officer", kind=ActionKind.ACKNOWLEDGE), NOW)
    process(store, acquisition(3), grown(known(store), acquisition(3)))
    process(store, acquisition(4), grown(known(store), acquisition(4), area_ha=0.0))
    assert [step.reason for step in known(store).transitions][2:] == ["acknowledged", "grown"]
    assert [key for key, _ in messages(store)] == ["E1:0", "E1:1", "E1:3"]


def test_growth_that_a_step_has_told_is_not_told_again(store: SqlStore) -> None:
    """A late look takes the step over; what the look added was in its message."""
    process(store, acquisition(1), opened())
    process(store, acquisition(3), grown(opened(), acquisition(3)))
    late = add_evidence(known(store), [evidence(acquisition(2))], LIFE)
    assert [step.reason for step in late.transitions] == ["change-found", "still-changed", "grown"]
    process(store, acquisition(2), late)
    assert [step.reason for step in known(store).transitions] == ["change-found", "still-changed", "still-changed"]


def test_a_tier_that_rises_without_a_state_is_heard(store: SqlStore) -> None:
    """Also where what a person did since has overtaken the step."""
    confirmed(store)
    store.act("E1", comment(), NOW)
    store.act("E1", Action(at=NOW, by="officer", kind=ActionKind.RELEASE), NOW)
    home = known(store)
    other = replace(opened("E2"), tier=Tier.WARNING, geometry=home.geometry.buffer(0.001))
    look = replace(LATER, acquisition_id=acquisition(3).id, sensing_time=acquisition(3).sensing_time)
    both, ended = merge(home, other, TILE.epsg, look, LIFE)
    process(store, acquisition(3), both, ended)
    entry = [one for one in store.outbox() if one.event_id == "E1"][-1]
    assert (entry.payload["reason"], entry.payload["tier"], entry.payload["took_in"]) == ("took-in", "warning", ["E2"])
    assert known(store).tier is Tier.WARNING
    process(store, acquisition(5), opened("E5"))
    process(store, acquisition(6), replace(known(store, "E5"), tier=Tier.WARNING))
    assert [(step.reason, step.tier) for step in known(store, "E5").transitions][1:] == [
        ("late-evidence", Tier.WARNING)
    ]


def test_rolled_back_growth_is_gone_from_the_outline_and_told(store: SqlStore) -> None:
    """For those who heard of it; the next look grows it anew."""
    confirmed(store)
    before = known(store)
    process(store, acquisition(3), grown(before, acquisition(3)))
    action = Action(at=NOW, by="engineer", kind=ActionKind.ROLL_BACK, text="shifted")
    chosen = Chosen(region="atsuma", tiles=(TILE,), acquisition=acquisition(3).id)
    assert store.roll_back(chosen, action, NOW).changed == ("E1",)
    left = known(store)
    assert (left.geometry, left.area_ha, left.state) == (before.geometry, 2.0, EventState.CONFIRMED)
    assert messages(store)[-1] == ("E1:3", "confirmed")
    assert store.outbox()[-1].payload["area_ha"] == 2.0
    assert store.roll_back(chosen, action, NOW).told == 0
    process(store, acquisition(4), grown(left, acquisition(4)))
    assert (known(store).area_ha, known(store).transitions[-1].reason) == (3.0, "grown")


def test_a_merge_is_undone_with_its_look_and_may_come_again(store: SqlStore) -> None:
    """The same look, processed again, joins them under the same time."""
    process(store, acquisition(1), opened(), opened("E2"))
    look = replace(LATER, acquisition_id=acquisition(2).id, sensing_time=acquisition(2).sensing_time)

    def joined(by: str) -> tuple[Event, Event]:
        heard = [
            add_evidence(known(store, name), [replace(evidence(acquisition(2)), acquisition_id=by)], LIFE)
            for name in ("E1", "E2")
        ]
        return merge(heard[0], heard[1], TILE.epsg, replace(look, acquisition_id=by), LIFE)

    process(store, acquisition(2), *joined(acquisition(2).id))
    assert known(store, "E2").transitions[-1].reason == "merged"
    action = Action(at=NOW, by="engineer", kind=ActionKind.ROLL_BACK)
    store.roll_back(Chosen(region="atsuma", tiles=(TILE,), acquisition=acquisition(2).id), action, NOW)
    apart = known(store, "E2")
    assert (apart.state, apart.transitions[-1].reason) == (EventState.PROVISIONAL, "rolled-back")
    assert with_actions(apart, [], LIFE).state is EventState.PROVISIONAL
    process(store, acquisition(3), *joined("again_v1r2"))
    assert (known(store, "E2").state, known(store).took_in) == (EventState.CLOSED, ("E2",))


def test_what_was_joined_stays_so_when_its_home_has_ended(store: SqlStore) -> None:
    """A late look speaks of both as they were before: no alert that is over is told as one that stands."""
    process(store, acquisition(1), opened(), opened("E2"))
    look = replace(LATER, acquisition_id=acquisition(3).id, sensing_time=acquisition(3).sensing_time)
    heard = [add_evidence(known(store, name), [evidence(acquisition(3))], LIFE) for name in ("E1", "E2")]
    process(store, acquisition(3), *merge(heard[0], heard[1], TILE.epsg, look, LIFE))
    for number in (4, 5):
        gone = add_evidence(known(store), [evidence(acquisition(number), Verdict.CONTRADICTS)], LIFE)
        process(store, acquisition(number), gone)
    assert [known(store, name).state for name in ("E1", "E2")] == [EventState.CLOSED] * 2
    late = [
        add_evidence(known(store, name), [evidence(acquisition(2), Verdict.INCONCLUSIVE)], LIFE)
        for name in ("E1", "E2")
    ]
    count = len(messages(store))
    process(store, acquisition(2), *late)
    assert [known(store, name).state for name in ("E1", "E2")] == [EventState.CLOSED] * 2
    assert len(messages(store)) == count
