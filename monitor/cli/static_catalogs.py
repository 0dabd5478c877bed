"""Which collections a static catalog on disk really has, beside those the configuration asks it for."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from monitor.config import CatalogSettings, Mistake, Settings


def absent_collections(settings: Settings) -> list[Mistake]:
    """Collections that the configuration names and a static catalog on disk does not list, with those it does."""
    found = []
    for name, catalog in settings.catalogs.items():
        there = _collections(catalog)
        if there is None:
            continue
        listed = ", ".join(sorted(there)) or "none"
        found += [
            Mistake(
                f"catalogs.{name}.collections.{use}",
                f"the catalog has no collection {' and no '.join(absent)}",
                f"There are: {listed}.",
            )
            for use, absent in _absent(catalog, there)
        ]
    return found


def _absent(catalog: CatalogSettings, there: set[str]) -> list[tuple[str, list[str]]]:
    """What is asked for in vain, by use. Where nothing is written the catalog may have scenes or elevation only."""
    # Imported when it is needed: catalogs are slow to import, and `--help` needs none.
    from monitor.adapters.catalog.items import OPTICAL_COLLECTIONS, RADAR_COLLECTIONS, TERRAIN_COLLECTIONS

    wanted = catalog.collections
    absent = [
        (use, [one for one in written or () if one not in there])
        for use, written in (
            ("optical", wanted.optical),
            ("radar", wanted.radar),
            ("terrain", wanted.terrain),
            ("land_cover", wanted.land_cover),
        )
    ]
    terrain = TERRAIN_COLLECTIONS if wanted.terrain is None else wanted.terrain
    radar = RADAR_COLLECTIONS if wanted.radar is None else wanted.radar
    if wanted.optical is None and there.isdisjoint((*OPTICAL_COLLECTIONS, *radar, *terrain)):
        absent.append(("optical", list(OPTICAL_COLLECTIONS)))
    return [(use, names) for use, names in absent if names]


def _collections(catalog: CatalogSettings) -> set[str] | None:
    """Ids of all collections, or None where that cannot be told: no static catalog, not on disk, or not readable."""
    if catalog.type != "static" or "://" in catalog.href:
        return None
    waiting, seen, ids = [Path(catalog.href)], set[Path](), set[str]()
    while waiting:
        path = waiting.pop().resolve()
        if path in seen:
            continue
        seen.add(path)
        document = _document(path)
        if document is None:
            return None
        if document.get("type") == "Collection":
            ids.add(str(document.get("id")))
        children = _children(document)
        if any("://" in href for href in children):
            return None
        waiting += [path.parent / unquote(urlsplit(href).path) for href in children]
    return ids


def _document(path: Path) -> Mapping[str, object] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, Mapping) and "stac_version" in document else None


def _children(document: Mapping[str, object]) -> list[str]:
    links = document.get("links")
    rows = [link for link in links if isinstance(link, Mapping)] if isinstance(links, list) else []
    return [str(link["href"]) for link in rows if link.get("rel") == "child" and link.get("href")]
