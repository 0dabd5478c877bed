"""One STAC item document becomes one SceneItem, or is refused with its reason. Pure: no disk, no network.

Works on the document as it was sent: the readers of pystac rewrite older documents to STAC 1.1 on the way, which
loses what catalogs say beside the standard and stops at the first thing they got wrong.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pystac.utils import make_absolute_href
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog import radar, reflectance
from monitor.adapters.catalog.fields import Document, footprint, number, table, text, time
from monitor.adapters.reach import ADDRESS_REFUSED, Reach, plain_path
from monitor.adapters.redacting import without_tokens
from monitor.core.land_cover import COLLECTIONS
from monitor.errors import BadItem
from monitor.records import Asset, Rejected, SceneItem, Sensor

OPTICAL_COLLECTIONS = ("sentinel-2-l2a", "sentinel-2-c1-l2a", "sentinel-2-l1c")
RADAR_COLLECTIONS = ("sentinel-1-rtc", "OPERA_L2_RTC-S1_V1", "sentinel1-rtc-aws")
TERRAIN_COLLECTIONS = ("cop-dem-glo-30", "cop-dem-glo-90")
LAND_COVER_COLLECTIONS = tuple(COLLECTIONS)

# How catalogs call the bands at their native resolution, best first: Planetary Computer B02 and SCL; Earth Search
# blue and scl; Copernicus Data Space B02_10m and SCL_20m. The picture `visual` is for people, not for measuring.
_ASSET_KEYS: Mapping[str, tuple[str, ...]] = {
    "B02": ("B02", "blue", "B02_10m"),
    "B03": ("B03", "green", "B03_10m"),
    "B04": ("B04", "red", "B04_10m"),
    "B08": ("B08", "nir", "B08_10m"),
    "B01": ("B01", "coastal", "B01_60m"),
    "B05": ("B05", "rededge1", "B05_20m"),
    "B06": ("B06", "rededge2", "B06_20m"),
    "B07": ("B07", "rededge3", "B07_20m"),
    "B8A": ("B8A", "nir08", "B8A_20m"),
    "B09": ("B09", "nir09", "B09_60m"),
    "B10": ("B10", "cirrus", "B10_60m"),  # Level-1C only: it never reaches the ground
    "B11": ("B11", "swir16", "B11_20m"),
    "B12": ("B12", "swir22", "B12_20m"),
    "SCL": ("SCL", "scl", "SCL_20m"),
    "data": ("data", "elevation", "map"),  # map: ESA WorldCover
    "vv": ("vv", "VV", "gamma0_vv"),
    "vh": ("vh", "VH", "gamma0_vh"),
    "hh": ("hh", "HH", "gamma0_hh"),
    "hv": ("hv", "HV", "gamma0_hv"),
    "mask": ("mask", "MASK"),
}
_REFLECTANCES = frozenset(name for name in _ASSET_KEYS if name.startswith("B"))

# S2B_MSIL2A_20190629T212529_N0212_R043_T06VVN_20201006T080531.SAFE: for catalogs that leave out what it says.
# https://sentiwiki.copernicus.eu/web/s2-products (naming convention)
_PRODUCT = re.compile(r"^S2[A-Z]_MSIL[12][A-Z]_\d{8}T\d{6}_N(\d{2})(\d{2})_R(\d{3})_T(\d{2}[A-Z]{3})_")
_DATATAKE = re.compile(r"^GS2[A-Z]_(\d{8}T\d{6})_")
_LONGEST_DATATAKE = timedelta(minutes=45)
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What an item must bring to be of use."""

    collections: tuple[str, ...] | None
    """Collections that hold it; None means every collection, and an empty tuple that there are none."""
    required: tuple[str, ...] = ()
    """Canonical names of the assets it cannot do without."""
    sensor: Sensor = Sensor.OPTICAL
    timeless: bool = False
    """Ground does not change: such items need no time."""

    def wants(self, collection: str) -> bool:
        """True when items of this collection are of this kind."""
        return self.collections is None or collection in self.collections


def optical_kind(collections: tuple[str, ...] | None) -> Kind:
    """Scenes that show the ground in blue, green and red at least."""
    return Kind(collections=collections, required=("B02", "B03", "B04"))


def radar_kind(collections: tuple[str, ...] | None) -> Kind:
    """Radar backscatter; `radar.refusal` says what it must bring."""
    return Kind(collections=collections, sensor=Sensor.SAR)


