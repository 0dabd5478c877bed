"""What people said of alerts, as the figure of precision counts it; on SQLite and on PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from monitor.adapters.store import Chosen, SqlStore
from monitor.core.events import add_evidence
from monitor.core.lifecycle import LifecycleSettings
from monitor.core.precision import Judged
from monitor.records import Action, ActionKind, AlertStatus, Event, Evidence, Tier, Verdict
from tests.adapters.store.factories import NOW, acquisition, day, event, evidence
from tests.adapters.store.test_store_events import process

Weight = Callable[[Evidence], Evidence]


def _opened(name: str, weight: Weight = lambda piece: piece, status: AlertStatus = AlertStatus.ACTUAL) -> Event:
    blank = replace(event(acquisition(1), name), evidence=(), transitions=(), status=status)
    return add_evidence(blank, [weight(evidence(acquisition(1), Verdict.OPENS))], LifecycleSettings())


def _weak(piece: Evidence) -> Evidence:
    return replace(piece, at_once=False)


def _rare(piece: Evidence) -> Evidence:
    return replace(piece, at_once=True, warning=True)


def _says(store: SqlStore, name: str, kind: ActionKind, reason: str = "", minutes: int = 0) -> None:
    at = NOW + timedelta(minutes=minutes)
    store.act(name, Action(at=at, by="officer", kind=kind, reason=reason), at)


def test_the_last_word_on_every_real_alert(store: SqlStore) -> None:
    """By the tier it had before people saw it; what was no alert, exercises and tests are left out."""
    process(
        store,
        acquisition(1),
        *(_opened(name) for name in ("confirmed", "dismissed", "both", "silent", "acknowledged")),
        _opened("warning", _rare),
        _opened("found", _weak),
        _opened("candidate", _weak),
        _opened("drill", status=AlertStatus.EXERCISE),
        _opened("made-up", status=AlertStatus.TEST),
    )
    for name in ("confirmed", "warning", "found", "drill", "made-up"):
        _says(store, name, ActionKind.CONFIRM)
    _says(store, "dismissed", ActionKind.DISMISS, "farming")
    _says(store, "both", ActionKind.DISMISS, "works")
    _says(store, "both", ActionKind.CONFIRM, minutes=5)
    _says(store, "acknowledged", ActionKind.ACKNOWLEDGE)
    found = store.judged(day(0))

    def sort(one: Judged) -> tuple[str, str]:
        return one.tier, str(one.landslide)

    said = [(one.tier, one.landslide) for one in sorted(found, key=sort)]
    watch = Tier.WATCH
    assert said == [(Tier.WARNING, True), (watch, False), *[(watch, None)] * 2, *[(watch, True)] * 2]
    assert {(one.region, one.seen) for one in found} == {("atsuma", day(1))}
    assert store.judged(day(2)) == []


def test_what_was_taken_back_counts_no_more(store: SqlStore) -> None:
    """An alert that rested on a faulty look says nothing of the alerts there are."""
    process(store, acquisition(1), _opened("E1"))
    assert len(store.judged(day(0))) == 1
    action = Action(at=NOW, by="officer", kind=ActionKind.ROLL_BACK, text="shifted")
    store.roll_back(Chosen(region="atsuma", tiles=event(acquisition(1)).tiles, since=day(0)), action, NOW)
    assert store.judged(day(0)) == []
