"""An operator's own layers as GeoPackage or GeoJSON: read when they are needed, read anew when their file changed."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyogrio.raw import read
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry.base import BaseGeometry

from monitor.core.exposure import Layer, LayersAtHand, layer_of
from monitor.errors import BadAsset
from monitor.records import LayerSource

Geometries = NDArray[np.object_]

_DRIVERS = frozenset({"GPKG", "GeoJSON"})
# Told by their first bytes: other readers that sit behind the same call would follow links out of the file.
_SQLITE = b"SQLite format 3\x00"
_APPLICATION = slice(68, 72)
_GEOPACKAGE = (b"GPKG", b"GP10", b"GP11")
"""Application id in the header of the database (OGC 12-128r18, requirement 2)."""
_WHOLE = 200_000
"""A layer of more features is read around the region alone."""
_AROUND_DEG = 0.3
"""So far around a region the nearest named place may lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLayer:
    """A layer as it was read."""

    layer: Layer
    skipped: int
    """Features without a geometry that can be used."""
    mended: int
    """Features whose outline crosses itself; they count with what it encloses."""

    def complaint(self) -> str:
        """What was wrong with some of it, for people; empty when nothing was."""
        amiss = {"without a usable geometry left out": self.skipped, "with a crossing outline mended": self.mended}
        said = ", ".join(f"{count} feature{'s' if count > 1 else ''} {what}" for what, count in amiss.items() if count)
        return f"layer {self.layer.name}: {said}" if said else ""


class LayerFiles:
    """The layers of every region. May be asked from several threads."""

    def __init__(self, sources: Mapping[str, Sequence[LayerSource]], regions: Mapping[str, BaseGeometry]) -> None:
        """
        Args:
            sources: of every region that has any.
            regions: their ground, EPSG:4326.
        """
        self._sources = sources
        self._regions = regions
        self._kept: dict[tuple[str, str, int], tuple[tuple[int, int], ReadLayer]] = {}
        self._failures: Counter[str] = Counter({one.name: 0 for some in sources.values() for one in some})
        self._lock = threading.Lock()

    def of(self, region: str, epsg: int) -> LayersAtHand | None:
        """The layers of a region in a metric CRS; None where it has none. A file that is wrong never raises here."""
        sources = self._sources.get(region)
        if not sources:
            return None
        layers, unreadable, complaints = [], [], []
        with self._lock:
            for source in sources:
                try:
                    found, new = self._read(region, source, epsg)
                except BadAsset as err:
                    self._failures[source.name] += 1
                    unreadable.append(source.name)
                    complaints.append(f"layer {source.name} cannot be read: {err}")
                    continue
                layers.append(found.layer)
                if new and found.complaint():
                    complaints.append(found.complaint())
        return LayersAtHand(layers=tuple(layers), unreadable=tuple(unreadable), complaints=tuple(complaints))

    def failures(self) -> Mapping[str, int]:
        """How often each layer could not be read when it was needed."""
        with self._lock:
            return dict(self._failures)

    def _read(self, region: str, source: LayerSource, epsg: int) -> tuple[ReadLayer, bool]:
        key = (region, source.name, epsg)
        stamp = _stamp(source.path)
        kept = self._kept.get(key)
        if kept is not None and kept[0] == stamp:
            return kept[1], False
        self._kept.pop(key, None)
        found = read_layer(source, epsg, self._regions[region])
        self._kept[key] = (stamp, found)
        return found, True


def read_layer(source: LayerSource, epsg: int, region: BaseGeometry) -> ReadLayer:
    """Read a layer and bring it to a metric CRS.

    Args:
        region: EPSG:4326; of a very large layer only what lies around it is read.

    Raises:
        BadAsset: the file is no GeoPackage or GeoJSON, or of unknown CRS, or lacks what the configuration names.
    """
    chosen = _chosen_layer(source)
    try:
        info = pyogrio.read_info(source.path, layer=chosen)
        crs = _crs(info["crs"], source)
        names = _name_field(source, [str(name) for name in info["fields"]])
        bbox = None if info["features"] <= _WHOLE else _bbox(region, crs)
        _, _, wkb, columns = read(source.path, layer=chosen, columns=[names] if names else [], bbox=bbox)
    except (DataSourceError, DataLayerError, OSError, UnicodeDecodeError, ValueError, RuntimeError) as err:
        raise _bad(source, f"it cannot be read ({err})", "Export it anew as GeoPackage or GeoJSON.") from err
    ground, mended = _metric(wkb, crs, epsg, source)
    usable = np.array([one is not None and not one.is_empty for one in ground], dtype=bool)
    texts: Geometries = columns[0] if columns else np.full(len(ground), None, dtype=object)
    kept = [text for text, use in zip(texts, usable, strict=True) if use]
    layer = layer_of(source.name, source.kind, ground[usable], kept)
    return ReadLayer(layer=layer, skipped=int((~usable).sum()), mended=int(mended[usable].sum()))


