"""Simulated patches in the layout of Landslide4Sense."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from monitor.adapters.landslide4sense import BANDS, read_image
from monitor.errors import ConfigError
from training.datasets.landslide4sense import load_landslide4sense
from training.datasets.manifest import MANIFEST_FILE, read_manifest, verify
from training.samples import LANDSLIDE, STABLE, Samples
from training.simulated.command import simulate, simulate_command
from training.simulated.patches import IDS_PER_VALLEY, PATCHES_PER_VALLEY, simulate_valley
from training.simulated.spectra import PUBLISHED_UNIT
from training.splits import L4S_GUARD

SEED = 1
PATCHES = 5


@pytest.fixture(scope="module")
def valley() -> Samples:
    """All nine patches of the first valley."""
    return simulate_valley(SEED, 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five of them as files."""
    out = tmp_path_factory.mktemp("simulated") / "set"
    app = typer.Typer()
    app.command()(simulate_command)
    result = CliRunner().invoke(app, [str(out), "--patches", str(PATCHES), "--seed", str(SEED)])
    assert result.exit_code == 0, result.output
    assert "simulated: true" in result.output
    return out


def test_files_come_back_as_they_were_simulated(folder: Path, valley: Samples) -> None:
    """The loader of the published set reads ids, pixels and masks; a seed gives the same values every time."""
    samples = load_landslide4sense(folder)
    assert samples.ids.tolist() == list(range(IDS_PER_VALLEY, IDS_PER_VALLEY + PATCHES))
    assert (samples.pixels == valley.pixels[:PATCHES]).all()
    assert (samples.labels == valley.labels[:PATCHES]).all()


def test_files_are_as_published(folder: Path) -> None:
    """Keys, types, shapes and order of axes."""
    with h5py.File(folder / "img" / "image_100.h5") as file:
        assert list(file) == ["img"]
        assert (file["img"].dtype, file["img"].shape) == (np.float64, (128, 128, 14))
    with h5py.File(folder / "mask" / "mask_100.h5") as file:
        assert (file["mask"].dtype, file["mask"].shape) == (np.uint8, (128, 128))


def test_the_manifest_says_simulated(folder: Path) -> None:
    """Nobody who trains on the set can overlook it, and every file is listed."""
    manifest = read_manifest(folder / MANIFEST_FILE)
    assert manifest.source.startswith("SIMULATED")
    assert manifest.simulated
    assert (manifest.chips, len(manifest.files)) == (PATCHES, 2 * PATCHES)
    assert verify(manifest, folder) == {}


def test_a_folder_is_never_mixed_with_another_set(folder: Path) -> None:
    """Ids of two seeds in one folder would be one lie."""
    with pytest.raises(ConfigError, match="not empty"):
        simulate(folder, 1, SEED + 1)


def test_values_are_whole_numbers_in_the_published_unit(valley: Samples) -> None:
    """As in the published files: digital numbers, degrees and metres, each divided by its constant."""
    values = valley.pixels.astype(np.float64) * np.array(PUBLISHED_UNIT)[:, None, None]
    assert np.abs(values - np.rint(values)).max() < 1e-3
    assert values[:, BANDS.index("slope")].min() >= 0
    assert 25 < values[:, BANDS.index("slope")].max() < 75


def test_the_unit_is_that_of_the_published_files(data_folder: Path) -> None:
    """The real patches become whole numbers too, to the precision of the float32 they are read as."""
    for path in sorted((data_folder / "l4s_h5_14bands").glob("*.h5")):
        values = read_image(path).astype(np.float64) * np.array(PUBLISHED_UNIT)[:, None, None]
        assert np.abs(values - np.rint(values)).max() < 1e-3


def test_scars_are_bare_and_steep_among_green(valley: Samples) -> None:
    """Little near infrared against red, bright in the shortwave, on slopes: what a network can learn."""
    scar, ground = valley.labels == LANDSLIDE, valley.labels == STABLE
    bands = {name: valley.pixels[:, index] for index, name in enumerate(BANDS)}
    assert 0.001 < scar.mean() < 0.1
    bareness = bands["B04"] / bands["B08"]
    assert np.median(bareness[scar]) > 2 * np.median(bareness[ground])
    assert np.median(bands["B12"][scar]) > 1.5 * np.median(bands["B12"][ground])
    assert np.median(bands["slope"][scar]) > np.median(bands["slope"][ground])


def test_patches_of_a_valley_lie_side_by_side(valley: Samples) -> None:
    """The elevation goes on across the border of two neighbours, so no band and no patch is shuffled."""
    elevation = valley.pixels[:, BANDS.index("elevation")] * PUBLISHED_UNIT[-1]
    across_m = np.abs(elevation[0][:, -1] - elevation[1][:, 0])
    down_m = np.abs(elevation[0][-1] - elevation[3][0])
    assert max(across_m.max(), down_m.max()) < 15
    assert np.abs(elevation[0][:, -1] - elevation[2][:, 0]).max() > 15


def test_a_guard_never_reaches_the_next_valley() -> None:
    """Holding out whole valleys by their ids loses no others."""
    _, last = L4S_GUARD.around((IDS_PER_VALLEY, IDS_PER_VALLEY + PATCHES_PER_VALLEY - 1))
    assert last < 2 * IDS_PER_VALLEY
