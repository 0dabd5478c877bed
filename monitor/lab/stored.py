"""What a watch has kept: acquisitions that are done and have products, tile by tile.

Of a tile the kept look has the pixels, their states and the answer; where no look is kept the products have the answer.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from monitor.adapters.georeference import Ground
from monitor.adapters.looks import FOLDER, LookFiles
from monitor.adapters.mosaic import LAYERS
from monitor.adapters.products import REGIONS
from monitor.core.features import VISIBLE
from monitor.core.grid import PIXEL_HA, TILE_M, TILE_PX, tile_from_id, tile_geobox
from monitor.errors import BadAsset
from monitor.lab.answering import SIMULATED_MODEL, SIMULATED_SCENE, Answer
from monitor.lab.image import Image
from monitor.records import AcquisitionState, LedgerEntry, ModelCard, PixelState, Sensor, Tile

_THINNED = 8
"""Samples per side of a tile that tell whether a product shows anything of it."""
_NO_CARD_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPass:
    """A done acquisition with products."""

    region: str
    id: str
    at: datetime
    """When it was sensed."""
    sensor: Sensor
    polarisations: tuple[str, ...]
    version: str
    """Of the model that looked at it."""
    simulated: bool
    """Its scenes are."""

    @property
    def title(self) -> str:
        """Time and sensor, for a list."""
        kind = "radar" if self.sensor is Sensor.SAR else "optics"
        return f"{self.at:%Y-%m-%d %H:%M} UTC, {kind} ({self.id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTile:
    """One tile of it."""

    tile: Tile
    look: str | None
    """Of the kept look, relative to the product folder; None: none is kept."""


def stored_passes(products: Path, ledger: Iterable[LedgerEntry]) -> list[StoredPass]:
    """Done acquisitions whose products lie in the folder, in the order of the ledger."""
    found = []
    for entry in ledger:
        of = entry.acquisition
        path = products / REGIONS / of.region / of.id / f"{of.id}.json"
        if entry.state is not AcquisitionState.DONE or not path.is_file():
            continue
        said = json.loads(path.read_text(encoding="utf-8"))["properties"]
        found.append(
            StoredPass(
                region=of.region,
                id=of.id,
                at=of.sensing_time,
                sensor=of.sensor,
                polarisations=of.polarisations,
                version=str(said.get("scarpwatch:model", "")),
                simulated=bool(said.get("scarpwatch:simulated")),
            )
        )
    return found


def stored_tiles(products: Path, of: StoredPass) -> list[StoredTile]:
    """Tiles that a kept look or a product shows, by their ids."""
    looks: dict[str, str] = {}
    for path in sorted((products / FOLDER).glob(f"*/{of.id}__*.tif")):
        current = path.name.startswith(f"{of.id}__{of.version}")
        if current or path.parent.name not in looks:
            looks[path.parent.name] = str(path.relative_to(products))
    tiles = {tile.id: StoredTile(tile=tile, look=looks.get(tile.id)) for tile in _shown(products, of)}
    kept = {name: StoredTile(tile=tile_from_id(name), look=href) for name, href in looks.items()}
    return [one for _, one in sorted((tiles | kept).items())]


def read_stored(
    products: Path, of: StoredPass, chosen: StoredTile, cards: Sequence[ModelCard]
) -> tuple[Image, Answer | None]:
    """A tile as it was seen, and what the watch's own network said then; None: it said nothing.

    Args:
        cards: of the models at hand: the threshold is that of the version that looked.

    Raises:
        BadAsset, AssetUnavailable: the look or the product cannot be read.
    """
    if chosen.look is not None:
        look = LookFiles(products).read(chosen.look)
        bands = VISIBLE if look.sensor is Sensor.OPTICAL else of.polarisations[: len(look.pixels)]
        image = _image(of, chosen.tile, bands, look.pixels, look.state)
        probability, spread = look.probability, look.spread
    else:
        probability, spread = (_product(products, of, kind, chosen.tile) for kind in ("probability", "spread"))
        state = np.where(np.isnan(probability), PixelState.NODATA, PixelState.VALID).astype(np.uint8)
        image = _image(of, chosen.tile, (), np.empty((0, TILE_PX, TILE_PX), np.float32), state)
    if not np.isfinite(probability).any():
        return image, None
    card = next((one for one in cards if one.version == of.version), None)
    return image, Answer(
        model=card.name if card else of.version,
        version=of.version,
        threshold=card.threshold if card else _NO_CARD_THRESHOLD,
        simulated=of.simulated or (card is not None and card.simulated),
        probability=probability,
        spread=spread,
        cautions=_cautions(of, card),
    )


def _image(
    of: StoredPass, tile: Tile, bands: tuple[str, ...], pixels: NDArray[np.float32], state: NDArray[np.uint8]
) -> Image:
    notes = () if bands else ("No look of this tile is kept: its pixels cannot be shown or asked about again.",)
    return Image(
        name=f"{of.id}_{tile.id}",
        bands=bands,
        pixels=pixels,
        state=state,
        pixel_ha=PIXEL_HA,
        ground=Ground(crs=CRS.from_epsg(tile.epsg), transform=tile_geobox(tile).transform),
        simulated=of.simulated,
        notes=notes,
    )


def _cautions(of: StoredPass, card: ModelCard | None) -> tuple[str, ...]:
    found = []
    if of.simulated:
        found.append(SIMULATED_SCENE)
    if card is not None and card.simulated:
        found.append(SIMULATED_MODEL)
    if card is None:
        found.append(f"No model of version {of.version} is at hand: the mask begins at {_NO_CARD_THRESHOLD}.")
    return tuple(found)


def _rasters(products: Path, of: StoredPass, kind: str) -> list[Path]:
    """One for each zone."""
    folder = products / REGIONS / of.region / of.id
    return [path for path in sorted(folder.glob(f"{kind}*.tif")) if re.fullmatch(rf"{kind}(_\d+)?", path.stem)]


def _shown(products: Path, of: StoredPass) -> list[Tile]:
    found = []
    for path in _rasters(products, of, "probability"):
        with rasterio.open(path) as file:
            rows, columns = file.height // TILE_PX, file.width // TILE_PX
            seen = file.read_masks(1, out_shape=(rows * _THINNED, columns * _THINNED)) > 0
            some = seen.reshape(rows, _THINNED, columns, _THINNED).any(axis=(1, 3))
            west, north = _corner(file.transform)
            epsg = file.crs.to_epsg()
        found += [Tile(epsg=epsg, column=west + column, row=north - row) for row, column in np.argwhere(some).tolist()]
    return found


def _product(products: Path, of: StoredPass, kind: str, tile: Tile) -> NDArray[np.float32]:
    """(256, 256) of one layer; NaN = not observed."""
    for path in _rasters(products, of, kind):
        with rasterio.open(path) as file:
            if file.crs.to_epsg() != tile.epsg:
                continue
            west, north = _corner(file.transform)
            left, top = (tile.column - west) * TILE_PX, (north - tile.row) * TILE_PX
            here = rasterio.windows.Window(left, top, TILE_PX, TILE_PX)
            codes = file.read(1, window=here)
        described = LAYERS[kind]
        values = codes.astype(np.float32) * np.float32(described.scale)
        return np.where(codes == described.nodata, np.float32(np.nan), values).astype(np.float32)
    raise BadAsset(f"its product {kind} is gone", item=f"{of.id} {tile.id}", remedy="Choose another tile.")


def _corner(transform: Affine) -> tuple[int, int]:
    """Column and row of the north-western tile of a product."""
    return round(transform.c / TILE_M), round(transform.f / TILE_M) - 1


def by_region(passes: Iterable[StoredPass]) -> Mapping[str, list[StoredPass]]:
    """Passes of each region, in their order."""
    found: dict[str, list[StoredPass]] = {}
    for one in passes:
        found.setdefault(one.region, []).append(one)
    return found