def _chosen_layer(source: LayerSource) -> str | None:
    """The layer of the file to read, once it is sure that it is a file of one of the two formats."""
    try:
        with source.path.open("rb") as file:
            start = file.read(256)
    except OSError as err:
        remedy = "Correct the path; relative paths start at the folder of the configuration file."
        raise _bad(source, f"it cannot be opened ({err.strerror})", remedy) from err
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    geopackage = start.startswith(_SQLITE) and start[_APPLICATION] in _GEOPACKAGE
    if not geopackage and not text.startswith(b"{"):
        raise _bad(source, "it is neither a GeoPackage nor GeoJSON", "Export it as one of the two.")
    try:
        there = [str(name) for name, _ in pyogrio.list_layers(source.path)]
        driver = pyogrio.read_info(source.path, layer=there[0])["driver"] if there else "none"
    except (DataSourceError, DataLayerError, RuntimeError) as err:
        raise _bad(source, f"it cannot be read ({err})", "Export it anew as GeoPackage or GeoJSON.") from err
    if driver not in _DRIVERS:
        raise _bad(source, "it is neither a GeoPackage nor GeoJSON", "Export it as one of the two.")
    names = ", ".join(there)
    if source.layer is not None and source.layer not in there:
        raise _bad(source, f"it has no layer {source.layer}", f"Set `layer` to one of: {names}.")
    if source.layer is None and len(there) > 1:
        raise _bad(source, f"it has {len(there)} layers", f"Set `layer` to one of: {names}.")
    return source.layer or there[0]


def _crs(text: str | None, source: LayerSource) -> CRS:
    remedy = "Assign the CRS it was drawn in (in QGIS: Layer Properties, Source) and save it anew."
    try:
        crs = CRS.from_user_input(text) if text else None
    except CRSError as err:
        raise _bad(source, "its CRS cannot be understood", remedy) from err
    if crs is None or crs.is_engineering or "undefined" in crs.name.lower():
        raise _bad(source, "its CRS is unknown", remedy)
    return crs


def _name_field(source: LayerSource, fields: Sequence[str]) -> str | None:
    if source.name_field is None:
        return next((field for field in fields if field.lower() == "name"), None)
    if source.name_field not in fields:
        there = ", ".join(fields) or "none"
        raise _bad(source, f"it has no field {source.name_field}", f"Set `name_field` to one of: {there}.")
    return source.name_field


def _bbox(region: BaseGeometry, crs: CRS) -> tuple[float, float, float, float]:
    west, south, east, north = region.buffer(_AROUND_DEG).bounds
    change = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    found: tuple[float, float, float, float] = change.transform_bounds(west, south, east, north, densify_pts=21)
    return found


def _metric(wkb: Geometries, crs: CRS, epsg: int, source: LayerSource) -> tuple[Geometries, NDArray[np.bool_]]:
    """(N,) geometries in `epsg`, None where one cannot be used, and which of them had to be mended."""
    ground: Geometries = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
    try:
        change = Transformer.from_crs(crs, epsg, always_xy=True)
    except ProjError as err:
        raise _bad(source, f"its CRS ({crs.name}) cannot be brought to metres here", "Reproject it.") from err
    ground = shapely.transform(ground, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1])))
    # Beyond what the projection can say, coordinates are infinite.
    corners, owner = shapely.get_coordinates(ground, return_index=True)
    ground[np.unique(owner[~np.isfinite(corners).all(axis=1)])] = None
    there = ~shapely.is_missing(ground)
    crossing = there & ~shapely.is_valid(ground)
    ground[crossing] = shapely.make_valid(ground[crossing])
    return ground, crossing


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when a file is written; of a missing one nothing, and reading it then says so."""
    try:
        state = path.stat()
    except OSError:
        return (0, 0)
    return (state.st_mtime_ns, state.st_size)


def _bad(source: LayerSource, message: str, remedy: str) -> BadAsset:
    return BadAsset(message, item=str(source.path), remedy=remedy, reason="layer-unreadable")
