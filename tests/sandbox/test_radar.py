"""What the simulated radar measures, on ground and geometry that are known."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.sandbox.backscatter import Conditions, RadarGround, gamma_naught, make_radar_ground, under_water
from monitor.sandbox.cover import Cover, LandCover, grow_cover
from monitor.sandbox.fields import farm
from monitor.sandbox.frame import place_frame, stream
from monitor.sandbox.radar import ASCENDING, DESCENDING, Track, View, make_view, sense, speckle
from monitor.sandbox.scars import fail_slopes
from monitor.sandbox.terrain import Relief, build_relief, pixel_centres

SEED, SIDE = 3, 384
_T = TypeVar("_T", bound=np.generic)
RIM = 40
"""Pixels at the edge of the padded frame that the radar sees without their surroundings."""
LOOKS = 10


@pytest.fixture(scope="module")
def relief() -> Relief:
    """Hills of a 384 px frame."""
    return build_relief(place_frame(SEED, SIDE), SEED)


@pytest.fixture(scope="module")
def cover(relief: Relief) -> LandCover:
    """What grows on them."""
    return grow_cover(place_frame(SEED, SIDE), relief, SEED)


@pytest.fixture(scope="module")
def ground(relief: Relief, cover: LandCover) -> RadarGround:
    """What the radar meets on them."""
    return make_radar_ground(cover, fail_slopes(place_frame(SEED, SIDE), relief, cover, SEED), relief, SEED)


@pytest.fixture(scope="module")
def dry(cover: LandCover) -> Conditions:
    """A calm date before the storm."""
    crops = farm(cover.parcels, cover.kind == Cover.FIELD, SEED, 1, 0)[0]
    return Conditions(crops=crops, wetness=0.2, wind_m_s=2.0, offset_db=0.0, storm_days=None)


@pytest.fixture(scope="module")
def views(relief: Relief, cover: LandCover) -> dict[Track, View]:
    """Both tracks' geometry."""
    return {track: make_view(track, relief, cover.canopy_m, SEED) for track in (ASCENDING, DESCENDING)}


def passes(view: View, ground: RadarGround, now: Conditions, name: str) -> NDArray[np.float32]:
    """(LOOKS, 2, H, W) gamma naught of as many passes under the same conditions, without the rim."""
    level = gamma_naught(ground, now, view.tilt_deg)
    seen = [sense(view, level, stream(SEED, f"{name} {number}")) for number in range(LOOKS)]
    return np.stack(seen)[..., RIM:-RIM, RIM:-RIM]


def decibels(power: NDArray[np.float32]) -> float:
    """Of the mean power."""
    return float(10.0 * np.log10(power.mean()))


def inner(array: NDArray[_T]) -> NDArray[_T]:
    """Without the rim."""
    return array[..., RIM:-RIM, RIM:-RIM]


def plane(relief: Relief, slope: float, track: Track) -> Relief:
    """An even slope that rises away from the radar of a track (negative: falls away), m/m."""
    x, y = pixel_centres(relief.elevation_m.shape[0], 10.0)
    look = np.radians(track.look_deg)
    height = slope * (x * np.sin(look) - y * np.cos(look))
    south, east = np.gradient(height, 10.0)
    return replace(relief, elevation_m=height.astype(np.float32), east=east, north=-south)


def test_levels_by_cover_are_those_of_real_scenes(
    views: dict[Track, View], ground: RadarGround, dry: Conditions, cover: LandCover
) -> None:
    """Mean VV and VH of forest, fields and the river lie where Sentinel-1 sees them in temperate hills."""
    seen = passes(views[ASCENDING], ground, dry, "levels")
    kind = inner(cover.kind)
    allowed = {
        Cover.BROADLEAF: ((-9.5, -7.3), (-15.5, -13.3)),
        Cover.CONIFER: ((-10.5, -8.3), (-16.5, -14.3)),
        Cover.FIELD: ((-12.5, -9.0), (-19.5, -15.5)),
        Cover.GRAVEL: ((-13.5, -10.0), (-21.0, -17.0)),
    }
    for one, ranges in allowed.items():
        for band, (low, high) in enumerate(ranges):
            assert low < decibels(seen[:, band, kind == one]) < high, (one, band)
    forest, water = (seen[:, 1, kind == one] for one in (Cover.BROADLEAF, Cover.WATER))
    assert decibels(water) < decibels(forest) - 5.0


