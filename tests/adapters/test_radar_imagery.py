"""Radar backscatter on the grid, from real files of every awkward kind."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pyproj import Transformer

from monitor.adapters.catalog.items import radar_kind, scene_item
from monitor.adapters.radar_imagery import RadarImageSource
from monitor.core.grid import tile_geobox
from monitor.errors import BadItem
from monitor.records import Asset, Bands, PixelState, SceneItem, Sensor
from tests.adapters.scene_files import SIDE_PX, TILE, scene, write_tif

Array = NDArray[np.float32]
BOTH = ("vv", "vh")
NODATA, VALID = PixelState.NODATA, PixelState.VALID


def speckle(seed: int = 1, side: int = SIDE_PX) -> Array:
    """Power of one ground, no two pixels alike."""
    return np.random.default_rng(seed).gamma(4.0, 0.05, (side, side)).astype(np.float32) + np.float32(0.001)


def a_pass(folder: Path, name: str, bands: Mapping[str, Array], nodata: float | None = -32768.0) -> SceneItem:
    """An item with these polarisations; `nodata` is what the metadata say."""
    assets = {
        band: Asset(href=write_tif(folder / f"{name}-{band}.tif", pixels), nodata=nodata)
        for band, pixels in bands.items()
    }
    return scene(assets, name, Sensor.SAR)


def read(*items: SceneItem, bands: tuple[str, ...] = BOTH) -> Bands:
    """The tile of a pass."""
    return RadarImageSource().read(items, bands, TILE)


def on_tile(pixels: Array) -> Array:
    """Of 320 x 320 pixels those of the tile."""
    return pixels[32:288, 32:288]


def test_power_is_read_as_it_is(tmp_path: Path) -> None:
    """Linear power of both polarisations, pixel by pixel, whatever scale the metadata of other bands would have."""
    vv, vh = speckle(1), speckle(2)
    bands = read(a_pass(tmp_path, "a", {"vv": vv, "vh": vh}))
    np.testing.assert_array_equal(bands.pixels.values, np.stack([on_tile(vv), on_tile(vh)]))
    assert (bands.state == VALID).all()
    assert (list(bands.pixels.band.values), bands.mask_source) == (["vv", "vh"], "radar")
    assert bands.pixels.odc.geobox == tile_geobox(TILE)


@pytest.mark.parametrize("nothing", [0.0, -0.0, -0.004, -32768.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("band", BOTH)
def test_what_is_not_positive_is_no_observation(nothing: float, band: str, tmp_path: Path) -> None:
    """Border zeros, noise below zero, nodata, NaN: of one polarisation hidden in both; nothing around it changes."""
    power = {"vv": speckle(1), "vh": speckle(2)}
    power[band][132:152, 40:60] = nothing
    bands = read(a_pass(tmp_path, "a", power))
    hole = np.zeros((256, 256), bool)
    hole[100:120, 8:28] = True
    assert ((bands.state == NODATA) == hole).all()
    assert (np.isnan(bands.pixels.values) == hole).all()
    assert (bands.pixels.values[:, ~hole] > 0).all()


def test_nodata_of_the_file_counts_where_the_metadata_are_silent(tmp_path: Path) -> None:
    """A file that says 9999 has holes there, positive or not."""
    power = speckle()
    power[132:152] = 9999.0
    href = write_tif(tmp_path / "a.tif", power, nodata=9999.0)
    bands = read(scene({"vv": Asset(href=href)}, "a", Sensor.SAR), bands=("vv",))
    assert (bands.state[100:120] == NODATA).all()
    assert (bands.state[:100] == VALID).all()


def test_two_slices_side_by_side(tmp_path: Path) -> None:
    """Each slice is zero where the other begins: together they have no gap and no mixed pixel, in any order."""
    whole = {"vv": speckle(1), "vh": speckle(2)}
    north, south = ({name: power.copy() for name, power in whole.items()} for _ in range(2))
    for name in BOTH:
        north[name][150:] = 0.0
        south[name][:150] = 0.0
    items = [a_pass(tmp_path, "s1", north), a_pass(tmp_path, "s2", south)]
    for order in (items, items[::-1]):
        bands = read(*order)
        assert (bands.state == VALID).all()
        np.testing.assert_array_equal(bands.pixels.values, np.stack([on_tile(whole[name]) for name in BOTH]))


def test_two_bursts_that_overlap(tmp_path: Path) -> None:
    """Where both show the ground the first by id counts, in both polarisations: nothing is averaged, in any order."""
    first, second = ({"vv": speckle(seed), "vh": speckle(seed + 1)} for seed in (1, 5))
    for name in BOTH:
        first[name][180:] = np.nan
        second[name][:140] = np.nan
    items = [a_pass(tmp_path, "burst-1", first, np.nan), a_pass(tmp_path, "burst-2", second, np.nan)]
    for order in (items, items[::-1]):
        seen = read(*order).pixels.values
        for place, name in enumerate(BOTH):
            np.testing.assert_array_equal(seen[place, :148], on_tile(first[name])[:148])
            np.testing.assert_array_equal(seen[place, 148:], on_tile(second[name])[148:])


def test_a_gap_in_one_polarisation_is_filled_by_the_other_burst_in_both(tmp_path: Path) -> None:
    """No pixel has VV of one burst and VH of another."""
    first, second = ({"vv": speckle(seed), "vh": speckle(seed + 1)} for seed in (1, 5))
    first["vh"][100:200, 100:200] = 0.0
    seen = read(a_pass(tmp_path, "burst-1", first), a_pass(tmp_path, "burst-2", second)).pixels.values
    for place, name in enumerate(BOTH):
        np.testing.assert_array_equal(seen[place, 68:168, 68:168], on_tile(second[name])[68:168, 68:168])
        np.testing.assert_array_equal(seen[place, :68], on_tile(first[name])[:68])


def test_coarse_pixels_are_repeated_and_not_smoothed(tmp_path: Path) -> None:
    """30 m stay 30 m: blocks of three by three alike, no value that the file does not have."""
    power = speckle(side=108)
    href = write_tif(tmp_path / "opera.tif", power, resolution=30.0)
    seen = read(scene({"vv": Asset(href=href)}, "a", Sensor.SAR), bands=("vv",)).pixels.values[0]
    np.testing.assert_array_equal(seen, np.repeat(np.repeat(power, 3, axis=0), 3, axis=1)[32:288, 32:288])


def test_a_pass_of_another_zone(tmp_path: Path) -> None:
    """Warped by the nearest pixel: every value is one of the file's, zeros stay nothing, and ground is where it is."""
    west, south, east, north = tile_geobox(TILE, 0).boundingbox.bbox
    to_zone = Transformer.from_crs("EPSG:32633", "EPSG:32632", always_xy=True)
    x, y = to_zone.transform((west + east) / 2, (south + north) / 2)
    power = speckle(side=600)
    power[280:320, 280:320] = 0.0
    href = write_tif(tmp_path / "west.tif", power, crs="EPSG:32632", corner=(x - 3000.0, y + 3000.0))
    bands = read(scene({"vv": Asset(href=href)}, "a", Sensor.SAR), bands=("vv",))
    seen = bands.pixels.values[0]
    assert np.isin(seen[np.isfinite(seen)], power).all()
    assert (bands.state[115:141, 115:141] == NODATA).all()
    assert 1500 < (bands.state == NODATA).sum() < 1700
    assert (bands.state[:95] == VALID).all()


