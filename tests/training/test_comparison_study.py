"""Study B: every row a network that can be built, made again by pixels and by objects."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from monitor.adapters.landslide4sense import BANDS
from training.__main__ import app
from training.datasets.landslide4sense import write_landslide4sense
from training.experiment import Experiment, NetworkSettings
from training.networks.build import build_network
from training.samples import Samples
from training.splits import VALIDATION_BLOCKS
from training.studies import landslide4sense
from training.studies.objects import LEAST_PX, by_segments, segments
from training.studies.records import Row, Study

TINY = NetworkSettings(encoder="mobilenetv3_small_100", pretrained=False, decoder_channels=(16, 16, 8, 8, 8))
ROWS = ("resnet34", "mit-b2")


def tiny(experiment: Experiment | None) -> Experiment | None:
    """A row with a network of seconds."""
    if experiment is None:
        return None
    schedule = experiment.schedule.model_copy(update={"epochs": 1, "batch_size": 2})
    return experiment.model_copy(update={"network": TINY, "schedule": schedule})


def test_every_row_is_an_experiment_on_six_channels_by_one_recipe() -> None:
    """Twelve encoders and three networks; weighted entropy and Dice; the parts as published."""
    rows = landslide4sense.study().rows
    made = [row.original for row in rows if row.original is not None]
    assert len(made) == len(rows) == 15
    assert {one.data.bands for one in made} == {("B04", "B03", "B02", "NDVI", "slope", "elevation")}
    assert {(one.data.threshold, one.data.validation) for one in made} == {(("ValidData",), ("TestData",))}
    assert len({one.schedule.model_dump_json() for one in made}) == 1
    assert {(one.loss.name, one.loss.positive_weight > 1) for one in made} == {("bce-dice", True)}
    assert len({one.network.encoder for one in made if one.network.architecture == "unet"}) == 12
    assert {one.network.architecture for one in made} == {"unet", "unet-plain", "deeplabv3+", "pyramid-pooling"}
    assert not any(one.network.pretrained for one in made)


def test_published_figures_belong_together() -> None:
    """F1 lies between precision and recall, as a mean of both does, also of figures averaged over patches."""
    for row in landslide4sense.study().rows:
        if row.published:
            low, high = sorted((row.published["precision"], row.published["recall"]))
            assert low < row.published["f1"] < high


@pytest.mark.parametrize("row", landslide4sense.study().rows, ids=lambda row: row.name)
def test_every_network_takes_six_channels(row: Row) -> None:
    """The names of the encoders are those of the library."""
    assert row.original is not None
    network = build_network(row.original.network, row.original.data.channels)
    assert sum(one.numel() for one in network.parameters()) > 1e6


def test_the_quick_form_trains_on_nothing_that_the_full_form_scores() -> None:
    """Its scored blocks lie in those of the full form, and all of these are left out of training."""
    for row in landslide4sense.study(quick=True).rows:
        assert row.here is not None
        data = row.here.data
        left_out = [tuple(map(int, part.split("-"))) for part in data.exclude_ids.split(",")]
        for low, high in VALIDATION_BLOCKS:
            assert any(first <= low and high <= last for first, last in left_out)
        assert data.split == "blocks"
        assert not data.allow_leaks


@pytest.fixture
def small_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows with a tiny network on the blocks of the full form."""
    whole = landslide4sense.study()

    def study(*, quick: bool = False) -> Study:
        assert not quick
        rows = [
            replace(row, here=tiny(row.here), original=tiny(row.original)) for row in whole.rows if row.name in ROWS
        ]
        return replace(whole, rows=tuple(rows))

    monkeypatch.setattr(landslide4sense, "study", study)


@pytest.mark.usefixtures("small_study")
def test_the_rows_are_scored_by_pixels_and_by_objects(tiny_data: Path, tmp_path: Path) -> None:
    """The table names the other data; what is published stands beside; a row that was made is not trained anew."""
    arguments = ["reproduce", "B", "--out", str(tmp_path), "--data", str(tiny_data), "--threads", "1"]
    first = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert first.exit_code == 0, first.output
    (row,) = re.findall(r"^\| resnet34  ResNet34 +\| 0\.7737 .*$", first.stdout, re.MULTILINE)
    assert "0.7470 " in row
    assert "8-bit RGB" in first.stdout
    table = first.stdout.split("## Object-based refinement off and on")[1]
    assert len(re.findall(r"^\| (?:resnet34|mit-b2) ", table, re.MULTILINE)) == 2
    page = (tmp_path / "B" / "full" / "report.html").read_text(encoding="utf-8")
    assert "no NDVI, slope or elevation" in page
    assert page.count("data:image/png;base64") == 1
    again = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "epoch 1/1" in first.stdout
    assert "epoch 1/1" not in again.stdout


