"""Static catalogs: linked JSON files on disk or behind a plain web server, walked from the root."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pystac.utils import is_absolute_href, make_absolute_href
from pystac_client.exceptions import APIError
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog.fields import Document, rows, text
from monitor.adapters.catalog.items import (
    LAND_COVER_COLLECTIONS,
    OPTICAL_COLLECTIONS,
    RADAR_COLLECTIONS,
    TERRAIN_COLLECTIONS,
    Kind,
    ground_items,
    land_cover_kind,
    optical_kind,
    overlaps,
    radar_kind,
    scene_item,
    sensed_within,
    terrain_kind,
)
from monitor.adapters.catalog.reading import (
    MOST_DOCUMENTS,
    PATIENT,
    NotTakenError,
    OutOfReachError,
    Patience,
    RetryingIO,
    SearchTooLongError,
    http_status,
    unavailable,
)
from monitor.adapters.hosts import Hosts
from monitor.adapters.reach import ADDRESS_REFUSED, Reach, plain_path
from monitor.adapters.redacting import without_tokens
from monitor.errors import one_line
from monitor.records import Rejected, SceneItem, Sensor


class _UnreadableError(Exception):
    """One document of a catalog cannot be used."""


class _OutOfReachError(_UnreadableError):
    """It lies where the catalog may not lead."""


class _UnreachableError(_UnreadableError):
    """The server of the catalog does not answer at all, or not in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One document: where it lies, and the collection it was linked from."""

    href: str
    collection: str
    is_item: bool


class StaticCatalog:
    """A catalog of files."""

    def __init__(
        self,
        *,
        name: str,
        href: str,
        optical: tuple[str, ...] | None = OPTICAL_COLLECTIONS,
        radar: tuple[str, ...] | None = RADAR_COLLECTIONS,
        terrain: tuple[str, ...] | None = TERRAIN_COLLECTIONS,
        land_cover: tuple[str, ...] | None = LAND_COVER_COLLECTIONS,
        patience: Patience = PATIENT,
        hosts: Hosts | None = None,
        reach: Reach | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            name: its name in the configuration.
            href: path or URL of the root document (catalog.json).
            optical, radar, terrain, land_cover: collections to walk; None means every collection, () none.
            patience: retries of each read over HTTP.
            hosts: what is known of the hosts that are asked.
            reach: where links and assets may lead; None: anywhere.
        """
        self.name = name
        self.href = href
        self._scenes = {Sensor.OPTICAL: optical_kind(optical), Sensor.SAR: radar_kind(radar)}
        self._terrain = terrain_kind(terrain)
        self._land_cover = land_cover_kind(land_cover)
        self._patience = patience
        self._hosts = hosts or Hosts()
        self._reach = reach

    def search(
        self, geometry: BaseGeometry, start: datetime, end: datetime, sensor: Sensor = Sensor.OPTICAL
    ) -> tuple[list[SceneItem], list[Rejected]]:
        """Items sensed in [start, end] whose footprint intersects `geometry` (EPSG:4326), and what was refused.

        Documents that are missing or broken are refused one by one; the others are found all the same.

        Raises:
            CatalogUnavailable: the root cannot be read, or the server is gone.
        """
        items: list[SceneItem] = []
        rejected: list[Rejected] = []
        kind = self._scenes[sensor]
        for document, place in self._items(kind, rejected):
            if overlaps(document, geometry) and sensed_within(document, start, end):
                found = self._scene_item(document, place, kind)
                if isinstance(found, SceneItem):
                    items.append(found)
                else:
                    rejected.append(found)
        return sorted(items, key=lambda item: (item.sensing_time, item.id, item.collection)), rejected

    def terrain(self, geometry: BaseGeometry) -> list[SceneItem]:
        """Elevation model items over `geometry`; they have no place in time.

        Raises:
            CatalogUnavailable: the root cannot be read, or the server is gone.
            BadItem: an item leads where it may not.
        """
        return self._ground(self._terrain, geometry)

    def land_cover(self, geometry: BaseGeometry) -> list[SceneItem]:
        """Land-cover maps over `geometry`, of every year there is.

        Raises:
            CatalogUnavailable: the root cannot be read, or the server is gone.
            BadItem: an item leads where it may not.
        """
        return self._ground(self._land_cover, geometry)

    def _ground(self, kind: Kind, geometry: BaseGeometry) -> list[SceneItem]:
        rejected: list[Rejected] = []
        found = [
            self._scene_item(document, place, kind)
            for document, place in self._items(kind, rejected)
            if overlaps(document, geometry)
        ]
        return ground_items([*found, *rejected])

    def _scene_item(self, document: Document, place: _Place, kind: Kind) -> SceneItem | Rejected:
        return scene_item(
            document,
            catalog=self.name,
            collection=place.collection,
            href=place.href,
            kind=kind,
            reach=self._reach,
        )

    def _items(self, kind: Kind, rejected: list[Rejected]) -> Iterator[tuple[Document, _Place]]:
        """Every readable item document of the wanted collections; what cannot be read is added to `rejected`."""
        if kind.collections == ():
            return
        reader = RetryingIO(self._patience, self._hosts, self._reach)
        root = _Place(href=_absolute_root(self.href), collection="", is_item=False)
        waiting = [root]
        seen = {root.href}
        while waiting:
            place = waiting.pop()
            try:
                document = _read(reader, place)
            except _UnreadableError as err:
                if place is root or isinstance(err, _UnreachableError):
                    raise unavailable(self.name, self.href, f"{place.href} cannot be read: {err}", err) from err
                reason = ADDRESS_REFUSED if isinstance(err, _OutOfReachError) else "unreadable-document"
                document_name, detail = without_tokens(place.href), without_tokens(str(err))
                rejected.append(Rejected(item=document_name, reason=reason, detail=detail))
                continue
            if document.get("type") == "Feature":
                if kind.wants(text(document, "collection") or place.collection):
                    yield document, place
                continue
            onward = [link for link in _links(document, place, kind) if link.href not in seen]
            seen.update(link.href for link in onward)
            if len(seen) > MOST_DOCUMENTS:
                raise unavailable(self.name, self.href, f"it links more than {MOST_DOCUMENTS} documents")
            waiting += reversed(onward)


