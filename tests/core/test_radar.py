"""The radar baseline: what counts as change in backscatter, and what must not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from monitor.core.change import AlertSettings
from monitor.core.radar import (
    LEAST_PASSES,
    BackscatterReference,
    build_backscatter_reference,
    coherent_change,
    compare_backscatter,
    least_area_ha,
)
from monitor.core.radar_fit import median

SETTINGS = AlertSettings()
BOTH = ("VV", "VH")
LOOKS = 12.0
TIMES = np.arange(8.0) * 12 * 86_400


def _ground(seed: int, size: int) -> np.ndarray:
    """(2, size, size) linear power of vegetated ground with smooth texture."""
    noise = np.random.default_rng(seed).normal(0, 1, (size, size))
    texture = ndimage.gaussian_filter(noise, 6) * 12
    return np.stack([10 ** ((-9 + texture) / 10), 10 ** ((-15.5 + texture) / 10)])


def _passes(seed: int, size: int, count: int = 9) -> np.ndarray:
    """(count, 2, size, size): the same ground again and again, with speckle."""
    speckle = np.random.default_rng([seed, 1]).gamma(LOOKS, 1 / LOOKS, (count, 2, size, size))
    return (_ground(seed, size) * speckle).astype(np.float32)


def _reference(power: np.ndarray, depth: int = 12) -> BackscatterReference:
    reference = build_backscatter_reference(power, TIMES[: len(power)], depth)
    assert reference is not None
    return reference


def _upsampled(power: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(power, 3, axis=-2), 3, axis=-1)


def _mask(change: np.ndarray, native_m: float = 10.0) -> np.ndarray:
    steep = np.full(change.shape, 20.0, np.float32)
    return coherent_change(change, steep, SETTINGS, native_m)


def _change(now: np.ndarray, before: BackscatterReference, native_m: float = 10.0) -> np.ndarray:
    slopes = np.ones(now.shape[-2:], bool)
    return compare_backscatter(now, before, slopes, native_m, BOTH[: len(now)]).layer.change


@given(decibels=st.tuples(st.floats(-8, 8), st.floats(-8, 8)))
@settings(max_examples=15)
def test_a_shift_of_the_whole_scene_is_no_change(decibels: tuple[float, float]) -> None:
    """Rain that lifts everything by some dB, by polarisation, is removed and reported."""
    power = _passes(1, 64)
    before = _reference(power[:8])
    slopes = np.ones((64, 64), bool)
    dry = compare_backscatter(power[8], before, slopes, 10.0, BOTH)
    factors = 10 ** (np.array(decibels, np.float32) / 10)[:, None, None]
    wet = compare_backscatter(power[8] * factors, before, slopes, 10.0, BOTH)
    assert np.abs(wet.layer.change - dry.layer.change).max() < 0.25
    for band in (0, 1):
        assert wet.shift_db[band] - dry.shift_db[band] == pytest.approx(decibels[band], abs=0.1)


@pytest.mark.parametrize("slopes_seen", [0, 5, 100])
def test_a_pass_that_shows_few_slopes_is_compared(slopes_seen: int) -> None:
    """Too few for levels of the ground (a small region, slopes under snow): the shift is one number, 0 of none."""
    power = _passes(1, 64)
    slopes = np.zeros((64, 64), bool)
    slopes.ravel()[2_000 : 2_000 + slopes_seen] = True
    found = compare_backscatter(power[8] * np.float32(2.0), _reference(power[:8]), slopes, 10.0, BOTH)
    assert np.isfinite(found.layer.change).all()
    assert found.shift_db[1] == pytest.approx(3.0 if slopes_seen else 0.0, abs=0.75)


@given(order=st.permutations(range(8)))
@settings(max_examples=15)
def test_the_order_of_the_passes_does_not_matter(order: list[int]) -> None:
    """A late pass gives the same reference as one in time, and the depth keeps the newest ones."""
    power = _passes(2, 16, 8)
    power[3, :, 4:6] = np.nan
    straight = build_backscatter_reference(power, TIMES, 5)
    mixed = build_backscatter_reference(power[order], TIMES[order], 5)
    assert straight is not None
    assert mixed is not None
    for name in ("mean", "spread_db", "count", "last_seen_s"):
        np.testing.assert_allclose(getattr(mixed, name), getattr(straight, name), rtol=1e-6)
    newest = build_backscatter_reference(power[-5:], TIMES[-5:], 5)
    assert newest is not None
    np.testing.assert_allclose(straight.mean[:, 10:], newest.mean[:, 10:], rtol=0.01)


def test_what_was_not_observed_stays_unknown() -> None:
    """NaN, zero and negative power are no observation: in the look, in all passes, or in too many of them."""
    power = _passes(3, 48)
    power[8, 0, 0:4] = np.nan
    power[8, 1, 8:12] = 0.0
    power[8, 1, 16:20] = -1e-5
    power[:8, 0, 24:28] = np.nan
    power[: 8 - LEAST_PASSES + 1, 1, 32:36] = 0.0
    before = _reference(power[:8])
    change = _change(power[8], before)
    for top in (0, 8, 16, 24, 32):
        assert np.isnan(change[top : top + 4]).all(), top
    assert np.isfinite(change[40:]).all()
    assert before.count[24:28].max() == 0
    assert np.isnan(before.mean[:, 24:28]).all()
    assert np.isnan(before.last_seen_s[24:28]).all()
    assert (before.last_seen_s[40:] == TIMES[7]).all()


def test_without_a_single_look_there_is_no_reference() -> None:
    """Border zeros alone are no reference, and few passes are one that does not speak."""
    assert build_backscatter_reference(np.zeros((3, 2, 8, 8), np.float32), TIMES[:3]) is None
    few = _passes(4, 32)
    assert np.isnan(_change(few[8], _reference(few[: LEAST_PASSES - 1]))).all()
    assert np.isfinite(_change(few[8], _reference(few[:LEAST_PASSES]))).all()


@pytest.mark.parametrize("wet_db", [0.0, 3.0])
def test_half_a_canvas_that_slid_is_found(wet_db: float) -> None:
    """A disaster that changes half of what is seen by -4 dB in VH is change there, in dry and in wet weather."""
    power = _passes(5, 192)
    now = power[8] * np.float32(10 ** (wet_db / 10))
    now[1, :, :96] *= np.float32(10**-0.4)
    change = _change(now, _reference(power[:8]), 10.0)
    mask = _mask(change)
    halves = mask[:, :90].mean(), mask[:, 102:].mean()
    # Under rain nobody can say which half moved, but that one did must be said.
    assert max(halves) > 0.8
    if wet_db == 0.0:
        assert halves[1] < 0.01, "the unchanged half is the one that is called unchanged"


_SIDE = 288
_UPHILL = np.repeat(np.linspace(0, 1, _SIDE, dtype=np.float32)[:, None], _SIDE, axis=1)


@pytest.mark.parametrize("slid_db", [-5.0, -3.0, 3.0])
@pytest.mark.parametrize(
    "slid",
    [_UPHILL >= 0.5, _UPHILL < 0.5, _UPHILL < 0.7, _UPHILL.T >= 0.5, abs(_UPHILL - 0.5) >= 0.25],
    ids=["upper half", "lower half", "seven tenths from below", "one flank", "top and foot"],
)
def test_a_change_of_half_a_valley_is_never_muted(slid: np.ndarray, slid_db: float) -> None:
    """Wherever the border runs, also along one height; nobody can say which half moved, but that one did must be."""
    power = _passes(11, _SIDE)
    now = power[8] * np.where(slid, np.float32(10 ** (slid_db / 10)), np.float32(1.0))
    mask = _mask(_change(now, _reference(power[:8])))
    assert max(mask[slid].mean(), mask[~slid].mean()) > 0.9


def test_a_flood_needs_a_slope_of_its_own_to_be_a_landslide() -> None:
    """Strong change on the flat beside a speck on a slope is no piece; debris below a failed slope is part of one."""
    change, slope = np.zeros((60, 60), np.float32), np.zeros((60, 60), np.float32)
    slope[:, 30:] = 25.0
    change[20:40, 22:30] = 9.0
    change[29:32, 30:34] = 3.0
    assert not coherent_change(change, slope, SETTINGS, 10.0).any()
    change[24:36, 30:38] = 5.0
    mask = coherent_change(change, slope, SETTINGS, 10.0)
    assert mask[20:40, 22:30].all()
    assert mask[24:36, 30:38].all()


@pytest.mark.parametrize("polarisations", [1, 2])
def test_speckle_alone_gives_no_cluster(polarisations: int) -> None:
    """Over many seeds, at both native sizes, with the fewest passes: nothing."""
    for seed in range(30):
        power = _passes(100 + seed, 64, LEAST_PASSES + 1)[:, :polarisations]
        before = _reference(power[:-1])
        assert not _mask(_change(power[-1], before)).any(), seed
        wide = _reference(_upsampled(power[:-1]))
        assert not _mask(_change(_upsampled(power[-1]), wide, 30.0), 30.0).any(), seed


@pytest.mark.parametrize(("bands", "decibels"), [((0,), (-5.0,)), ((0,), (5.0,)), ((0, 1), (0.0, -5.0))])
def test_a_scar_is_found_and_its_decibels_are_told(bands: tuple[int, ...], decibels: tuple[float, ...]) -> None:
    """Rise and fall alike, with VV alone or both."""
    power = _passes(6, 96)[:, list(bands)]
    now = power[8].copy()
    now[:, 40:55, 40:55] *= 10 ** (np.array(decibels, np.float32) / 10)[:, None, None]
    seen = compare_backscatter(now, _reference(power[:8]), np.ones((96, 96), bool), 10.0, BOTH[: len(bands)])
    mask = _mask(seen.layer.change)
    assert mask[42:53, 42:53].mean() > 0.9
    assert mask[:30].sum() == 0
    for band, changed in enumerate(decibels):
        assert np.nanmedian(seen.decibels[band, 44:51, 44:51]) == pytest.approx(changed, abs=0.7)


def test_native_pixels_of_30_m_count_once() -> None:
    """Laid out as nine pixels of 10 m each, 30 m data give the change of 30 m data, not of nine times the looks."""
    power = _passes(7, 64)
    # The same numbers as if the canvas itself were of native pixels.
    native = _change(power[8], _reference(power[:8]), 10.0)
    wide = _change(_upsampled(power[8]), _reference(_upsampled(power[:8])), 30.0)[1::3, 1::3]
    assert np.corrcoef(native.ravel(), wide.ravel())[0, 1] > 0.98
    assert wide.std() == pytest.approx(native.std(), rel=0.1)
    overcounted = _change(_upsampled(power[8]), _reference(_upsampled(power[:8])), 10.0)
    assert np.quantile(overcounted, 0.99) > 1.3 * np.quantile(wide, 0.99)


@pytest.mark.parametrize(("native_m", "hectares"), [(10.0, 0.12), (20.0, 0.48), (30.0, 1.08)])
def test_the_least_area_follows_the_native_pixel(native_m: float, hectares: float) -> None:
    """Twelve native pixels; a piece of one fewer is dropped, one of as many stays."""
    assert least_area_ha(native_m) == pytest.approx(hectares)
    step = round(native_m / 10)
    change = np.zeros((40 * step, 40 * step), np.float32)
    change[: 3 * step, : 4 * step] = 9.0
    change[20 * step : 31 * step, : 1 * step] = 9.0
    mask = _mask(change, native_m)
    assert mask[: 3 * step, : 4 * step].all()
    assert mask.sum() == 12 * step**2


def test_opposite_changes_side_by_side_stay_two() -> None:
    """Ground that rose beside ground that fell is two clusters before they are joined by distance."""
    power = _passes(8, 96)
    now = power[8].copy()
    now[:, 30:60, 30:45] *= np.float32(10**0.8)
    now[:, 30:60, 45:60] *= np.float32(10**-0.8)
    _, count = ndimage.label(_mask(_change(now, _reference(power[:8]))), structure=np.ones((3, 3)))
    assert count == 2


def test_a_point_target_is_no_cluster() -> None:
    """A ship, a crane or a parked lorry, 25 dB above the ground in one native pixel, does not fill its surroundings."""
    power = _passes(9, 64)
    now = power[8].copy()
    now[:, 30, 30] *= 300.0
    assert not _mask(_change(now, _reference(power[:8]))).any()


def test_rain_that_lifts_bare_ground_more_than_forest_is_no_change() -> None:
    """What the level of the ground explains is the scene's: dim fields rise by 2.2 dB, bright forest by 1 dB."""
    power = _passes(10, 128)
    fields = (slice(None), slice(0, 50))
    power[:, :, *fields] *= np.float32(10**-0.4)
    before = _reference(power[:8])
    wet = power[8] * np.float32(10**0.1)
    wet[:, *fields] *= np.float32(10**0.12)
    change = _change(wet, before)
    assert not _mask(change).any()
    assert np.median(change[:, 10:40]) < 1.5


