"""A thousand regions in one configuration: what asks the database grows with what there is to do, not with regions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.adapters.store.factories import LEASE, NOW, acquisition, result
from tests.upstream import VALLEY, Upstream, upstream

MANY = 200
NAMES = [f"r{number:03d}" for number in range(MANY)]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that any database is sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def queue(up: Upstream, *numbers: int) -> None:
    """Passes of these days wait in every region."""
    for name in NAMES:
        up.store.discover(name, [acquisition(number, region=name) for number in numbers], [], NOW)


def test_a_claim_asks_as_much_of_many_regions_as_of_one(tmp_path: Path) -> None:
    """Also where all of them have a queue, and while the next is looked for."""
    with upstream(tmp_path) as up:
        queue(up, 1, 2)
        with counted() as sent:
            entry = up.store.claim("me@1:1:1", LEASE, NOW, NAMES)
            following = up.store.following("me@1:1:1", NOW, NAMES)
        assert entry is not None
        assert following is not None
        assert (entry.acquisition.region, entry.acquisition.key) == ("r000", "optical-001")
        assert (following.acquisition.region, following.acquisition.key) == ("r001", "optical-001")
        assert len(sent) < 25, f"{len(sent)} statements"


def test_the_oldest_comes_first_whatever_region_it_is_of(tmp_path: Path) -> None:
    """History and others side by side, as it was when every region was asked by itself."""
    with upstream(tmp_path) as up:
        queue(up, 5, 7)
        up.store.discover("r150", [acquisition(3, region="r150")], [], NOW)
        up.store.discover("r020", [acquisition(1, region="r020")], [], NOW, history_before=NOW)
        taken = []
        for _ in range(4):
            entry = up.store.claim("me@1:1:1", LEASE, NOW, NAMES)
            assert entry is not None
            taken.append((entry.acquisition.region, entry.acquisition.key))
            up.store.complete(entry.acquisition, "me@1:1:1", result(), NOW)
        assert taken == [
            ("r150", "optical-003"),
            ("r000", "optical-005"),
            ("r001", "optical-005"),
            ("r002", "optical-005"),
        ]


def test_a_poll_asks_of_each_region_a_few_things(tmp_path: Path) -> None:
    """However many passes are known of it."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        regions = {name: replace(VALLEY, id=name, fallback_catalogs=()) for name in NAMES[:20]}
        up.service.regions = regions
        up.lists(0, 5, 10, 15, 20)
        assert up.poll(21) == 100
        with counted() as sent:
            assert up.poll(21.5) == 0
        of_work = [one for one in sent if not one.startswith(("BEGIN", "PRAGMA"))]
        assert len(of_work) / len(regions) < 8, f"{len(of_work)} statements"
