"""Landslide4Sense as published."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from monitor.adapters.landslide4sense import BANDS, read_image
from monitor.errors import BadAsset, ConfigError, InputFault
from training.datasets.landslide4sense import load_landslide4sense, write_landslide4sense
from training.samples import LANDSLIDE, STABLE, UNLABELLED, Samples

SIDE = 16


def drawn(labelled: bool = True) -> Samples:
    """Three chips whose numbers do not sort like their names."""
    rng = np.random.default_rng(5)
    ids = np.array([2, 10, 31])
    labels = rng.integers(STABLE, LANDSLIDE, (3, SIDE, SIDE), endpoint=True).astype(np.int8)
    return Samples(
        name="drawn",
        bands=BANDS,
        ids=ids,
        pixels=rng.normal(1.0, 0.3, (3, 14, SIDE, SIDE)).astype(np.float32),
        labels=labels if labelled else np.full_like(labels, UNLABELLED),
        groups=np.full(3, "unknown"),
        touching=np.zeros((0, 2), np.int64),
    )


def rewritten(path: Path, key: str, values: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file[key] = values


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set written as published."""
    write_landslide4sense(drawn(), tmp_path / "drawn")
    return tmp_path / "drawn"


def test_the_files_are_as_published(folder: Path) -> None:
    """Keys, types and axis order of the challenge."""
    with h5py.File(folder / "img" / "image_10.h5") as file:
        assert list(file) == ["img"]
        assert (file["img"].dtype, file["img"].shape) == (np.float64, (SIDE, SIDE, 14))
    with h5py.File(folder / "mask" / "mask_10.h5") as file:
        assert list(file) == ["mask"]
        assert (file["mask"].dtype, file["mask"].shape) == (np.uint8, (SIDE, SIDE))


def test_writing_and_reading_gives_the_same_set(folder: Path) -> None:
    """Ids, pixels and labels come back, in the order of numbers."""
    before, after = drawn(), load_landslide4sense(folder)
    assert after.bands == before.bands
    assert after.ids.tolist() == [2, 10, 31]
    assert (after.pixels == before.pixels).all()
    assert (after.labels == before.labels).all()


def test_bands_are_read_by_name(folder: Path) -> None:
    """Only those asked for, in the order asked for."""
    samples = load_landslide4sense(folder, ("slope", "B04"))
    assert (samples.pixels[0] == drawn().pixels[0, [12, 3]]).all()
    with pytest.raises(ConfigError, match="no band B8A"):
        load_landslide4sense(folder, ("B8A",))


def test_indices_are_made_of_two_bands(folder: Path) -> None:
    """NDVI beside bands of the files, in the order asked for."""
    samples = load_landslide4sense(folder, ("B04", "NDVI", "slope"))
    red, near = drawn().pixels[0, 3], drawn().pixels[0, 7]
    assert samples.bands == ("B04", "NDVI", "slope")
    assert (samples.pixels[0, 0] == red).all()
    np.testing.assert_allclose(samples.pixels[0, 1], (near - red) / (near + red), rtol=1e-5)
    assert (samples.pixels[0, 2] == drawn().pixels[0, 12]).all()


def test_the_published_parts_are_groups(tmp_path: Path) -> None:
    """Chips of one number in two parts stay two; the test part came without masks once."""
    write_landslide4sense(drawn(), tmp_path / "TrainData")
    write_landslide4sense(drawn(), tmp_path / "ValidData")
    write_landslide4sense(drawn(labelled=False), tmp_path / "TestData")
    samples = load_landslide4sense(tmp_path, ("B04", "NDVI"))
    assert len(samples) == len(set(samples.ids.tolist())) == 9
    assert samples.groups.tolist() == ["TrainData"] * 3 + ["ValidData"] * 3 + ["TestData"] * 3
    assert (samples.labels[:3] == drawn().labels).all()
    assert (samples.labels[6:] == UNLABELLED).all()


def test_parts_of_two_sizes_are_refused(tmp_path: Path) -> None:
    """One of them is of another data set."""
    small = replace(drawn(), pixels=drawn().pixels[..., :8, :8], labels=drawn().labels[..., :8, :8])
    write_landslide4sense(drawn(), tmp_path / "TrainData")
    write_landslide4sense(small, tmp_path / "TestData")
    with pytest.raises(BadAsset, match="TestData"):
        load_landslide4sense(tmp_path, ("B04",))


def test_without_masks_nothing_is_labelled(tmp_path: Path) -> None:
    """As in the validation part of the challenge."""
    write_landslide4sense(drawn(labelled=False), tmp_path)
    assert not (tmp_path / "mask").exists()
    assert (load_landslide4sense(tmp_path).labels == UNLABELLED).all()


