"""What was not observed is counted in the background, and never shown when it may hide what happened since."""

import threading
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from monitor.core.geojson import Json
from monitor.errors import StoreBusy
from monitor.web.coverage import CoverageBoard
from monitor.web.showing import unseen

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Watched:
    """A count that says when it was made, and can fail; and a clock that can be set."""

    def __init__(self) -> None:
        self.now = NOON
        self.fails = False
        self.board = CoverageBoard(self.count, lambda: self.now)

    def count(self) -> dict[str, Json]:
        """Of one region."""
        if self.fails:
            raise StoreBusy("gone", item="database", remedy="Start it")
        return {"atsuma": {"counted": f"{self.now:%H:%M}"}}

    def read(self) -> object:
        """What is told of the region."""
        return self.board.read(("atsuma",))["atsuma"]


@pytest.fixture
def watched() -> Watched:
    """Counted at noon."""
    one = Watched()
    one.read()
    one.board.wait(5)
    return one


def test_the_last_count_is_shown_while_another_is_made(watched: Watched) -> None:
    """For half an hour nobody waits."""
    assert watched.read() == {"counted": "12:00"}
    watched.now = NOON + timedelta(minutes=20)
    watched.board.read(("atsuma",))
    watched.board.wait(5)
    assert watched.read() == {"counted": "12:20"}


@pytest.mark.parametrize("later", [50 * HOUR, -50 * HOUR], ids=["a weekend later", "the clock was set back"])
def test_an_old_count_is_never_shown(watched: Watched, later: timedelta) -> None:
    """Who looks first after the weekend sees how it stands on Monday."""
    watched.now = NOON + later
    assert watched.read() == {"counted": f"{watched.now:%H:%M}"}


def test_a_count_that_fails_is_told_when_the_last_one_is_too_old(watched: Watched) -> None:
    """Not what was well once."""
    watched.fails = True
    watched.now = NOON + HOUR
    assert "the database cannot be reached now" in str(watched.read())
    watched.fails = False
    watched.now += HOUR
    assert watched.read() == {"counted": "14:00"}


def test_what_needs_no_count_is_told_before_there_is_one() -> None:
    """The first page after a start says that the watch is not well, while the tiles are counted; and anew each time."""
    count, now, reason = threading.Event(), [NOON], ["no scene"]

    def slow() -> dict[str, Json]:
        assert count.wait(20)
        return {"atsuma": {"counted": True}}

    board = CoverageBoard(slow, lambda: now[0], lambda: {"atsuma": {"troubles": [{"told": reason[0]}]}})
    before = board.number
    first = board.read(("atsuma", "storm"))
    try:
        assert first["storm"] == {"unknown": "it is being counted: ask again in a minute"}
        assert first["atsuma"] == first["storm"] | {"troubles": [{"told": "no scene"}]}
        assert board.number > before, "what was made without them is out of date"
        (storm, shown) = reversed(unseen(first))
        assert (shown.trouble, storm.trouble) == ("atsuma: the watch is not well. no scene", "")
    finally:
        count.set()
        board.wait(5)
    assert board.read(("atsuma",)) == {"atsuma": {"counted": True}}


def test_troubles_that_cannot_be_read_are_a_failure_that_is_told() -> None:
    """Nobody waits for them longer than it takes to fail."""

    def fails() -> dict[str, Json]:
        raise StoreBusy("gone", item="database", remedy="Start it")

    board = CoverageBoard(dict, lambda: NOON, fails)
    board.read(("atsuma",))
    board.wait(5)
    (told,) = board.read(("atsuma",)).values()
    assert str(cast("Json", told)["unknown"]).startswith("database: the database cannot be reached now")
