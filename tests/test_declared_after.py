"""An event that is declared after looks were processed: what they found is weighed anew, and nothing is told twice."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from monitor.adapters.store.views import Chosen
from monitor.core import declared
from monitor.core.lifecycle import DECLARED
from monitor.records import Declaration, DeclarationKind, EventState
from tests.order_world import NOW, REGION, TILE, Fragile, Kept, Watch, day
from tests.test_acquisition_order import Told, told

AT = day(1) + timedelta(days=1)
WEAK = (
    "0022222",  # stays changed, and settles
    "0022-22",  # the same under a cloud
    "0020000",  # changed on one day
    "00-2-22",  # shown first by the look after
    "0011111",  # an alert whatever was declared
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all its tables."""
    path = tmp_path_factory.mktemp("declared") / "empty.db"
    with closing(Fragile(f"sqlite:///{path}")) as store:
        store.upgrade()
    return path


def _declare(store: Fragile) -> Declaration:
    quake = declared.Told(at=AT, geometry=None, kind=DeclarationKind.EARTHQUAKE, name="", by="mori")
    return store.declare(quake.of(REGION.id, declared.DeclaredSettings(), NOW), REGION, NOW)


@contextmanager
def _watch(empty: Path, series: tuple[str, ...]) -> Iterator[Watch]:
    """One that has seen the ground twice before the event."""
    path = empty.with_name("season.db")
    shutil.copy(empty, path)
    with closing(Fragile(f"sqlite:///{path}")) as store:
        watch = Watch(store=store, kept=Kept(), series=series)
        _deliver(watch, 0, 1)
        yield watch


def _deliver(watch: Watch, *numbers: int) -> None:
    for number in numbers:
        assert watch.deliver(number) is not None


def _heard(watch: Watch) -> list[tuple[str | None, object]]:
    return [(entry.event_id, entry.payload["reason"]) for entry in watch.store.outbox()]


@contextmanager
def _season(empty: Path, order: Sequence[int | None]) -> Iterator[tuple[Watch, Declaration]]:
    """All looks come, and the event is declared at None."""
    with _watch(empty, WEAK) as watch:
        at = order.index(None)
        _deliver(watch, *(number for number in order[:at] if number is not None))
        quake = _declare(watch.store)
        _deliver(watch, *(number for number in order[at:] if number is not None))
        yield watch, quake


@pytest.fixture(scope="module")
def before(empty: Path) -> list[Told]:
    """How the season ends when the event was declared before any look came."""
    with _season(empty, (None, 2, 3, 4, 5, 6)) as (watch, quake):
        assert watch.store.weighed_anew(quake) == ()
        return sorted(map(told, watch.store.events()))


@pytest.mark.parametrize(
    ("order", "anew"),
    [
        ((2, None, 3, 4, 5, 6), 3),
        ((2, 3, 4, 5, 6, None), 0),
        ((4, 3, None, 2, 6, 5), 2),
    ],
)
def test_look_or_declaration_first_ends_alike(
    empty: Path, before: list[Told], order: tuple[int | None, ...], anew: int
) -> None:
    """Same events, states, tiers, windows and evidence; people hear how each ended, and once that it opened."""
    with _season(empty, order) as (watch, quake):
        events, outbox, became = watch.store.events(), watch.store.outbox(), watch.store.weighed_anew(quake)
    assert sorted(map(told, events)) == before
    assert len(became) == anew
    assert {event.storm for event in events if event.id in became} <= {quake.storm}
    heard = {entry.event_id: entry.payload["state"] for entry in outbox}
    assert {event.state for event in events if event.id not in heard} <= {EventState.REFUTED}
    assert all(heard[event.id] == event.state for event in events if event.id in heard)
    openings = [entry.event_id for entry in outbox if entry.payload["previous"] in (None, "candidate")]
    assert len(openings) == len(set(openings)), "nobody hears twice that an alert opened"


def test_processing_again_adds_what_was_too_small(empty: Path) -> None:
    """What was kept is an alert at once, and stays that one; what was too small opens when its look is judged again."""
    with _watch(empty, ("0022222", "0033333")) as watch:
        _deliver(watch, 2)
        (kept,) = watch.store.events()
        assert (kept.state, _heard(watch)) == (EventState.CANDIDATE, [])
        quake = _declare(watch.store)
        assert watch.store.weighed_anew(quake) == (kept.id,)
        assert _heard(watch) == [(kept.id, DECLARED)]
        chosen = Chosen(region=REGION.id, tiles=(TILE,), since=AT)
        assert watch.store.judged_again(chosen, REGION.history_before(NOW)) == 1
        assert watch.store.reprocess(chosen, NOW, REGION.history_before(NOW)) == ("s2-2_v1",)
        _deliver(watch, 2)
        (small,) = [event for event in watch.store.events() if event.id != kept.id]
        assert _heard(watch) == [(kept.id, DECLARED), (small.id, "change-found")]
        assert {event.storm for event in watch.store.events()} == {quake.storm}
        _deliver(watch, 3)
        assert {event.state for event in watch.store.events()} == {EventState.CONFIRMED}


def test_declared_while_the_look_is_judged(empty: Path) -> None:
    """The look knows nothing of it; what it opens is weighed where it is written."""
    with _watch(empty, ("0022222",)) as watch:
        complete = watch.store.complete

        def declared_first(*written: Any) -> bool:
            _declare(watch.store)
            return complete(*written)

        with patch.object(watch.store, "complete", declared_first):
            _deliver(watch, 2)
        (event,) = watch.store.events()
        assert _heard(watch) == [(event.id, DECLARED)]
        assert event.storm == "valley-earthquake-20260507"


def test_what_has_ended_stays_ended(empty: Path) -> None:
    """Seen again, then as before: refuted. Declared in time it would have been confirmed, and asked of more looks."""
    with _watch(empty, ("0022011",)) as watch:
        _deliver(watch, 2, 3, 4)
        (ended,) = watch.store.events()
        heard = _heard(watch)
        quake = _declare(watch.store)
        assert watch.store.events() == [ended]
        assert (_heard(watch), watch.store.weighed_anew(quake)) == (heard, ())