def test_forest_has_the_looks_of_the_product(views: dict[Track, View], ground: RadarGround, dry: Conditions) -> None:
    """The equivalent number of looks of gentle forest, from pass to pass, is about the 4.4 that the items state."""
    kind = inner(ground.cover.kind)
    for track, view in views.items():
        seen = passes(view, ground, dry, f"looks {track.relative_orbit}")
        forest = np.isin(kind, (Cover.BROADLEAF, Cover.CONIFER)) & (np.abs(inner(view.tilt_deg)) < 15.0)
        for band in seen.transpose(1, 0, 2, 3):
            looks = (band.mean(axis=0)[forest] ** 2).mean() / band.var(axis=0, ddof=1)[forest].mean()
            assert 3.8 < looks < 5.0


def test_speckle_is_correlated_between_neighbours_only() -> None:
    """Speckle has mean 1; neighbours share some of it, pixels three apart, the other polarisation and dates do not."""
    first, second = speckle((400, 400), stream(1, "one")), speckle((400, 400), stream(1, "two"))
    assert first.mean() == pytest.approx(1.0, abs=0.01)
    a, b = first - 1.0, second - 1.0

    def alike(x: NDArray[np.float32], y: NDArray[np.float32]) -> float:
        return float((x * y).mean() / np.sqrt((x * x).mean() * (y * y).mean()))

    for axis in (0, 1):
        assert 0.45 < alike(a, np.roll(a, 1, axis)) < 0.7
        assert abs(alike(a, np.roll(a, 3, axis))) < 0.03
    assert abs(alike(a, b)) < 0.02


@pytest.mark.parametrize("track", [ASCENDING, DESCENDING])
@pytest.mark.parametrize("slope", [-0.5, -0.2, 0.0, 0.2, 0.5])
def test_terrain_is_flattened(relief: Relief, track: Track, slope: float) -> None:
    """Even slopes towards and away from the radar come out as bright as the ground on them is."""
    view = make_view(track, plane(relief, slope, track), np.zeros_like(relief.elevation_m), SEED)
    assert not inner(view.layover | view.shadow).any()
    ground = np.full((2, *relief.elevation_m.shape), 0.1, dtype=np.float32)
    middle = sense(view, ground, stream(SEED, "plane"))[:, 120:-120, 120:-120]
    assert 10.0 * np.log10(middle.mean() / 0.1) == pytest.approx(0.0, abs=0.35)


@pytest.mark.parametrize("track", [ASCENDING, DESCENDING])
def test_a_ridge_is_laid_over_in_front_and_dark_behind(relief: Relief, track: Track) -> None:
    """A ridge of 55 degree flanks: the flank that faces the radar is in layover, the far one in shadow, and dark."""
    x, y = pixel_centres(relief.elevation_m.shape[0], 10.0)
    look = np.radians(track.look_deg)
    away = x * np.sin(look) - y * np.cos(look)
    height = np.clip(300.0 - np.abs(away) * np.tan(np.radians(55.0)), 0.0, None)
    south, east = np.gradient(height, 10.0)
    ridge = replace(relief, elevation_m=height.astype(np.float32), east=east, north=-south)
    view = make_view(track, ridge, np.zeros_like(relief.elevation_m), SEED)
    lengthwise = np.abs(x * np.cos(look) + y * np.sin(look)) < 1000.0
    front, back = (lengthwise & (side > 40.0) & (side < 170.0) for side in (-away, away))
    assert view.layover[front].mean() > 0.95
    assert view.shadow[back].mean() > 0.95
    assert not view.layover[lengthwise & (away < -900.0)].any()
    ground = np.full((2, *relief.elevation_m.shape), 0.1, dtype=np.float32)
    seen = sense(view, ground, stream(SEED, "ridge"))
    assert seen[:, back].mean() < 0.03
    assert np.isfinite(seen).all()
    assert (seen >= 0.0).all()


def test_tracks_see_opposite_flanks(views: dict[Track, View], relief: Relief) -> None:
    """Flanks that face west are steep to the ascending radar, which looks east, and grazing to the descending one."""
    west, east = relief.east > 0.35, relief.east < -0.35
    assert views[ASCENDING].tilt_deg[west].mean() < -12.0 < 12.0 < views[ASCENDING].tilt_deg[east].mean()
    assert views[DESCENDING].tilt_deg[east].mean() < -12.0 < 12.0 < views[DESCENDING].tilt_deg[west].mean()
    assert relief.east[views[ASCENDING].layover].mean() > 0.3
    assert relief.east[views[DESCENDING].layover].mean() < -0.3


