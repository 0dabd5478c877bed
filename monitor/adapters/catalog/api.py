"""STAC APIs: search by geometry and time, through pystac-client."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import pystac
from pystac_client import Client, ItemSearch
from pystac_client.exceptions import APIError
from pystac_client.warnings import PystacClientWarning
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog.fields import Document, number, rows, table, text
from monitor.adapters.catalog.items import Kind, overlaps, scene_item
from monitor.adapters.catalog.listing import ListingCatalog, Window
from monitor.adapters.catalog.reading import MOST_DOCUMENTS, http_status, unavailable
from monitor.errors import one_line
from monitor.records import Rejected, SceneItem

PAGE_SIZE = 100
"""Items per request: large pages time out on some servers."""

# All that pystac-client lets through when a server answers something else than STAC: its own errors (one of them
# a warning it raises), those of parsing JSON, of links without href, of a catalog without search.
_NOT_STAC = (
    APIError, PystacClientWarning, pystac.STACError, OSError, ValueError, KeyError, TypeError, AttributeError,
    NotImplementedError, RecursionError,
)  # fmt: skip


class StacApiCatalog(ListingCatalog):
    """A catalog that answers searches."""

    def _found(self, kind: Kind, geometry: BaseGeometry, window: Window | None) -> list[SceneItem | Rejected]:
        if kind.collections == ():
            return []  # a search without collections is one of all of them
        return [
            scene_item(
                document,
                catalog=self.name,
                collection="",
                href=self._self_href(document),
                kind=kind,
                reach=self._asking.reach,
            )
            for document in self._documents(kind, geometry, window)
            # Some servers search by bounding box only.
            if overlaps(document, geometry)
        ]

    def _documents(self, kind: Kind, geometry: BaseGeometry, window: Window | None) -> list[Document]:
        """All items of all pages; half a list is never taken for the whole."""
        documents: list[Document] = []
        seen: set[tuple[str | None, str | None]] = set()
        matched = 0.0
        for page in self._pages(kind, geometry, window):
            features = rows(page.get("features"))
            names = {(text(document, "collection"), text(document, "id")) for document in features}
            if names <= seen:
                raise unavailable(self.name, self.href, "its next page repeats items it has sent before")
            seen |= names
            documents += features
            if len(documents) > MOST_DOCUMENTS:
                raise unavailable(self.name, self.href, f"its pages go on after {MOST_DOCUMENTS} items")
            matched = _matched(page)
        if len(documents) < matched:
            problem = f"it says that {matched:.0f} items match, but sent {len(documents)} and no link to more"
            raise unavailable(self.name, self.href, problem)
        return documents

    def _pages(self, kind: Kind, geometry: BaseGeometry, window: Window | None) -> Iterator[Document]:
        try:
            yield from self._open_search(kind, geometry, window).pages_as_dicts()
        except _NOT_STAC as err:
            raise unavailable(self.name, self.href, f"no STAC API answers there ({_problem(err)})", err) from err

    def _open_search(self, kind: Kind, geometry: BaseGeometry, window: Window | None) -> ItemSearch:
        with warnings.catch_warnings():
            # Servers that search perfectly well forget to announce it; those that cannot fail at once below.
            warnings.simplefilter("ignore", PystacClientWarning)
            client = Client.open(self.href, stac_io=self._asking.reader())
            return client.search(
                collections=None if kind.collections is None else list(kind.collections),
                intersects=mapping(geometry),
                datetime=None if window is None else "/".join(map(_rfc3339, window)),
                limit=PAGE_SIZE,
            )

    def _self_href(self, document: Document) -> str:
        links = rows(document.get("links"))
        return next((href for link in links if link.get("rel") == "self" and (href := text(link, "href"))), self.href)


def _matched(page: Document) -> float:
    """How many items the whole search has, as far as the server tells: in STAC API 1.0, else in its older `context`."""
    found = number(page, "numberMatched")
    return (number(table(page.get("context")), "matched") if found is None else found) or 0.0


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _problem(error: Exception) -> str:
    """One line, with the status if there is one."""
    status = http_status(error)
    said = one_line(error)
    return ": ".join(str(part) for part in (f"HTTP {status}" if status else type(error).__name__, said) if part)
