"""Items become acquisitions: one pass of one satellite over one region is the unit of the ledger.

Catalogs list the same pixels more than once: reprocessed products, several levels, several catalogs. What is the
same ground seen by the same datastrip counts once, the best version of it; another datastrip has other pixels.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shapely import unary_union
from shapely.geometry.base import BaseGeometry

from monitor.records import LEVEL_1C, POLARISATIONS, Acquisition, Rejected, SceneItem, Sensor

SAME_PASS = timedelta(minutes=10)
"""Items sensed within this time of the first belong to one pass; a satellite returns after 100 minutes."""

_FOOTPRINT_SLACK = 0.02
"""Share of a footprint by which two catalogs may draw the same one differently."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

# A datastrip id names processing centre and time too, which change when it is reprocessed:
# S2A_OPER_MSI_L2A_DS_2APS_20230626T022157_S20230625T234624_N05.09. What stays is the start of sensing (S...).
# https://sentiwiki.copernicus.eu/web/s2-products (naming convention)
_DATASTRIP_START = re.compile(r"_S(\d{8}T\d{6})(?:_|$)")


def group(
    region_id: str, items: Sequence[SceneItem], ground: BaseGeometry | None = None
) -> tuple[list[Acquisition], list[Rejected]]:
    """Group items into acquisitions, oldest first; the result does not depend on the order of `items`.

    Items may show surroundings of the region alone. What touches its `ground` (EPSG:4326) decides for all of a pass
    in which polarisations it is compared; without it everything counts as touching.
    The same item id from two catalogs or collections counts once, silently. Of two versions of one MGRS tile of one
    datastrip the older is refused (superseded-duplicate). Items without grid code are never duplicates of another id.
    """
    rejected: list[Rejected] = []
    passes = _passes(_unique(items))
    while True:
        sifted = [_sift(one_pass, ground) for one_pass in passes]
        refused = [no for _, reasons in sifted for no in reasons]
        if not refused:
            break
        # Without its first item a pass may begin later and reach further: group again what was kept.
        rejected += refused
        passes = _passes(item for kept, _ in sifted for item in kept)
    acquisitions = [_acquisition(region_id, one_pass) for one_pass in passes]
    return sorted(acquisitions, key=lambda one: (one.sensing_time, one.key)), sorted(rejected, key=lambda no: no.item)


def shows_news(found: Acquisition, known: Acquisition) -> bool:
    """Whether a listing of a pass shows anything that a known version of it does not: more ground, or newer pixels.

    Another catalog names the same product differently, so its listing has another version; it is no news unless its
    processing is newer. Nor is what is left of a pass when a catalog forgets some of its items.
    """
    return not all(_is_in(item, known) for item in found.items)


def shows_all(found: Acquisition, known: Acquisition) -> bool:
    """Whether a listing of a pass shows all the ground that a known version of it does."""
    return all(_is_shown(item, found) for item in known.items)


def _is_in(item: SceneItem, known: Acquisition) -> bool:
    own = [other for other in known.items if other.catalog == item.catalog]
    if any(_facts(other) == _facts(item) for other in own):
        return True
    if item.grid_code is None or item.sensor is Sensor.SAR:
        # Of radar every catalog has names, edges and times of processing of its own.
        return not own and _is_shown(item, known)
    same = [other for other in known.items if _same_pixels(item, other)]
    newest = max((_production(other) for other in same), default=None)
    if any(other.catalog == item.catalog for other in same):
        return newest is not None and newest > _production(item)
    return newest is not None and newest >= _production(item)


def _is_shown(item: SceneItem, by: Acquisition) -> bool:
    """Whether a listing shows the ground of an item, as far as footprints tell: catalogs draw them a little apart."""
    if any(other.id == item.id or _same_pixels(item, other) for other in by.items):
        return True
    if item.grid_code is not None:
        return False
    beyond = item.geometry.difference(unary_union([other.geometry for other in by.items]))
    return bool(beyond.area <= _FOOTPRINT_SLACK * item.geometry.area)


