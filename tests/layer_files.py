"""Layers of an operator as real files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely
from pyogrio.raw import write
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

Features = Sequence[tuple[str | None, BaseGeometry | None]]


def write_geopackage(path: Path, features: Features, crs: str, layer: str = "features", field: str = "name") -> Path:
    """A GeoPackage of named features; more layers go into the same file."""
    wkb = np.array([None if one is None else shapely.to_wkb(one) for _, one in features], dtype=object)
    names = np.array([name for name, _ in features], dtype=object)
    how = {"driver": "GPKG", "geometry_type": "Unknown", "crs": crs, "layer": layer, "append": path.exists()}
    write(path, wkb, [names], [field], **how)
    return path


def write_geojson(path: Path, features: Features, extra: Mapping[str, object] | None = None) -> Path:
    """A GeoJSON file of named features."""
    document = {
        "type": "FeatureCollection",
        **(extra or {}),
        "features": [
            {"type": "Feature", "properties": {"name": name}, "geometry": None if one is None else mapping(one)}
            for name, one in features
        ],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path
