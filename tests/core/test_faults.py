"""What the ground cannot do is found; what weather, season and landslides do is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from monitor.core.faults import (
    SHIFT_PX,
    Fault,
    dark_levels,
    misregistered,
    not_linear_power,
    offset_fault,
    optical_matching,
    radar_limit_px,
    radar_matching,
    zero_filled,
)
from monitor.core.gaps import CELL_PX, Cells, empty_cells, filled_blocks
from monitor.core.registration import Matching, SceneShift, agreed_shift, patch_shifts
from monitor.records import PixelState

Array = NDArray[np.float32]
SIDE = 256
OPTICS = optical_matching(1)


def _colours(seed: int = 1) -> Array:
    """(3, 256, 256) reflectance of forest, fields and bare patches, red, green, blue."""
    rng = np.random.default_rng(seed)
    cover = ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 3)
    field = (cover > np.quantile(cover, 0.7)).astype(np.float32)
    shade = 1 + 0.25 * ndimage.gaussian_filter(rng.normal(0, 1, (SIDE, SIDE)), 8) * 16
    base = np.stack([0.03 + 0.12 * field, 0.05 + 0.07 * field, 0.03 + 0.03 * field])
    out = base * np.clip(shade, 0.4, 1.6) * rng.normal(1, 0.04, (3, SIDE, SIDE))
    return np.asarray(out, dtype=np.float32)


def _moved(image: Array, down: float, right: float) -> Array:
    return np.asarray(ndimage.shift(image, (down, right), order=1, mode="reflect"), dtype=np.float32)


def _scene(now: Array, before: Array, how: Matching = OPTICS) -> SceneShift | None:
    return agreed_shift([patch_shifts(now, before, how)], how)


@settings(max_examples=15)
@given(down=st.floats(-5, 5), right=st.floats(-5, 5), gain=st.floats(0.6, 1.6), haze=st.floats(0, 0.05))
def test_a_shift_is_measured_below_a_pixel_whatever_the_light(
    down: float, right: float, gain: float, haze: float
) -> None:
    """Any direction, scaled and hazed. What is hardly a pixel may count as none."""
    before = _colours().mean(axis=0)
    found = _scene(np.float32(gain) * _moved(before, down, right) + np.float32(haze), before)
    assert found is not None
    if np.hypot(down, right) >= SHIFT_PX:
        assert np.hypot(found.down_px - down, found.right_px - right) < 0.4
    else:
        assert found.length_px < SHIFT_PX + 0.4


@pytest.mark.parametrize(
    ("down", "right", "word"), [(-3, 0, "north"), (3, 0, "south"), (0, 3, "east"), (-2.2, -2.2, "north-west")]
)
def test_the_direction_and_the_metres_are_said(down: float, right: float, word: str) -> None:
    """Rows run south, columns east."""
    before = _colours().mean(axis=0)
    finding = misregistered(_scene(_moved(before, down, right), before), SHIFT_PX)
    assert finding is not None
    assert finding.fault is Fault.MISREGISTERED
    assert f" m {word} of earlier looks" in finding.detail
    assert any(f"{metres} m " in finding.detail for metres in (29, 30, 31, 32))


def test_clouds_hide_and_do_not_move() -> None:
    """Half of the tile hidden by blobs that lie elsewhere in either look: the rest tells."""
    before = _colours().mean(axis=0)
    cloud = ndimage.gaussian_filter(np.random.default_rng(3).normal(0, 1, (SIDE, SIDE)), 20)
    now = np.where(cloud > np.quantile(cloud, 0.6), np.float32(np.nan), _moved(before, 3, 0))
    found = _scene(now, before)
    assert found is not None
    assert found.down_px == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_valley_that_slid_has_not_moved(share: float) -> None:
    """Blobs of bare soil on any share of the ground: no fault by shift, and none by offset."""
    before = _colours()
    slid = ndimage.gaussian_filter(np.random.default_rng(4).normal(0, 1, (SIDE, SIDE)), 6)
    soil = np.array([0.19, 0.13, 0.09])[:, None, None] * np.random.default_rng(5).normal(1, 0.1, (3, SIDE, SIDE))
    now = np.where(slid > np.quantile(slid, 1 - share), soil, before).astype(np.float32)
    assert misregistered(_scene(now.mean(axis=0), before.mean(axis=0)), SHIFT_PX) is None
    assert offset_fault(dark_levels(now, before, np.ones((SIDE, SIDE), bool))) is None


def test_noise_has_no_say() -> None:
    """Two images that share nothing, and water without texture: no verdict."""
    one, other = _colours(1).mean(axis=0), _colours(2).mean(axis=0)
    assert misregistered(_scene(one, other), SHIFT_PX) is None
    still = np.full((SIDE, SIDE), 0.02, np.float32)
    assert misregistered(_scene(still, still), SHIFT_PX) is None
    assert _scene(np.full_like(still, np.nan), one) is None


def test_a_reference_blurred_by_a_shifted_look_convicts_nobody() -> None:
    """The mean of a right and a shifted look matches in two places: the right one stays where it is."""
    right = _colours().mean(axis=0)
    blurred = (right + _moved(right, 3, 0)) / 2
    assert misregistered(_scene(right, blurred), SHIFT_PX) is None


def test_one_tile_or_few_patches_convict_nobody() -> None:
    """Most of many tiles stay: one that moved is its own affair. Five patches are too few."""
    before = _colours().mean(axis=0)
    moved, still = (patch_shifts(_moved(before, down, 0), before, OPTICS) for down in (3, 0))
    assert misregistered(agreed_shift([moved, still, still], OPTICS), SHIFT_PX) is None
    assert misregistered(agreed_shift([moved[:5]], OPTICS), SHIFT_PX) is None
    assert misregistered(agreed_shift([moved, moved, still], OPTICS), SHIFT_PX) is not None


@pytest.mark.parametrize("native_m", [10.0, 30.0])
@pytest.mark.parametrize(("metres", "fault"), [(0.0, False), (30.0, True)])
def test_speckle_does_not_hide_30_m(native_m: float, metres: float, fault: bool) -> None:
    """A pass of few looks against the mean of many, 5 dB up."""
    rng = np.random.default_rng(6)
    step = round(native_m / 10)
    ground = 10 ** (ndimage.gaussian_filter(rng.normal(0, 1, (400, 400)), 3) * 1.6 - 1.2)
    passes = [ground * rng.gamma(looks, 1 / looks, ground.shape) for looks in (4.4 * step, 50)]
    now = np.roll(passes[0], round(metres / native_m), axis=0)
    wide = [np.kron(power, np.ones((step, step)))[:SIDE, :SIDE] for power in (now, passes[1])]
    decibels = [(10 * np.log10(power)).astype(np.float32) for power in wide]
    found = _scene(decibels[0] + 5.0, decibels[1], radar_matching(native_m))
    assert (misregistered(found, radar_limit_px(native_m)) is not None) == fault


def _levels(gain: float = 1.0, added: tuple[float, float, float] = (0, 0, 0)) -> tuple[Array, Array]:
    before = _colours()
    return (before * gain + np.array(added)[:, None, None]).astype(np.float32), before


EVERYWHERE = np.ones((SIDE, SIDE), bool)


@pytest.mark.parametrize(
    ("gain", "added", "fault"),
    [
        (1.0, (0.1, 0.1, 0.1), Fault.OFFSET_MISSING),
        (1.3, (0.1, 0.1, 0.1), Fault.OFFSET_MISSING),
        (1.0, (-0.1, -0.1, -0.1), Fault.OFFSET_DOUBLED),
        (0.8, (-0.1, -0.1, -0.1), Fault.OFFSET_DOUBLED),
        (1.3, (0, 0, 0), None),
        (0.7, (0, 0, 0), None),
        (0.9, (0.02, 0.04, 0.07), None),  # haze: more in blue
        (0.9, (0.05, 0.05, 0.05), None),  # thin cirrus
        (1.0, (0.12, 0.06, 0.03), None),  # soil everywhere
        (1.0, (0.2, 0.2, 0.2), None),
    ],
)
def test_an_offset_adds_the_same_to_all_bands(
    gain: float, added: tuple[float, float, float], fault: Fault | None
) -> None:
    """Dropped or applied twice it is found under any sun; what sun, haze and soil do is not."""
    now, before = _levels(gain, added)
    finding = offset_fault(dark_levels(now, before, EVERYWHERE))
    assert (finding.fault if finding else None) == fault


def test_a_right_look_after_one_without_offset_is_not_at_fault() -> None:
    """It lies 0.1 below, as a doubled offset does, but is as dark as ground is."""
    now, before = _levels()
    assert offset_fault(dark_levels(now, before + np.float32(0.1), EVERYWHERE)) is None


@pytest.mark.parametrize(
    ("added", "fault"), [(0.0, None), (0.1, None), (-0.1, Fault.OFFSET_DOUBLED), (3.0, Fault.IMPOSSIBLE_REFLECTANCE)]
)
def test_without_earlier_looks_only_the_impossible_is_a_fault(added: float, fault: Fault | None) -> None:
    """Brighter by 0.1 may be haze, a desert or ash."""
    finding = offset_fault(dark_levels(_colours() + np.float32(added), None, EVERYWHERE))
    assert (finding.fault if finding else None) == fault


@pytest.mark.parametrize(
    ("scale", "fault"), [("power", False), ("decibels", True), ("amplitude", True), ("noise", False), ("few", False)]
)
def test_power_is_told_from_decibels_and_digital_numbers(scale: str, fault: bool) -> None:
    """By the median of what a file holds; noise removal leaves values around 0, and a sliver tells nothing."""
    power = np.random.default_rng(8).gamma(4.4, 0.02, (64, 64)).astype(np.float32)
    held = {
        "power": power,
        "decibels": 10 * np.log10(power),
        "amplitude": 1000 * np.sqrt(power),
        "noise": power - np.float32(0.09),
        "few": np.where(np.arange(64) < 2, np.float32(-15.0), np.float32(0.0)),
    }[scale]
    assert (not_linear_power(held) is not None) == fault


CELLS = 40


def _cells(missing: NDArray[np.bool_], before: bool = False) -> Cells:
    whole = np.ones((CELLS, CELLS), bool)
    return Cells(covered=whole, missing=missing, seen_before=whole & before)


def _hole(name: str) -> NDArray[np.bool_]:
    y, x = np.mgrid[:CELLS, :CELLS]
    return np.asarray(
        {
            "quadrant": (y < 20) & (x < 20),
            "stripe": (y >= 16) & (y < 24),
            "block inside": (y >= 10) & (y < 25) & (x >= 8) & (x < 28),
            "half": y < 20,
            "slanted edge": x < 18 + 0.25 * y,
            "swath corner": (x < 15 + 0.2 * y) | (y > 30 - 0.2 * x),
            "round lake": np.hypot(y - 20, x - 20) < 11,
            "small block": (y < 10) & (x < 10),
            "clear": np.zeros((CELLS, CELLS), bool),
        }[name]
    )


@pytest.mark.parametrize(
    ("name", "first", "again"),
    [
        ("quadrant", True, True),
        ("stripe", True, True),
        ("block inside", True, True),
        ("half", False, True),  # an upright edge through the region may be the end of a product
        ("slanted edge", False, False),
        ("swath corner", False, False),
        ("round lake", False, False),
        ("small block", False, False),
        ("clear", False, False),
    ],
)
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_filled_blocks_are_told_from_swath_edges(name: str, first: bool, again: bool, turns: int) -> None:
    """By shape alone, and where the same track has shown the ground before; from every side."""
    hole = np.rot90(_hole(name), turns)
    assert (zero_filled(filled_blocks(_cells(hole))) is not None) == first
    assert (zero_filled(filled_blocks(_cells(hole, before=True))) is not None) == again


def test_what_the_footprint_leaves_out_is_not_missing() -> None:
    """A hole counts only inside the declared footprint."""
    hole = _hole("quadrant")
    cells = Cells(covered=~hole, missing=hole, seen_before=~hole)
    assert filled_blocks(cells) is None


def test_empty_cells_hold_nothing_or_one_number() -> None:
    """No data, and a constant that is valid; a single pixel with another value makes it ground."""
    pixels = np.random.default_rng(9).normal(0.1, 0.01, (3, 64, 64)).astype(np.float32)
    state = np.full((64, 64), PixelState.VALID, np.uint8)
    state[:8, :8] = PixelState.NODATA
    pixels[:, 8:16, :16] = 0.05
    pixels[1, 12, 12] = 0.06
    state[16:24, :8], state[20, 3] = PixelState.NODATA, PixelState.VALID
    state[24:32, :8] = PixelState.CLOUD
    found = empty_cells(pixels, state)
    assert found.shape == (64 // CELL_PX, 64 // CELL_PX)
    assert {tuple(cell) for cell in np.argwhere(found)} == {(0, 0), (1, 0)}
