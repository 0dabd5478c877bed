"""What is said of an id that there is not."""

from dataclasses import replace

import pytest

from monitor.adapters.store import SqlStore
from monitor.errors import Refused
from monitor.records import EventState
from tests.adapters.store.factories import acquisition, event, transition
from tests.adapters.store.test_store_events import process

FIRST, SECOND, HILL = "valley-20260105-0a1b2c3d", "valley-20260105-9f8e7d6c", "Hill_2-20260105-55aa66bb"
CANDIDATE = "valley-20260106-77cc88dd"


def test_ids_that_look_alike_are_named(store: SqlStore) -> None:
    """A part, another case, a slip of the finger. One region and day alone are not alike, and no candidate is named."""
    for number, name in enumerate((FIRST, SECOND, HILL, CANDIDATE), start=1):
        of = acquisition(number)
        one = event(of, name)
        if name == CANDIDATE:
            step = transition(of, None, EventState.CANDIDATE)
            one = replace(one, state=EventState.CANDIDATE, transitions=(step,))
        process(store, of, one)
    for typed, alike in (
        (FIRST[:-2], FIRST),
        ("0A1B2C3D", FIRST),
        ("valley-20260105-0a1b2c3e", FIRST),
        ("hill_2", HILL),
        ("hill%2", ""),
        ("valley-20260105-44445555", ""),
        ("77cc88dd", ""),
        ("hil", ""),
        ("", ""),
    ):
        with pytest.raises(Refused) as said:
            store.known_event(typed)
        assert (said.value.reason, said.value.item) == ("unknown-event", typed)
        named = said.value.remedy.partition("`")[0]
        assert named == (f"Did you mean {alike}? " if alike else ""), typed
    with pytest.raises(Refused, match=f"Did you mean ({FIRST} or {SECOND}|{SECOND} or {FIRST})\\?"):
        store.known_event("valley-20260105")
    assert store.known_event(CANDIDATE).id == CANDIDATE