def _production(item: SceneItem) -> tuple[bool, tuple[int, ...], datetime]:
    """What orders the productions of the same pixels; some catalogs leave out fractions of a second."""
    scl, baseline, made, _ = _rank(item)
    return scl, baseline, made.replace(microsecond=0)


def _one_product(one_pass: Sequence[SceneItem]) -> tuple[list[SceneItem], list[Rejected]]:
    """One kind of product for a pass: products differ in processing, and their looks must not be mixed.

    Of radar the finest; of optics surface reflectance before Level-1C, whatever ground each of them shows.
    """
    best = min(_product(item) for item in one_pass)
    kept = [item for item in one_pass if _product(item) == best]
    detail = f"{kept[0].id} of {best[-1]} shows the same pass and is the product that is looked at"
    others = [item for item in one_pass if _product(item) != best]
    return kept, [Rejected(item=item.id, reason="other-product", detail=detail) for item in others]


def _every_polarisation(
    one_pass: Sequence[SceneItem], ground: BaseGeometry | None
) -> tuple[list[SceneItem], list[Rejected]]:
    """Without slices that lack a polarisation which another slice over the region has beside all of theirs.

    A pass is compared in the polarisations that all its slices have: one that lacks VH would take it from all others.
    Its ground is not observed by this pass.
    """
    kept: list[SceneItem] = []
    rejected: list[Rejected] = []
    over_it = [item for item in one_pass if ground is None or item.geometry.intersects(ground)]
    for item in one_pass:
        better = next((other for other in over_it if _polarisations(item) < _polarisations(other)), None)
        if better is None:
            kept.append(item)
            continue
        lacking = "+".join(sorted(_polarisations(better) - _polarisations(item)))
        detail = f"it lacks {lacking}, which {better.id} of the same pass has; its ground is left to other passes"
        rejected.append(Rejected(item=item.id, reason="lacks-a-polarisation", detail=detail))
    return kept, rejected


def _polarisations(item: SceneItem) -> frozenset[str]:
    return frozenset(POLARISATIONS).intersection(item.assets) if item.sensor is Sensor.SAR else frozenset()


def _product(item: SceneItem) -> tuple[float, str]:
    """Lower is better: finer pixels; of optics surface reflectance."""
    if item.sensor is Sensor.OPTICAL:
        return (1.0, LEVEL_1C) if LEVEL_1C in item.collection.lower() else (0.0, "surface reflectance")
    return item.resolution_m or math.inf, item.collection


def _unique(items: Iterable[SceneItem]) -> list[SceneItem]:
    """The best listing of every item id."""
    listings: dict[str, list[SceneItem]] = {}
    for item in items:
        listings.setdefault(item.id, []).append(item)
    return [found[0] if len(found) == 1 else max(found, key=_listing) for found in listings.values()]


def _passes(items: Iterable[SceneItem]) -> list[list[SceneItem]]:
    passes: list[list[SceneItem]] = []
    for item in sorted(items, key=lambda one: (*_instrument(one), one.sensing_time, one.id)):
        first = passes[-1][0] if passes else None
        if first and _instrument(first) == _instrument(item) and item.sensing_time - first.sensing_time <= SAME_PASS:
            passes[-1].append(item)
        else:
            passes.append([item])
    return passes


def _sift(one_pass: Sequence[SceneItem], ground: BaseGeometry | None) -> tuple[list[SceneItem], list[Rejected]]:
    of_product, others = _one_product(one_pass)
    full, fewer = _every_polarisation(of_product, ground)
    kept, worse = _supersede(full)
    return kept, [*others, *fewer, *worse]


def _supersede(one_pass: Iterable[SceneItem]) -> tuple[list[SceneItem], list[Rejected]]:
    """Keep the best of every tile and datastrip; an unknown datastrip may be any."""
    kept: list[SceneItem] = []
    rejected: list[Rejected] = []
    for item in sorted(one_pass, key=_rank, reverse=True):
        better = next((other for other in kept if _same_pixels(item, other)), None)
        if better is None:
            kept.append(item)
        else:
            rejected.append(Rejected(item=item.id, reason="superseded-duplicate", detail=_why(item, better)))
    return kept, rejected


