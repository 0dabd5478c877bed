"""How a tile is looked at: what is read for it, and what is left closed."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from shapely import box
from shapely.geometry.base import BaseGeometry

from monitor.adapters.engine import open_engine
from monitor.adapters.imagery import RasterImageSource
from monitor.adapters.model_store import load_card
from monitor.adapters.terrain_source import RasterTerrainSource
from monitor.core.grid import tile_geobox
from monitor.core.land_cover import LandCover, Scheme
from monitor.inputs import Input, Method
from monitor.looking import Instruments, Looker, Network, Stopwatch, surroundings
from monitor.records import Acquisition, Asset, NetworkAnswer, PixelState, SceneItem, Sensor, Terrain, Tile
from tests.adapters.tiny_model import make_model

TILE = Tile(epsg=32633, column=200, row=2000)
SENSED = datetime(2024, 6, 1, tzinfo=UTC)


def scene(folder: Path) -> SceneItem:
    """A forest around the tile, 320 m further on every side."""
    geobox = tile_geobox(TILE, 32)
    path = folder / "forest.tif"
    profile = {"driver": "GTiff", "width": 320, "height": 320, "count": 1, "dtype": "uint16", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=geobox.transform, **profile) as sink:
        sink.write(np.full((320, 320), 600, np.uint16), 1)
    return SceneItem(
        catalog="test",
        collection="sentinel-2-l2a",
        id="near",
        sensing_time=SENSED,
        geometry=box(14.9, 46.1, 15.2, 46.3),
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
        assets={name: Asset(href=str(path), scale=1e-4) for name in ("B04", "B03", "B02")},
    )


def looker(folder: Path, *items: SceneItem) -> Looker:
    """Looks at one acquisition with real files and a tiny network."""
    card = load_card(make_model(folder / "tiny"))
    acquisition = Acquisition(
        region="valley",
        key="sentinel-2a-20240601T000000-R---",
        version="v1",
        sensing_time=SENSED,
        sensor=Sensor.OPTICAL,
        platform="sentinel-2a",
        relative_orbit=None,
        items=items,
    )
    tools = Instruments(
        network=Network(card=card, engine=open_engine(card, 1)),
        images=RasterImageSource(),
        terrain=RasterTerrainSource([]),
    )
    return Looker(acquisition, tools, Stopwatch())


def test_files_of_a_far_item_are_not_opened(tmp_path: Path) -> None:
    """A broken neighbour scene does not stop a tile that it cannot show."""
    near = scene(tmp_path)
    nowhere = {name: Asset(href=str(tmp_path / "missing.tif"), scale=1e-4) for name in near.assets}
    far = replace(near, id="far", geometry=box(16.0, 46.1, 17.0, 46.3), assets=nowhere)
    assert (looker(tmp_path / "both", far, near).state(TILE) == PixelState.VALID).all()
    alone = looker(tmp_path / "alone", far)
    assert (alone.state(TILE) == PixelState.NODATA).all()
    assert alone.mask_sources == set()


def test_ground_without_elevation_is_known(tmp_path: Path) -> None:
    """Whether a tile has slopes is told without opening a scene."""
    near = scene(tmp_path)
    Path(near.assets["B04"].href).unlink()
    assert looker(tmp_path / "model", near).terrain(TILE) is None


@pytest.mark.parametrize(
    "region",
    [
        box(179.9, 51.9, 180, 52),
        box(-180, 51.9, -179.9, 52),
        box(179.95, -17, 180, -16.9) | box(-180, -17, -179.95, -16.9),
    ],
    ids=["west of it", "east of it", "across it"],
)
def test_surroundings_at_the_antimeridian(region: BaseGeometry) -> None:
    """They lie on both sides, within ±180 degrees, and are as large as anywhere else."""
    around = surroundings(region)
    assert around.is_valid
    assert around.covers(region)
    west, _, east, _ = around.bounds
    assert (west, east) == (-180, 180)
    sides = [around.intersection(half) for half in (box(-180, -90, 0, 90), box(0, -90, 180, 90))]
    assert all(0.03 < side.bounds[2] - side.bounds[0] < 0.3 for side in sides)


def test_the_antimeridian_is_like_any_border_of_zones() -> None:
    """Across it as much ground is looked up as six degrees further west."""
    across = surroundings(box(179.95, -17, 180, -16.9) | box(-180, -17, -179.95, -16.9))
    assert across.area == pytest.approx(surroundings(box(173.95, -17, 174.05, -16.9)).area, rel=0.02)


def test_inputs_of_every_kind_reach_the_network(tmp_path: Path) -> None:
    """Colours against the ground around, ruggedness as it is, classes as 0 and 1; a look keeps the colours."""
    seen = looker(tmp_path / "model", scene(tmp_path))
    plain = seen.features(TILE)
    height = np.tile(np.arange(256, dtype=np.float32) * 5, (256, 1))
    ground = Terrain(elevation_m=height, slope_deg=height * 0 + 27, tri_m=height * 0 + 12)
    classes = np.full((256, 256), 9, np.uint8)
    classes[:, :128] = 6
    legend = Scheme.JAXA_HRLULC
    names = ("tri", "B04", "B03", "B02", f"land_cover:{legend.value}")
    methods = (Method.FIXED, Method.CONTEXT, Method.CONTEXT, Method.CONTEXT, Method.ONE_HOT)
    inputs = tuple(Input(name=name, method=method) for name, method in zip(names, methods, strict=True))
    inputs = (replace(inputs[0], center=10.0, scale=4.0), *inputs[1:])
    network = seen.instruments.network
    assert network is not None
    card = replace(network.card, bands=names, channels=19, inputs=inputs)
    tools = replace(
        seen.instruments,
        network=replace(network, card=card),
        terrain=Everywhere(ground),
        land_cover=lambda tile: LandCover(scheme=legend, classes=classes) if tile == TILE else None,
    )
    features = Looker(seen.acquisition, tools, Stopwatch()).features(TILE)
    assert plain is not None
    assert features is not None
    assert features.shape == (19, *plain.shape[1:])
    assert (features[0] == 0.5).all()
    np.testing.assert_array_equal(features[1:4], plain)
    core = features[4:, 32:288, 32:288]
    assert (core[5, :, :128] == 1).all()
    assert (core[8, :, 128:] == 1).all()
    assert core.sum() == 256 * 256
    assert features[4:, :32].sum() == 0, "no map, no class"


class Everywhere:
    """The same terrain on every tile."""

    def __init__(self, ground: Terrain) -> None:
        self._ground = ground

    def read(self, tile: Tile) -> Terrain | None:
        """The ground."""
        return self._ground

    known = read


@pytest.mark.parametrize(
    ("pixels_m", "native_m", "resolved_m", "polarisations", "silence"),
    [
        (10.0, None, 22.0, ("vv", "vh"), None),
        (10.0, None, 10.0, ("vv", "vh"), None),
        (20.0, None, 22.6, ("vv", "vh"), None),
        (10.0, None, 30.0, ("vv", "vh"), NetworkAnswer.RESOLUTION),
        (20.0, None, 30.0, ("vv", "vh"), NetworkAnswer.RESOLUTION),
        (30.0, None, 30.0, ("vv", "vh"), None),
        (30.0, None, 22.0, ("vv", "vh"), NetworkAnswer.RESOLUTION),
        (10.0, 30.0, 30.0, ("vv", "vh"), None),
        (10.0, 22.0, None, ("vv", "vh"), NetworkAnswer.RESOLUTION),
        (10.0, None, 22.0, ("vv",), NetworkAnswer.POLARISATION),
    ],
)
def test_passes_that_a_radar_network_is_fed(
    tmp_path: Path,
    pixels_m: float,
    native_m: float | None,
    resolved_m: float | None,
    polarisations: tuple[str, ...],
    silence: NetworkAnswer | None,
) -> None:
    """Those of its polarisations and of what it learned from, a quarter more or less; else it is left out, with why."""
    tools = looker(tmp_path).instruments
    card = replace(
        tools.card, sensor=Sensor.SAR, bands=("vv", "vh"), resolution_m=pixels_m, native_resolution_m=native_m
    )
    inputs = tuple(Input(name=name, method=Method.DECIBEL) for name in card.bands)
    network = Network(card=replace(card, inputs=inputs), engine=open_engine(tools.card, 1))
    assets = {name: Asset(href=name) for name in polarisations}
    item = replace(scene(tmp_path), sensor=Sensor.SAR, resolution_m=resolved_m, assets=assets)
    made = replace(looker(tmp_path / "other", item).acquisition, sensor=Sensor.SAR)
    found = replace(tools, network=network).fit_for(made)
    assert (found.network is None) is (silence is not None)
    assert silence is None or found.silence is silence
    assert found.model_version == (network.card.version if silence is None else "no-network")