def test_few_passes_are_drawn_to_the_tile() -> None:
    """With three passes the spread of a pixel varies less than its own three values would let it."""
    power = _passes(11, 64, 4)
    few = _reference(power[:3]).spread_db[1]
    own = (10 * np.log10(power[:3, 1])).std(axis=0, ddof=1)
    assert few.std() < 0.6 * own.std()
    assert np.median(few) == pytest.approx(10 / np.log(10) / np.sqrt(LOOKS), rel=0.15)


def test_the_edge_of_the_canvas_is_as_quiet_as_its_middle() -> None:
    """Ground beyond the edge is not made up, so that no pixel counts twice there and speckle stays as it is."""
    edge, middle = [], []
    for seed in range(12):
        power = _passes(200 + seed, 64)
        change = _change(power[8], _reference(power[:8]))
        edge.append(np.concatenate([change[:2].ravel(), change[-2:].ravel()]))
        middle.append(change[20:44].ravel())
    assert np.quantile(edge, 0.95) < 1.1 * np.quantile(middle, 0.95)


def test_what_a_piece_lacks_in_height_it_may_have_in_size() -> None:
    """The sum of change above the low threshold decides: a wide weak piece counts, a small one of that height not."""
    high, low = SETTINGS.radar_high, SETTINGS.radar_low
    change = np.zeros((60, 60), np.float32)
    weak = low + (high - low) / 3
    change[:4, :10] = weak
    change[20:24, :8] = weak
    change[40:43, :4] = high + 0.1
    mask = _mask(change)
    assert mask[:4, :10].all()
    assert not mask[20:24].any()
    assert mask[40:43, :4].all()


