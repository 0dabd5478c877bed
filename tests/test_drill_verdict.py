"""What is said of a painted scar that raised no alert."""

from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import box

from monitor.core.change import AlertSettings
from monitor.core.grid import TILE_PX
from monitor.core.implants import scar_at
from monitor.core.paint import Patch
from monitor.drill import Found
from monitor.drill.places import Painted
from monitor.drill.verdict import report_of
from monitor.records import Look, PixelState, Tile

TILE = Tile(epsg=32654, column=220, row=1842)
SHAPE = (TILE_PX, TILE_PX)
ALERTS = AlertSettings()


def painted(area_ha: float = 0.5) -> Painted:
    """A scar in the middle of a tile that falls to the south."""
    height = (1000.0 - 4.0 * np.arange(TILE_PX, dtype=np.float32))[:, None] * np.ones((1, TILE_PX), np.float32)
    nothing = Patch(epsg=TILE.epsg, row=0, column=0, weight=np.zeros((1, 1), np.float32), shows={})
    return Painted(
        number=1,
        tile=TILE,
        scar=scar_at(120, 128, area_ha, height),
        slope_deg=22.0,
        outline=box(564000, 4717000, 564100, 4717100),
        patch=nothing,
    )


def look(state: PixelState) -> Look:
    """A painted look, all of one state."""
    return Look(
        tile=TILE,
        acquisition_id="A_1",
        sensing_time=datetime(2026, 1, 5, tzinfo=UTC),
        probability=np.full(SHAPE, 0.1, np.float32),
        spread=np.zeros(SHAPE, np.float32),
        pixels=np.full((3, *SHAPE), 0.1, np.float32),
        state=np.full(SHAPE, state, np.uint8),
    )


def change(level: float) -> NDArray[np.float32]:
    """The same everywhere."""
    return np.full(SHAPE, level, np.float32)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (PixelState.CLOUD, "100% of it hidden: cloud, or taken for it"),
        (PixelState.SNOW, "100% of it hidden: snow"),
        (PixelState.LAYOVER, "100% of it hidden: radar layover"),
        (PixelState.VALID, "observed, and 100% of it has nothing to be compared with"),
        (None, "nothing of its tile was observed"),
    ],
)
def test_hidden_ground_is_no_fault_of_the_watch(state: PixelState | None, said: str) -> None:
    """What was not observed and compared is hidden, not missed, and by what."""
    layers = {"brightening": {TILE: change(np.nan)}}
    report = report_of(painted(), [], None if state is None else look(state), layers, 10.0, ALERTS)
    assert (report.found, report.observed, report.detail) == (Found.HIDDEN, 0.0, said)


@pytest.mark.parametrize(
    ("layer", "level", "area_ha", "native_m", "said"),
    [
        ("brightening", 0.2, 0.5, 10.0, "too weak: brightening 0.20 on average, 0.20 at most, and 0.50 is needed"),
        ("brightening", 0.9, 0.5, 10.0, "too small, too scattered or too level: brightening 0.90 on average"),
        ("brightening", 0.9, 0.05, 10.0, "smaller than the 0.10 ha that are needed: brightening 0.90"),
        ("backscatter-change", 6.0, 0.5, 30.0, "smaller than the 1.08 ha that are needed: change of the echo 6.00"),
        ("backscatter-change", 3.0, 2.0, 30.0, "too weak: change of the echo 3.00 on average, 3.00 at most"),
    ],
)
def test_a_miss_has_its_figures(layer: str, level: float, area_ha: float, native_m: float, said: str) -> None:
    """What was measured, and what would have been needed."""
    layers = {layer: {TILE: change(level)}}
    report = report_of(painted(area_ha), [], look(PixelState.VALID), layers, native_m, ALERTS)
    assert (report.found, report.observed) == (Found.MISSED, 1.0)
    assert report.detail.startswith(said)
