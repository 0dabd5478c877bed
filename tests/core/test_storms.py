"""Events that belong together."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import add_evidence
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.storms import group
from monitor.records import Event, Evidence
from tests.core.test_lifecycle_table import START, blank, series

SETTINGS = LifecycleSettings()


def _event(name: str, start: float, end: float, word: str = "O") -> Event:
    pieces = [one for one in series(word) if isinstance(one, Evidence)]
    event = add_evidence(blank(), pieces, SETTINGS)
    return replace(event, id=name, window_start=START + timedelta(days=start), window_end=START + timedelta(days=end))


def test_windows_with_a_day_in_common_are_one_storm() -> None:
    """However different the looks that show it: radar on the sixth, optics on the tenth."""
    early, late, other = group([_event("a", 0, 6), _event("b", 2, 10), _event("c", 7, 12)], [])
    assert early.storm == late.storm == "valley-storm-20240607"
    assert other.storm == "valley-storm-20240613"


def test_an_event_keeps_its_storm_and_joins_a_known_one() -> None:
    """Also one that was found an acquisition before."""
    (known,) = group([_event("a", 0, 6)], [])
    (later,) = group([_event("b", 5, 9)], [known])
    assert later.storm == known.storm
    assert group([replace(later, storm="kept")], [known])[0].storm == "kept"


def test_a_storm_is_known_by_its_first_sight() -> None:
    """Not by the last event that was found of it: what happened later is another one."""
    first, late = group([_event("a", 0, 6), _event("b", 2, 20)], [])
    assert first.storm == late.storm
    (fresh,) = group([_event("c", 18, 30)], [late, first])
    assert fresh.storm != first.storm
    (same,) = group([_event("d", 4, 10)], [late, first])
    assert same.storm == first.storm


def test_what_was_nothing_begins_no_storm() -> None:
    """A refuted event, and a candidate that was never an alert."""
    for word in ("OC", "o", "oC"):
        (known,) = group([_event("a", 0, 6, word)], [])
        (later,) = group([_event("b", 5, 9)], [known])
        assert later.storm != known.storm


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12)), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_events_does_not_matter(windows: list[tuple[int, int]], order: st.DataObject) -> None:
    """The same events are the same storms, and every storm's first day lies in all its windows."""
    events = [_event(f"e{number}", start, start + length) for number, (start, length) in enumerate(windows)]
    grouped = {event.id: event for event in group(events, [])}
    shuffled = [*events]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {event.id: event for event in group(shuffled, [])} == grouped
    for event in grouped.values():
        first = min(one.window_end for one in grouped.values() if one.storm == event.storm)
        assert event.window_start < first <= event.window_end
