"""fit, export and evaluate through the command line, on a folder of seven tiny patches."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pystac
import pytest
import torch
from pystac.extensions.mlm import MLMExtension
from typer.testing import CliRunner

from monitor.adapters.engine import OnnxEngine
from monitor.adapters.model_store import load_card
from monitor.errors import BadModel
from tests.training.conftest import TRAIN_IDS, VALIDATION_IDS
from tests.training.tiny import drawn_chips, write_model
from training.__main__ import app
from training.calibration import averaged
from training.card import check_card
from training.datasets.manifest import sha256_of
from training.datasets.rgb_patches import PATCH_FILE, load_rgb_patches
from training.experiment import Experiment, load_experiment, save_experiment
from training.export import PARITY_LIMIT, Probability, export_onnx, parity
from training.layers import OPTICAL_FLIPS
from training.loop import CHECKPOINT, trained_network
from training.module import SegmentationModule
from training.networks.build import build_network
from training.scoring import chip_engine, flip_answers, onnx_predictor


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 1, result.output
    return result.output


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    return {name: value for name, value in state["state_dict"].items() if value.dtype.is_floating_point}


def test_fit_writes_a_checkpoint_and_what_it_was_trained_on(tiny_run: Path) -> None:
    """The run describes itself: sizes of the split, hash of the data, and logs for TensorBoard."""
    described = json.loads((tiny_run / "run.json").read_text())
    assert described["split"]["chips"] == {"train": len(TRAIN_IDS), "threshold": 1, "validation": len(VALIDATION_IDS)}
    assert len(described["data"][0]["sha256"]) == 64
    assert (tiny_run / CHECKPOINT).stat().st_size > 0
    assert list((tiny_run / "tensorboard").glob("events.out.tfevents.*"))


def test_a_run_that_was_killed_ends_where_an_unbroken_one_does(
    tiny_data: Path, tiny_experiment: Experiment, tmp_path: Path
) -> None:
    """Killed after the first of two epochs and continued: the same weights, bit by bit."""
    file = tmp_path / "two.yaml"
    schedule = tiny_experiment.schedule.model_copy(update={"epochs": 2, "precision": "32-true"})
    save_experiment(tiny_experiment.model_copy(update={"schedule": schedule}), file)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    common = ["--data", str(tiny_data), "--threads", "1"]

    class Killed(BaseException):
        pass

    run("fit", str(file), str(whole), *common)
    learn = SegmentationModule.training_step

    def learn_once(module: SegmentationModule, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        if module.current_epoch == 1:
            raise Killed
        return learn(module, batch, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SegmentationModule, "training_step", learn_once)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ["fit", str(file), str(broken), *common], catch_exceptions=False)
    printed = run("fit", str(file), str(broken), *common)
    assert "epoch 2/2" in printed
    assert "epoch 1/2" not in printed
    expected, found = weights(whole), weights(broken)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_run_is_not_continued_with_another_experiment(
    tiny_run: Path, tiny_data: Path, tiny_experiment: Experiment, tmp_path: Path
) -> None:
    """The card would lie about its training."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run, copy)
    other = tmp_path / "other.yaml"
    save_experiment(tiny_experiment.model_copy(update={"title": "Another"}), other)
    assert "begun with another experiment" in refused("fit", str(other), str(copy), "--data", str(tiny_data))


def test_a_checkpoint_of_another_architecture_is_refused(
    tiny_run: Path, tiny_data: Path, tiny_experiment: Experiment, tmp_path: Path
) -> None:
    """Both are named, and what to do."""
    copy = tmp_path / "copy"
    shutil.copytree(tiny_run, copy)
    network = tiny_experiment.network.model_copy(update={"architecture": "resunet++"})
    save_experiment(tiny_experiment.model_copy(update={"network": network}), copy / "experiment.yaml")
    said = refused("export", str(copy), str(tmp_path / "model"), "--data", str(tiny_data))
    assert "mobilenetv3" in said
    assert "resunet++" in said
    assert "begin another run" in said


def test_a_split_that_leaks_stops_the_run_unless_allowed_by_name(
    tiny_experiment: Experiment, tiny_data: Path, tmp_path: Path
) -> None:
    """Two touching patches on two sides."""
    file = tmp_path / "leaky.yaml"
    data = tiny_experiment.data.model_copy(update={"split": "random"})
    save_experiment(tiny_experiment.model_copy(update={"data": data}), file)
    arguments = ["fit", str(file), str(tmp_path / "run"), "--data", str(tiny_data), "--threads", "1"]
    said = refused(*arguments)
    assert "leaks" in said
    assert "touching" in said
    data = data.model_copy(update={"allow_leaks": ("touching", "random")})
    save_experiment(tiny_experiment.model_copy(update={"data": data}), file)
    assert "random: for comparison only" in run(*arguments)


