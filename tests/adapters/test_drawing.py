"""Sheets come off the press as they were drawn."""

import io
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from monitor.adapters.drawing import Sheet


@given(width=some.integers(1, 40), height=some.integers(1, 40), seed=some.integers(0, 9))
def test_a_sheet_is_read_back_as_it_was_drawn(width: int, height: int, seed: int) -> None:
    """Every pixel, whatever lies above it; Pillow checks the sum of every chunk on the way."""
    drawn = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    sheet = Sheet(width, height)
    sheet.paste(0, 0, drawn)
    png = sheet.png()
    Image.open(io.BytesIO(png)).verify()
    read = Image.open(io.BytesIO(png))
    assert (read.format, read.mode) == ("PNG", "RGB")
    np.testing.assert_array_equal(np.asarray(read), drawn)
    assert struct.unpack(">II", png[16:24]) == (width, height)
