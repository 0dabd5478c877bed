"""fit, export and evaluate through the command line, on a folder of seven tiny patches."""

import json
from pathlib import Path

import numpy as np
import pystac
import pytest
from pystac.extensions.mlm import MLMExtension
from typer.testing import CliRunner

from monitor.adapters.model_store import load_card
from tests.training.conftest import TRAIN_IDS, VALIDATION_IDS
from training.__main__ import app
from training.augment import Variation
from training.data import PATCH_FILE, sha256_of
from training.export import PARITY_LIMIT, Probability, averaged_network, parity
from training.networks.resunetpp import ResUNetPlusPlus
from training.scoring import flip_mean, open_session


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_fit_writes_a_checkpoint_and_what_it_was_trained_on(tiny_run: Path, tiny_data: Path) -> None:
    """The run describes itself: sizes of the split and the hash of the patches."""
    described = json.loads((tiny_run / "run.json").read_text())
    assert described["patches_train"] == len(TRAIN_IDS)
    assert described["patches_validation"] == len(VALIDATION_IDS)
    assert described["npz_sha256"] == sha256_of(tiny_data / PATCH_FILE)
    assert len((tiny_run / "epochs.jsonl").read_text().splitlines()) == 1
    assert (tiny_run / "checkpoint.pt").stat().st_size > 0


def test_a_run_continues_where_it_stopped(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    """A copy of the run, asked for two epochs, does only the second; another seed is refused."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("checkpoint.pt", "epochs.jsonl", "run.json"):
        (copy / name).write_bytes((tiny_run / name).read_bytes())
    arguments = ["fit", str(copy), "--data", str(tiny_data), "--batch-size", "4", "--no-negatives", "--epochs", "2"]
    printed = run(*arguments)
    assert "epoch 2/2" in printed
    assert "epoch 1/2" not in printed
    assert json.loads((copy / "run.json").read_text())["planned_epochs"] == [[0, 1], [1, 2]]
    with pytest.raises(ValueError, match="another schedule"):
        run(*arguments, "--seed", "9")
    with pytest.raises(ValueError, match="patches_train"):
        run(*arguments, "--max-patches", "2")


def test_a_run_can_begin_with_the_weights_of_another(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    """And says so in its description."""
    folder = tmp_path / "second"
    common = ["--data", str(tiny_data), "--batch-size", "4", "--no-negatives", "--epochs", "1"]
    run("fit", str(folder), *common, "--start-from", str(tiny_run), "--mild")
    described = json.loads((folder / "run.json").read_text())
    assert described["started_from"] == "tiny after 1 epochs"
    assert described["variation"]["offset_most"] < Variation().offset_most


def test_the_service_believes_the_exported_card(tiny_model: Path) -> None:
    """The reader of the service, with its own checks, accepts the folder."""
    card = load_card(tiny_model)
    assert card.bands == ("B04", "B03", "B02")
    assert card.normalisation == "median-lower-spread"
    assert (card.window_px, card.crop_px, card.channels) == (320, 32, 3)
    assert card.version == f"tiny-{sha256_of(tiny_model / 'model.onnx')[:8]}"
    assert 0 < card.threshold < 1
    assert not card.simulated


def test_the_card_is_a_stac_item_with_mlm(tiny_model: Path) -> None:
    """pystac reads it back through its MLM extension."""
    item = pystac.Item.from_file(str(tiny_model / "model.json"))
    assert isinstance(item, pystac.Item)
    mlm = MLMExtension.ext(item)
    assert mlm.architecture == "ResUNet++"
    assert list(mlm.input[0].bands) == ["B04", "B03", "B02"]
    assert mlm.input[0].input.shape == [-1, 3, -1, -1]
    assert mlm.output[0].result.dim_order == ["batch", "height", "width"]
    assert mlm.total_parameters == 4_057_617
    asset = item.assets["model"]
    assert asset.href.endswith("model.onnx")
    assert set(asset.roles or []) >= {"mlm:model"}
    assert (tiny_model / "model.onnx").stat().st_size < 20e6


def test_onnx_runtime_gives_what_torch_gives(tiny_run: Path, tiny_model: Path) -> None:
    """At several sizes and batches, which the exported graph leaves free."""
    network = Probability(averaged_network(tiny_run)).eval()
    shapes = ((2, 32, 32), (1, 64, 40))
    assert parity(network, tiny_model / "model.onnx", shapes=shapes) < PARITY_LIMIT


def test_other_weights_do_not_pass_as_the_same(tiny_model: Path) -> None:
    """The comparison notices a network that is not the exported one."""
    other = Probability(ResUNetPlusPlus()).eval()
    assert parity(other, tiny_model / "model.onnx", shapes=((1, 32, 32),)) > PARITY_LIMIT


def test_the_mean_over_flips_turns_with_its_input(tiny_model: Path) -> None:
    """Averaging over the four flips makes the answer equivariant to them."""
    session = open_session(tiny_model / "model.onnx", 1)
    window = np.random.default_rng(0).standard_normal((1, 3, 32, 40)).astype(np.float32)
    mirrored = np.ascontiguousarray(window[..., ::-1])
    np.testing.assert_allclose(flip_mean(session, mirrored)[..., ::-1], flip_mean(session, window), atol=1e-5)


def test_evaluate_prints_the_figures(tiny_model: Path, tiny_data: Path) -> None:
    """JSON with the agreed keys, on the chosen ids only."""
    file = str(tiny_data / PATCH_FILE)
    found = json.loads(run("evaluate", str(tiny_model), "--data", file, "--ids", "300-489", "--json"))
    assert {"f1", "pr_auc", "precision", "recall", "threshold", "f1_best", "intervals"} <= set(found)
    assert found["patches"] == len(VALIDATION_IDS)
    assert found["threshold"] == load_card(tiny_model).threshold
    assert "f1: " in run("evaluate", str(tiny_model), "--data", file)


def test_evaluate_without_any_patch_is_a_usage_error(tiny_model: Path, tiny_data: Path) -> None:
    """Exit code 2 and the ids that were asked for."""
    arguments = ["evaluate", str(tiny_model), "--data", str(tiny_data / PATCH_FILE), "--ids", "9000"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "9000" in result.output
