"""From files to probability maps; above all the 14-band path from a set as published to its maps."""

from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import typer
from rasterio.transform import from_origin
from typer.testing import CliRunner, Result

from monitor.adapters.landslide4sense import BANDS
from monitor.adapters.model_store import load_card
from training.datasets.landslide4sense import write_landslide4sense
from training.experiment import DataSettings, Experiment, NetworkSettings, ScheduleSettings
from training.loop import fit
from training.material import gather
from training.predict import Predictor, read_chip
from training.predict_command import predict_command
from training.release import release
from training.run_file import begin_run
from training.samples import LANDSLIDE, STABLE, Samples

SIDE = 64
IDS = (100, 101, 102, 103, 300, 301, 500, 501)


def drawn() -> Samples:
    """Noise about 1 with one bare square each: bright in all bands."""
    rng = np.random.default_rng(3)
    labels = np.full((len(IDS), SIDE, SIDE), STABLE, dtype=np.int8)
    for mask in labels:
        row, column = rng.integers(0, SIDE - 16, 2)
        mask[row : row + 16, column : column + 16] = LANDSLIDE
    pixels = rng.normal(1.0, 0.1, (len(IDS), len(BANDS), SIDE, SIDE))
    pixels += (labels == LANDSLIDE)[:, None] * 1.5
    return Samples(
        name="drawn",
        bands=BANDS,
        ids=np.array(IDS),
        pixels=pixels.astype(np.float32),
        labels=labels,
        groups=np.full(len(IDS), "unknown"),
        touching=np.zeros((0, 2), dtype=np.int64),
    )


def trained(folder: Path, name: str, bands: tuple[str, ...]) -> Path:
    """A model folder after one epoch on the set as published in `folder`."""
    experiment = Experiment(
        name=name,
        title="A test",
        simulated=True,
        data=DataSettings(
            kind="landslide4sense", path="drawn", bands=bands, validation=("500-501",), threshold=("300-301",)
        ),
        network=NetworkSettings(encoder="resnet18", pretrained=False, decoder_channels=(16, 16, 8, 8, 8)),
        schedule=ScheduleSettings(epochs=1, batch_size=2, averaging=0.5, precision="32-true"),
    )
    material = gather(experiment.data, folder)
    begin_run(folder / f"run-{name}", experiment, material)
    fit(experiment, material.sources(), material.threshold(), folder / f"run-{name}", lambda _epoch: None)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    release(experiment, material, folder / f"run-{name}", folder / name, threads=1, now=now)
    return folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an HDF5 set written as published."""
    folder = tmp_path_factory.mktemp("published")
    write_landslide4sense(drawn(), folder / "drawn")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    """Trained on all 14 bands."""
    return trained(folder, "all-bands", BANDS)


@pytest.fixture(scope="module")
def colour_model(folder: Path) -> Path:
    """Trained on red, green and blue of the same files."""
    return trained(folder, "colours", ("B04", "B03", "B02"))


def predict(model: Path, files: list[Path], out: Path, *more: str) -> Result:
    """The command as a user types it."""
    app = typer.Typer()
    app.command()(predict_command)
    arguments = [str(model), *map(str, files), "--out", str(out), "--threads", "1", *more]
    return CliRunner().invoke(app, arguments)


def write_raster(path: Path, pixels: np.ndarray, crs: str | None = "EPSG:32654", **more: object) -> Path:
    """A GeoTIFF of 20 m pixels."""
    bands, height, width = pixels.shape
    profile = {"count": bands, "height": height, "width": width, "dtype": pixels.dtype, "crs": crs, **more}
    with rasterio.open(path, "w", driver="GTiff", transform=from_origin(500_000, 4_700_000, 20, 20), **profile) as file:
        file.write(pixels)
    return path


def test_from_published_files_to_probability_maps(folder: Path, model: Path, tmp_path: Path) -> None:
    """Load, train, export, predict: the map of a held-out patch is brighter where its mask is."""
    card = load_card(model)
    assert (card.bands, card.simulated) == (BANDS, True)
    files = [folder / "drawn" / "img" / f"image_{number}.h5" for number in (500, 501)]
    result = predict(model, files, tmp_path)
    assert result.exit_code == 0, result.output
    assert "SIMULATED" in result.output
    for index, path in zip((6, 7), files, strict=True):
        probability = np.load(tmp_path / f"{path.stem}.npy")
        assert (probability.dtype, probability.shape) == (np.float32, (SIDE, SIDE))
        scar = drawn().labels[index] == LANDSLIDE
        assert probability[scar].mean() > probability[~scar].mean()
        assert (tmp_path / f"{path.stem}.png").read_bytes().startswith(b"\x89PNG")
        assert not (tmp_path / f"{path.stem}.tif").exists()


def test_bands_are_picked_by_name(folder: Path, colour_model: Path) -> None:
    """A true-colour model answers 14-band files with B04, B03 and B02 in its order."""
    card = load_card(colour_model)
    chip = read_chip(folder / "drawn" / "img" / "image_500.h5", card)
    reversed_ = read_chip(folder / "drawn" / "img" / "image_500.h5", card)
    object.__setattr__(reversed_, "pixels", chip.pixels[::-1])
    object.__setattr__(reversed_, "bands", chip.bands[::-1])
    predictor = Predictor(card, threads=1)
    assert (predictor.find(chip).probability == predictor.find(reversed_).probability).all()


def test_a_raster_keeps_its_place(colour_model: Path, tmp_path: Path) -> None:
    """The map lies where the chip lies, of its size, with nothing where nothing was observed; areas are its own."""
    pixels = drawn().pixels[6, [3, 2, 1], :50, :60].copy()
    pixels[:, :10] = -1.0
    source = write_raster(tmp_path / "chip.tif", pixels, nodata=-1.0)
    chip = read_chip(source, load_card(colour_model))
    assert chip.pixel_ha == pytest.approx(0.04)
    result = predict(colour_model, [source], tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "pixels of 20 m, but the network knows ground at 10 m" in result.output
    with rasterio.open(source) as before, rasterio.open(tmp_path / "out" / "chip.tif") as after:
        assert (after.crs, after.transform, after.shape) == (before.crs, before.transform, (50, 60))
        assert after.descriptions == ("probability", "spread")
        assert after.tags()["simulated"] == "true"
        probability = after.read(1)
    assert np.isnan(probability[:10]).all()
    assert np.isfinite(probability[10:]).all()


def test_a_pixel_in_degrees_has_its_area_on_the_ground(colour_model: Path, tmp_path: Path) -> None:
    """At 60° north a degree of longitude is half as long."""
    step = 1e-4
    path = tmp_path / "north.tif"
    profile = {"count": 3, "height": 32, "width": 32, "dtype": "uint8", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", driver="GTiff", transform=from_origin(10, 60, step, step), **profile) as file:
        file.write(np.full((3, 32, 32), 7, dtype=np.uint8))
    expected_ha = (111_412 * step) * (55_800 * step) / 1e4
    assert read_chip(path, load_card(colour_model)).pixel_ha == pytest.approx(expected_ha, rel=0.01)


def test_broken_files_are_named_and_the_rest_goes_on(folder: Path, model: Path, tmp_path: Path) -> None:
    """Without img, with NaN, with other bands, no file, no HDF5, a raster of other bands: each with its reason."""
    good = folder / "drawn" / "img" / "image_500.h5"
    keyless, broken, seven, text = (tmp_path / f"{name}.h5" for name in ("keyless", "broken", "seven", "text"))
    image = np.ones((SIDE, SIDE, 14))
    for path, key, values in (
        (keyless, "image", image),
        (broken, "img", np.where(np.arange(14) == 3, np.nan, image)),
        (seven, "img", image[..., :7]),
    ):
        with h5py.File(path, "w") as file:
            file[key] = values
    text.write_text("no HDF5")
    raster = write_raster(tmp_path / "three.tif", np.ones((3, SIDE, SIDE), dtype=np.float32))
    (tmp_path / "folder").mkdir()
    files = [keyless, broken, seven, text, raster, tmp_path / "missing.h5", tmp_path / "folder", good]
    result = predict(model, files, tmp_path / "out")
    assert result.exit_code == 1
    for path, reason in (
        (keyless, "no array img"),
        (broken, "NaN or infinite (in B04)"),
        (seven, "not height x width x 14"),
        (text, "no readable HDF5"),
        (raster, "it has 3 bands, but 14 are named"),
        (tmp_path / "missing.h5", "no such file"),
        (tmp_path / "folder", "/folder/*.h5"),
    ):
        assert any(str(path) in line and reason in line for line in result.output.splitlines()), reason
    assert "7 of 8 files failed" in result.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"image_500.npy", "image_500.png"}


def test_bands_of_a_raster_can_be_named_by_hand(model: Path, colour_model: Path, tmp_path: Path) -> None:
    """A file in the order B02, B03, B04 says the same as one in the card's order once its bands are named."""
    pixels = drawn().pixels[6, [3, 2, 1]]
    own = write_raster(tmp_path / "own.tif", pixels)
    turned = write_raster(tmp_path / "turned.tif", pixels[::-1])
    out = tmp_path / "out"
    assert predict(colour_model, [own], out).exit_code == 0
    assert predict(colour_model, [turned], out, "--bands", "B02,B03,B04").exit_code == 0
    assert (np.load(out / "own.npy") == np.load(out / "turned.npy")).all()
    result = predict(model, [own], out, "--bands", "B04,B03,B02")
    assert result.exit_code == 1
    assert "there is no band B01" in result.output


