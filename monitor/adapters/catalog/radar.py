"""What a radar item must bring: terrain-corrected backscatter whose track is known."""

from collections.abc import Iterator, Mapping

from monitor.adapters.catalog.fields import Document, number, rows, table, text
from monitor.records import POLARISATIONS, Asset, Rejected

NOT_TERRAIN_CORRECTED = "not-terrain-corrected"
NO_TRACK = "no-track"

_FINEST_M, _COARSEST_M = 1.0, 1000.0
"""Steps of a grid in degrees lie below, and are no metres."""
_HOW_TO_CORRECT = (
    "Use a collection of RTC products (Planetary Computer sentinel-1-rtc, OPERA RTC-S1), or correct the scenes with a "
    "processor of your own and list its output in a catalog with sar:product_type RTC"
)


def refusal(document: Document, item: str, assets: Mapping[str, Asset], relative_orbit: int | None) -> Rejected | None:
    """Why an item is no evidence; None when it is.

    Args:
        document: the item as parsed JSON.
        assets: what was found of it, by canonical name.
    """
    if not is_terrain_corrected(document):
        detail = f"its slopes are as bright as they face the sensor, which would look like change. {_HOW_TO_CORRECT}"
        return Rejected(item=item, reason=NOT_TERRAIN_CORRECTED, detail=detail)
    if assets.keys().isdisjoint(POLARISATIONS):
        there = ", ".join(map(str, table(document.get("assets")))) or "none"
        detail = f"no asset of a polarisation ({', '.join(POLARISATIONS)}; its assets: {there})"
        return Rejected(item=item, reason="missing-asset", detail=detail)
    missing = [name for name, value in _track(document, relative_orbit) if value is None]
    if missing:
        detail = (
            f"no {' and no '.join(missing)}: passes of different tracks see other sides of the same slope and must not "
            "be compared. Composites of several tracks have none; use single passes"
        )
        return Rejected(item=item, reason=NO_TRACK, detail=detail)
    return None


def is_terrain_corrected(document: Document) -> bool:
    """Radiometric terrain correction, by product type, collection or name.

    Planetary Computer's RTC items keep `sar:product_type` GRD of what they were made from; their collection is
    sentinel-1-rtc and their ids end in _rtc.
    """
    properties = table(document.get("properties"))
    said = text(properties, "sar:product_type", "product_type") or ""
    names = (said, text(document, "collection") or "", text(document, "id") or "")
    return any("rtc" in name.lower() for name in names)


def resolution_m(document: Document) -> float | None:
    """What the product resolves, metres, as the item says it; None when it does not.

    The larger of the pixels' side and the sensor's resolution: pixels of 10 m cut from a resolution of 22 m are not
    independent, and their speckle would pass for ground.
    """
    properties = table(document.get("properties"))
    resolved = [number(properties, f"sar:resolution_{axis}") for axis in ("range", "azimuth")]
    spacing = next((size for size in _sizes(document) if _is_size(size)), None)
    return max((size for size in (spacing, *resolved) if size is not None and _is_size(size)), default=None)


def _is_size(metres: float) -> bool:
    return _FINEST_M <= metres < _COARSEST_M


def _track(document: Document, relative_orbit: int | None) -> Iterator[tuple[str, object]]:
    # Never computed from the absolute orbit: the offset of Sentinel-1C changed in 2026.
    yield "sat:relative_orbit", relative_orbit
    yield "sat:orbit_state", pass_direction(table(document.get("properties")))


def pass_direction(properties: Document) -> str | None:
    """ascending or descending; anything else is unknown."""
    said = (text(properties, "sat:orbit_state") or "").lower()
    return said if said in ("ascending", "descending") else None


def _sizes(document: Document) -> Iterator[float]:
    properties = table(document.get("properties"))
    for place in (*map(table, table(document.get("assets")).values()), properties):
        for band in (*rows(place.get("raster:bands"))[:1], *rows(place.get("bands"))[:1]):
            if (size := number(band, "spatial_resolution", "raster:spatial_resolution")) is not None:
                yield size
        transform = place.get("proj:transform")
        if isinstance(transform, list) and transform and isinstance(transform[0], int | float):
            yield float(transform[0])
    spacing = number(properties, "sar:pixel_spacing_range", "gsd")
    if spacing is not None:
        yield spacing