def test_facing_flanks_are_coarse(views: dict[Track, View], ground: RadarGround, dry: Conditions) -> None:
    """On flanks that face the radar, neighbours in range share a cell: they differ less than on flanks that do not."""
    view = views[ASCENDING]
    seen = passes(view, ground, dry, "coarse")[:, 0]
    mean = seen.mean(axis=0)
    deviation = seen / np.maximum(mean, 1e-6) - 1.0
    alike = (deviation[:, :, 1:] * deviation[:, :, :-1]).mean(axis=0)
    tilt = inner(view.tilt_deg)[:, 1:]
    assert alike[tilt < -15.0].mean() > 1.15 * alike[tilt > 10.0].mean()


@pytest.mark.parametrize("track", [ASCENDING, DESCENDING])
def test_scars_lose_their_trees(views: dict[Track, View], ground: RadarGround, dry: Conditions, track: Track) -> None:
    """VH of larger scars falls by a decibel and more after the storm; VV goes either way; the rest stays."""
    after = replace(dry, storm_days=1.2, wetness=0.9)
    before_db, after_db = (
        10.0 * np.log10(np.maximum(passes(views[track], ground, now, name).mean(axis=0), 1e-6))
        for name, now in (("pre", dry), ("post", after))
    )
    change = after_db - before_db
    forest = np.isin(inner(ground.cover.kind), (Cover.BROADLEAF, Cover.CONIFER)) & (inner(ground.scar) == 0)
    assert np.abs(np.median(change[:, forest], axis=1)).max() < 0.7
    change -= np.median(change[:, forest], axis=1)[:, None, None]
    large = [scar for scar in ground.scars.each if scar.area_ha >= 0.5]
    falls = np.array([change[:, scar.rows - RIM, scar.columns - RIM].mean(axis=1) for scar in large])
    assert np.median(falls[:, 1]) < -1.5
    assert (falls[:, 1] < -1.0).mean() > 0.75
    assert np.ptp(falls[:, 0]) > 1.0
    assert np.median(falls[:, 0]) > np.median(falls[:, 1]) + 1.0


def test_wet_soil_shines(ground: RadarGround, dry: Conditions) -> None:
    """Soaked ground is brighter by decibels on fields and by tenths in forest."""
    flat = np.zeros(ground.cover.kind.shape, dtype=np.float32)
    ratio = gamma_naught(ground, replace(dry, wetness=1.2), flat) / gamma_naught(ground, dry, flat)
    rise = 10.0 * np.log10(ratio)
    kind = ground.cover.kind
    assert 1.5 < np.median(rise[0, kind == Cover.FIELD]) < 4.0
    assert 0.1 < np.median(rise[0, kind == Cover.CONIFER]) < 1.0


def test_floods_are_dark_and_recede(ground: RadarGround, dry: Conditions) -> None:
    """Standing water spreads beyond the river, is darker than the fields it covers, and is gone within a week."""
    wide, narrow = under_water(ground, 1.0), under_water(ground, 3.0)
    river = ground.cover.kind == Cover.WATER
    assert wide.sum() > narrow.sum() > river.sum()
    assert not under_water(ground, 7.0).any()
    flat = np.zeros(ground.cover.kind.shape, dtype=np.float32)
    level = gamma_naught(ground, replace(dry, storm_days=1.0), flat)
    drowned = wide & (ground.cover.kind == Cover.FIELD)
    assert decibels(level[0, drowned]) < decibels(gamma_naught(ground, dry, flat)[0, drowned]) - 5.0


def test_water_answers_to_the_wind(ground: RadarGround, dry: Conditions) -> None:
    """A breeze roughens the river; nothing else takes notice."""
    flat = np.zeros(ground.cover.kind.shape, dtype=np.float32)
    ratio = gamma_naught(ground, replace(dry, wind_m_s=8.0), flat) / gamma_naught(ground, dry, flat)
    water = ground.cover.kind == Cover.WATER
    assert 10.0 * np.log10(ratio[0, water]).mean() == pytest.approx(6.0, abs=0.1)
    assert ratio[:, ~water] == pytest.approx(1.0)
