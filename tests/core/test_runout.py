"""Where debris could go: laws of the method on made-up ground, and its numbers on plain slopes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.bearing import compass
from monitor.core.canvas import canvases
from monitor.core.grid import project
from monitor.core.runout import Flow, downhill_deg, flow_down, reach_angle_deg, runout, told
from monitor.records import Tile

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

TANGENT = math.tan(math.radians(20.0))
SHAPE = (60, 60)


def slope(degrees: float, towards: str = "S") -> Array:
    """A plane that falls to the south, or to another side, on 10 m cells."""
    down = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]][0] * 10.0
    plane = (1000.0 - math.tan(math.radians(degrees)) * down).astype(np.float32)
    turned: Array = np.rot90(plane, ["S", "E", "N", "W"].index(towards)).copy()
    return turned


def patch(row: int = 10, column: int = 30, side: int = 5) -> Mask:
    """A square of changed ground."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[row : row + side, column - side // 2 : column - side // 2 + side] = True
    return mask


rough = arrays(np.float32, (24, 24), elements=st.floats(0, 120, width=32, allow_nan=False), fill=st.nothing())
sources = arrays(np.bool_, (24, 24), elements=st.booleans(), fill=st.just(False))


def hills_of(noise: Array) -> Array:
    """Hills, with hollows among them, that fall to the south."""
    hills: Array = ndimage.gaussian_filter(noise, 1.5) * np.float32(4.0)
    falling = 6.0 * np.arange(24, 0, -1)[:, None]
    return np.asarray(hills + falling, dtype=np.float32)


@given(rough, sources)
@settings(max_examples=40)
def test_it_never_goes_up(noise: Array, source: Mask) -> None:
    """Every pixel that is reached has a higher neighbour that is reached or is a source, up to the source."""
    ground = hills_of(noise)
    flow = flow_down(ground, source, TANGENT)
    assert not (flow.reached & source).any()
    there = np.pad(np.where(flow.reached | source, ground, -np.inf), 1, constant_values=-np.inf)
    highest = np.max(
        [there[1 + y : 25 + y, 1 + x : 25 + x] for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)], axis=0
    )
    assert (highest[flow.reached] > ground[flow.reached]).all()
    if flow.reached.any():
        assert ground[flow.reached].max() < ground[source].max()
        assert 0 < flow.drop_m <= ground[source].max() - ground[flow.reached].min() + 1e-3


@given(rough, sources)
@settings(max_examples=30)
def test_mirrored_ground_gives_the_mirrored_runout(noise: Array, source: Mask) -> None:
    """Neither left nor right, nor the order of work, makes a difference; nor does asking twice."""
    ground = hills_of(noise)
    flow, again = flow_down(ground, source, TANGENT), flow_down(ground, source, TANGENT)
    mirrored = flow_down(ground[:, ::-1], source[:, ::-1], TANGENT)
    turned = flow_down(ground.T, source.T, TANGENT)
    for other, reached in ((again, again.reached), (mirrored, mirrored.reached[:, ::-1]), (turned, turned.reached.T)):
        assert np.array_equal(flow.reached, reached)
        assert (flow.length_m, flow.drop_m) == pytest.approx((other.length_m, other.drop_m))
        assert flow.complete == other.complete


@given(rough, sources, st.floats(10, 30), st.floats(0.5, 8))
@settings(max_examples=30)
def test_a_lower_angle_of_reach_goes_at_least_as_far(noise: Array, source: Mask, degrees: float, less: float) -> None:
    """What a larger landslide reaches includes what a smaller one does."""
    ground = hills_of(noise)
    near, far = (
        flow_down(ground, source, math.tan(math.radians(angle))).reached for angle in (degrees, degrees - less)
    )
    assert not (near & ~far).any()


def test_it_stops_at_the_angle_of_reach() -> None:
    """From a slope of 35° onto a gentle one of 5°: the line from the start to the end has the angle of reach."""
    steep = slope(35.0)[:20]
    gentle = steep[-1] - np.float32(10 * math.tan(math.radians(5.0))) * np.arange(1, 41, dtype=np.float32)[:, None]
    ground = np.concatenate([steep, gentle]).astype(np.float32)
    band = np.zeros(SHAPE, dtype=bool)
    band[4:9] = True
    flow = flow_down(ground, band, TANGENT)
    # The head of the source is what reaches farthest; the way is counted from its foot, 40 m on.
    fall_m = float(ground[4, 30] - ground[8, 30]) + flow.drop_m
    assert flow.length_m > 200
    assert fall_m / (flow.length_m + 40.0) == pytest.approx(TANGENT, abs=0.01)


def test_slopes_below_the_angle_carry_nothing() -> None:
    """On a slope of 10° debris that could go on at 20° only stays where it is."""
    flow = flow_down(slope(10.0), patch(), TANGENT)
    assert (flow.length_m, flow.drop_m, flow.complete) == (0.0, 0.0, True)
    assert not flow.reached.any()


