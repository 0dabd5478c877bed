"""From a simulated valley to a fused model that the service runs: chips, training, card, judgement, looks."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor.adapters.model_store import load_card, load_radar_card, load_watch_card
from monitor.core.features import Sources, build_features, context_statistics
from monitor.core.land_cover import CLASSES, Scheme, land_cover, one_hot
from monitor.errors import BadModel, ConfigError
from monitor.inputs import Input, Method
from monitor.records import AcquisitionState, AlertStatus, Sensor, SensorPolicy
from monitor.sandbox.story import STORM_UNDER_CLOUD
from monitor.sandbox.valley import build_valley
from tests.pipeline.radar_world import make_radar_world
from tests.pipeline.world import Source, make_model_folder
from tests.training.three_valleys import SEEDS, SIZE_PX, make_three
from training.__main__ import app
from training.datasets.manifest import MANIFEST_FILE, read_manifest
from training.experiment import FOLDER, DataSettings, Experiment, VariationSettings, load_experiment, save_experiment
from training.layers import fed, flips_of, mirrored, varied_layers
from training.samples import LANDSLIDE
from training.scoring import onnx_predictor
from training.simulated.chips import Depth, load_simulated, place_of, stacks_of
from training.simulated.valley_command import make_valley, order_of
from training.simulated.valley_files import file_of, open_valley

LEGEND = "land_cover:esa-worldcover"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data with three valleys of one chip."""
    folder = tmp_path_factory.mktemp("data")
    make_three(folder / "sim-valleys")
    return folder


@pytest.fixture(scope="module")
def valleys(data: Path) -> Path:
    """The set of valleys."""
    return data / "sim-valleys"


