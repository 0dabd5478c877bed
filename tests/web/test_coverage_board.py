"""What was not observed is counted in the background, and never shown when it may hide what happened since."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.geojson import Json
from monitor.errors import StoreBusy
from monitor.web.coverage import CoverageBoard

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
    assert "Start it" in str(watched.read())
    watched.fails = False
    watched.now += HOUR
    assert watched.read() == {"counted": "14:00"}