def test_a_hollow_stops_it() -> None:
    """It never climbs out of a hollow."""
    ground = slope(30.0)
    ground[30:, :] = ground[29, 0] + 5.0
    flow = flow_down(ground, patch(), TANGENT)
    assert not flow.reached[30:].any()
    assert flow.reached[29].any()


@pytest.mark.parametrize("unknown", [slice(30, None), slice(30, 33)])
def test_unknown_ground_is_said(unknown: slice) -> None:
    """Where elevation ends, in the middle or at the rim, it does not pretend to be complete."""
    ground = slope(30.0)
    ground[unknown] = np.nan
    flow = flow_down(ground, patch(), TANGENT)
    assert not flow.complete
    assert flow.reached[:30].any()
    assert not flow.reached[30:].any()
    assert not flow_down(slope(30.0)[:20], patch()[:20], TANGENT).complete


def test_a_channel_keeps_it_together() -> None:
    """A valley gathers what an open slope spreads."""
    valley = slope(30.0) + np.abs(np.arange(60) - 30.0).astype(np.float32) * 12.0
    width = [_width(flow_down(ground, patch(), TANGENT)) for ground in (slope(30.0), valley)]
    assert width[0] > 2 * width[1]


def test_an_open_slope_spreads_it_a_little() -> None:
    """From one pixel on a slope of 30° it is 130 m wide after 300 m, not a cone of 45° and not a line."""
    one = np.zeros(SHAPE, dtype=bool)
    one[5, 30] = True
    reached = flow_down(slope(30.0), one, TANGENT).reached
    assert [int(reached[5 + rows].sum()) for rows in (1, 5, 10, 20, 30)] == [3, 7, 9, 11, 13]


def _width(flow: Flow) -> int:
    return int(flow.reached[45].sum())


def test_a_source_without_elevation_says_so() -> None:
    """Nothing is claimed of ground that nobody knows, nor of no ground at all."""
    flow = flow_down(np.full(SHAPE, np.nan, np.float32), patch(), TANGENT)
    assert (flow.length_m, flow.complete, int(flow.reached.sum())) == (0.0, False, 0)
    assert flow_down(slope(30.0), np.zeros(SHAPE, dtype=bool), TANGENT).complete


@pytest.mark.parametrize(("ha", "degrees"), [(0.1, 25.5), (1.0, 19.8), (10.0, 15.2), (100.0, 11.5)])
def test_angles_of_reach(ha: float, degrees: float) -> None:
    """Corominas (1996) with volumes of Guzzetti et al. (2009), worked out by hand."""
    assert reach_angle_deg(ha) == pytest.approx(degrees, abs=0.1)


@pytest.mark.parametrize("side", ["N", "E", "S", "W"])
def test_direction_downhill(side: str) -> None:
    """A slope that falls to a side has that direction."""
    degrees = downhill_deg(slope(30.0, side), patch(row=25))
    assert degrees is not None
    assert compass(degrees) == side


def test_a_ridge_has_no_direction() -> None:
    """Slopes that face every way have none, nor has level ground or ground that nobody knows."""
    cone = 500.0 - np.hypot(*(np.mgrid[0:60, 0:60] - 30.0)).astype(np.float32) * 10.0
    around = patch(row=28, side=5)
    for ground in (cone, np.zeros(SHAPE, np.float32), np.full(SHAPE, np.nan, np.float32)):
        assert downhill_deg(ground.astype(np.float32), around) is None
    assert downhill_deg(cone, np.zeros(SHAPE, dtype=bool)) is None


def test_the_record_and_its_words() -> None:
    """On a canvas: the outline lies below the source, in degrees, and the sentence names rule, way and drop."""
    tile = Tile(epsg=32654, column=220, row=1842)
    (canvas,) = canvases([tile])
    ground = np.full(canvas.shape, np.nan, np.float32)
    ground[:60, :60] = slope(30.0)
    source = np.zeros(canvas.shape, dtype=bool)
    source[5:15, 25:35] = True
    found, area = runout(ground, source, canvas, 1.0)
    assert area is not None
    assert found.area is not None
    assert project(found.area, 4326, tile.epsg).hausdorff_distance(area) < 0.01
    assert area.bounds[3] <= canvas.transform.f - 60.0
    assert (found.compass, found.complete) == ("S", False)
    assert told(found) == (
        f"falls to the S; debris could go {found.length_m:.0f} m further, {found.drop_m:.0f} m lower (rule of thumb), "
        "and on where no elevation is known"
    )
    flat, nothing = runout(slope(0.0), patch(), canvas, 1.0)
    assert nothing is None
    assert told(flat) == "falls in several directions; debris hardly goes further (rule of thumb)"
