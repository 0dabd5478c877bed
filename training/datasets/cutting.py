"""Chips of one's own: a tile of the service's grid with the pixels the service reads there, and labels beside them.

Pixels come through the same reader, masks and mosaics as in the service, so a network is trained on what it will be
shown: reflectance, NaN where cloud, shadow, snow or nodata hide the ground. Ground that the service would not judge
(hidden, or open water) is unlabelled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.adapters.files import write_atomic
from monitor.core.acquisitions import group as group_items
from monitor.core.grid import project, region_tiles, tile_from_id, tile_geobox, tile_polygon
from monitor.errors import BadAsset, ConfigError, ScarpwatchError
from monitor.looking import order_for_cache, surroundings
from monitor.ports import Catalog, ImageSource, TerrainSource
from monitor.records import Acquisition, PixelState, Tile
from training.datasets.chip_files import IMAGES, Chip, LabelCode, is_complete, pairs, read_chip, write_chip
from training.datasets.ground_truth import Codes, GroundTruth
from training.datasets.manifest import (
    MANIFEST_FILE,
    LabelCounts,
    Manifest,
    hashes,
    label_counts,
    read_manifest,
    require_unchanged,
    write_manifest,
)
from training.datasets.sparse_chips import samples_of
from training.samples import Samples

TERRAIN_BANDS: Final = ("elevation", "slope", "tri")
"""Metres, degrees, metres; on the tile's 10 m cells, as in the service."""
OPTICAL_BANDS: Final = ("B02", "B03", "B04", "B08")
"""What catalogs are asked for (`monitor.adapters.catalog`)."""
ORDER_FILE: Final = "order.json"
_IDS_OF_A_FOLDER: Final = 10**11
"""More than there are tile numbers."""
_SEEN: Final = (PixelState.VALID, PixelState.WATER)
_CLEAR_ENOUGH: Final = 0.98
"""No clearer acquisition is looked for."""
_GRACE_M: Final = 1000.0
"""Footprints in catalogs are simplified: as much grace as the service gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to cut."""

    bands: tuple[str, ...]
    """Of OPTICAL_BANDS and TERRAIN_BANDS, in the order of the channels."""
    start: datetime
    end: datetime
    """Acquisitions sensed in [start, end]; the clearest of each tile is taken."""
    event: str
    """Group of all chips."""
    min_clear: float = 0.5
    """Least share of a tile's labelled ground that must be seen."""

    def __post_init__(self) -> None:
        """Raise ConfigError when the order cannot be carried out."""
        unknown = [name for name in self.bands if name not in (*OPTICAL_BANDS, *TERRAIN_BANDS)]
        if unknown or not self.optical:
            raise ConfigError(
                f"there is no band {', '.join(unknown)}" if unknown else "no optical band is asked for",
                item=",".join(self.bands) or "--bands",
                remedy=f"Choose among {', '.join((*OPTICAL_BANDS, *TERRAIN_BANDS))}.",
            )
        if self.end < self.start:
            raise ConfigError("the range of dates runs backwards", item=f"{self.start:%Y-%m-%d}", remedy="Swap them.")

    @property
    def optical(self) -> tuple[str, ...]:
        """The bands read from scenes."""
        return tuple(name for name in self.bands if name in OPTICAL_BANDS)

    @property
    def terrain(self) -> tuple[str, ...]:
        """The bands made of an elevation model."""
        return tuple(name for name in self.bands if name in TERRAIN_BANDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one tile."""

    tile: Tile
    reason: str
    """cut, kept (was there already), or why there is no chip: no-label, no-scene, no-data, too-cloudy,
    no-elevation, or the reason of the error that reading it met."""
    detail: str
    failed: bool = False
    """It could not be read; another run may succeed."""

    @property
    def has_chip(self) -> bool:
        """Whether the tile has a chip now."""
        return self.reason in ("cut", "kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """One tile through one acquisition."""

    acquisition: Acquisition
    pixels: NDArray[np.float32]
    """(C, 256, 256) reflectance, NaN = hidden."""
    state: NDArray[np.uint8]
    mask_source: str
    seen: float
    """Share of the labelled ground that is seen."""


class Cutter:
    """Cuts the chips of one order into one folder."""

    def __init__(
        self, order: Order, truth: GroundTruth, catalog: Catalog, images: ImageSource, terrain: TerrainSource | None
    ) -> None:
        """`terrain` may be None when the order asks for no terrain band. Nothing is read yet."""
        self._order = order
        self._truth = truth
        self._catalog = catalog
        self._images = images
        self._terrain = terrain
        self.tiles = order_for_cache(region_tiles(truth.area))

    def cut(self, folder: Path) -> Iterator[Outcome]:
        """Write the chips tile by tile; complete ones are kept, so that an interrupted run goes on where it stopped.

        Raises:
            CatalogUnavailable: the catalog cannot be asked now.
            DiskFull
        """
        items, _ = self._catalog.search(surroundings(self._truth.area), self._order.start, self._order.end)
        acquisitions, _ = group_items(self._order.event, items)
        for tile in self.tiles:
            yield self._cut_tile(folder, tile, acquisitions)

    def _cut_tile(self, folder: Path, tile: Tile, acquisitions: Sequence[Acquisition]) -> Outcome:
        if is_complete(folder, tile.id):
            return Outcome(tile=tile, reason="kept", detail="complete since an earlier run")
        codes = self._truth.codes(tile)
        if not codes.any():
            return Outcome(tile=tile, reason="no-label", detail="no labelled ground")
        try:
            view = self._clearest(tile, codes, acquisitions)
            terrain = self._relief(tile)
        except ScarpwatchError as err:
            return Outcome(tile=tile, reason=err.reason, detail=str(err), failed=True)
        if view is None or terrain is None or view.seen < self._order.min_clear:
            return self._without_chip(tile, view)
        codes = np.where(view.state == PixelState.VALID, codes, LabelCode.UNLABELLED).astype(np.uint8)
        bands = {**dict(zip(self._order.optical, view.pixels, strict=True)), **terrain}
        ordered = {name: bands[name] for name in self._order.bands}
        write_chip(folder, tile.id, tile_geobox(tile), ordered, codes, self._tags(tile, view))
        landslide = int((codes == LabelCode.LANDSLIDE).sum())
        return Outcome(tile=tile, reason="cut", detail=f"{view.seen:.0%} seen, {landslide} landslide pixels")

    def _without_chip(self, tile: Tile, view: _View | None) -> Outcome:
        if view is None:
            return Outcome(tile=tile, reason="no-scene", detail="no acquisition shows the tile")
        if view.seen >= self._order.min_clear:
            return Outcome(tile=tile, reason="no-elevation", detail="no elevation model covers the tile")
        reason = "no-data" if (view.state == PixelState.NODATA).all() else "too-cloudy"
        detail = f"at best {view.seen:.0%} of the labelled ground is seen ({view.acquisition.id})"
        return Outcome(tile=tile, reason=reason, detail=detail)

    def _clearest(self, tile: Tile, codes: Codes, acquisitions: Sequence[Acquisition]) -> _View | None:
        best: _View | None = None
        for acquisition in sorted(acquisitions, key=_cloudiness):
            view = self._view(tile, codes, acquisition)
            if view is not None and (best is None or view.seen > best.seen):
                best = view
            if best is not None and best.seen >= _CLEAR_ENOUGH:
                break
        return best

    def _view(self, tile: Tile, codes: Codes, acquisition: Acquisition) -> _View | None:
        square = tile_polygon(tile)
        items = [
            item
            for item in acquisition.items
            if project(item.geometry.segmentize(0.05), 4326, tile.epsg).buffer(_GRACE_M).intersects(square)
        ]
        if not items:
            return None
        read = self._images.read(items, self._order.optical, tile)
        seen = np.isin(read.state, _SEEN)
        return _View(
            acquisition=acquisition,
            pixels=np.where(seen, read.pixels.values, np.float32(np.nan)).astype(np.float32),
            state=read.state,
            mask_source=read.mask_source,
            seen=float(seen[codes != LabelCode.UNLABELLED].mean()),
        )

    def _relief(self, tile: Tile) -> Mapping[str, NDArray[np.float32]] | None:
        """The terrain bands; None where they are wanted and no elevation model covers the tile."""
        if not self._order.terrain:
            return {}
        found = self._terrain.read(tile) if self._terrain else None
        if found is None:
            return None
        return {"elevation": found.elevation_m, "slope": found.slope_deg, "tri": found.tri_m}

    def _tags(self, tile: Tile, view: _View) -> dict[str, str]:
        return {
            "TILE": tile.id,
            "EVENT": self._order.event,
            "ACQUISITION": view.acquisition.id,
            "SENSING_TIME": view.acquisition.sensing_time.isoformat(),
            "MASK_SOURCE": view.mask_source,
            "SIMULATED": str(any(item.simulated for item in view.acquisition.items)).lower(),
        }


def begin(folder: Path, facts: Mapping[str, object]) -> None:
    """Keep what was ordered, or see that an earlier run in this folder was ordered the same.

    Args:
        facts: everything that decides what the chips look like; plain values only.

    Raises:
        ConfigError: the folder holds chips of another order.
        DiskFull
    """
    path = folder / ORDER_FILE
    content = json.dumps(facts, indent=1, sort_keys=True) + "\n"
    if not path.exists() or not any((folder / IMAGES).glob("*.tif")):
        write_atomic(path, content.encode())
        return
    earlier = json.loads(path.read_text(encoding="utf-8"))
    other = [key for key in sorted({*facts, *earlier}) if facts.get(key) != earlier.get(key)]
    if other:
        raise ConfigError(
            f"it holds chips cut with another {', '.join(other)}",
            item=str(folder),
            remedy=f"Choose another folder, or order the same again ({ORDER_FILE} says what it was).",
            reason="other-order",
        )


def finish(folder: Path, bands: Sequence[str], outcomes: Sequence[Outcome], source: str, licence: str) -> Manifest:
    """Write the manifest of the chips that are there; label counts, and whether any is simulated, come from the files.

    Raises:
        BadAsset: there is no chip.
        DiskFull
    """
    counts = LabelCounts(unlabelled=0, stable=0, landslide=0)
    files = pairs(folder)
    simulated = False
    for image, label in files:
        chip = read_chip(image, label)
        counts += label_counts(chip.labels)
        simulated |= chip.tags.get("SIMULATED") == "true"
    manifest = Manifest(
        name=folder.name,
        source=source,
        licence=licence,
        bands=tuple(bands),
        chips=len(files),
        labels=counts,
        files=hashes(folder, [path for pair in files for path in pair]),
        skipped={one.tile.id: f"{one.reason}: {one.detail}" for one in outcomes if not one.has_chip},
        simulated=simulated,
    )
    write_manifest(manifest, folder / MANIFEST_FILE)
    return manifest


def load_cut_chips(folder: Path, keep: Sequence[str] = ()) -> Samples:
    """Read cut chips back, all bands or those in `keep`; ids tell the tile, groups the event.

    A folder of several such folders is one set: ids then tell the folder too, since two events may share a tile.

    Raises:
        BadAsset: files that do not pair up, or that were not cut by this program or not with the same bands.
        ConfigError: there is no such band.
    """
    chips: list[Chip] = []
    ids: list[int] = []
    groups: list[str] = []
    for place, part in enumerate(cut_folders(folder)):
        read = [read_chip(image, label) for image, label in pairs(part)]
        try:
            ids += [place * _IDS_OF_A_FOLDER + tile_number(tile_from_id(chip.tags["TILE"])) for chip in read]
            groups += [chip.tags["EVENT"] for chip in read]
            names = (chips or read)[0].band_names
            if None in names or any(chip.band_names != names for chip in read):
                raise ValueError("its chips differ in bands")
        except (KeyError, ValueError) as err:
            raise BadAsset(
                f"these are no chips cut with one set of bands ({err})",
                item=str(part),
                remedy="Cut them: python -m training chips.",
            ) from err
        chips += read
    return samples_of(folder, chips, ids, groups, [str(name) for name in chips[0].band_names], keep)


def cut_folders(folder: Path) -> tuple[Path, ...]:
    """The folder itself, or the folders of chips within it, in the order of their names."""
    within = tuple(sorted(path.parent for path in folder.glob(f"*/{IMAGES}")))
    return within if within and not (folder / IMAGES).is_dir() else (folder,)


def cut_manifests(folder: Path) -> list[Manifest]:
    """The manifests of a folder of cut chips, or of every one within it.

    Raises:
        BadAsset: one is missing or broken.
        InputFault: files are not as it says.
    """
    found = []
    for part in cut_folders(folder):
        found.append(read_manifest(part / MANIFEST_FILE))
        require_unchanged(found[-1], part)
    return found


def tile_numbers(folder: Path) -> frozenset[int]:
    """The numbers of the tiles of all chips under a folder, by the names of their files."""
    images = (image for part in cut_folders(folder) for image, _ in pairs(part))
    return frozenset(tile_number(tile_from_id(image.stem)) for image in images)


def require_other_ground(held_out: Samples, tiles: frozenset[int]) -> None:
    """Raise ConfigError when cut chips that are kept from training are among these tiles, or adjoin one of them."""
    held = {int(number) % _IDS_OF_A_FOLDER for number in held_out.ids}
    near = {number + columns * 10**4 + rows for number in tiles for columns in (-1, 0, 1) for rows in (-1, 0, 1)}
    if shared := sorted(held & near):
        raise ConfigError(
            f"quiet ground lies on or beside {len(shared)} chips that are kept from training, such as {shared[0]}",
            item=held_out.name,
            remedy="Take quiet ground of another place.",
            reason="split-leaks",
        )


def tile_number(tile: Tile) -> int:
    """A number for every tile of the planet, its own; UTM54N-0150-1842 gives 54 0150 1842 (south of the equator 2…)."""
    zone = tile.epsg % 100 + (200 if tile.epsg >= 32700 else 0)
    return zone * 10**8 + tile.column * 10**4 + tile.row


def _cloudiness(acquisition: Acquisition) -> tuple[float, datetime]:
    """Least cloudy first by the catalog's word, unknown last; the pixels decide in the end."""
    known = [item.cloud_percent for item in acquisition.items if item.cloud_percent is not None]
    return (max(known) if known else 101.0), acquisition.sensing_time