def test_the_service_believes_the_exported_card(tiny_model: Path) -> None:
    """The reader of the service, with its own checks, accepts the folder."""
    card = load_card(tiny_model)
    assert card.bands == ("B04", "B03", "B02")
    assert card.normalisation == "median-lower-spread"
    assert (card.window_px, card.crop_px, card.channels) == (384, 64, 3)
    assert card.version == f"tiny-{sha256_of(tiny_model / 'model.onnx')[:8]}"
    assert 0 < card.threshold < 1
    assert not card.simulated


def test_the_card_is_a_stac_item_with_mlm(tiny_model: Path) -> None:
    """pystac reads it back through its MLM extension; stac-model validated it at the export."""
    item = pystac.Item.from_file(str(tiny_model / "model.json"))
    assert isinstance(item, pystac.Item)
    mlm = MLMExtension.ext(item)
    assert mlm.architecture == "U-Net, encoder mobilenetv3_small_100"
    assert list(mlm.input[0].bands) == ["B04", "B03", "B02"]
    assert mlm.input[0].input.shape == [-1, 3, -1, -1]
    assert mlm.output[0].result.dim_order == ["batch", "height", "width"]
    asset = item.assets["model"]
    assert asset.href.endswith("model.onnx")
    assert set(asset.roles or []) >= {"mlm:model"}


def test_a_card_that_names_a_missing_band_is_refused(tiny_model: Path) -> None:
    """As is one that the MLM extension does not allow."""
    card = json.loads((tiny_model / "model.json").read_text())
    check_card(card)
    properties = card["properties"]
    properties["mlm:input"][0]["bands"] = ["B04", "B03", "B8A"]
    with pytest.raises(BadModel, match="B8A"):
        check_card(card)
    properties["mlm:input"][0]["bands"] = ["B04", "B03", "B02"]
    del properties["mlm:architecture"]
    with pytest.raises(BadModel, match="architecture"):
        check_card(card)


def test_onnx_runtime_gives_what_torch_gives(tiny_run: Path, tiny_model: Path, tiny_experiment: Experiment) -> None:
    """At several sizes and batches, which the exported graph leaves free."""
    temperature = json.loads((tiny_model / "model.json").read_text())["properties"]["scarpwatch:calibration"]
    network = Probability(trained_network(tiny_experiment, tiny_run), temperature["temperature"]).eval()
    assert parity(network, tiny_model / "model.onnx", shapes=((2, 32, 32), (1, 64, 96))) < PARITY_LIMIT


def test_numbers_beyond_16_bits_stay_whole(tmp_path: Path) -> None:
    """A variance that became infinite would silence its channel, and noise alone does not notice."""
    strong = torch.nn.BatchNorm2d(400).eval()
    strong.running_var = torch.full((400,), 1e6)
    strong.running_mean = torch.linspace(-1, 1, 400)
    network = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Conv2d(3, 400, 1), torch.nn.Sigmoid(), strong)
    network.append(torch.nn.Conv2d(400, 1, 1))
    export_onnx(network.eval(), tmp_path / "model.onnx")
    stored = [onnx.numpy_helper.to_array(one) for one in onnx.load(tmp_path / "model.onnx").graph.initializer]
    assert all(np.isfinite(one).all() for one in stored)
    assert any(one.dtype == np.float16 for one in stored)
    assert max(float(np.abs(one).max()) for one in stored) > 1e5


@pytest.mark.parametrize("temperature", [0.6, 1.7, 3.0])
def test_one_asking_tells_the_answers_at_any_temperature(temperature: float, tmp_path: Path) -> None:
    """As weights that hold the temperature answer, and back: to a third of a thousandth, even where both are sure."""
    torch.manual_seed(0)
    network = torch.nn.Conv2d(3, 1, 3, padding=1).eval()
    with torch.no_grad():
        network.weight.mul_(7)
    chips = drawn_chips([1, 2])

    def asked(held: float) -> list[np.ndarray]:
        path = tmp_path / f"{held}.onnx"
        export_onnx(network, path, 3, held)
        card = replace(load_card(write_model(tmp_path / f"tiny-{held}")), weights=str(path))
        return list(flip_answers(chip_engine(card, chips.labels.shape[-1], 1), chips, OPTICAL_FLIPS))

    raw, held = asked(1.0), asked(temperature)
    (at_one,), (at_other,) = averaged(raw, (1,)), averaged(held, (1,))
    assert at_one.min() < 0.01
    assert at_one.max() > 0.99
    assert np.abs(at_one - at_other).max() > 0.05
    np.testing.assert_allclose(averaged(raw, (temperature,))[0], at_other, atol=1 / 3000)
    np.testing.assert_allclose(averaged(held, (1 / temperature,))[0], at_one, atol=1 / 3000)


