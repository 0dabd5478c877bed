"""Landslide-free ground."""

from pathlib import Path

import numpy as np
import pytest

from training.datasets.quiet import CHIP_PX, load_quiet, quiet_files
from training.samples import STABLE, UNLABELLED, Samples


@pytest.fixture(scope="module")
def quiet(data_folder: Path) -> Samples:
    """The real chips."""
    return load_quiet(data_folder)


def test_every_source_is_there(quiet: Samples, data_folder: Path) -> None:
    """Five Slovenian scenes, sixteen Spanish chips, twelve Belgian months."""
    places, counts = np.unique(quiet.groups, return_counts=True)
    assert dict(zip(places.tolist(), counts.tolist(), strict=True)) == {"belgium": 12, "slovenia": 5, "spain": 16}
    assert all(path.is_file() for path in quiet_files(data_folder))


def test_all_chips_are_reflectance(quiet: Samples) -> None:
    """Whatever the unit of the source: ground is a few per cent to a third, clouds near one."""
    assert quiet.pixels.shape == (33, 3, CHIP_PX, CHIP_PX)
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


def test_the_same_ground_is_never_on_two_sides(quiet: Samples) -> None:
    """All pairs of a place touch, none of two places."""
    group = dict(zip(quiet.ids.tolist(), quiet.groups.tolist(), strict=True))
    assert len(quiet.touching) == 12 * 11 / 2 + 5 * 4 / 2 + 16 * 15 / 2
    assert all(group[a] == group[b] for a, b in quiet.touching.tolist())
