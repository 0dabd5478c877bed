"""The product folder: a static STAC catalog of COGs that pystac, QGIS and a web server open as it is.

    catalog.json
    regions/<region>/collection.json
    regions/<region>/<acquisition>/<acquisition>.json, probability.tif, spread.tif, change.tif

Rasters are made in a staging folder. Then, under one lock for all processes, they are renamed into
place, the item is written, and the lists above it are made anew from what lies on the disk. So a
process killed between any two steps leaves a catalog that lists only whole products, and running
again gives the same content as one clean run.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.adapters import stac_json
from monitor.adapters.files import disk_full_as_error, leftovers, locked, part_path, sync_folder, write_atomic
from monitor.adapters.mosaic import LAYERS, grid_of, write_cog
from monitor.records import Acquisition, Tile

REGIONS = "regions"
Layers = Mapping[str, Mapping[Tile, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The product of one acquisition."""

    folder: Path
    at: datetime
    """When it was sensed."""
    files: int
    size_bytes: int
    newest: bool
    """Of its region."""


class ProductFolder:
    """Products under `root` (`Publisher`)."""

    def __init__(self, root: Path) -> None:
        """`root` is the product folder; nothing is touched until the first product."""
        self._root = root

    def publish(self, acquisition: Acquisition, layers: Layers, properties: Mapping[str, object]) -> Path:
        """Write an acquisition's layers and list them; publishing again gives the same content.

        An earlier version of the same acquisition (same key) is taken out once this one is listed.

        Args:
            layers: "probability", "spread", "change", "brightening" to tiles to (256, 256) float32, NaN = no
                observation; mappings may load tiles when asked. Layers without tiles are left out.
            properties: what the item shall say beside what the acquisition itself knows, such as
                "scarpwatch:model". "derived_from" (list of hrefs of source items) becomes links.

        Returns:
            Path of the STAC item.

        Raises:
            DiskFull: nothing new is listed.
            ValueError: no layer has a tile, or a layer is unknown.
        """
        staged = _staging(self._root, acquisition)
        with disk_full_as_error(self._root):
            try:
                staged.mkdir(parents=True)
                item = stac_json.item(acquisition, _write_layers(staged, layers), _tiles(layers), properties)
                with locked(self._root / ".lock"):
                    path = self._put(acquisition, staged, item)
                    self._list(acquisition)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        return path

    def listed(self) -> list[Listed]:
        """Every product that there is, oldest first."""
        found: list[Listed] = []
        for region in sorted((self._root / REGIONS).glob("*")):
            with locked(self._root / ".lock"):  # whoever publishes renames and removes files there
                found += _listed(region)
        return sorted(found, key=lambda one: (one.at, one.folder))

    def withdraw(self, products: Sequence[Listed]) -> None:
        """Take products out of their lists, then away. Of each region one must stay."""
        gone = {one.folder for one in products}
        for region in sorted({folder.parent for folder in gone}):
            with locked(self._root / ".lock"):
                rest = [one for path, one in _items(region).items() if path.parent not in gone]
                _write_json(region / "collection.json", stac_json.collection(region.name, rest))
                for folder in sorted(gone & set(region.iterdir())):
                    (folder / f"{folder.name}.json").unlink()  # what is left without its item is never listed again
                    shutil.rmtree(folder)

    def _put(self, acquisition: Acquisition, staged: Path, item: Mapping[str, object]) -> Path:
        """Rasters first, the item that names them last, then away with what it does not name."""
        folder = self._root / REGIONS / acquisition.region / acquisition.id
        folder.mkdir(parents=True, exist_ok=True)
        rasters = sorted(staged.glob("*.tif"))
        for raster in rasters:
            os.replace(raster, folder / raster.name)
        sync_folder(folder)
        path = folder / f"{acquisition.id}.json"
        _write_json(path, item)
        wanted = {path.name, *(raster.name for raster in rasters)}
        for stray in folder.iterdir():
            if stray.name not in wanted:
                stray.unlink()
        return path

    def _list(self, acquisition: Acquisition) -> None:
        """Make collection and catalog anew, and only then remove what they no longer list."""
        region = self._root / REGIONS / acquisition.region
        current = {
            path: document for path, document in _items(region).items() if not _superseded(document, acquisition)
        }
        _write_json(region / "collection.json", stac_json.collection(acquisition.region, list(current.values())))
        regions = [path.parent.name for path in sorted((self._root / REGIONS).glob("*/collection.json"))]
        _write_json(self._root / "catalog.json", stac_json.catalog(regions))
        listed = {path.parent for path in current}
        for folder in sorted(region.iterdir()):
            # Superseded, or left without its item by a killed process.
            if folder.is_dir() and folder not in listed:
                shutil.rmtree(folder)


