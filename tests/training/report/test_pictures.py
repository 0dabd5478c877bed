"""Pictures for experts, looked at by their numbers."""

import io

import numpy as np
from PIL import Image

from training.quiet_land import Piece
from training.report.pictures import alarm_rows, true_colour, worst_alarms


def piece(source: str, false_px: int) -> Piece:
    said = np.zeros((32, 32), np.float32)
    said.flat[:false_px] = 0.9
    bands = ("B04", "B03", "B02")
    return Piece(source=source, bands=bands, pixels=np.ones((3, 32, 32), np.float32), probability=said, resolution_m=10)


def test_true_colour_takes_the_right_bands_and_leaves_haze_out() -> None:
    """Whatever the order of the bands, red is red, and an offset changes nothing."""
    blue, red, green = (np.random.default_rng(i).random((32, 32)).astype(np.float32) * (i + 1) for i in range(3))
    found = true_colour(np.stack([blue, red, green]), ("B02", "B04", "B03"))
    assert found.shape == (32, 32, 3)
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.corrcoef(found[..., 0].ravel(), red.ravel())[0, 1] > 0.95
    hazy = true_colour(np.stack([blue + 5, red + 3, green + 4]), ("B02", "B04", "B03"))
    np.testing.assert_allclose(hazy, found, atol=1e-4)


def test_missing_pixels_are_white_and_missing_colours_grey() -> None:
    """A radar chip is drawn too."""
    pixels = np.random.default_rng(0).random((1, 8, 8)).astype(np.float32)
    pixels[0, 0, 0] = np.nan
    found = true_colour(pixels, ("vv",))
    assert found[0, 0].tolist() == [1, 1, 1]
    assert (found[..., 0] == found[..., 2]).all()
    assert (true_colour(np.full((1, 8, 8), np.nan, np.float32), ("vv",)) == 1).all()


def test_the_worst_alarms_come_from_more_than_one_source() -> None:
    """Two of a source at most, worst first, none where nothing is false."""
    pieces = [piece("a", 9), piece("a", 30), piece("a", 20), piece("b", 10), piece("c", 0)]
    found = worst_alarms(pieces, 0.5)
    assert [(one.source, round(100 * one.false_ha(0.5))) for one in found] == [("a", 30), ("a", 20), ("b", 10)]
    assert worst_alarms(pieces, 0.95) == ()
    picture = Image.open(io.BytesIO(alarm_rows(found, 0.5)))
    assert picture.width > 1000
