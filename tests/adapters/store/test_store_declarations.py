"""Events that people declare, in the database; on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.store import SqlStore
from monitor.errors import Refused
from monitor.records import Declaration
from tests.adapters.store.factories import LEASE, acquisition, result
from tests.core.test_declared import GROUND, NOW, REGION, declaration


def test_a_declaration_is_kept_as_it_was_entered(store: SqlStore) -> None:
    """With who, when, where and what it eases; then who ended it."""
    one = store.declare(declaration(geometry=GROUND), REGION, NOW)
    assert store.declarations("atsuma") == [one]
    assert store.declarations("elsewhere") == []
    assert one.storm == "atsuma-earthquake-20180905"
    later = NOW + timedelta(days=1)
    assert store.end_declaration(one.id, "sato", later)
    assert not store.end_declaration(one.id, "mori", later), "it was over"
    assert store.declarations() == [replace(one, ended=later, ended_by="sato")]


def test_two_people_declare_the_same_at_once(store: SqlStore) -> None:
    """One of them is told that the other was faster, and who that was."""

    def enter(by: str) -> Declaration | str:
        try:
            return store.declare(replace(declaration(), by=by), REGION, NOW)
        except Refused as refused:
            return f"{refused.reason}: {refused.message}"

    with ThreadPoolExecutor(2) as both:
        done = list(both.map(enter, ["mori", "sato"]))
    (kept,) = [one for one in done if isinstance(one, Declaration)]
    (refused,) = [one for one in done if isinstance(one, str)]
    assert refused.startswith(f"already-declared: {kept.by} has declared it already")
    assert store.declarations() == [kept]


@pytest.mark.parametrize("ended", [False, True])
def test_its_region_is_claimed_first(store: SqlStore, ended: bool) -> None:
    """Before an older acquisition of another region, and within the region still in order of time."""
    shortly = NOW + timedelta(days=20)
    store.discover("abira", [acquisition(1, region="abira")], [], shortly)
    store.discover("atsuma", [acquisition(number) for number in (9, 7)], [], shortly)
    one = store.declare(declaration(), REGION, NOW)
    if ended:
        store.end_declaration(one.id, "mori", NOW + timedelta(days=1))
    claimed = store.claim("me@1:1:1", LEASE, shortly, ["abira", "atsuma"])
    assert claimed is not None
    first = claimed.acquisition.region, claimed.acquisition.key
    assert first == (("abira", acquisition(1).key) if ended else ("atsuma", acquisition(7).key))


@pytest.mark.parametrize("newer_is_done", [True, False])
def test_only_history_that_its_looks_are_compared_with_goes_first(store: SqlStore, newer_is_done: bool) -> None:
    """Years of backfill behind the watch of a declared region keep no other region waiting."""
    me, shortly = "me@1:1:1", NOW + timedelta(days=20)
    if newer_is_done:
        store.discover("atsuma", [acquisition(7)], [], shortly)
        assert store.claim(me, LEASE, shortly, ["atsuma"])
        assert store.complete(acquisition(7), me, result(), shortly)
    store.declare(declaration(), REGION, NOW)
    store.discover("abira", [acquisition(8, region="abira")], [], shortly)
    store.discover("atsuma", [acquisition(5)], [], shortly, history_before=acquisition(6).sensing_time)
    claimed = store.claim(me, LEASE, shortly, ["abira", "atsuma"])
    assert claimed is not None
    assert claimed.acquisition.region == ("abira" if newer_is_done else "atsuma")