def _same_pixels(item: SceneItem, other: SceneItem) -> bool:
    if item.grid_code is None or item.grid_code != other.grid_code:
        return False
    mine, theirs = _strip(item), _strip(other)
    return mine is None or theirs is None or mine == theirs


def _strip(item: SceneItem) -> str | None:
    """What identifies a datastrip through reprocessing and levels: its start of sensing, else its whole id."""
    if not item.datastrip:
        return None
    start = _DATASTRIP_START.search(item.datastrip)
    return start.group(1) if start else item.datastrip


def _rank(item: SceneItem) -> tuple[bool, tuple[int, ...], datetime, str]:
    """Higher is better. Level-2A (it has the scene classification) beats Level-1C of the same pixels."""
    return "SCL" in item.assets, _baseline(item), item.processing_time or _LONG_AGO, item.id


def _listing(item: SceneItem) -> tuple[Any, ...]:
    """Which of two listings of one item id to read: the better one, else the fuller one, else by its words."""
    return *_rank(item), len(item.assets), item.catalog, item.collection, repr(item), item.geometry.wkb


def _baseline(item: SceneItem) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", item.processing_baseline or ""))


def _instrument(item: SceneItem) -> tuple[str, str, int]:
    return item.sensor.value, item.platform, -1 if item.relative_orbit is None else item.relative_orbit


def _why(item: SceneItem, better: SceneItem) -> str:
    def version(one: SceneItem) -> str:
        processed = f"{one.processing_time:%Y-%m-%dT%H:%M:%SZ}" if one.processing_time else "at an unknown time"
        return f"baseline {one.processing_baseline or 'unknown'}, processed {processed}"

    return f"{better.id} ({version(better)}) shows the same pixels as this item ({version(item)})"


def _acquisition(region_id: str, items: Iterable[SceneItem]) -> Acquisition:
    ordered = sorted(items, key=lambda one: (one.sensing_time, one.id))
    first = ordered[0]
    return Acquisition(
        region=region_id,
        key=_key(first),
        version=_version(ordered),
        sensing_time=first.sensing_time,
        sensor=first.sensor,
        platform=first.platform,
        relative_orbit=first.relative_orbit,
        items=tuple(ordered),
    )


def _key(first: SceneItem) -> str:
    """Natural key, safe in file names on every system."""
    platform = re.sub(r"[^a-z0-9]+", "-", first.platform.lower()).strip("-") or "unknown"
    orbit = "R---" if first.relative_orbit is None else f"R{first.relative_orbit:03d}"
    if first.absolute_orbit is not None and first.sensor is Sensor.SAR:
        # Slices of a radar pass have times of their own, and earlier ones may be listed later.
        return f"{platform}-O{first.absolute_orbit:06d}-{orbit}"
    return f"{platform}-{first.sensing_time.astimezone(UTC):%Y%m%dT%H%M%S}-{orbit}"


def _facts(item: SceneItem) -> tuple[str, str, str, str]:
    """What changes when an item is produced anew."""
    return (
        item.id,
        item.processing_baseline or "",
        item.processing_time.astimezone(UTC).isoformat() if item.processing_time else "",
        item.datastrip or "",
    )


def _version(items: Iterable[SceneItem]) -> str:
    """First 10 hex digits of SHA-256 over what changes when an acquisition is completed or reprocessed."""
    facts = sorted(_facts(item) for item in items)
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:10]


_AGAIN = re.compile(r"^(?P<version>.*?)(?:r(?P<number>\d+))?$")


def processing(version: str) -> int:
    """Which processing of one version of an acquisition this is, from 1."""
    return int(_again(version)["number"] or 1)


def produced(version: str) -> str:
    """The version as its producer made it: every processing of it shows the same pixels."""
    return _again(version)["version"]


def next_processing(version: str) -> str:
    """The name of the same version, processed once more: observations and evidence of both are kept apart."""
    return f"{produced(version)}r{processing(version) + 1}"


def _again(version: str) -> re.Match[str]:
    found = _AGAIN.match(version)
    assert found is not None  # every text fits
    return found
