"""Chips cut from real scenes are what the service sees there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import Point, box

from monitor.adapters.catalog import StaticCatalog
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.model_store import load_card
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.acquisitions import group
from monitor.core.grid import region_tiles, tile_from_id, tile_geobox
from monitor.errors import AssetUnavailable, BadAsset, ConfigError
from monitor.looking import Instruments, Looker, Network, Stopwatch, surroundings
from monitor.records import Bands, PixelState, SceneItem, Tile
from monitor.shipped import shipped_folder
from training.datasets.chip_files import LabelCode, write_chip
from training.datasets.cutting import Cutter, Order, Outcome, begin, finish, load_cut_chips, tile_number
from training.datasets.ground_truth import MappedLandslides
from training.datasets.manifest import read_manifest, verify
from training.samples import LANDSLIDE, STABLE

SEARCHED = box(141.9500, 42.7100, 141.9850, 42.7300)
"""Four tiles in the middle of the scene after the earthquake."""
SCAR = Point(141.9600, 42.7200).buffer(0.0020)
OCTOBER = (datetime(2018, 10, 1, tzinfo=UTC), datetime(2018, 10, 31, tzinfo=UTC))
SCENE_BAND = "hokkaido_iburi_2018/post-event/download.B4.tif"


def catalog_in(data_folder: Path) -> StaticCatalog:
    return StaticCatalog(name="hokkaido", href=str(data_folder / "hokkaido_iburi_2018" / "catalog" / "catalog.json"))


def order(**changed: object) -> Order:
    facts: dict[str, object] = {
        "bands": ("B04", "B03", "B02", "slope"),
        "start": OCTOBER[0],
        "end": OCTOBER[1],
        "event": "iburi-2018",
    }
    return Order(**{**facts, **changed})  # type: ignore[arg-type]


def cutter(data_folder: Path, images: RasterImageSource | None = None, **changed: object) -> Cutter:
    catalog = catalog_in(data_folder)
    terrain = RasterTerrainSource(catalog.terrain(surroundings(SEARCHED)))
    truth = MappedLandslides(SCAR, SEARCHED)
    return Cutter(order(**changed), truth, catalog, images or RasterImageSource(), terrain)


@pytest.fixture(scope="module")
def cut(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    """The chips of the area, cut once for all tests."""
    folder = tmp_path_factory.mktemp("cut") / "iburi"
    outcomes = list(cutter(data_folder).cut(folder))
    finish(folder, order().bands, outcomes, "drawn on a real scene", "MIT")
    return folder, outcomes


def label_at(folder: Path, longitude: float, latitude: float) -> int | None:
    """The label of a place by pyproj and rasterio alone; None where no chip is."""
    for path in (folder / "labels").glob("*.tif"):
        with rasterio.open(path) as dataset:
            x, y = Transformer.from_crs(4326, dataset.crs, always_xy=True).transform(longitude, latitude)
            row, column = dataset.index(x, y)
            if 0 <= row < dataset.height and 0 <= column < dataset.width:
                return int(dataset.read(1)[row, column])
    return None


def test_every_tile_of_the_area_has_a_chip(cut: tuple[Path, list[Outcome]]) -> None:
    """The scene is clear there."""
    _, outcomes = cut
    assert sorted(one.tile for one in outcomes) == list(region_tiles(SEARCHED))
    assert {one.reason for one in outcomes} == {"cut"}


def test_labels_lie_where_they_were_drawn(cut: tuple[Path, list[Outcome]]) -> None:
    """Landslide in the polygon, stable beside it, nothing known outside what was searched."""
    folder, _ = cut
    assert label_at(folder, 141.9600, 42.7200) == LabelCode.LANDSLIDE
    assert label_at(folder, 141.9618, 42.7200) == LabelCode.LANDSLIDE
    assert label_at(folder, 141.9622, 42.7200) == LabelCode.STABLE
    assert label_at(folder, 141.9502, 42.7102) == LabelCode.STABLE
    assert label_at(folder, 141.9498, 42.7102) == LabelCode.UNLABELLED


def test_the_labelled_area_is_as_large_as_drawn(cut: tuple[Path, list[Outcome]]) -> None:
    """Circle of 0.002 degrees at 42.72 N: 11.4 ha on the ellipsoid, but for what cloud hides."""
    manifest = read_manifest(cut[0] / "manifest.json")
    degree_m = 111_070.0, 81_920.0
    circle_px = np.pi * 0.002**2 * degree_m[0] * degree_m[1] / 100.0
    assert manifest.labels.landslide == pytest.approx(circle_px, rel=0.02)


class _Level:
    """A network that finds everything equally likely; only what it is shown counts here."""

    name = "level"

    def predict(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full((windows.shape[0], *windows.shape[2:]), 0.5, dtype=np.float32)


def test_pixels_are_what_the_service_looks_at(cut: tuple[Path, list[Outcome]], data_folder: Path) -> None:
    """The look that the service would archive of a tile shows the same reflectance and the same hidden ground."""
    folder, outcomes = cut
    tile = outcomes[0].tile
    catalog = catalog_in(data_folder)
    (acquisition,), _ = group("region", catalog.search(surroundings(SEARCHED), *OCTOBER)[0])
    terrain = RasterTerrainSource(catalog.terrain(surroundings(SEARCHED)))
    card = load_card(shipped_folder("models") / "scar-rgb-noiburi")
    instruments = Instruments(network=Network(card=card, engine=_Level()), images=RasterImageSource(), terrain=terrain)
    look = Looker(acquisition, instruments, Stopwatch()).look(tile)
    assert look is not None
    samples = load_cut_chips(folder, ("B04", "B03", "B02")).take([tile_number(tile)])
    clear = look.state == PixelState.VALID
    assert 0.5 < clear.mean() < 1.0
    assert np.isnan(samples.pixels[0][:, ~clear]).all()
    assert np.abs(samples.pixels[0][:, clear] - look.pixels[:, clear]).max() < 1e-4


def test_pixels_are_those_of_the_scene(cut: tuple[Path, list[Outcome]], data_folder: Path) -> None:
    """Read from the file at the same places without any code of the service: shifted by a pixel they agree less."""
    folder, outcomes = cut
    with rasterio.open(folder / "images" / f"{outcomes[0].tile.id}.tif") as chip:
        red = chip.read(1)
        rows, columns = np.mgrid[8:248:4, 8:248:4].reshape(2, -1)
        x, y = chip.xy(rows, columns)
        longitude, latitude = Transformer.from_crs(chip.crs, 4326, always_xy=True).transform(x, y)
    with rasterio.open(data_folder / SCENE_BAND) as scene:
        there = np.array([value[0] for value in scene.sample(zip(longitude, latitude, strict=True))]) * 1e-4
    seen = np.isfinite(red[rows, columns])

    def agreement(down: int, right: int) -> float:
        shifted = red[rows + down, columns + right]
        both = seen & np.isfinite(shifted)
        return float(np.corrcoef(shifted[both], there[both])[0, 1])

    assert agreement(0, 0) > 0.97
    assert agreement(0, 0) > max(agreement(0, 1), agreement(0, -1), agreement(1, 0), agreement(-1, 0)) + 0.02
    assert np.median(red[rows, columns][seen] / there[seen]) == pytest.approx(1.0, abs=0.01)


def test_chips_read_back_as_samples(cut: tuple[Path, list[Outcome]]) -> None:
    """With band names, event, numbers that tell the tile, and neighbours that touch."""
    samples = load_cut_chips(cut[0])
    assert samples.bands == ("B04", "B03", "B02", "slope")
    assert samples.pixels.shape == (4, 4, 256, 256)
    assert set(samples.groups.tolist()) == {"iburi-2018"}
    assert set(samples.ids.tolist()) == {tile_number(tile) for tile in region_tiles(SEARCHED)}
    assert len(samples.touching) == 6  # four tiles around one corner
    assert set(np.unique(samples.labels).tolist()) == {-1, STABLE, LANDSLIDE}
    slope = samples.pixels[:, 3]
    assert 5 < np.median(slope) < 40


def test_the_manifest_lists_every_file(cut: tuple[Path, list[Outcome]]) -> None:
    """And their hashes hold."""
    folder, _ = cut
    manifest = read_manifest(folder / "manifest.json")
    assert (manifest.chips, len(manifest.files), dict(manifest.skipped)) == (4, 8, {})
    assert verify(manifest, folder) == {}


def test_complete_chips_are_kept(data_folder: Path, cut: tuple[Path, list[Outcome]]) -> None:
    """A second run cuts only what a kill left incomplete."""
    folder, outcomes = cut
    kept, lost = (folder / "images" / f"{one.tile.id}.tif" for one in outcomes[:2])
    before = (kept.stat().st_mtime_ns, lost.read_bytes())
    lost.unlink()
    again = list(cutter(data_folder).cut(folder))
    assert [one.reason for one in again] == ["kept", "cut", "kept", "kept"]
    assert (kept.stat().st_mtime_ns, lost.read_bytes()) == before


def test_ground_that_is_not_seen_is_skipped_with_its_reason(data_folder: Path, tmp_path: Path) -> None:
    """Before the earthquake 40 % of the scene is nodata; without any scene there is nothing to cut."""
    spring: dict[str, object] = {"start": datetime(2018, 3, 1, tzinfo=UTC), "end": datetime(2018, 8, 31, tzinfo=UTC)}
    reasons = {one.reason for one in cutter(data_folder, None, **spring, min_clear=1.0).cut(tmp_path / "spring")}
    assert reasons <= {"no-data", "too-cloudy"}
    winter: dict[str, object] = {"start": datetime(2020, 1, 1, tzinfo=UTC), "end": datetime(2020, 1, 2, tzinfo=UTC)}
    assert {one.reason for one in cutter(data_folder, None, **winter).cut(tmp_path / "winter")} == {"no-scene"}
    with pytest.raises(BadAsset, match=r"no images/\*\.tif"):
        finish(tmp_path / "winter", order().bands, (), "nothing", "none")


class _Broken(RasterImageSource):
    """Reads all tiles but one."""

    def __init__(self, broken: Tile) -> None:
        super().__init__()
        self._broken_tile = broken

    def read(self, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        if tile == self._broken_tile:
            raise AssetUnavailable("the server is away", item="scene", remedy="Wait.")
        return super().read(items, bands, tile)


def test_a_tile_that_cannot_be_read_does_not_stop_the_others(data_folder: Path, tmp_path: Path) -> None:
    """It is marked as failed and left for the next run."""
    broken = region_tiles(SEARCHED)[1]
    outcomes = list(cutter(data_folder, _Broken(broken), bands=("B04",)).cut(tmp_path))
    assert [one.tile for one in outcomes if one.failed] == [broken]
    assert sorted(one.reason for one in outcomes) == ["asset-unavailable", "cut", "cut", "cut"]
    manifest = finish(tmp_path, ("B04",), outcomes, "drawn", "MIT")
    assert "the server is away" in manifest.skipped[broken.id]
    assert load_cut_chips(tmp_path).bands == ("B04",)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"bands": ("B04", "B11")}, "no band B11"),
        ({"bands": ("slope",)}, "no optical band"),
        ({"start": OCTOBER[1], "end": OCTOBER[0]}, "backwards"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(changed: dict[str, object], says: str) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigError, match=says):
        order(**changed)


def test_a_folder_holds_chips_of_one_order(tmp_path: Path) -> None:
    """As long as there is no chip, the order may still change."""
    begin(tmp_path, {"bands": ["B04"], "event": "a"})
    begin(tmp_path, {"bands": ["B03"], "event": "a"})
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "UTM54N-0150-1842.tif").touch()
    begin(tmp_path, {"bands": ["B03"], "event": "a"})
    with pytest.raises(ConfigError, match="another bands, event"):
        begin(tmp_path, {"bands": ["B04"], "event": "b"})


def test_chips_of_made_up_scenes_are_said_to_be_simulated(tmp_path: Path) -> None:
    """One among real ones is enough; its tag was written when it was cut."""
    for tile, simulated in (("UTM54N-0150-1842", "false"), ("UTM54N-0151-1842", "true")):
        grid = tile_geobox(tile_from_id(tile))
        pixels, codes = np.full(grid.shape, 0.1, np.float32), np.full(grid.shape, 2, np.uint8)
        write_chip(tmp_path, tile, grid, {"B04": pixels}, codes, {"TILE": tile, "EVENT": "e", "SIMULATED": simulated})
        assert finish(tmp_path, ("B04",), (), "drawn", "MIT").simulated is (simulated == "true")
    assert read_manifest(tmp_path / "manifest.json").simulated
    assert load_cut_chips(tmp_path).resolution_m == 10.0


def drawn(folder: Path, event: str, tile: str, bands: tuple[str, ...] = ("B04",)) -> None:
    """One chip with a manifest."""
    grid = tile_geobox(tile_from_id(tile))
    pixels, codes = np.full(grid.shape, 0.1, np.float32), np.ones(grid.shape, np.uint8)
    codes[:9] = LabelCode.LANDSLIDE
    write_chip(folder, tile, grid, dict.fromkeys(bands, pixels), codes, {"TILE": tile, "EVENT": event})
    finish(folder, bands, (), "drawn", "MIT")


def test_folders_of_several_events_are_one_set(tmp_path: Path) -> None:
    """Ids of their own even where two events share a tile, which touch, as neighbours of other events do."""
    drawn(tmp_path / "a", "quake", "UTM54N-0150-1842")
    drawn(tmp_path / "b", "storm", "UTM54N-0150-1842")
    drawn(tmp_path / "c", "flood", "UTM54N-0151-1842")
    drawn(tmp_path / "d", "far", "UTM54N-0250-1842")
    (tmp_path / "notes").mkdir()
    samples = load_cut_chips(tmp_path)
    quake, storm, flood, _ = samples.ids.tolist()
    assert samples.groups.tolist() == ["quake", "storm", "flood", "far"]
    assert {frozenset(pair) for pair in samples.touching.tolist()} == {
        frozenset(pair) for pair in ((quake, storm), (quake, flood), (storm, flood))
    }


def test_folders_of_one_set_have_the_same_bands(tmp_path: Path) -> None:
    """The folder that differs is named."""
    drawn(tmp_path / "a", "quake", "UTM54N-0150-1842")
    drawn(tmp_path / "b", "storm", "UTM54N-0151-1842", ("B03",))
    with pytest.raises(BadAsset, match=r"/b: these are no chips cut with one set of bands"):
        load_cut_chips(tmp_path)


def test_every_tile_has_a_number_of_its_own() -> None:
    """North and south of the equator too."""
    assert tile_number(tile_from_id("UTM54N-0150-1842")) == 54_0150_1842
    assert tile_number(tile_from_id("UTM54S-0150-1842")) == 254_0150_1842
