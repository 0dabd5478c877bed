"""Which alerts get a picture, and what it shows as the ground before."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from monitor.adapters.looks import LookFiles
from monitor.core.grid import neighbour, project, tile_polygon
from monitor.illustrating import LooksBefore, needs_picture
from monitor.records import (
    Event,
    EventState,
    Look,
    Observation,
    PixelState,
    Sensor,
    Tile,
    TileStats,
    Transition,
    Verdict,
)
from tests.adapters.test_picture import AFTER, TILE, make_event, make_look

MODEL = "m1"
EAST_OF, FAR = neighbour(TILE, 1, 0), neighbour(TILE, 5, 0)
DAY = timedelta(days=1)


class Kept:
    """Looks on disk, and the history that lists them."""

    def __init__(self, folder: Path) -> None:
        self.files = LookFiles(folder)
        self.folder = folder
        self.rows: list[Observation] = []

    def keep(self, tile: Tile, days: int, hidden: slice | None = None) -> None:
        """A look so many days before the event's first, with some columns under cloud."""
        when = AFTER - days * DAY
        look = replace(make_look(tile, when, 0.01 * days), acquisition_id=f"pass{days}_v1")
        if hidden is not None:
            look.state[:, hidden] = PixelState.CLOUD
        self.rows.append(row(look, self.files.write(look, MODEL), days))

    def looks_before(
        self, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> list[Observation]:
        """As the database answers."""
        rows = [one for one in self.rows if one.tile == tile and one.sensing_time < before]
        assert model_version in (MODEL, None)
        assert comparable == "optical"
        return sorted(rows, key=lambda one: one.sensing_time, reverse=True)[:limit]

    def shown(self, event: Event, *tiles: Tile, limit: int = 12) -> Mapping[Tile, int]:
        """How many days before the event the look of each tile was taken, in order."""
        found = LooksBefore(self, self.files, "optical", limit)(event, tiles)
        return {tile: (AFTER - look.sensing_time).days for tile, look in found.items()}


def row(look: Look, href: str, days: int) -> Observation:
    """The history of a kept look."""
    stats = TileStats(valid_fraction=1.0, cloud_fraction=0.0, mean=0.1, p95=0.2, spread=0.0, hazard_area_ha=0.0)
    return Observation(
        tile=look.tile,
        acquisition_key=f"pass{days}",
        acquisition_version="v1",
        sensing_time=look.sensing_time,
        sensor=Sensor.OPTICAL,
        relative_orbit=None,
        model_version=MODEL,
        stats=stats,
        look_href=href,
        decision="looked",
    )


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """An archive without looks."""
    return Kept(tmp_path)


def event(start_days: int = 5, reach_px: int = 40) -> Event:
    """An event of `reach_px` columns on either side of the border between two tiles, last seen without so long ago."""
    ground = tile_polygon(TILE).intersection(tile_polygon(EAST_OF)).buffer(reach_px * 10, cap_style="flat")
    outline = project(ground, TILE.epsg, 4326)
    return replace(make_event(outline), window_start=AFTER - start_days * DAY, window_end=AFTER, model_version=MODEL)


def test_the_newest_look_is_the_ground_before(kept: Kept) -> None:
    """A clear look at the start of the failure window; older ones are not needed, nor is the look of the event."""
    for days in (0, 5, 10):
        kept.keep(TILE, days)
        kept.keep(EAST_OF, days)
    assert kept.shown(event(), TILE, EAST_OF) == {TILE: 5, EAST_OF: 5}


def test_a_look_inside_the_window_may_show_the_change(kept: Kept) -> None:
    """Clouded over the event it says nothing of it, and its rim may show what failed."""
    for days in (2, 5):
        kept.keep(TILE, days)
        kept.keep(EAST_OF, days)
    assert kept.shown(event(), TILE, EAST_OF) == {TILE: 5, EAST_OF: 5}


def test_clouds_over_the_event_ask_for_an_older_pass_everywhere(kept: Kept) -> None:
    """A quarter of the event hidden in one tile: all tiles show the pass before, also those beside the event."""
    kept.keep(TILE, 5, slice(236, 256))
    kept.keep(EAST_OF, 5)
    kept.keep(FAR, 5)
    for tile in (TILE, EAST_OF, FAR):
        kept.keep(tile, 10)
    assert kept.shown(event(), FAR, TILE, EAST_OF) == {TILE: 10, EAST_OF: 10, FAR: 10}


def test_clouds_elsewhere_do_not_matter(kept: Kept) -> None:
    """What counts is the event's own ground."""
    kept.keep(TILE, 5, slice(0, 200))
    kept.keep(EAST_OF, 5, slice(60, 256))
    kept.keep(TILE, 10)
    kept.keep(EAST_OF, 10)
    assert kept.shown(event(), TILE, EAST_OF) == {TILE: 5, EAST_OF: 5}


def test_no_pass_shows_all_of_it(kept: Kept) -> None:
    """Each pass hides one half: the tile that the better pass hides shows another, and the order says which leads."""
    kept.keep(TILE, 5, slice(0, 256))
    kept.keep(EAST_OF, 5, slice(0, 4))
    kept.keep(TILE, 10, slice(246, 256))
    kept.keep(EAST_OF, 10, slice(0, 256))
    found = kept.shown(event(), TILE, EAST_OF)
    assert list(found.items()) == [(EAST_OF, 5), (TILE, 10)]


def test_a_tile_without_an_earlier_look_shows_what_there_is(kept: Kept) -> None:
    """Inside the window rather than nothing; never seen at all is left out."""
    kept.keep(TILE, 5)
    kept.keep(EAST_OF, 2)
    assert kept.shown(event(), TILE, EAST_OF, FAR) == {TILE: 5, EAST_OF: 2}


def test_a_lost_look_is_replaced_by_an_older_one(kept: Kept) -> None:
    """A file that is gone does not take the picture with it."""
    for days in (5, 10):
        kept.keep(TILE, days)
    (kept.folder / (kept.rows[0].look_href or "")).unlink()
    assert kept.shown(event(), TILE) == {TILE: 10}
    (kept.folder / (kept.rows[1].look_href or "")).write_bytes(b"II*")
    assert kept.shown(event(), TILE) == {}


def test_only_as_many_looks_are_read_as_needed(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """One per tile when the newest does, and once for all events."""
    for days in (5, 10, 15):
        kept.keep(TILE, days)
    read = LookFiles.read
    reads: list[str] = []

    def counted(files: LookFiles, href: str) -> Look:
        reads.append(href)
        return read(files, href)

    monkeypatch.setattr(LookFiles, "read", counted)
    before = LooksBefore(kept, kept.files, "optical", 12)
    assert np.isclose(before(event(), [TILE])[TILE].probability, 0.05, atol=1e-4).all()
    before(event(6), [TILE])
    assert len(reads) == 2
    assert before(event(), [TILE])[TILE].sensing_time == AFTER - 5 * DAY
    assert len(reads) == 2


def step(state: EventState) -> Transition:
    """A step of an event's life."""
    return Transition(at=AFTER, previous=None, state=state, reason="r", detail="", acquisition_id="a")


@pytest.mark.parametrize(
    ("states", "picture", "acquisition", "needed"),
    [
        ([EventState.CANDIDATE], None, "a", False),
        ([EventState.CANDIDATE, EventState.REFUTED], None, "a", False),
        ([EventState.PROVISIONAL], None, "a", True),
        ([EventState.PROVISIONAL], "alert.png", "a", True),
        ([EventState.PROVISIONAL], "alert.png", "b", False),
        ([EventState.PROVISIONAL], None, "b", True),
        ([EventState.CANDIDATE, EventState.PROVISIONAL, EventState.REFUTED], "alert.png", "a", True),
        ([EventState.PROVISIONAL, EventState.CLOSED], None, "b", True),
        ([EventState.PROVISIONAL, EventState.EXPIRED], "alert.png", "a", True),
    ],
)
def test_alerts_with_news_are_drawn(
    states: list[EventState], picture: str | None, acquisition: str, needed: bool
) -> None:
    """New, grown (no picture) or in a new state through the look at hand, also when it ends; candidates never."""
    made = replace(make_event(), state=states[-1], picture=picture, transitions=tuple(map(step, states)))
    assert needs_picture(made, acquisition) is needed


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("by", ["b", "c"])
def test_a_look_that_saw_nothing_draws_nothing(verdict: Verdict, by: str) -> None:
    """A word of this look on the ground is news, also without a new state; that it saw none of it is not."""
    made = make_event()
    piece = replace(made.evidence[0], acquisition_id=by, verdict=verdict)
    steps = (step(EventState.PROVISIONAL), replace(step(EventState.CONFIRMED), acquisition_id="a2"))
    alert = replace(made, picture="alert.png", transitions=steps, evidence=(*made.evidence, piece))
    news = verdict in (Verdict.SUPPORTS, Verdict.CONTRADICTS, Verdict.INCONCLUSIVE)
    assert needs_picture(alert, "b") is (news and by == "b")