def masked(folder: Path, mask: NDArray[np.uint8], **properties: object) -> SceneItem:
    """An item of OPERA with its mask layer, as a catalog lists it."""
    hrefs = {
        "VV": write_tif(folder / "vv.tif", speckle(1)),
        "VH": write_tif(folder / "vh.tif", speckle(2)),
        "mask": write_tif(folder / "mask.tif", mask, nodata=255),
    }
    outline = [[[14.9, 46.1], [15.2, 46.1], [15.2, 46.3], [14.9, 46.3], [14.9, 46.1]]]
    document = {
        "type": "Feature",
        "id": "OPERA_L2_RTC-S1_T137-292319-IW2",
        "collection": "OPERA_L2_RTC-S1_V1",
        "geometry": {"type": "Polygon", "coordinates": outline},
        "properties": {
            "datetime": "2024-06-01T05:00:00Z",
            "sat:relative_orbit": 137,
            "sat:orbit_state": "descending",
            **properties,
        },
        "assets": {name: {"href": href} for name, href in hrefs.items()},
    }
    found = scene_item(document, catalog="here", collection="", href="/item.json", kind=radar_kind(()))
    assert isinstance(found, SceneItem)
    return found


@pytest.mark.parametrize("properties", [{}, {"processing:version": "1.0"}], ids=["plain", "with a version"])
def test_the_mask_layer_of_opera(properties: dict[str, object], tmp_path: Path) -> None:
    """0 is ground, 1 shadow, 2 layover, 3 both, 255 and what nobody defined nothing, whatever else is listed."""
    values = [0, 1, 2, 3, 255, 7]
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for place, value in enumerate(values):
        mask[:, 32 + 40 * place : 72 + 40 * place] = value
    bands = read(masked(tmp_path, mask, **properties))
    states = [set(np.unique(bands.state[:, 40 * place : 40 * place + 40]).tolist()) for place in range(6)]
    assert states == [
        {VALID}, {PixelState.RADAR_SHADOW}, {PixelState.LAYOVER}, {PixelState.LAYOVER}, {NODATA}, {NODATA},
    ]  # fmt: skip
    assert (bands.state[:, 240:] == VALID).all()


def test_beyond_the_mask_layer_is_no_observation(tmp_path: Path) -> None:
    """Where the producer says nothing of the ground nothing is known of its shadow."""
    bands = read(masked(tmp_path, np.zeros((SIDE_PX, 160), np.uint8)))
    assert (bands.state[:, :128] == VALID).all()
    assert (bands.state[:, 128:] == NODATA).all()


def test_blind_ground_of_one_burst_is_seen_by_the_next(tmp_path: Path) -> None:
    """Layover of one burst gives way to an observation of another; between layover and nothing layover stays."""
    (tmp_path / "other").mkdir()
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    mask[132:152] = 2
    power = {"vv": speckle(5), "vh": speckle(6)}
    for band in power.values():
        band[:, :160] = 0.0
    state = read(masked(tmp_path, mask), a_pass(tmp_path / "other", "z", power)).state
    assert (state[100:120, :128] == PixelState.LAYOVER).all()
    assert (state[100:120, 128:] == VALID).all()


def test_one_polarisation_is_read_alone(tmp_path: Path) -> None:
    """A pass of VV has VV; asked for more it is a bad item with the asset named."""
    power = speckle()
    item = a_pass(tmp_path, "a", {"vv": power})
    np.testing.assert_array_equal(read(item, bands=("vv",)).pixels.values, on_tile(power)[None])
    with pytest.raises(BadItem, match="vh") as caught:
        read(item)
    assert caught.value.reason == "missing-asset"
