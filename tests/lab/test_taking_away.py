"""Pictures and files of an answer: one size, one meaning, and each file says which model made it."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from monitor.core.features import VISIBLE
from monitor.lab import downloads, pictures
from monitor.lab.answering import Answer, ask
from monitor.lab.image import Image
from monitor.lab.uploads import read_upload
from monitor.records import PixelState
from tests.lab.files import geotiff, ground
from tests.lab.models import RGB, Redness


@contextmanager
def _quiet() -> Iterator[None]:
    """A raster that lies nowhere is meant here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


@pytest.fixture(scope="module")
def image() -> Image:
    """Forest with a scar, the upper rows not observed."""
    found = read_upload("a b/ü.tif", geotiff(ground(), VISIBLE))
    pixels, state = found.pixels.copy(), found.state.copy()
    pixels[:, :8], state[:8] = np.nan, PixelState.NODATA
    return replace(found, pixels=pixels, state=state)


@pytest.fixture(scope="module")
def answer(image: Image) -> Answer:
    """What redness says of it."""
    return ask(Redness(), RGB, image)


def test_arrays_hold_what_was_said(answer: Answer) -> None:
    """float32 with NaN, float32, and uint8 of the threshold that was chosen, not of the card's."""
    found = {kind: np.load(io.BytesIO(downloads.array(answer, kind, 0.95))) for kind in downloads.ARRAYS}
    np.testing.assert_array_equal(found["probability"], answer.probability)
    np.testing.assert_array_equal(found["spread"], answer.spread)
    assert found["mask"].dtype == np.uint8
    assert found["mask"].sum() == np.nansum(answer.probability >= 0.95) > 0
    assert found["mask"][:8].sum() == 0


@pytest.mark.parametrize("placed", [True, False])
def test_a_geotiff_lies_where_the_image_lies(image: Image, answer: Answer, placed: bool) -> None:
    """With the names of its bands and of the model; an image that lies nowhere gives one that lies nowhere."""
    image = image if placed else replace(image, ground=None)
    with MemoryFile(downloads.geotiff(image, answer, 0.7)) as memory, _quiet(), memory.open() as file:
        assert file.descriptions == ("probability", "spread", "mask")
        assert set(file.dtypes) == {"float32"}
        tags = file.tags()
        said = {key: tags[key] for key in ("model", "version", "threshold", "simulated")}
        assert said == {"model": "tiny-rgb", "version": "tiny-rgb-1", "threshold": "0.7", "simulated": "false"}
        probability, _, mask = file.read()
        if placed:
            assert image.ground is not None
            assert (file.crs.to_epsg(), file.transform) == (32654, image.ground.transform)
        else:
            assert file.crs is None
    np.testing.assert_array_equal(probability, answer.probability)
    np.testing.assert_array_equal(mask[8:], answer.mask(0.7)[8:])
    assert np.isnan(mask[:8]).all()


def test_names_of_downloads_are_safe(image: Image, answer: Answer) -> None:
    """Whatever the upload was called."""
    assert downloads.file_name(image, answer, "mask", ".npy") == "file_tiny-rgb_mask.npy"
    wild = replace(image, name="../../etc/pass wd\n")
    assert downloads.file_name(wild, answer, "mask", ".npy") == "etc-pass-wd_tiny-rgb_mask.npy"


def test_pictures_are_of_one_size(image: Image, answer: Answer) -> None:
    """Small images are enlarged by a whole number, large ones thinned; all pictures of one image lie on each other."""
    colours = pictures.colours(image)
    mask = answer.mask(0.9)
    shapes = {
        colours.shape,
        pictures.layer(answer.probability, image, "probability").shape,
        pictures.layer(answer.spread, image, "spread").shape,
        pictures.mask_picture(mask, answer.probability, image).shape,
        pictures.overlay(colours, mask).shape,
    }
    assert shapes == {(768, 768, 3)}
    large = replace(image, pixels=np.zeros((3, 1000, 2000), np.float32), state=np.zeros((1000, 2000), np.uint8))
    assert pictures.size_of(large) == (384, 768)


def test_the_mask_is_yellow_and_the_overlay_says_where(image: Image, answer: Answer) -> None:
    """Yellow inside, dark outside, grey stripes where nothing was seen; the overlay leaves the rest as it is."""
    mask = answer.mask(0.9)
    picture = pictures.mask_picture(mask, answer.probability, image)
    inside = np.kron(mask, np.ones((12, 12), dtype=np.uint8)) > 0
    assert (picture[inside] == (240, 228, 66)).all()
    assert (picture[8 * 12 :][~inside[8 * 12 :]] == (38, 43, 50)).all()
    assert not (picture[: 8 * 12] == (38, 43, 50)).all(axis=2).any()
    colours = pictures.colours(image)
    changed = (pictures.overlay(colours, mask) != colours).any(axis=2)
    assert changed[inside].mean() > 0.99
    far = ~np.kron(mask, np.ones((12, 12), dtype=np.uint8)).astype(bool)
    assert changed[far].mean() < 0.05
    np.testing.assert_array_equal(pictures.overlay(colours, np.zeros_like(mask)), colours)


def test_a_picture_says_what_it_shows(image: Image) -> None:
    """True colour, radar in false colours, one band in grey, or that no pixels are kept; and why ground is hidden."""
    one = replace(image, bands=("B08",), pixels=image.pixels[:1])
    nothing = replace(image, bands=(), pixels=image.pixels[:0])
    radar = replace(image, bands=("vv", "vh"), pixels=np.abs(image.pixels[:2]))
    said = [pictures.seen_as(each) for each in (image, radar, one, nothing)]
    assert said == ["Red, green, blue", "Radar, false colours", "B08, grey", "Pixels are not kept"]
    assert {pictures.colours(each).shape for each in (radar, one, nothing)} == {(768, 768, 3)}
    assert pictures.hidden_reasons(image) == "no data"
    assert pictures.gradient("probability", 2) == ["#000004", "#fcfdbf"]