def _listed(region: Path) -> Iterator[Listed]:
    times = {path: datetime.fromisoformat(one["properties"]["datetime"]) for path, one in _items(region).items()}
    newest = max(times.values(), default=None)
    for path, at in times.items():
        sizes = [file.stat().st_size for file in path.parent.iterdir()]
        yield Listed(folder=path.parent, at=at, files=len(sizes), size_bytes=sum(sizes), newest=at == newest)


def _write_layers(folder: Path, layers: Layers) -> dict[str, dict[str, object]]:
    """One COG per layer and UTM zone; gives the item's assets by key."""
    assets: dict[str, dict[str, object]] = {}
    zones = sorted({tile.epsg for tile in _tiles(layers)})
    for name, tiles in layers.items():
        if name not in LAYERS:
            raise ValueError(f"unknown layer {name!r}, expected one of {', '.join(LAYERS)}")
        for epsg in zones:
            members = _Zone(tiles, epsg)
            if len(members) == 0:
                continue
            key = name if len(zones) == 1 else f"{name}_{epsg}"
            grid = grid_of(members)
            path = folder / f"{key}.tif"
            statistics = write_cog(path, LAYERS[name], members, grid)
            _sync_file(path)
            assets[key] = stac_json.asset(path, name, grid, statistics)
    if not assets:
        raise ValueError("nothing to publish: no layer has a tile")
    return assets


class _Zone(Mapping[Tile, NDArray[np.float32]]):
    """The tiles of one zone, still loaded one at a time."""

    def __init__(self, tiles: Mapping[Tile, NDArray[np.float32]], epsg: int) -> None:
        self._tiles = tiles
        self._members = [tile for tile in tiles if tile.epsg == epsg]

    def __getitem__(self, tile: Tile) -> NDArray[np.float32]:
        return self._tiles[tile]

    def __iter__(self) -> Iterator[Tile]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def _tiles(layers: Layers) -> list[Tile]:
    return sorted({tile for tiles in layers.values() for tile in tiles})


def _staging(root: Path, acquisition: Acquisition) -> Path:
    """A folder of our own; what killed processes left beside it is taken away."""
    for name in (acquisition.id, acquisition.region):
        if not name or "/" in name or "\\" in name or name.startswith("."):
            raise ValueError(f"{name!r} cannot be the name of a folder")
    with disk_full_as_error(root):
        folder = root / ".staging"
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        for orphan in leftovers(folder, folder.stat().st_mtime):
            shutil.rmtree(orphan, ignore_errors=True)
    return part_path(folder / acquisition.id)


def _items(region: Path) -> dict[Path, stac_json.Document]:
    """Every item that lies in a region's folder, in order."""
    paths = [path for path in sorted(region.glob("*/*.json")) if path.stem == path.parent.name]
    return {path: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def _superseded(document: stac_json.Document, acquisition: Acquisition) -> bool:
    """Another version of this very acquisition."""
    same_pass: bool = document["properties"]["scarpwatch:acquisition"] == acquisition.key
    return same_pass and document["id"] != acquisition.id


def _write_json(path: Path, document: Mapping[str, object]) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False, default=_plain, allow_nan=False)
    write_atomic(path, (text + "\n").encode())


def _plain(value: object) -> object:
    """Times and numpy scalars as JSON knows them."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
