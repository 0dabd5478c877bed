"""Documents that are kept."""

from datetime import timedelta
from functools import partial

import pytest
from starlette.requests import Request

from monitor.web.caching import Document, Shelf, answer, document
from tests.adapters.store.factories import NOW

SECOND = timedelta(seconds=1)


def test_times_of_a_document_rise_also_when_the_clock_is_set_back() -> None:
    """Who has an older one is never told that it is still so; the same content keeps its time."""
    shelf = Shelf(2)
    bodies = [(b"one", 0), (b"two", 0), (b"three", -2), (b"three", 5)]
    new = [document(body, "text/plain", NOW + hours * 3600 * SECOND) for body, hours in bodies]
    made = [shelf.get("feed", version, partial(new.__getitem__, version)) for version in range(4)]
    assert [(one.modified - NOW) / SECOND for one in made] == [0, 1, 2, 2]
    codes = [answer(_since(one), made[2], public=True).status_code for one in made[1:]]
    assert codes == [200, 304, 304]
    ahead = document(b"", "text/plain", NOW + 9 * SECOND)
    assert answer(_since(ahead), made[2], public=True).status_code == 200


def _since(one: Document) -> Request:
    said = answer(Request({"type": "http", "headers": []}), one, public=True).headers["last-modified"]
    return Request({"type": "http", "headers": [(b"if-modified-since", said.encode())]})


def test_what_cannot_be_made_leaves_nothing() -> None:
    """No lock is kept for it, however many ask."""
    shelf = Shelf(2)

    def fail() -> Document:
        raise KeyError("no such alert")

    for number in range(5):
        with pytest.raises(KeyError):
            shelf.get(number, 0, fail)
        shelf.get(("made", number), 0, lambda: document(b"x", "text/plain", NOW))
    assert not shelf._making
    assert len(shelf._kept) == 2
