"""`python -m training chips`, from the command line to files that load."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import typer
from affine import Affine
from shapely.geometry import box, mapping
from typer.testing import CliRunner, Result

from training.chips_command import chips_command
from training.datasets.cutting import load_cut_chips
from training.datasets.manifest import read_manifest, verify
from training.datasets.quiet import load_quiet

AREA = "141.9460,42.7120,141.9500,42.7160"
"""Within one tile."""

app = typer.Typer()
app.command("chips")(chips_command)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def scars(tmp_path: Path) -> Path:
    """One square scar."""
    path = tmp_path / "scars.geojson"
    path.write_text(json.dumps(mapping(box(141.9470, 42.7130, 141.9480, 42.7140))))
    return path


def options(data_folder: Path, labels: Path, *more: str) -> list[str]:
    catalog = data_folder / "hokkaido_iburi_2018" / "catalog" / "catalog.json"
    scenes = ["--catalog", str(catalog), "--from", "2018-10-01", "--to", "2018-10-22"]
    return [*scenes, "--labels", str(labels), *more]


def test_polygons_become_chips(data_folder: Path, scars: Path, tmp_path: Path) -> None:
    """The last day counts whole; progress goes to stderr, the result to stdout."""
    folder = tmp_path / "iburi"
    arguments = [str(folder), *options(data_folder, scars, "--area", AREA, "--licence", "MIT")]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "1/1 UTM54N-" in result.stderr
    assert "1 chips in" in result.stdout
    manifest = read_manifest(folder / "manifest.json")
    assert (manifest.licence, manifest.bands, verify(manifest, folder)) == ("MIT", ("B04", "B03", "B02"), {})
    samples = load_cut_chips(folder)
    assert (samples.labels == 1).sum() == manifest.labels.landslide > 80
    assert samples.groups.tolist() == ["iburi"]
    again = run(*arguments)
    assert "1 kept" in again.stdout
    other = run(*arguments, "--bands", "B04")
    assert (other.exit_code, "another bands" in other.output) == (2, True)


def test_an_area_where_nothing_slid_becomes_quiet_ground(data_folder: Path, tmp_path: Path) -> None:
    """What is seen there is stable, and an experiment may name the folder as quiet."""
    folder = tmp_path / "calm"
    result = run(str(folder), *options(data_folder, Path("none"), "--area", AREA))
    assert result.exit_code == 0, result.output
    assert ": 0 landslide and " in result.stdout
    (chip,) = load_quiet(tmp_path, ["calm"], chip_px=256).labels
    assert (chip == 0).sum() == read_manifest(folder / "manifest.json").labels.stable > 1000
    assert "0 landslide" in run(str(folder), *options(data_folder, Path("none"), "--area", AREA)).stdout


def test_a_hazard_map_becomes_chips(data_folder: Path, tmp_path: Path) -> None:
    """Zones 1 and 2 are hazard; its extent is the area; terrain comes along."""
    path = tmp_path / "zones.tif"
    zones = np.array([[[0, 1], [2, 3]]], np.uint8).repeat(20, axis=1).repeat(20, axis=2)
    place = Affine(1e-4, 0, 141.9460, 0, -1e-4, 42.7160)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=40, width=40, dtype="uint8", crs="EPSG:4326", transform=place
    ) as dataset:
        dataset.write(zones)
    wanted = options(data_folder, path, "--hazard-values", "1,2", "--bands", "B04,tri", "--event", "zones")
    result = run(str(tmp_path / "out"), *wanted)
    assert result.exit_code == 0, result.output
    samples = load_cut_chips(tmp_path / "out")
    assert (samples.bands, samples.groups.tolist()) == (("B04", "tri"), ["zones"])
    hazard, stable = (samples.labels == 1).sum(), (samples.labels == 0).sum()
    assert hazard == pytest.approx(stable, rel=0.05)
    assert np.isfinite(samples.pixels[0, 1]).all()


@pytest.mark.parametrize("more", [(), ("--area", AREA)])
def test_a_map_that_is_not_there_is_named(tmp_path: Path, more: tuple[str, ...]) -> None:
    """Also where the area is given, so that the map need not say it."""
    absent = tmp_path / "missing.tif"
    period = ["--catalog", "catalog.json", "--from", "2018-10-01", "--to", "2018-10-22"]
    result = run(str(tmp_path / "out"), *period, "--labels", str(absent), "--hazard-values", "1", *more)
    assert isinstance(result.exception, SystemExit)
    assert result.exit_code == 1
    assert f"{absent}: it is no raster on the ground" in result.output
    assert "Give a georeferenced raster" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((), "Add --area"),
        (("--area", "1,2,3"), "is no box"),
        (("--area", "3,2,1,4"), "is no box"),
        (("--area", "a,b,c,d"), "no list of numbers"),
        (("--area", AREA, "--bands", "B04,B99"), "no band B99"),
    ],
)
def test_wrong_usage_is_explained(
    data_folder: Path, scars: Path, tmp_path: Path, more: tuple[str, ...], says: str
) -> None:
    """With exit code 2, and nothing is written."""
    result = run(str(tmp_path / "out"), *options(data_folder, scars, *more))
    assert result.exit_code == 2
    assert says in result.output
    assert not (tmp_path / "out").exists()


def test_a_catalog_that_is_not_there_is_named(scars: Path, tmp_path: Path) -> None:
    """Exit code 1: it may be there later."""
    absent = str(tmp_path / "catalog.json")
    period = ["--from", "2018-10-01", "--to", "2018-10-22"]
    result = run(str(tmp_path / "out"), "--catalog", absent, *period, "--labels", str(scars), "--area", AREA)
    assert result.exit_code == 1
    assert absent in result.output