def test_every_chip_is_asked_once_for_every_flip(
    tiny_run: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Export takes no longer than its chips: the temperature costs no second asking."""
    asked: list[int] = []
    predict = OnnxEngine.predict

    def counted(engine: OnnxEngine, windows: np.ndarray) -> np.ndarray:
        asked.append(len(windows))
        return predict(engine, windows)

    monkeypatch.setattr(OnnxEngine, "predict", counted)
    run("export", str(tiny_run), str(tmp_path / "model"), "--data", str(tiny_data), "--threads", "1")
    sides = json.loads((tiny_run / "run.json").read_text())["split"]["chips"]
    assert sum(asked) == len(OPTICAL_FLIPS) * (sides["threshold"] + sides["validation"])


def test_an_export_that_does_not_match_its_network_is_refused(
    tiny_experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison notices weights that are not the network's."""
    torch.manual_seed(0)
    network = build_network(tiny_experiment.network, 3).eval()
    export_onnx(network, tmp_path / "right.onnx")
    other = build_network(tiny_experiment.network, 3).eval()
    assert parity(Probability(other).eval(), tmp_path / "right.onnx", shapes=((1, 32, 32),)) > PARITY_LIMIT
    monkeypatch.setattr("training.export.parity", lambda *_: 0.5)
    with pytest.raises(BadModel, match=r"differ by 5\.00e-01"):
        export_onnx(network, tmp_path / "wrong.onnx")


def test_small_weights_that_rounding_moves_are_kept_whole(tmp_path: Path) -> None:
    """The few numbers at the entrance may need all their digits; the many behind them do not, and halve the file."""
    entrance, behind = torch.nn.Conv2d(3, 100, 1, bias=False), torch.nn.Conv2d(100, 400, 1, bias=False)
    out = torch.nn.Conv2d(400, 1, 1, bias=False)
    with torch.no_grad():
        # Difference of two channels: 1 + 2^-12 becomes 1 in 16 bits.
        entrance.weight[:] = torch.tensor([1.0 + 2.0**-12, -1.0, 0.0])[:, None, None]
        behind.weight.fill_(2.0**-4)
        out.weight.fill_(2.0**-4)
    network = torch.nn.Sequential(entrance, behind, out)
    assert export_onnx(network, tmp_path / "model.onnx") < PARITY_LIMIT
    stored = onnx.load(tmp_path / "model.onnx").graph.initializer
    halved = [list(one.dims) for one in stored if one.data_type == onnx.TensorProto.FLOAT16]
    assert halved == [[400, 100, 1, 1]]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_the_mean_over_flips_turns_with_its_input(tiny_model: Path, tiny_data: Path) -> None:
    """Averaging over the four flips makes the answer equivariant to them."""
    predict = onnx_predictor(load_card(tiny_model), 1)
    chips = load_rgb_patches(tiny_data / PATCH_FILE)
    straight = chips.pixels.astype(np.float32)
    as_they_are = predict(replace(chips, pixels=straight))
    mirrored = predict(replace(chips, pixels=np.ascontiguousarray(straight[..., ::-1])))
    np.testing.assert_allclose(mirrored[..., ::-1], as_they_are, atol=1e-5)


def test_evaluate_prints_the_figures(tiny_model: Path, tiny_data: Path) -> None:
    """JSON with the agreed keys, on the chosen ids only."""
    file = str(tiny_data / PATCH_FILE)
    found = json.loads(run("evaluate", str(tiny_model), "--data", file, "--ids", "300-489", "--json"))
    assert {"f1", "pr_auc", "precision", "recall", "iou", "threshold", "f1_best", "intervals"} <= set(found)
    assert found["patches"] == len(VALIDATION_IDS)
    assert found["threshold"] == load_card(tiny_model).threshold
    assert "f1: " in run("evaluate", str(tiny_model), "--data", file)


def test_evaluate_without_any_patch_names_the_ids(tiny_model: Path, tiny_data: Path) -> None:
    """And says what to do."""
    said = refused("evaluate", str(tiny_model), "--data", str(tiny_data / PATCH_FILE), "--ids", "9000")
    assert "9000" in said


def test_every_experiment_that_ships_can_be_read() -> None:
    """And is listed with its title."""
    printed = run("experiments")
    assert "scar-rgb" in printed
    assert load_experiment("scar-rgb").title in printed


def test_an_unknown_setting_or_experiment_is_named(tmp_path: Path) -> None:
    """With what there is instead."""
    file = tmp_path / "odd.yaml"
    file.write_text("name: odd\ntitle: Odd\ndata: {kind: rgb-patches, path: x}\nschedule: {epochs: 0, speed: 3}\n")
    said = refused("fit", str(file), str(tmp_path / "run"), "--data", str(tmp_path))
    assert "schedule.epochs" in said
    assert "schedule.speed: there is no such setting" in said
    file.write_text("name: odd\ntitle: Odd\ndata: {kind: rgb-patches, path: x, quiet: [slovenia]}\n")
    assert "one needs the other" in refused("fit", str(file), str(tmp_path / "run"), "--data", str(tmp_path))
    assert "scar-rgb" in refused("fit", "scar-gbr", str(tmp_path / "run"), "--data", str(tmp_path))