def tiny(name: str, file: Path) -> Path:
    """A shipped experiment with a tiny network, for two epochs, on three valleys."""
    shipped = load_experiment(name).model_dump(mode="json")
    shipped["data"] |= {"threshold": ["valley-2"], "validation": ["valley-3"]}
    shipped["network"] |= {
        "encoder": "mobilenetv3_small_100",
        "pretrained": False,
        "decoder_channels": [16, 16, 8, 8, 8],
    }
    shipped["schedule"] |= {"epochs": 2, "batch_size": 2, "averaging": 0.5}
    save_experiment(Experiment.model_validate(shipped), file)
    return file


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def models(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny models of three shipped experiments, made through the command line."""
    folder = tmp_path_factory.mktemp("fused")
    for name in ("sim-d", "sim-h", "sim-sar-change"):
        common = ("--data", str(data), "--threads", "1")
        run("fit", str(tiny(name, folder / f"{name}.yaml")), str(folder / "runs" / name), *common)
        run("export", str(folder / "runs" / name), str(folder / name), *common)
    return folder


def test_a_valley_is_kept_and_never_mixed_with_another_order(valleys: Path) -> None:
    """An interrupted run goes on; a folder has valleys of one kind."""
    assert make_valley(valleys, 1, order_of(SIZE_PX, quiet=3, after=3)) == "kept"
    with pytest.raises(ConfigError, match="another order"):
        make_valley(valleys, 1, order_of(SIZE_PX + 2, quiet=3, after=3))


def test_the_manifest_says_what_the_valleys_are_made_of(valleys: Path) -> None:
    """Simulated, with version, story and seeds."""
    manifest = read_manifest(valleys / MANIFEST_FILE)
    assert manifest.simulated
    assert manifest.made_of["seeds"] == list(SEEDS)
    assert manifest.made_of["valley_version"] >= 2
    assert manifest.made_of["story"]["radar"]
    assert len(manifest.files) == len(SEEDS)


def test_chips_hold_what_the_items_hold(valleys: Path) -> None:
    """Reflectance and power in their units, the ground beside them, the cloud of the storm hidden."""
    valley = open_valley(file_of(valleys, 1))
    optical = [view for view in valley.views if view.sensor == Sensor.OPTICAL.value]
    radar = [view for view in valley.views if view.sensor == Sensor.SAR.value]
    assert len({view.track for view in radar}) == 2
    red = valley.layer("B04", optical[0]).astype(float)
    assert 0.005 < np.nanmedian(red) < 0.1
    assert -13 < 10 * np.log10(np.nanmedian(valley.layer("vv", radar[0]).astype(float))) < -5
    assert 1 < np.nanmedian(valley.layer("tri").astype(float)) < 40
    assert set(np.unique(valley.layer(LEGEND))) <= {0, *map(int, CLASSES[Scheme.ESA_WORLDCOVER])}
    first_after = next(view for view in optical if view.after)
    assert np.isfinite(valley.layer("B04", first_after)).mean() < 0.1, "the storm's own cloud"
    with pytest.raises(ConfigError, match="no layer B08"):
        valley.layer("B08", optical[0])


def test_scars_are_labelled_in_looks_after_the_storm_only(valleys: Path) -> None:
    """The same ground is stable before it, and unlabelled where a look does not see it."""
    samples = load_simulated(valleys, _inputs("vv", "vh", "tri"))
    sides: dict[bool, int] = {True: 0, False: 0}
    for number, labels in zip(samples.ids.tolist(), samples.labels, strict=True):
        seed, place, _ = place_of(number)
        stack = stacks_of(open_valley(file_of(valleys, seed)), Sensor.SAR, Depth(after=1, before=0))[place]
        sides[stack.newest[0].after] += int((labels == LANDSLIDE).sum())
    assert sides[True] > 0
    assert sides[False] == 0
    hidden = ~np.isfinite(samples.pixels).all(axis=1)
    assert (samples.labels[hidden] == -1).all()
    assert (samples.labels[~hidden] >= 0).all()


def test_a_stack_holds_looks_of_one_track_from_both_sides_of_the_storm(valleys: Path) -> None:
    """Two after, three before, all in order; and stacks without a storm between them, as hard negatives."""
    valley = open_valley(file_of(valleys, 1))
    stacks = stacks_of(valley, Sensor.SAR, Depth(after=2, before=3))
    assert {stack.slid for stack in stacks} == {True, False}
    for stack in stacks:
        views = [*stack.newest, *stack.before]
        assert len({view.track for view in views}) == 1
        assert [view.time for view in views] == sorted((view.time for view in views), reverse=True)
        crossed = all(view.after for view in stack.newest) and not any(view.after for view in stack.before)
        assert stack.slid == crossed
        assert stack.view(":before2") == stack.before[1]
        assert stack.view(":after2") == stack.newest[1]


def test_old_scars_are_no_change(valleys: Path) -> None:
    """Between two passes after the storm nothing slid, though scars are in both."""
    valley = open_valley(file_of(valleys, 1))
    stacks = stacks_of(valley, Sensor.SAR, Depth(after=1, before=1))
    assert any(stack.before[0].after and not stack.slid for stack in stacks)


def _inputs(*names: str) -> tuple[Input, ...]:
    """With their only methods; optics against the ground around."""
    methods = {"vv": Method.DECIBEL, "vh": Method.DECIBEL, "tri": Method.FIXED, LEGEND: Method.ONE_HOT}
    return tuple(Input(name=name, method=methods.get(name, Method.CONTEXT), center=1.0, scale=2.0) for name in names)


def _chip(names: Sequence[str], seed: int = 0) -> np.ndarray:
    """(C, 64, 64) of plausible layers."""
    rng = np.random.default_rng(seed)
    layers = {
        "vv": rng.gamma(4, 0.03, (64, 64)),
        "vh": rng.gamma(4, 0.01, (64, 64)),
        "tri": rng.gamma(3, 3, (64, 64)),
        LEGEND: rng.choice([0, 10, 30, 80], (64, 64)),
    }
    return np.stack([layers.get(name, rng.gamma(5, 0.01, (64, 64))) for name in names]).astype(np.float32)


def test_training_feeds_what_the_service_feeds() -> None:
    """The same layers as sources of `build_features` and as a chip: the same numbers."""
    names = ("B04", "B03", "B02", "tri", LEGEND)
    pixels, inputs = _chip(names), _inputs(*names)
    ground = context_statistics(pixels[:3], None)
    assert ground is not None
    classes = land_cover(pixels[4].astype(np.uint8), Scheme.ESA_WORLDCOVER)
    sources = Sources(
        bands=dict(zip(names[:4], pixels[:4], strict=True)), land_cover=one_hot(classes, Scheme.ESA_WORLDCOVER)
    )
    expected = build_features(inputs, sources, (ground.center[:, None, None], ground.scale[:, None, None]))
    found = fed(names, inputs, pixels)
    assert found.shape == (4 + len(CLASSES[Scheme.ESA_WORLDCOVER]), 64, 64)
    np.testing.assert_array_equal(found, expected)
    assert (found[4:].sum(axis=0) == (pixels[4] > 0)).all()


def test_radar_is_only_mirrored_north_to_south() -> None:
    """East and west stay: the radar looks along them. Optics get every symmetry of the square."""
    names = ("vv", "vh", "tri")
    assert flips_of(names) == ("identity", "vertical")
    assert flips_of(("B04", "tri")) == ("identity", "horizontal", "vertical", "both")
    pixels, labels = _chip(names), np.arange(64 * 64, dtype=np.int8).reshape(64, 64)
    seen = {mirrored(pixels, labels, np.random.default_rng(seed))[0].tobytes(): seed for seed in range(40)}
    assert set(seen) == {pixels.tobytes(), np.ascontiguousarray(pixels[:, ::-1]).tobytes()}


def test_a_variation_of_radar_changes_its_level_alone() -> None:
    """Calibration and wet ground add decibels; ruggedness stays as it is."""
    names = ("vv", "tri")
    pixels, labels = _chip(names), np.zeros((64, 64), np.int8)
    plain = fed(names, _inputs(*names), pixels)
    varied, _ = varied_layers(
        names, _inputs(*names), (pixels, labels), np.random.default_rng(3), VariationSettings(gain_db_spread=1.0)
    )
    turned = plain if np.allclose(varied[1], plain[1]) else plain[:, ::-1]
    np.testing.assert_array_equal(varied[1], turned[1])
    step = (varied[0] - turned[0]) * 2.0
    assert step.std() < 1e-4
    assert abs(float(step.mean())) > 0.01


def test_ground_that_nobody_saw_feeds_zeros() -> None:
    """A chip under cloud has no statistics; what is known of the ground stays."""
    names = ("B04", "tri")
    pixels = _chip(names)
    pixels[0] = np.nan
    found = fed(names, _inputs(*names), pixels)
    assert (found[0] == 0).all()
    assert (found[1] != 0).any()


@pytest.mark.parametrize("file", sorted(FOLDER.glob("sim-*.yaml")), ids=lambda path: path.stem)
def test_every_simulated_experiment_says_so_and_splits_by_valley(file: Path) -> None:
    """All eight configurations of the study, and three stacks of passes."""
    experiment = load_experiment(file.stem)
    assert experiment.name == file.stem
    assert experiment.simulated
    assert "simulated" in experiment.title
    assert experiment.data.split == "groups"
    channels = {"a": 3, "b": 4, "c": 14, "d": 15, "e": 2, "f": 3, "g": 13, "h": 14}
    stacks = {"sim-sar-change": 5, "sim-sar-change-3-1": 9, "sim-sar-change-3-3": 13}
    assert experiment.data.channels == {**{f"sim-{key}": value for key, value in channels.items()}, **stacks}[file.stem]
    assert experiment.task == ("change" if file.stem in stacks else "scar")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"bands": ["B04", "vv"]}, "one sensor"),
        ({"bands": ["B04", "B99"], "inputs": {}}, "no input B99"),
        ({"inputs": {"vh": {"method": "decibel", "center": 0, "scale": 1}}}, "bands does not"),
        ({"inputs": {"tri": {"method": "decibel", "center": 0, "scale": 1}}}, "cannot be made by"),
        ({"split": "random", "validation": (), "threshold": ()}, "split by valley"),
        ({"kind": "landslide4sense"}, "inputs go with"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, object], complaint: str) -> None:
    """Each with a word on what is wrong."""
    good = load_experiment("sim-b").data.model_dump(mode="json")
    DataSettings.model_validate(good)
    with pytest.raises(ValueError, match=complaint):
        DataSettings.model_validate(good | changes)


def test_a_card_states_inputs_seeds_and_that_it_is_simulated(models: Path) -> None:
    """What the service needs to feed it, and what a reader must know."""
    card = load_watch_card(models / "sim-d")
    assert card.simulated
    assert card.bands == ("B04", "B03", "B02", "tri", LEGEND)
    assert [one.method for one in card.inputs] == [*[Method.CONTEXT] * 3, Method.FIXED, Method.ONE_HOT]
    radar = load_radar_card(models / "sim-h")
    assert radar.flips == ("identity", "vertical")
    properties = json.loads((models / "sim-h" / "model.json").read_text())["properties"]
    (made_from,) = properties["scarpwatch:training"]["data"]
    assert made_from["made_of"]["seeds"] == list(SEEDS)
    assert properties["description"].startswith("SIMULATED")
    assert properties["scarpwatch:metrics"]["onnx_parity_max_abs"] < 1e-3
    assert "SIMULATED" in properties["scarpwatch:metrics"]["validation"]["method"]


def test_models_that_the_service_cannot_run_are_refused(models: Path) -> None:
    """Optics for radar. One of radar's earlier and later passes is no such model."""
    assert load_radar_card(models / "sim-sar-change").of_pairs
    with pytest.raises(BadModel, match="model of optics"):
        load_radar_card(models / "sim-d")


def test_models_are_judged_beside_the_plain_baselines(models: Path, data: Path) -> None:
    """On unseen valleys, every pair on the same pixels."""
    names = ("sim-d", "sim-h", "sim-sar-change")
    folders = [str(models / name) for name in names]
    found = json.loads(run("compare-simulated", *folders, "--data", str(data), "--threads", "1", "--json"))
    assert [one["model"]["name"] for one in found] == list(names)
    assert [one["baseline"]["name"] for one in found] == ["brightening of red", *["backscatter baseline"] * 2]
    for one in found:
        assert one["valleys"] == 1
        assert one["model"]["simulated"]
        assert one["model"]["patches"] == one["baseline"]["patches"]
    assert found[0]["baseline"]["pr_auc"] > 0.3, "scars are brighter than the forest before them"


def test_the_service_watches_with_fused_models(models: Path, tmp_path: Path) -> None:
    """A model of optics with terrain and land cover, and one of radar, look at every acquisition of a small valley."""
    valley = build_valley(tmp_path / "valley", seed=6, size_px=160, quiet=2, after=1, story=STORM_UNDER_CLOUD)
    source = Source(valley=valley, model=make_model_folder(tmp_path / "models"))
    world = make_radar_world(tmp_path / "world", source, SensorPolicy.BOTH)
    for name in ("sim-d", "sim-h"):
        shutil.copytree(models / name, world.folder / "models" / name)
    world.configure(model="sim-d", radar_model="sim-h", alerts={"detectors": ["network", "baseline", "radar"]})
    assert world.once().parked == 0
    assert {state for state, _ in world.states()} == {AcquisitionState.DONE}
    looked = [row for row in world.dump()["observation"] if row["decision"] == "looked"]
    versions = {str(row["sensor"]): str(row["model_version"]) for row in looked}
    assert versions[Sensor.OPTICAL.value] == load_card(models / "sim-d").version
    assert versions[Sensor.SAR.value] == load_card(models / "sim-h").version
    assert all(row["mean"] is not None for row in looked)
    assert all(event.status is AlertStatus.TEST for event in world.events())


def test_a_card_decides_how_chips_are_fed(models: Path, valleys: Path) -> None:
    """Chips that do not say what is done with their layers get the answer of those that do."""
    card = load_card(models / "sim-h")
    samples = load_simulated(valleys, card.inputs)
    answer = onnx_predictor(card, 1)
    some = samples.take(samples.ids[:2].tolist())
    np.testing.assert_array_equal(answer(replace(some, inputs=())), answer(some))