@pytest.mark.usefixtures("small_study")
def test_single_rows_can_be_made(tiny_data: Path, tmp_path: Path) -> None:
    """The page says that they were chosen; a row that there is not is refused with those there are."""
    arguments = ["reproduce", "B", "--out", str(tmp_path), "--data", str(tiny_data), "--threads", "1", "--row"]
    result = CliRunner().invoke(app, [*arguments, "mit-b2"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "| resnet34" not in result.stdout
    assert "these rows only: mit-b2" in (tmp_path / "B" / "full" / "report.html").read_text(encoding="utf-8")
    refused = CliRunner().invoke(app, [*arguments, "vgg19"], catch_exceptions=False)
    assert refused.exit_code == 1
    assert "vgg19" in refused.output
    assert "resnet34, mit-b2" in refused.output


@pytest.mark.usefixtures("small_study")
def test_the_data_of_the_study_are_used_where_they_are(tmp_path: Path) -> None:
    """Six channels of the HDF5 patches, the parts as published; the page does not speak of other data."""
    for seed, part in enumerate(("TrainData", "ValidData", "TestData")):
        write_landslide4sense(drawn_patches(seed), tmp_path / landslide4sense.DATA / part)
    out = tmp_path / "out"
    arguments = ["reproduce", "B", "--out", str(out), "--data", str(tmp_path), "--threads", "1", "--row", "resnet34"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "4 train, 4 threshold, 4 validation" in result.output
    page = (out / "B" / "full" / "report.html").read_text(encoding="utf-8")
    assert "Here: the data of the study" in page
    assert "4 trained on, 4 for the threshold, 4 scored" in page
    assert "8-bit RGB" not in page
    card = json.loads((out / "B" / "full" / "models" / "l4s-resnet34" / "model.json").read_text())
    assert card["properties"]["mlm:input"][0]["bands"] == ["B04", "B03", "B02", "NDVI", "slope", "elevation"]


def drawn_patches(seed: int) -> Samples:
    """Four patches of 14 bands, each with a bright square that is the landslide."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(1.0, 0.1, (4, len(BANDS), 32, 32)).astype(np.float32)
    labels = np.zeros((4, 32, 32), dtype=np.int8)
    labels[:, 8:16, 12:20] = 1
    pixels[:, :, 8:16, 12:20] += 2
    return Samples(
        name="drawn",
        bands=BANDS,
        ids=np.arange(1, 5),
        pixels=pixels,
        labels=labels,
        groups=np.full(4, "unknown"),
        touching=np.zeros((0, 2), np.int64),
    )


def test_the_quick_form_on_the_data_of_the_study_is_of_the_training_part_alone() -> None:
    """Divided by blocks like the true-colour patches, with all six channels."""
    for row in landslide4sense.study(quick=True).rows:
        assert row.original is not None
        assert row.here is not None
        data = row.original.data
        assert data.path.endswith("TrainData")
        assert data.bands == ("B04", "B03", "B02", "NDVI", "slope", "elevation")
        assert (data.validation, data.exclude_ids) == (row.here.data.validation, row.here.data.exclude_ids)


def test_segments_end_at_edges_of_the_image() -> None:
    """A bright square is a segment of its own, a noisy pixel is not."""
    image = np.zeros((3, 24, 24), dtype=np.float32)
    image[:, 6:14, 8:16] = 9.0
    image[:, 20, 20] = 5.0
    found = segments(image)
    assert len(np.unique(found[6:14, 8:16])) == 1
    assert (found == found[6, 8]).sum() == 64
    assert np.bincount(found.ravel()).min() >= LEAST_PX
    assert found[20, 20] == found[20, 21]


def test_each_segment_is_told_its_mean() -> None:
    """What was not observed stays so and counts for nothing."""
    labels = np.array([[0, 0, 1], [0, 2, 1]], dtype=np.int32)
    probability = np.array([[0.2, 0.4, 0.5], [np.nan, np.nan, 0.7]], dtype=np.float32)
    found = by_segments(probability, labels)
    np.testing.assert_allclose(found, [[0.3, 0.3, 0.6], [np.nan, np.nan, 0.6]], rtol=1e-6)


def test_a_scar_with_a_hole_is_whole_by_objects() -> None:
    """The network leaves out the middle of a uniform scar: its segment is decided as one."""
    image = np.zeros((3, 24, 24), dtype=np.float32)
    image[:, 6:14, 8:16] = 9.0
    probability = np.where(image[0] > 0, np.float32(0.8), np.float32(0.1))
    probability[9:11, 11:13] = 0.2
    assert (by_segments(probability, segments(image)) >= 0.5).sum() == 64
