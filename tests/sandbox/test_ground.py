"""Relief, cover, light and sky of the simulated valley, each on its own."""

from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.core.sun import Sun, sun_position
from monitor.sandbox.clouds import make_sky, place_sky
from monitor.sandbox.cover import Cover, LandCover, grow_cover
from monitor.sandbox.fields import Crop, farm
from monitor.sandbox.frame import fractal, place_frame, stream
from monitor.sandbox.optics import direct_light
from monitor.sandbox.scars import fail_slopes
from monitor.sandbox.terrain import Relief, build_relief

SEED = 3


@pytest.fixture(scope="module")
def relief() -> Relief:
    """Hills of a 384 px frame."""
    return build_relief(place_frame(SEED, 384), SEED)


@pytest.fixture(scope="module")
def cover(relief: Relief) -> LandCover:
    """What grows on them."""
    return grow_cover(place_frame(SEED, 384), relief, SEED)


def test_streams_are_apart() -> None:
    """Purposes and seeds have their own chance, also a seed and its negative; the same pair repeats."""
    draws = {stream(seed, name).integers(2**60) for seed in (1, -1, 2) for name in ("a", "b")}
    assert len(draws) == 6
    assert stream(1, "a").integers(2**60) in draws


def test_fractal_is_standard_and_periodic() -> None:
    """Noise has mean 0 and deviation 1, and joins at opposite edges as smoothly as inside."""
    noise = fractal(128, stream(0, "noise"), beta=4.0)
    assert noise.mean() == pytest.approx(0.0, abs=1e-4)
    assert noise.std() == pytest.approx(1.0, abs=1e-4)
    across_edge = np.abs(noise[0] - noise[-1]).mean()
    assert across_edge < 3 * np.abs(np.diff(noise, axis=0)).mean()


def test_floor_is_flat_and_hills_are_not(relief: Relief) -> None:
    """The valley floor is gentle, the hills are steep enough to fail and nowhere a wall, and rise above the floor."""
    assert np.quantile(relief.slope_deg[relief.outside_m < -30], 0.95) < 3.0
    hills = relief.slope_deg[relief.outside_m > 150]
    assert 14.0 < np.median(hills) < 28.0
    assert np.quantile(hills, 0.9) > 25.0
    assert np.quantile(hills, 0.999) < 55.0
    assert relief.elevation_m[relief.outside_m > 400].mean() > relief.elevation_m[relief.outside_m < 0].mean() + 60.0


def test_cover_follows_the_ground(relief: Relief, cover: LandCover) -> None:
    """Fields, river and gravel lie low and flat, forest holds the slopes, both kinds of it."""
    for kind in (Cover.FIELD, Cover.WATER, Cover.GRAVEL):
        assert (cover.kind == kind).sum() > 200
        assert np.quantile(relief.slope_deg[cover.kind == kind], 0.95) < 10.0
    steep = cover.kind[relief.slope_deg > 25]
    shares = np.bincount(steep, minlength=len(Cover)) / steep.size
    assert shares[Cover.BROADLEAF] + shares[Cover.CONIFER] > 0.85
    assert shares[Cover.CONIFER] > 0.05
    assert not (cover.flood & (cover.kind == Cover.WATER)).any()


def test_scars_keep_off_river_and_rock(relief: Relief, cover: LandCover) -> None:
    """No scar covers ground that is bright anyway, and none touches another."""
    scars = fail_slopes(place_frame(SEED, 384), relief, cover, SEED)
    assert len(scars.each) >= 10
    seen = np.zeros(cover.kind.shape, dtype=int)
    for scar in scars.each:
        assert not cover.flood[scar.rows, scar.columns].any()
        assert not np.isin(cover.kind[scar.rows, scar.columns], (Cover.WATER, Cover.GRAVEL, Cover.ROCK)).any()
        assert (scars.share[scar.rows, scar.columns] > 0.2).all()
        seen[scar.rows, scar.columns] += 1
    assert seen.max() == 1


def test_fields_are_tilled_in_the_storms_days(cover: LandCover) -> None:
    """At least three green fields of a hectare and more are bare in the first look after the storm."""
    fields = cover.kind == Cover.FIELD
    crops = farm(cover.parcels, fields, SEED, 3, 1)
    area_px = np.bincount(cover.parcels.field[fields], minlength=cover.parcels.count)
    green = np.isin(crops[2], (Crop.DENSE, Crop.YOUNG, Crop.GRASS))
    assert (green & (crops[3] == Crop.TILLED) & (area_px > 100)).sum() >= 3


def test_sun_stands_where_the_almanac_says() -> None:
    """At local noon of the June solstice at 46 N the sun is due south, 67.4 degrees high; two hours before, east."""
    noon = sun_position(datetime(2025, 6, 21, 11, 0, tzinfo=UTC), 15.0, 46.0)
    assert noon.elevation_deg == pytest.approx(67.4, abs=0.3)
    assert noon.azimuth_deg == pytest.approx(180.0, abs=1.0)
    morning = sun_position(datetime(2025, 6, 21, 9, 0, tzinfo=UTC), 15.0, 46.0)
    assert 100 < morning.azimuth_deg < 150


def test_light_falls_on_the_sunny_side(relief: Relief) -> None:
    """With the sun in the south, slopes to the south are brighter than slopes to the north; flat ground gets 1."""
    light = direct_light(relief, Sun(elevation_deg=50.0, azimuth_deg=180.0))
    assert light[relief.north < -0.3].mean() < 0.85
    assert light[relief.north > 0.3].mean() > 1.1
    assert light[relief.outside_m < -50].mean() == pytest.approx(1.0, abs=0.03)


def test_shadows_lie_away_from_the_sun() -> None:
    """The shadow is the cloud, displaced to the north-west when the sun stands in the south-east."""
    sky = make_sky(512, 0.15, Sun(elevation_deg=45.0, azimuth_deg=135.0), stream(1, "sky"))
    match = np.fft.ifft2(np.fft.fft2(sky.shadow) * np.conj(np.fft.fft2(sky.opacity))).real
    row, column = (int(i) for i in np.unravel_index(match.argmax(), match.shape))
    # North is up, so rows fall; clouds at 1100-2300 m throw their shadow as far at 45 degrees.
    north_px, west_px = 512 - row, 512 - column
    assert abs(north_px - west_px) <= 2
    assert 108 < np.hypot(north_px, west_px) < 232


def test_sky_drifts_until_the_ground_is_clear() -> None:
    """A sky finds a place where given ground is seen, and says how much of it."""
    sky = make_sky(256, 0.1, Sun(elevation_deg=55.0, azimuth_deg=150.0), stream(4, "sky"))
    grounds = [(np.array([40, 41, 42]), np.array([50, 51, 52])), (np.array([200, 201]), np.array([90, 91]))]
    placed, share = place_sky(sky, grounds, 1.0, stream(4, "place"))
    assert share == 1.0
    assert not placed.obstructed()[40:43, 50:53].diagonal().any()
    assert placed.opacity.sum() == pytest.approx(sky.opacity.sum(), rel=1e-4)
