"""Cutting a tile into windows and merging the answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.windows import crop_rim, cut, merge, plan_windows

cores = st.sampled_from([32, 64, 128, 256])
crops = st.integers(min_value=0, max_value=40)


@given(core=cores, crop=crops, seed=st.integers(0, 2**16))
def test_cut_and_merge_is_identity(core: int, crop: int, seed: int) -> None:
    """Whatever the window, the merged pieces are the tile without its halo."""
    windows = plan_windows(core + 2 * crop, crop)
    enlarged = np.random.default_rng(seed).random((2, 256 + 2 * crop, 256 + 2 * crop), dtype=np.float32)

    pieces = [window[1] for window in cut(enlarged, windows)]

    assert np.array_equal(merge(pieces, windows), crop_rim(enlarged[1], crop))


@given(core=cores, crop=crops)
def test_every_pixel_is_kept_exactly_once(core: int, crop: int) -> None:
    """Cores tile the tile: no gap and no overlap."""
    count = np.zeros((256, 256), dtype=int)
    for window in plan_windows(core + 2 * crop, crop):
        count[window.core] += 1

    assert (count == 1).all()


@pytest.mark.parametrize(("window", "crop"), [(300, 32), (64, 32), (60, 32), (600, 32), (320, -1)])
def test_a_window_that_does_not_fit_the_tile_is_refused(window: int, crop: int) -> None:
    """The message gives both numbers."""
    with pytest.raises(ValueError, match=f"window of {window} px with a crop of {crop} px"):
        plan_windows(window, crop)


def test_one_answer_per_window_is_needed() -> None:
    """A missing answer is never taken for ground without hazard."""
    windows = plan_windows(128, 0)

    with pytest.raises(ValueError, match="zip"):
        merge([np.zeros((128, 128), dtype=np.float32)], windows)
