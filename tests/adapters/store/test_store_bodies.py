"""What a message says is what was stored with it, whenever it is sent; on both databases."""

from collections.abc import Callable
from typing import cast

import pytest
from sqlalchemy import select, update

from monitor.adapters.store import SqlStore
from monitor.adapters.store.schema import OutboxRow, TransitionRow
from monitor.core.addresses import Addresses
from monitor.core.envelopes import encoded
from monitor.core.notices import notice
from monitor.records import EventState, Message
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, later
from tests.adapters.store.test_store_deliveries import DUTY, ME, MINUTE
from tests.adapters.store.test_store_events import change_the_past, process

LINKS = Addresses(base="https://watch.example.org")


def fill(store: SqlStore) -> None:
    """An alert that its second look confirms, both told."""
    process(store, acquisition(1), event(acquisition(1)))
    known = store.event("E1")
    assert known is not None
    process(store, acquisition(2), later(known, acquisition(2), EventState.CONFIRMED))
    store.plan_deliveries([DUTY], NOW)


def claimed(store: SqlStore, tries: int) -> dict[str, Message]:
    """All that is due, by key; due again for the next try."""
    found = {}
    for _ in range(2):
        (one,) = store.claim_deliveries(DUTY, ME, LEASE, NOW + tries * MINUTE)
        found[one.idempotency_key] = one
        assert store.delivered([one], ME, "HTTP 204", NOW)
    assert store.replay_deliveries(DUTY.name, None, NOW) == 2
    return found


def test_a_body_never_changes(store: SqlStore) -> None:
    """Looks that come late or are taken back, and what people do, change no byte of what is sent again."""
    fill(store)
    first = claimed(store, 0)
    change_the_past(store)
    again = claimed(store, 1)
    assert sorted(first) == sorted(again) == ["E1:0", "E1:1"]
    for key, one in first.items():
        assert one.event is not None
        assert encoded(one, links=LINKS) == encoded(again[key], links=LINKS)
        told, anew = (notice([message], "de", LINKS) for message in (one, again[key]))
        assert anew == (told[0], f"{told[1]}\nAuf Wunsch erneut gesendet.")
    assert b'"certainty":"possible"' in encoded(first["E1:0"])
    assert b'"certainty":"likely"' in encoded(first["E1:1"])


def _other_payload(store: SqlStore) -> None:
    with store.database.write() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.idempotency_key == "E1:0")).one()
        told = cast("dict[str, object]", row.payload)
        row.payload = {name: value for name, value in told.items() if name != "mean_change"}


def _other_look(store: SqlStore) -> None:
    with store.database.write() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.idempotency_key == "E1:0")).one()
        row.known = {"evidence": [{"felt": True}], "actions": []}


def _other_step(store: SqlStore) -> None:
    with store.database.write() as session:
        session.execute(update(TransitionRow).where(TransitionRow.sequence == 0).values(state="felt"))


@pytest.mark.parametrize("written", [_other_payload, _other_look, _other_step])
def test_what_another_version_wrote_is_sent_all_the_same(store: SqlStore, written: Callable[[SqlStore], None]) -> None:
    """A message that cannot be read whole is told in fewer words, and holds up no other one."""
    fill(store)
    written(store)
    (one,) = store.claim_deliveries(DUTY, ME, LEASE, NOW)
    assert (one.idempotency_key, one.event) == ("E1:0", None)
    assert "E1" in notice([one], "de", LINKS)[1]
    assert b'"web":"https://watch.example.org/alerts/E1"' in encoded(one, links=LINKS)
