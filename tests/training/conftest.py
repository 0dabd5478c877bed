"""A tiny data folder and a tiny finished run, so that no test needs real data or minutes."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from training.__main__ import app
from training.datasets.rgb_patches import PATCH_FILE
from training.experiment import Experiment, load_experiment, save_experiment

TRAIN_IDS = (10, 11, 12, 13)
THRESHOLD_ID = 1205
VALIDATION_IDS = (300, 301)
SIDE = 32


def draw_patches(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Dark noise with one bright square each, (N, 32, 32, 3) uint8, and the squares as masks."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(40, 80, (count, SIDE, SIDE, 3)).astype(np.uint8)
    mask = np.zeros((count, SIDE, SIDE), dtype=bool)
    for index in range(count):
        row, column = rng.integers(0, SIDE - 8, 2)
        mask[index, row : row + 8, column : column + 8] = True
    rgb[mask] = 250
    return rgb, mask


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with 7 patches: 4 to train on, 1 for the threshold, 2 for validation."""
    folder = tmp_path_factory.mktemp("data")
    file = folder / PATCH_FILE
    file.parent.mkdir()
    ids = np.array([*TRAIN_IDS, *VALIDATION_IDS, THRESHOLD_ID])
    rgb, mask = draw_patches(len(ids))
    np.savez(file, ids=ids, rgb=rgb, mask=mask, touching=np.array([[10, 11]]))
    return folder


@pytest.fixture(scope="session")
def tiny_experiment() -> Experiment:
    """The shipped experiment with a network of half a million weights, for one epoch of two steps."""
    return Experiment.model_validate(
        {
            "name": "tiny",
            "title": "Squares in noise",
            "data": {"kind": "rgb-patches", "path": PATCH_FILE},
            "network": {
                "encoder": "mobilenetv3_small_100",
                "pretrained": False,
                "decoder_channels": [16, 16, 8, 8, 8],
            },
            "variation": load_experiment("scar-rgb").variation.model_dump(),
            "schedule": {"epochs": 1, "batch_size": 2, "averaging": 0.5},
        }
    )


@pytest.fixture(scope="session")
def tiny_file(tiny_experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The experiment as a file."""
    path = tmp_path_factory.mktemp("experiments") / "tiny.yaml"
    save_experiment(tiny_experiment, path)
    return path


@pytest.fixture(scope="session")
def tiny_run(tiny_data: Path, tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One epoch of two steps on four patches, through the command line."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    arguments = ["fit", str(tiny_file), str(run), "--data", str(tiny_data), "--threads", "1"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="session")
def tiny_model(tiny_run: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder exported from the tiny run."""
    model = tmp_path_factory.mktemp("models") / "tiny"
    arguments = ["export", str(tiny_run), str(model), "--data", str(tiny_data), "--threads", "1"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return model