def terrain_kind(collections: tuple[str, ...] | None) -> Kind:
    """Elevation models."""
    return Kind(collections=collections, required=("data",), timeless=True)


def land_cover_kind(collections: tuple[str, ...] | None) -> Kind:
    """Maps of land cover, each of some year."""
    return Kind(collections=collections, required=("data",))


def scene_item(
    document: object, *, catalog: str, collection: str, href: str, kind: Kind, reach: Reach | None = None
) -> SceneItem | Rejected:
    """Reduce an item to what the service needs.

    Args:
        document: the item as parsed JSON, not trusted.
        catalog: name of the catalog in the configuration.
        collection: collection of the item if it does not say so itself.
        href: where the document lies; its relative hrefs start there.
        kind: what the item is wanted for.
        reach: where its assets may lead; None: anywhere.
    """
    shown = without_tokens(href)
    if not isinstance(document, Mapping) or document.get("type") != "Feature":
        return Rejected(item=shown, reason="not-an-item", detail="the document is not a STAC item (a GeoJSON Feature)")
    item_id = text(document, "id")
    if item_id is None:
        return Rejected(item=shown, reason="no-id", detail="the item has no id")
    outline = footprint(document)
    if outline is None:
        return Rejected(item=item_id, reason="no-geometry", detail=f"no usable footprint polygon in {shown}")
    sensed = _NO_TIME if kind.timeless else sensing_time(document)
    if sensed is None:
        return Rejected(item=item_id, reason="no-datetime", detail=f"neither datetime nor start_datetime in {shown}")
    properties = table(document.get("properties"))
    assets = _assets(document, properties, href)
    missing = [name for name in kind.required if name not in assets]
    if missing:
        there = ", ".join(map(str, table(document.get("assets")))) or "none"
        detail = f"no {', '.join(missing)} in {shown} (its assets: {there})"
        return Rejected(item=item_id, reason="missing-asset", detail=detail)
    refused = _beyond(item_id, assets, reach)
    if refused is None and kind.sensor is Sensor.SAR:
        refused = radar.refusal(document, item_id, assets, _relative_orbit(properties))
    if refused is not None:
        return refused
    return SceneItem(
        catalog=catalog,
        collection=text(document, "collection") or collection,
        id=item_id,
        sensing_time=sensed,
        geometry=outline,
        sensor=kind.sensor,
        platform=_platform(properties),
        relative_orbit=_relative_orbit(properties),
        pass_direction=radar.pass_direction(properties),
        grid_code=_grid_code(properties),
        datastrip=text(properties, "s2:datastrip_id", "eopf:datastrip_id"),
        processing_baseline=_baseline(properties),
        # Not `updated`: a catalog touches its records at will, and every touch would look like a reprocessing.
        processing_time=time(properties, "s2:generation_time", "processing:datetime", "created"),
        published=time(properties, "published", "created"),
        cloud_percent=_cloud_percent(properties),
        absolute_orbit=_whole(properties, "sat:absolute_orbit"),
        resolution_m=radar.resolution_m(document) if kind.sensor is Sensor.SAR else None,
        assets=assets,
        simulated=properties.get("scarpwatch:simulated") is True,
    )


def ground_items(found: Iterable[SceneItem | Rejected]) -> list[SceneItem]:
    """What shows the ground, by id. Of what is no such item nobody hears: the ground that it lacks is told as such.

    Raises:
        BadItem: there is nothing but what leads where it may not. Without a word of that, the ground would seem to
            have no elevation.
    """
    items, refused = [], []
    for one in found:
        if isinstance(one, SceneItem):
            items.append(one)
        elif one.reason == ADDRESS_REFUSED:
            refused.append(one)
    if refused and not items:
        remedy = "Set that, then run `scarpwatch release`. Where it is not meant, tell the catalog's operator."
        raise BadItem(refused[0].detail, item=refused[0].item, remedy=remedy, reason=ADDRESS_REFUSED)
    return sorted(items, key=lambda item: item.id)


def sensing_time(document: Document) -> datetime | None:
    """Start of the datatake if the item tells it, else its datetime, else start_datetime.

    Of the same pass some catalogs give the start of the datatake and others the time over each granule; only the
    first is the same for every item of a pass, whichever of them are listed yet.
    """
    properties = table(document.get("properties"))
    listed = _listed_time(document)
    stamp = _DATATAKE.match(text(properties, "s2:datatake_id", "eopf:datatake_id") or "")
    datatake = time({"start": stamp.group(1)}, "start") if stamp and listed else None
    if listed is None or datatake is None or not timedelta(0) <= listed - datatake <= _LONGEST_DATATAKE:
        return listed
    return datatake


