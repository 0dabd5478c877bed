"""Whether snow may lie on what a pass of radar sees, by what optics saw."""

from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.core.water import Cover
from monitor.melting import Above, Melting, snow_may_lie
from monitor.records import Tile
from tests.adapters.test_picture import make_look

TILES = [Tile(epsg=32633, column=column, row=2000) for column in (200, 201)]
LOOKS = {tile: make_look(tile, datetime(2026, 1, 1, tzinfo=UTC), 0.1) for tile in TILES}


def _cover(snow: float, free: float) -> Cover:
    """Snow on the first rows of a tile, and known free ground on the last, by their share."""
    rows = np.repeat(np.arange(256)[:, None] / 256, 256, axis=1)
    return Cover(water=np.zeros((256, 256), bool), snow=rows < snow, free=rows >= 1.0 - free)


@pytest.mark.parametrize(
    ("cover", "may"),
    [
        ([_cover(0.0, 1.0), _cover(0.0, 1.0)], False),
        ([_cover(0.0, 1.0), _cover(0.0, 0.1)], False),
        ([_cover(0.0, 0.4), _cover(0.0, 0.4)], True),
        ([_cover(0.005, 0.9), _cover(0.0, 1.0)], False),
        ([_cover(0.05, 0.9), _cover(0.0, 1.0)], True),
        ([_cover(0.0, 1.0)], False),
        ([_cover(0.0, 0.9)], True),
        ([], True),
    ],
    ids=[
        "all free",
        "half of it free",
        "little seen lately",
        "a bright roof",
        "snow on a ridge",
        "one tile never seen",
        "less than half ever seen",
        "nothing ever seen",
    ],
)
def test_snow_may_lie_where_optics_saw_some_or_cannot_tell(cover: list[Cover], may: bool) -> None:
    """Half of the ground seen free of it lately, and hardly any anywhere, means that none is expected."""
    assert snow_may_lie(LOOKS, dict(zip(TILES, cover, strict=False)), 0.0) is may


@pytest.mark.parametrize(("most_snow", "may"), [(0.05, True), (0.01, False)])
def test_snow_may_come_again_in_its_season(most_snow: float, may: bool) -> None:
    """Also on ground that was seen free; a cloud that was once taken for snow makes no season."""
    assert snow_may_lie(LOOKS, dict.fromkeys(TILES, _cover(0.0, 1.0)), most_snow) is may


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
