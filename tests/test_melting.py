"""Whether snow is about on what a pass of radar sees, by what optics saw."""

from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.core.water import Cover
from monitor.melting import Above, Melting, snow_is_about
from monitor.records import Tile
from tests.adapters.test_picture import make_look

TILES = [Tile(epsg=32633, column=column, row=2000) for column in (200, 201)]
LOOKS = {tile: make_look(tile, datetime(2026, 1, 1, tzinfo=UTC), 0.1) for tile in TILES}


def _cover(snow: float) -> Cover:
    """Snow on the first rows of a tile, by their share."""
    rows = np.repeat(np.arange(256)[:, None] / 256, 256, axis=1)
    return Cover(water=np.zeros((256, 256), bool), snow=rows < snow)


@pytest.mark.parametrize(
    ("cover", "about"),
    [
        ([_cover(0.0)] * 2, False),
        ([_cover(0.005), _cover(0.0)], False),
        ([_cover(0.05), _cover(0.0)], True),
        ([], False),
    ],
    ids=["none", "a bright roof", "snow on a ridge", "nothing ever seen"],
)
def test_snow_is_about_where_optics_saw_some(cover: list[Cover], about: bool) -> None:
    """Where they cannot tell, nobody knows of any."""
    assert snow_is_about(LOOKS, dict(zip(TILES, cover, strict=False)), 0.0) is about
    assert not snow_is_about({}, {}, 0.0)


@pytest.mark.parametrize(("most_snow", "about"), [(0.05, True), (0.01, False)])
def test_snow_may_come_again_in_its_season(most_snow: float, about: bool) -> None:
    """Also on ground that was seen free; a cloud that was once taken for snow makes no season."""
    assert snow_is_about(LOOKS, dict.fromkeys(TILES, _cover(0.0)), most_snow) is about


def test_it_is_told_with_its_line() -> None:
    """In the words of the ledger."""
    mask = np.ones((256, 256), bool)
    one, both = Above(tiles={TILES[0]: mask}, line_m=851.4), Above(tiles=dict.fromkeys(TILES, mask), line_m=720.0)
    none = Above(tiles={}, line_m=0.0)
    assert Melting(hidden=one, thawed=none).told() == (
        "; radar sees what looks like melting snow from 851 m up on 1 tile, and no ground there"
    )
    assert Melting(hidden=none, thawed=both).told() == (
        "; not compared from 720 m up on 2 tiles, where earlier passes look like melting snow"
    )
    assert Melting(hidden=one, thawed=both).told().count("; ") == 2
    assert Melting(hidden=none, thawed=none).told() == ""
