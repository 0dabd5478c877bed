"""Landslide-free ground."""

import re
from pathlib import Path

import numpy as np
import pytest

from monitor.core.grid import tile_from_id, tile_geobox
from monitor.errors import BadAsset, ConfigError, InputFault
from training.datasets.chip_files import LabelCode, write_chip
from training.datasets.cutting import finish
from training.datasets.quiet import BANDS, CHIP_PX, SOURCES, chosen, file_of, load_quiet, quiet_manifests
from training.samples import STABLE, UNLABELLED, Samples


@pytest.mark.parametrize("place", SOURCES)
def test_a_missing_file_is_named(tmp_path: Path, place: str) -> None:
    """With the path that was looked for, and a way out."""
    file = tmp_path / file_of(place)
    with pytest.raises(BadAsset, match=re.escape(f"{file}: the quiet ground of {place} cannot be read")) as caught:
        load_quiet(tmp_path, [place])
    assert "Put the file there" in str(caught.value)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """No traceback of the format's reader."""
    file = tmp_path / file_of("slovenia")
    file.parent.mkdir(parents=True)
    file.write_text("no array")
    with pytest.raises(BadAsset, match=r"REFERENCE_SCENES\.npy: the quiet ground of slovenia"):
        load_quiet(tmp_path, ["slovenia"])


def test_an_unknown_place_is_refused_with_those_there_are(tmp_path: Path) -> None:
    """Before anything is read."""
    for ask in (load_quiet, chosen):
        with pytest.raises(ConfigError, match=r"no quiet ground of utopia.*belgium, slovenia, spain"):
            ask(tmp_path, ["utopia", "spain"])


def test_only_the_wanted_places_are_read(tmp_path: Path) -> None:
    """A drawn Slovenian series of two dates, where the files of the other places are missing."""
    file = tmp_path / file_of("slovenia")
    file.parent.mkdir(parents=True)
    np.save(file, np.full((2, 101, 100, 13), 0.1))
    samples = load_quiet(tmp_path, ["slovenia"])
    assert samples.groups.tolist() == ["slovenia"] * 2
    (manifest,) = quiet_manifests(tmp_path, ["slovenia"], samples)
    assert (list(manifest.files), manifest.chips) == ([file_of("slovenia")], 2)


@pytest.fixture(scope="module")
def quiet(data_folder: Path) -> Samples:
    """The real chips."""
    return load_quiet(data_folder)


def test_every_source_is_there(quiet: Samples, data_folder: Path) -> None:
    """Five Slovenian scenes, sixteen Spanish chips, ten Belgian months (two hold nothing but nodata)."""
    places, counts = np.unique(quiet.groups, return_counts=True)
    assert dict(zip(places.tolist(), counts.tolist(), strict=True)) == {"belgium": 10, "slovenia": 5, "spain": 16}
    (manifest,) = quiet_manifests(data_folder, (), quiet)
    assert (set(manifest.files), manifest.chips) == ({file_of(place) for place in SOURCES}, 31)


def test_all_chips_are_reflectance(quiet: Samples) -> None:
    """Whatever the unit of the source: ground is a few per cent to a third, clouds near one."""
    assert quiet.pixels.shape == (31, 3, CHIP_PX, CHIP_PX)
    for place in np.unique(quiet.groups):
        median = np.nanmedian(quiet.pixels[quiet.groups == place])
        assert 0.02 < median < 0.35, place


def test_only_observed_ground_is_labelled(quiet: Samples) -> None:
    """All of it stable; mirrored and missing pixels are not counted."""
    assert set(np.unique(quiet.labels)) == {UNLABELLED, STABLE}
    assert np.isfinite(quiet.pixels.transpose(1, 0, 2, 3)[:, quiet.labels == STABLE]).all()
    stable = {place: (quiet.labels[quiet.groups == place] == STABLE).sum() for place in ("slovenia", "spain")}
    assert stable["slovenia"] == 5 * 101 * 100
    assert stable["spain"] == 512 * 512
    belgium = quiet.labels[quiet.groups == "belgium"]
    assert (belgium[:, 100:] == UNLABELLED).all()
    assert (belgium[:, :, 100:] == UNLABELLED).all()


def cut_folder(folder: Path, event: str, tile: str = "UTM54N-0150-1842", landslide: bool = False) -> Path:
    """One cut chip of three bands whose north half was searched, hidden in one corner."""
    grid = tile_geobox(tile_from_id(tile))
    codes = np.zeros(grid.shape, np.uint8)
    codes[:128] = LabelCode.STABLE
    if landslide:
        codes[50, 50] = LabelCode.LANDSLIDE
    pixels = {band: np.full(grid.shape, value, np.float32) for band, value in zip(BANDS, (0.3, 0.2, 0.1), strict=True)}
    for band in pixels.values():
        band[:10, :10] = np.nan
    codes[:10, :10] = LabelCode.UNLABELLED
    write_chip(folder, tile, grid, pixels, codes, {"TILE": tile, "EVENT": event})
    finish(folder, BANDS, (), "drawn", "MIT")
    return folder


def test_cut_chips_are_quiet_ground_too(tmp_path: Path) -> None:
    """In chips of the wanted size, what was not searched or not seen unlabelled; bands by name."""
    cut_folder(tmp_path / "chips" / "alps", "alps")
    samples = load_quiet(tmp_path, ["chips/alps"], ("B03",))
    assert samples.pixels.shape == (4, 1, 128, 128)
    assert samples.groups.tolist() == ["alps"] * 4
    assert [(labels == STABLE).sum() for labels in samples.labels] == [128 * 128 - 100, 128 * 128, 0, 0]
    assert np.nanmax(samples.pixels) == np.float32(0.2)
    assert len(load_quiet(tmp_path, ["chips/alps"], ("B03",), chip_px=256)) == 1
    (manifest,) = quiet_manifests(tmp_path, ["chips/alps"], samples)
    assert (manifest.name, manifest.licence, manifest.simulated) == ("alps", "MIT", False)
    assert len(load_quiet(tmp_path, [str(tmp_path / "chips" / "alps")], ("B03",))) == 4
    with pytest.raises(ConfigError, match="no quiet ground of /nowhere"):
        load_quiet(tmp_path, ["/nowhere"])


def test_cut_chips_with_landslides_are_not_quiet(tmp_path: Path) -> None:
    """One pixel is enough."""
    cut_folder(tmp_path / "alps", "alps", landslide=True)
    with pytest.raises(InputFault, match=r"1 of its 1 chips show landslides.*--labels none"):
        load_quiet(tmp_path, ["alps"])
