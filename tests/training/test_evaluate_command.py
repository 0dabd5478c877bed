"""evaluate on chips that can not be scored, and by models that can not be."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import typer
from affine import Affine
from typer.testing import CliRunner, Result

from tests.training.tiny import SIDE, write_model
from training.evaluate_command import evaluate_command


def run(*arguments: object) -> Result:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(evaluate_command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write_patches(path: Path, masked: int) -> Path:
    """Two dark patches, the first `masked` rows of each a landslide."""
    mask = np.zeros((2, SIDE, SIDE), bool)
    mask[:, :masked] = True
    np.savez(path, ids=np.array([1, 100]), rgb=np.full((2, SIDE, SIDE, 3), 60, np.uint8), mask=mask)
    return path


def write_chips(folder: Path, code: int) -> Path:
    """One cut chip whose label is `code` everywhere."""
    for kind, count, value in (("images", 3, 60), ("labels", 1, code)):
        (folder / kind).mkdir(parents=True)
        with rasterio.open(
            folder / kind / "a.tif",
            "w",
            driver="GTiff",
            count=count,
            height=SIDE,
            width=SIDE,
            dtype="uint8",
            crs="EPSG:32654",
            transform=Affine(10, 0, 400000, 0, -10, 4700000),
        ) as dataset:
            dataset.write(np.full((count, SIDE, SIDE), value, np.uint8))
            dataset.descriptions = ("B04", "B03", "B02")[:count]
            dataset.update_tags(TILE="UTM54N-0150-1842", EVENT="here")
    return folder


@pytest.mark.parametrize(
    ("code", "says"), [(0, "no pixel of the chips is labelled"), (1, "no labelled pixel of the chips is a landslide")]
)
def test_chips_without_anything_to_find_are_not_scored(tmp_path: Path, code: int, says: str) -> None:
    """An F1 of 0 would be a verdict on the model."""
    folder = write_chips(tmp_path / "chips", code)
    result = run(write_model(tmp_path / "model"), "--data", folder)
    assert result.exit_code == 1
    assert f"{folder}: {says}" in result.output
    assert "f1" not in result.stdout


def test_patches_with_a_landslide_are_scored(tmp_path: Path) -> None:
    """Even when the model finds nothing."""
    result = run(write_model(tmp_path / "model"), "--data", write_patches(tmp_path / "some.npz", 4))
    assert result.exit_code == 0, result.output
    assert "f1: 0.0" in result.stdout


def test_a_model_that_compares_two_dates_is_sent_elsewhere(tmp_path: Path) -> None:
    """By name, before any chip is read."""
    model = write_model(tmp_path / "two", more={"scarpwatch:task": "change"})
    result = run(model, "--data", tmp_path / "absent.npz")
    assert result.exit_code == 1
    assert "model two: it compares two dates" in result.output
    assert "python -m benchmarks implants" in result.output
