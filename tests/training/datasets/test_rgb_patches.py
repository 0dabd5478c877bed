"""Patches from an npz file."""

from pathlib import Path

import numpy as np
import pytest

from monitor.errors import BadAsset, InputFault
from training.datasets.rgb_patches import PATCH_FILE, load_rgb_patches

ARRAYS = {
    "ids": np.array([2199, 2200, 2620, 2621]),
    "rgb": np.arange(4 * 2 * 3 * 3, dtype=np.uint8).reshape(4, 2, 3, 3),
    "mask": np.arange(24).reshape(4, 2, 3) % 5 == 0,
    "touching": np.array([[2199, 2200]]),
}


def written(folder: Path, **changed: np.ndarray | None) -> Path:
    path = folder / "patches.npz"
    np.savez(path, **{name: value for name, value in {**ARRAYS, **changed}.items() if value is not None})
    return path


def test_channels_come_first_and_masks_become_labels(tmp_path: Path) -> None:
    """Red, green and blue stay in their order, pixel by pixel."""
    samples = load_rgb_patches(written(tmp_path))
    assert samples.bands == ("B04", "B03", "B02")
    assert samples.pixels.shape == (4, 3, 2, 3)
    assert samples.pixels[1, :, 0, 2].tolist() == ARRAYS["rgb"][1, 0, 2].tolist()
    assert samples.labels.dtype == np.int8
    assert (samples.labels == ARRAYS["mask"]).all()
    assert samples.touching.tolist() == [[2199, 2200]]


def test_only_what_looks_like_iburi_is_called_so(tmp_path: Path) -> None:
    """Both ends of the range belong to it."""
    assert load_rgb_patches(written(tmp_path)).groups.tolist() == ["unknown", "iburi", "iburi", "unknown"]


def test_touching_may_be_absent(tmp_path: Path) -> None:
    """Nothing is known to touch then."""
    assert load_rgb_patches(written(tmp_path, touching=None)).touching.shape == (0, 2)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"mask": None}, "lacks the arrays mask"),
        ({"mask": np.zeros((4, 3, 3), bool)}, "do not belong together"),
        ({"rgb": ARRAYS["rgb"].astype(np.float32)}, "do not belong together"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, changed: dict[str, np.ndarray | None], says: str) -> None:
    """The message names the file and the trouble."""
    with pytest.raises(BadAsset, match=f"patches.npz: .*{says}"):
        load_rgb_patches(written(tmp_path, **changed))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """As is one that is not there."""
    path = tmp_path / "patches.npz"
    with pytest.raises(BadAsset, match="no readable npz"):
        load_rgb_patches(path)
    path.write_text("<html>")
    with pytest.raises(BadAsset, match="no readable npz"):
        load_rgb_patches(path)


def test_patches_without_any_landslide_are_refused(tmp_path: Path) -> None:
    """There is nothing to learn from them."""
    with pytest.raises(InputFault, match="nothing to learn"):
        load_rgb_patches(written(tmp_path, mask=np.zeros((4, 2, 3), bool)))


def test_the_real_patches(data_folder: Path) -> None:
    """1,462 patches, 4.2 % landslide."""
    samples = load_rgb_patches(data_folder / PATCH_FILE)
    assert samples.pixels.shape == (1462, 3, 128, 128)
    assert (samples.labels == 1).mean() == pytest.approx(0.0425, abs=1e-4)
