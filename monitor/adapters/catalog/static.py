"""Static catalogs: linked JSON files on disk or behind a plain web server, walked from the root."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pystac.utils import is_absolute_href, make_absolute_href
from pystac_client.exceptions import APIError
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog.fields import Document, rows, text
from monitor.adapters.catalog.items import Kind, overlaps, scene_item, sensed_within
from monitor.adapters.catalog.listing import ListingCatalog, Window
from monitor.adapters.catalog.reading import (
    MOST_DOCUMENTS,
    NotTakenError,
    OutOfReachError,
    RetryingIO,
    SearchTooLongError,
    http_status,
    unavailable,
)
from monitor.adapters.reach import ADDRESS_REFUSED, plain_path
from monitor.adapters.redacting import without_tokens
from monitor.errors import one_line
from monitor.records import Rejected, SceneItem


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    document: Document
    place: _Place


class StaticCatalog(ListingCatalog):
    """A catalog of files. What is missing or broken is refused one by one; the others are found all the same."""

    def _found(self, kind: Kind, geometry: BaseGeometry, window: Window | None) -> Iterator[SceneItem | Rejected]:
        for one in self._items(kind):
            if isinstance(one, Rejected):
                yield one
            elif overlaps(one.document, geometry) and (window is None or sensed_within(one.document, *window)):
                yield scene_item(
                    one.document,
                    catalog=self.name,
                    collection=one.place.collection,
                    href=one.place.href,
                    kind=kind,
                    reach=self._asking.reach,
                )

    def _items(self, kind: Kind) -> Iterator[_Item | Rejected]:
        """Every item document of the wanted collections, and the refusal of every document that cannot be read."""
        if kind.collections == ():
            return
        reader = self._asking.reader()
        root = _Place(href=_absolute_root(self.href), collection="", is_item=False)
        waiting = [root]
        seen = {root.href}
        while waiting:
            place = waiting.pop()
            try:
                document = _read(reader, place)
            except _UnreadableError as err:
                if place is root or isinstance(err, _UnreachableError):
                    # The error names the root already.
                    what = "it" if place.href in (self.href, root.href) else place.href
                    raise unavailable(self.name, self.href, f"{what} cannot be read: {err}", err) from err
                reason = ADDRESS_REFUSED if isinstance(err, _OutOfReachError) else "unreadable-document"
                yield Rejected(item=without_tokens(place.href), reason=reason, detail=without_tokens(str(err)))
                continue
            if document.get("type") == "Feature":
                if kind.wants(text(document, "collection") or place.collection):
                    yield _Item(document=document, place=place)
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