def test_a_chip_without_ground_is_refused(colour_model: Path, tmp_path: Path) -> None:
    """What was hardly observed has no normalisation, so it gets no map."""
    pixels = np.full((3, SIDE, SIDE), np.nan, dtype=np.float32)
    pixels[:, :5, :5] = 1.0
    result = predict(colour_model, [write_raster(tmp_path / "dark.tif", pixels, nodata=np.nan)], tmp_path / "out")
    assert result.exit_code == 1
    assert "only 25 pixels are observed" in result.output


def test_two_files_of_one_name_are_refused(model: Path, tmp_path: Path) -> None:
    """The second would overwrite the results of the first."""
    result = predict(model, [tmp_path / "a" / "chip.h5", tmp_path / "b" / "chip.h5"], tmp_path)
    assert result.exit_code == 2
    assert "same name" in result.output


def test_results_never_lie_among_the_files(model: Path, tmp_path: Path) -> None:
    """The map of chip.tif is called chip.tif too, and must not take its place."""
    chip = write_raster(tmp_path / "chip.tif", np.ones((14, SIDE, SIDE), dtype=np.float32))
    before = chip.read_bytes()
    result = predict(model, [chip], tmp_path)
    assert result.exit_code == 2
    assert "could overwrite" in result.output
    assert chip.read_bytes() == before


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    """Nothing is done, exit code 2."""
    assert predict(tmp_path, [tmp_path / "chip.h5"], tmp_path / "out").exit_code == 2


def test_a_large_raster_is_not_taken_for_a_chip(colour_model: Path, tmp_path: Path) -> None:
    """It would be answered in one window of gigabytes."""
    scene = write_raster(tmp_path / "scene.tif", np.ones((3, 8, 1025), dtype=np.uint8))
    result = predict(colour_model, [scene], tmp_path / "out")
    assert "more than 1024 on a side" in result.output
