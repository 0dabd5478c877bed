"""Quiet ground on which a model is wrong is drawn more often."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor.errors import ConfigError
from tests.training.conftest import draw_patches
from tests.training.tiny import drawn_chips, samples, write_model
from training.__main__ import app
from training.batches import Sources, VariedChips
from training.datasets.hard_negatives import (
    HardNegatives,
    draw_weights,
    quiet_digest,
    read_hard_negatives,
    require_same_chips,
    write_hard_negatives,
)
from training.datasets.quiet import file_of, load_quiet
from training.experiment import VariationSettings

CHIPS = drawn_chips([1, 2, 3])


def found(*false_ha: float, digest: str = "") -> HardNegatives:
    return HardNegatives(model="m", threshold=0.5, chips_sha256=digest or quiet_digest(CHIPS), false_ha=false_ha)


def test_half_of_the_draws_go_by_false_area() -> None:
    """The rest all alike, so that what is easy stays easy; a model without faults changes nothing."""
    np.testing.assert_allclose(draw_weights(found(0, 3, 1)), np.array([4, 13, 7]) / 24)
    np.testing.assert_allclose(draw_weights(found(0, 0, 0)), 1 / 3)


def test_other_chips_than_those_asked_about_are_refused() -> None:
    """The numbers would belong to other ground."""
    with pytest.raises(ConfigError, match="other quiet chips"):
        require_same_chips(found(0, 3, 1, digest="0" * 64), CHIPS)


def test_the_file_is_read_back_and_anything_else_is_refused(tmp_path: Path) -> None:
    """With the way to write one."""
    write_hard_negatives(found(0.25, 3), tmp_path / "hard.json")
    assert read_hard_negatives(tmp_path / "hard.json") == found(0.25, 3)
    (tmp_path / "other.json").write_text("[]")
    for name in ("other.json", "missing.json"):
        with pytest.raises(ConfigError, match=r"training mine"):
            read_hard_negatives(tmp_path / name)


def test_training_draws_by_weight() -> None:
    """A weight of one is drawn every time, a weight of zero never."""
    rgb, _ = draw_patches(2)
    pixels = np.ascontiguousarray(np.moveaxis(rgb, -1, 1))
    pixels[0], pixels[1, :, :, :16] = 90, 0
    quiet = samples(np.arange(2), pixels, np.zeros((2, 32, 32), np.int8), "calm")
    sources = Sources(labelled=CHIPS, quiet=quiet, quiet_share=1.0, quiet_weights=np.array([1.0, 0.0]))
    chips = VariedChips(sources, VariationSettings(), seed=1, epoch=0)
    calm = [inputs for inputs, labels in (chips[place] for place in range(len(chips))) if not labels.any()]
    assert len(calm) == 3
    assert all(float(inputs.std()) < 1.5 for inputs in calm)


def test_the_command_finds_what_is_bright(tmp_path: Path) -> None:
    """The network of the tests takes bright ground for a landslide: one of two dates has a bright field."""
    file = tmp_path / file_of("slovenia")
    file.parent.mkdir(parents=True)
    scenes = np.random.default_rng(0).normal(0.1, 0.01, (2, 101, 100, 13))
    scenes[1, 20:30, 20:30] = 0.5
    np.save(file, scenes)
    model = write_model(tmp_path / "model")
    out = tmp_path / "hard.json"
    arguments = ["mine", str(model), str(out), "--quiet", "slovenia", "--data", str(tmp_path), "--threads", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "slovenia                 2 chips      1 hard       1.0 ha false" in result.stdout
    require_same_chips(read_hard_negatives(out), load_quiet(tmp_path, ["slovenia"]))
    weights = draw_weights(read_hard_negatives(out))
    np.testing.assert_allclose(weights, [0.25, 0.75])