def test_older_passes_weigh_less() -> None:
    """Ground that was 3 dB brighter two years ago is compared mostly with what it was this spring."""
    power = _passes(13, 32)
    power[:4, :, :, :16] *= np.float32(2.0)
    times = np.concatenate([np.arange(4.0), 60.0 + np.arange(4.0)]) * 12 * 86_400
    aged, even = (build_backscatter_reference(power[:8], when) for when in (times, TIMES))
    assert aged is not None
    assert even is not None
    excess = [10 * np.log10(one.mean[1, :, :16].mean() / one.mean[1, :, 16:].mean()) for one in (aged, even)]
    assert excess[0] < excess[1] - 0.6


def test_bright_ground_is_not_observed() -> None:
    """A town 8 dB above the median shows no soil: NaN there, and numbers beside it."""
    power = _passes(14, 96)
    power[:, :, 20:40, 20:40] *= np.float32(10**0.8)
    change = _change(power[8], _reference(power[:8]))
    assert np.isnan(change[24:36, 24:36]).mean() > 0.6
    assert np.isfinite(change[60:]).mean() > 0.95


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 2), (2, 1)])
def test_native_pixels_are_found_wherever_they_start(top: int, left: int) -> None:
    """Tiles are no multiple of 30 m: the change is the same, shifted, whatever part of a native pixel is cut off."""
    power = _upsampled(_passes(15, 40))
    whole = _change(power[8], _reference(power[:8]), 30.0)
    cut = power[..., top:, left:]
    shifted = _change(cut[8], _reference(cut[:8]), 30.0)
    inner = (slice(12, -12), slice(12, -12))
    assert np.corrcoef(whole[top:, left:][inner].ravel(), shifted[inner].ravel())[0, 1] > 0.97
    steps = np.flatnonzero(np.diff(shifted[30]) != 0) + 1
    assert (steps % 3 == -left % 3).all()


@given(values=st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=40), repeat=st.integers(1, 900))
@settings(max_examples=60)
def test_the_quick_median_is_the_median(values: list[float], repeat: int) -> None:
    """Also of ties, of few values and of order."""
    many = np.tile(np.array(values, np.float32), repeat)
    for one in (many, np.sort(many)):
        assert median(one) == pytest.approx(float(np.median(many)), rel=1e-6, abs=1e-6)


def test_bands_must_match() -> None:
    """A dual-polarised look is not compared with a reference of one."""
    power = _passes(12, 16)
    with pytest.raises(ValueError, match="2 bands against 1"):
        _change(power[8], _reference(power[:8, :1]))
