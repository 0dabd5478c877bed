"""Acquisitions in any order, doubled, and by processes that die: the events end as if all had come in time."""

import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitor.core import declared
from monitor.core.events import replayed
from monitor.core.lifecycle import MERGED, OPEN_STATES, LifecycleSettings, in_order
from monitor.records import DeclarationKind, Event, EventState, Evidence
from tests.order_world import NOW, REGION, Fragile, Kept, Watch, day

GROUNDS = (
    "0011111",  # fails between the second look and the third, and settles
    "0001000",  # changed on one day: snow, or a cloud that no mask found
    "00-11-1",  # fails as well, under clouds at times
    "0000111",  # fails later
    "0011011",  # one contradiction after confirmation
    "0010111",  # refuted, and fails anew
)
LATER = tuple(range(2, 7))
"""The looks that may come in any order. Before the first two there is nothing to compare with."""

Told = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is left of a season."""

    events: list[Told]
    unheard: list[EventState]
    """States of events that nobody heard of."""
    outdated: list[str]
    """Events of which people have heard another state last."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all its tables."""
    path = tmp_path_factory.mktemp("order") / "empty.db"
    with closing(Fragile(f"sqlite:///{path}")) as store:
        store.upgrade()
    return path


@pytest.fixture(scope="module")
def in_time(empty: Path) -> Ending:
    """The season as it is told when every look comes in time."""
    return _season(empty, LATER)


def _counting(event: Event) -> tuple[tuple[str, str], ...]:
    """What every look says, up to the end of the event."""
    steps = replayed(event, LifecycleSettings()).transitions
    ended = None if event.state in OPEN_STATES else steps[-1].at
    pieces = [one for one in in_order(event.evidence) if isinstance(one, Evidence)]
    return tuple(
        (f"{one.sensing_time:%m-%d}", one.verdict.value) for one in pieces if ended is None or one.sensing_time <= ended
    )


def told(event: Event) -> Told:
    """An event without its name, which is that of the look that was first processed of those that show it."""
    at = event.geometry.centroid
    window = event.window_start, event.window_end
    place = round(at.x, 3), round(at.y, 3), round(event.area_ha, 1)
    return (*place, event.state.value, event.tier.value, *window, _counting(event))


def _season(
    empty: Path, order: Sequence[int], killed: frozenset[int] = frozenset(), again: int | None = None
) -> Ending:
    """Deliver all looks.

    Args:
        order: in which those come that may.
        killed: those that a process dies over before it is done with them.
        again: one that its provider publishes once more at the end.
    """
    path = empty.with_name("season.db")
    shutil.copy(empty, path)
    with closing(Fragile(f"sqlite:///{path}")) as store:
        watch = Watch(store=store, kept=Kept(), series=GROUNDS)
        for number in (0, 1, *order):
            if number in killed:
                assert watch.deliver(number, killed=True) is None
            outcome = watch.deliver(number)
            assert outcome is not None
            assert outcome.written
            assert watch.deliver(number) is None, "nothing is processed twice"
        if again is not None:
            assert watch.deliver(again, "v2") is not None
        heard = {entry.event_id: entry.payload["state"] for entry in store.outbox()}
        events = store.events()
    if tuple(order) == LATER[::-1]:
        ends = [event for event in events if event.id not in heard]
        assert all(one.evidence[-1].sensing_time == one.transitions[-1].at for one in ends), "asked until it ended"
    # A late look may show that what people heard of as two was one all along.
    kept = [event for event in events if event.transitions[-1].reason != MERGED]
    return Ending(
        events=sorted(map(told, kept)),
        unheard=[event.state for event in events if event.id not in heard],
        outdated=[event.id for event in events if heard.get(event.id, event.state) != event.state],
    )


def test_in_time(in_time: Ending) -> None:
    """What the permutations below must end in is what the grounds were made for."""
    states = sorted((str(event[3]), str(event[6])[5:10]) for event in in_time.events)
    assert states == [
        ("closed", f"{day(2):%m-%d}"),
        ("confirmed", f"{day(2):%m-%d}"),
        ("confirmed", f"{day(3):%m-%d}"),
        ("confirmed", f"{day(4):%m-%d}"),
        ("confirmed", f"{day(4):%m-%d}"),
        ("refuted", f"{day(2):%m-%d}"),
        ("refuted", f"{day(3):%m-%d}"),
    ]


@settings(max_examples=1, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(LATER),
    killed=st.frozensets(st.sampled_from(LATER), max_size=2),
    again=st.none() | st.sampled_from(LATER),
)
@example(order=[6, 5, 4, 3, 2], killed=frozenset({3}), again=4)
@example(order=[2, 4, 3, 5, 6], killed=frozenset(), again=None)
@example(order=[2, 5, 6, 3, 4], killed=frozenset(), again=None)
def test_any_order(empty: Path, in_time: Ending, order: list[int], killed: frozenset[int], again: int | None) -> None:
    """Same events, states, tiers, windows and evidence; nobody is left with what is not so, nor unaware of an alert."""
    ended = _season(empty, order, killed, again)
    assert ended.events == in_time.events
    assert ended.outdated == []
    assert set(ended.unheard) <= {EventState.REFUTED}


def test_what_a_late_look_opens_belongs_to_what_was_declared_later(empty: Path) -> None:
    """A look from before an earthquake shows that ground changed anew: by its name, against the ground before it."""
    path = empty.with_name("declared.db")
    shutil.copy(empty, path)
    with closing(Fragile(f"sqlite:///{path}")) as store:
        watch = Watch(store=store, kept=Kept(), series=("0010-11",))
        at = day(3) + timedelta(days=1)
        told = declared.Told(at=at, geometry=None, kind=DeclarationKind.EARTHQUAKE, name="", by="mori")
        quake = store.declare(told.of(REGION.id, declared.DeclaredSettings(), NOW), REGION, NOW)
        for number in (0, 1, 2, 4, 5, 6, 3):
            assert watch.deliver(number) is not None
        first, anew = sorted(store.events(), key=lambda event: event.window_end)
        assert (first.state, anew.split_from, anew.window_start) == (EventState.REFUTED, first.id, day(3))
        assert first.storm != quake.storm == anew.storm
        (frozen,) = store.reference(anew.id, anew.comparable).values()
        assert [name.split("s2-")[1][0] for name in frozen] == ["2", "1", "0"], "none from after it"
