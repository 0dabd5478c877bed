"""One picture of a region with all its alerts."""

from dataclasses import replace

import numpy as np

from monitor.adapters.chips import patch
from monitor.adapters.overview import overview_picture
from monitor.core.grid import tile_geobox
from monitor.records import PixelState
from tests.adapters.test_picture import AFTER, TILE, hidden, make_event, make_look, outline, pixels, share


def test_an_overview_numbers_alerts_and_stripes_what_was_not_compared() -> None:
    """Ground without an earlier look is striped; order of events does not matter; none is fine."""
    geobox = tile_geobox(TILE)
    strong, weak = make_event(outline(500, 400), 20.0), replace(make_event(outline(200, 100), 2.0), id="weak")
    after = patch([make_look(TILE, AFTER, 0.2)], geobox)
    earlier = np.zeros(geobox.shape, dtype=np.uint8)
    earlier[:80] = PixelState.NODATA

    picture = overview_picture([strong, weak], after, geobox, title="Atsuma", earlier_state=earlier)
    swapped = overview_picture([weak, strong], after, geobox, title="Atsuma", earlier_state=earlier)
    empty = overview_picture([], after, geobox, title="Atsuma")

    assert picture == swapped
    assert share(pixels(picture), hidden(PixelState.NODATA).over) > 0.02
    assert share(pixels(empty), hidden(PixelState.NODATA).over) == 0
    assert pixels(empty).shape[1] == 1600


def test_the_legend_names_snow_where_it_cannot_be_told_from_cloud() -> None:
    """Without a cloud mask of the producer white ground may be either, and the legend says so."""
    geobox = tile_geobox(TILE)
    look = make_look(TILE, AFTER, 0.2)
    look.state[:80] = PixelState.CLOUD
    after = patch([look], geobox)
    told, untold = (overview_picture([], after, geobox, title="Atsuma", mask_source=source) for source in ("scl", "bw"))
    changed = np.flatnonzero((pixels(told) != pixels(untold)).any(axis=(1, 2)))
    assert changed.size
    assert changed.min() > pixels(told).shape[0] - 60, "only the legend, below the map"