def test_progress_is_told_file_by_file(folder: Path) -> None:
    """The full set takes minutes."""
    told: list[tuple[int, int]] = []
    load_landslide4sense(folder, progress=lambda _what, done, all_: told.append((done, all_)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_set_labelled_in_part_cannot_be_written(tmp_path: Path) -> None:
    """A mask has no value for unknown ground; nothing is written."""
    samples = drawn()
    labels = samples.labels.copy()
    labels[1, 0, 0] = UNLABELLED
    with pytest.raises(ValueError, match="chip 10 is labelled in part"):
        write_landslide4sense(replace(samples, labels=labels), tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_hdf5_without_img_is_refused(folder: Path) -> None:
    """The message names the file and what it has instead."""
    rewritten(folder / "img" / "image_10.h5", "image", np.ones((SIDE, SIDE, 14)))
    with pytest.raises(BadAsset, match=r"image_10\.h5: it has no array img \(it has image\)"):
        load_landslide4sense(folder)


def test_nan_is_refused_with_its_band(folder: Path) -> None:
    """The published files have none."""
    image = np.ones((SIDE, SIDE, 14))
    image[3, 4, 12] = np.nan
    rewritten(folder / "img" / "image_10.h5", "img", image)
    with pytest.raises(InputFault, match=r"image_10\.h5: 1 values are NaN or infinite \(in slope\)"):
        load_landslide4sense(folder)


@pytest.mark.parametrize("shape", [(SIDE, SIDE, 13), (14, SIDE, SIDE), (SIDE, SIDE)])
def test_a_wrong_number_of_bands_is_refused(folder: Path, shape: tuple[int, ...]) -> None:
    """Channels first is a wrong number of bands too."""
    rewritten(folder / "img" / "image_2.h5", "img", np.ones(shape))
    with pytest.raises(BadAsset, match=r"image_2\.h5: .*not height x width x 14 bands"):
        load_landslide4sense(folder)


def test_an_image_of_another_size_is_refused(folder: Path) -> None:
    """Chips of one set have one size."""
    rewritten(folder / "img" / "image_31.h5", "img", np.ones((SIDE, 8, 14)))
    with pytest.raises(BadAsset, match=r"image_31\.h5: it is 8 x 16 pixels"):
        load_landslide4sense(folder)


def test_a_mask_of_another_size_is_refused(folder: Path) -> None:
    """It belongs to another image."""
    rewritten(folder / "mask" / "mask_31.h5", "mask", np.zeros((SIDE, 8), np.uint8))
    with pytest.raises(BadAsset, match=r"mask_31\.h5: the mask is \(16, 8\), but its image is \(16, 16\)"):
        load_landslide4sense(folder)


def test_a_mask_of_other_values_is_refused(folder: Path) -> None:
    """255 for landslide, as in pictures, would be taken for something else."""
    rewritten(folder / "mask" / "mask_31.h5", "mask", np.full((SIDE, SIDE), 255, np.uint8))
    with pytest.raises(BadAsset, match=r"mask_31\.h5: the mask has values \[255\]"):
        load_landslide4sense(folder)


def test_labels_all_zero_are_refused(tmp_path: Path) -> None:
    """There is nothing to learn."""
    write_landslide4sense(replace(drawn(), labels=np.zeros((3, SIDE, SIDE), np.int8)), tmp_path)
    with pytest.raises(InputFault, match="nothing to learn"):
        load_landslide4sense(tmp_path)


def test_a_file_that_is_not_hdf5_is_refused(folder: Path) -> None:
    """A download page saved under the name of a file, for example."""
    (folder / "img" / "image_2.h5").write_text("<html>")
    with pytest.raises(BadAsset, match=r"image_2\.h5: it is no readable HDF5 file"):
        load_landslide4sense(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """The message says which files are expected."""
    with pytest.raises(BadAsset, match=r"there is no image_N\.h5"):
        load_landslide4sense(tmp_path)


def test_images_and_masks_pair_up(folder: Path) -> None:
    """A mask without image or an image without mask is a download that was cut short."""
    (folder / "img" / "image_2.h5").unlink()
    with pytest.raises(BadAsset, match=r"mask_2\.h5: the mask has no image_2\.h5"):
        load_landslide4sense(folder)
    (folder / "mask" / "mask_2.h5").unlink()
    (folder / "mask" / "mask_31.h5").unlink()
    with pytest.raises(BadAsset, match=r"image_31\.h5: the image has no mask_31\.h5"):
        load_landslide4sense(folder)


def test_the_real_patches_without_masks(data_folder: Path) -> None:
    """Eight patches side by side; their bands are scaled to a mean near 1, as published."""
    samples = load_landslide4sense(data_folder / "l4s_h5_14bands")
    assert samples.pixels.shape == (8, 14, 128, 128)
    assert samples.ids.tolist()[:3] == [31, 37, 39]
    assert (samples.labels == UNLABELLED).all()
    assert 0.5 < samples.pixels[:, 3].mean() < 2.0
    assert (read_image(data_folder / "l4s_h5_14bands" / "image_37.h5") == samples.pixels[1]).all()


def test_the_real_bands_are_as_sharp_as_their_names_say(data_folder: Path) -> None:
    """The order of the bands, seen in the pixels: 10 m bands are the roughest, 20 m smoother, 60 m the smoothest."""
    pixels = load_landslide4sense(data_folder / "l4s_h5_14bands").pixels
    rough = np.abs(np.diff(pixels, axis=3)).mean(axis=(2, 3)) / pixels.std(axis=(2, 3))
    of = dict(zip(BANDS, rough.mean(axis=0).tolist(), strict=True))
    fine, middle, coarse = ("B02", "B03", "B04", "B08"), ("B05", "B06", "B07", "B11", "B12"), ("B01", "B09", "B10")
    assert min(of[name] for name in fine) > max(of[name] for name in middle)
    assert min(of[name] for name in middle) > max(of[name] for name in coarse)
    assert of["elevation"] < of["slope"]