def _links(document: Document, place: _Place, kind: Kind) -> list[_Place]:
    """Children and items of a catalog or collection; items of unwanted collections are not even read."""
    own = text(document, "id") or place.collection
    is_collection = document.get("type") == "Collection"
    wanted = {"child", "item"} if kind.wants(own) or not is_collection else {"child"}
    return [
        _Place(
            href=plain_path(str(make_absolute_href(href, place.href))),
            collection=own,
            is_item=link.get("rel") == "item",
        )
        for link in rows(document.get("links"))
        if link.get("rel") in wanted and (href := text(link, "href"))
    ]


def _read(reader: RetryingIO, place: _Place) -> Document:
    try:
        document = json.loads(reader.read_text(place.href))
    except OutOfReachError as err:
        raise _OutOfReachError(one_line(err)) from err
    except NotTakenError as err:
        raise _UnreadableError(one_line(err)) from err
    except SearchTooLongError as err:
        raise _UnreachableError(one_line(err)) from err
    except APIError as err:
        said = one_line(err)
        status = http_status(err)
        if status is None:
            raise _UnreachableError(f"the server does not answer ({said})") from err
        raise _UnreadableError(f"the server answers HTTP {status} ({said})") from err
    except OSError as err:
        raise _UnreadableError(err.strerror or str(err)) from err
    except (ValueError, RecursionError) as err:  # also text that is not UTF-8
        raise _UnreadableError(f"it is not JSON ({err})") from err
    if not isinstance(document, dict) or not ("stac_version" in document or document.get("type") == "Feature"):
        raise _UnreadableError("it is JSON, but not a STAC catalog, collection or item")
    return document


def _absolute_root(href: str) -> str:
    """URLs as they are, files as plain absolute paths."""
    path = plain_path(href)
    return path if is_absolute_href(path) else str(Path(path).absolute())