def overlaps(document: object, geometry: BaseGeometry) -> bool:
    """False when the item surely shows no ground of `geometry` (EPSG:4326); by its outline, not its box."""
    outline = footprint(table(document))
    return outline is None or (outline.intersects(geometry) and not outline.touches(geometry))


def sensed_within(document: object, start: datetime, end: datetime) -> bool:
    """False when the item's own time is surely outside [start, end]: what an API would search by."""
    listed = _listed_time(table(document))
    return listed is None or start <= listed <= end


def _listed_time(document: Document) -> datetime | None:
    return time(table(document.get("properties")), "datetime", "start_datetime")


def _assets(document: Document, properties: Document, href: str) -> dict[str, Asset]:
    given = table(document.get("assets"))
    assets: dict[str, Asset] = {}
    for name, keys in _ASSET_KEYS.items():
        found = next((asset for key in keys if text(asset := table(given.get(key)), "href")), None)
        if found is not None:
            assets[name] = _asset(name, found, properties, href)
    return assets


def _beyond(item: str, assets: Mapping[str, Asset], reach: Reach | None) -> Rejected | None:
    """The refusal of the first asset that leads where it may not; None when there is none."""
    if reach is None:
        return None
    for name, asset in assets.items():
        refusal = reach.refusal(asset.href)
        if refusal is not None:
            detail = f"asset {name} ({without_tokens(asset.href)[:300]}) is not read: {refusal}"
            return Rejected(item=item, reason=ADDRESS_REFUSED, detail=detail)
    return None


def _asset(name: str, asset: Document, properties: Document, href: str) -> Asset:
    address = _absolute(text(asset, "href") or "", href)
    if name not in _REFLECTANCES:
        # Scale and offset of other rasters are the file's own affair.
        return Asset(href=address, nodata=reflectance.nodata(asset, None))
    baseline = _baseline(properties)
    scale, offset = reflectance.scale_and_offset(asset, properties, baseline)
    return Asset(href=address, scale=scale, offset=offset, nodata=reflectance.nodata(asset, baseline))


def _absolute(asset_href: str, item_href: str) -> str:
    """URLs with their scheme in lower case; files as plain absolute paths, which GDAL reads directly."""
    scheme, mark, rest = str(make_absolute_href(asset_href, item_href)).partition("://")
    return plain_path(f"{scheme.lower()}{mark}{rest}" if mark else scheme)


def _platform(properties: Document) -> str:
    """In lower case: catalogs write Sentinel-2B, sentinel-2b and `Sentinel 2`."""
    return re.sub(r"\s+", "-", (text(properties, "platform", "constellation") or "unknown").lower())


def _product(properties: Document) -> re.Match[str] | None:
    return _PRODUCT.match(text(properties, "s2:product_uri") or "")


def _relative_orbit(properties: Document) -> int | None:
    orbit = _whole(properties, "sat:relative_orbit")
    if orbit is not None:
        return orbit
    product = _product(properties)
    return int(product.group(3)) if product else None


def _whole(properties: Document, name: str) -> int | None:
    value = number(properties, name)
    return int(value) if value is not None and value == int(value) and value > 0 else None


def _baseline(properties: Document) -> str | None:
    said = text(properties, "s2:processing_baseline", "processing:version")
    product = _product(properties)
    return said or (f"{product.group(1)}.{product.group(2)}" if product else None)


def _grid_code(properties: Document) -> str | None:
    """MGRS tiles as 06VVN, whether written MGRS-6VVN, T06VVN or 06VVN; codes of other grids as they are."""
    code = text(properties, "grid:code", "s2:mgrs_tile")
    if code is None:
        product = _product(properties)
        return product.group(4) if product else None
    tile = re.fullmatch(r"(?:MGRS-|T)?(\d{1,2}[A-Z]{3})", code.upper())
    return tile.group(1).zfill(5) if tile else code


def _cloud_percent(properties: Document) -> float | None:
    """Null or negative means that nobody counted, not that the sky was clear."""
    percent = number(properties, "eo:cloud_cover")
    return percent if percent is not None and 0 <= percent <= 100 else None
