"""The STAC documents of the product folder, as plain JSON (STAC 1.1, relative links throughout)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from shapely import union_all
from shapely.geometry import mapping

from monitor.adapters.mosaic import LAYERS, Grid, Statistics
from monitor.core.grid import project, tile_polygon
from monitor.records import Acquisition, Sensor, Tile

Document: TypeAlias = dict[str, Any]
"""A JSON object read from or written to disk."""

_EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/render/v2.0.0/schema.json",
]
_SAT = "https://stac-extensions.github.io/sat/v1.0.0/schema.json"
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
_JSON = "application/json"
_GEOJSON = "application/geo+json"


def item(
    acquisition: Acquisition,
    assets: Mapping[str, Mapping[str, object]],
    tiles: Sequence[Tile],
    properties: Mapping[str, object],
) -> Document:
    """The item of one acquisition's products; its geometry is the union of its tiles."""
    footprint = union_all(
        [
            project(union_all([tile_polygon(tile) for tile in tiles if tile.epsg == epsg]), epsg, 4326)
            for epsg in sorted({tile.epsg for tile in tiles})
        ]
    )
    own = _own_properties(acquisition)
    extra = {key: value for key, value in properties.items() if key != "derived_from"}
    sources = properties.get("derived_from", ())
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [*_EXTENSIONS, *([_SAT] if acquisition.relative_orbit is not None else [])],
        "id": acquisition.id,
        "collection": acquisition.region,
        "geometry": mapping(footprint),
        "bbox": [round(value, 7) for value in footprint.bounds],
        "properties": extra | own | {"renders": _renders(assets)},
        "links": [
            _link("root", "../../../catalog.json", _JSON),
            _link("parent", "../collection.json", _JSON),
            _link("collection", "../collection.json", _JSON),
            *(
                _link("derived_from", str(href), _GEOJSON)
                for href in (sources if isinstance(sources, Iterable) else ())
            ),
        ],
        "assets": dict(assets),
    }


def asset(path: Path, layer: str, grid: Grid, statistics: Statistics | None) -> dict[str, object]:
    """One COG as the item lists it."""
    described = LAYERS[layer]
    band: dict[str, object] = {
        "name": layer,
        "description": described.title,
        "data_type": described.dtype,
        "nodata": described.nodata,
        "raster:scale": described.scale,
        "raster:offset": 0.0,
        "raster:spatial_resolution": 10,
        "raster:sampling": "area",
    }
    if statistics is not None:
        band["statistics"] = {
            "minimum": statistics.minimum,
            "maximum": statistics.maximum,
            "mean": statistics.mean,
            "stddev": statistics.stddev,
            "valid_percent": statistics.valid_percent,
        }
    return {
        "href": f"./{path.name}",
        "type": _COG,
        "title": described.title,
        "roles": ["data"],
        "proj:code": f"EPSG:{grid.epsg}",
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform)[:6],
        "bands": [band],
    }


def collection(region: str, items: Sequence[Document]) -> Document:
    """The collection of one region, made from all its items."""
    boxes = [document["bbox"] for document in items]
    times = sorted(document["properties"]["datetime"] for document in items)
    total = [min(box[0] for box in boxes), min(box[1] for box in boxes)]
    total += [max(box[2] for box in boxes), max(box[3] for box in boxes)]
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": region,
        "title": region,
        "description": f"Landslide watch of region {region}: model output, its spread over flips, and change "
        "against earlier looks. Pixels that were not observed are nodata.",
        "license": "other",
        "extent": {"spatial": {"bbox": [total]}, "temporal": {"interval": [[times[0], times[-1]]]}},
        "links": [
            _link("root", "../../catalog.json", _JSON),
            _link("parent", "../../catalog.json", _JSON),
            *(_link("item", f"./{document['id']}/{document['id']}.json", _GEOJSON) for document in items),
        ],
    }


def catalog(regions: Sequence[str]) -> Document:
    """The root of the product folder."""
    return {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": "scarpwatch-products",
        "title": "Scarpwatch products",
        "description": "Products of every acquisition that Scarpwatch processed, one collection per region.",
        "links": [
            _link("root", "./catalog.json", _JSON),
            *(_link("child", f"./regions/{region}/collection.json", _JSON) for region in regions),
        ],
    }


def _own_properties(acquisition: Acquisition) -> Document:
    properties: Document = {
        "datetime": acquisition.sensing_time.isoformat().replace("+00:00", "Z"),
        "platform": acquisition.platform,
        "scarpwatch:acquisition": acquisition.key,
        "scarpwatch:acquisition_version": acquisition.version,
        "scarpwatch:region": acquisition.region,
        "scarpwatch:sensor": str(acquisition.sensor),
        "scarpwatch:simulated": any(source.simulated for source in acquisition.items),
        "scarpwatch:sources": [
            {"catalog": source.catalog, "collection": source.collection, "id": source.id}
            for source in acquisition.items
        ],
    }
    if acquisition.relative_orbit is not None:
        properties["sat:relative_orbit"] = acquisition.relative_orbit
    if acquisition.sensor is Sensor.OPTICAL:
        properties["gsd"] = 10
    return properties


def _renders(assets: Mapping[str, Mapping[str, object]]) -> Document:
    """Colour hints (render extension): values, not codes, at the ends of the colour map."""
    return {
        key: {
            "title": LAYERS[key.split("_")[0]].title,
            "assets": [key],
            "rescale": [list(LAYERS[key.split("_")[0]].shown)],
            "colormap_name": LAYERS[key.split("_")[0]].colormap,
        }
        for key in assets
    }


def _link(relation: str, href: str, media_type: str) -> dict[str, str]:
    return {"rel": relation, "href": href, "type": media_type}
