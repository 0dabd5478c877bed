"""What both kinds of catalogs have in common: what they are asked for, how, and what becomes of what they list."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shapely.geometry.base import BaseGeometry

from monitor.adapters.catalog.items import (
    LAND_COVER_COLLECTIONS,
    OPTICAL_COLLECTIONS,
    RADAR_COLLECTIONS,
    TERRAIN_COLLECTIONS,
    Kind,
    ground_items,
    land_cover_kind,
    optical_kind,
    radar_kind,
    terrain_kind,
)
from monitor.adapters.catalog.reading import PATIENT, Patience, RetryingIO
from monitor.adapters.hosts import Hosts
from monitor.adapters.reach import Reach
from monitor.records import Rejected, SceneItem, Sensor

Window = tuple[datetime, datetime]
"""First and last time of sensing, both of them included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collections:
    """Which collections hold what; None: every collection, (): none."""

    optical: tuple[str, ...] | None = OPTICAL_COLLECTIONS
    radar: tuple[str, ...] | None = RADAR_COLLECTIONS
    terrain: tuple[str, ...] | None = TERRAIN_COLLECTIONS
    land_cover: tuple[str, ...] | None = LAND_COVER_COLLECTIONS


KNOWN = Collections()
"""As the catalogs of this world call them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a catalog is asked."""

    patience: Patience = PATIENT
    """Retries of each read over HTTP."""
    hosts: Hosts = field(default_factory=Hosts)
    """What is known of the hosts that are asked."""
    reach: Reach | None = None
    """Where links and assets may lead; None: anywhere."""

    def reader(self) -> RetryingIO:
        """Of one search."""
        return RetryingIO(self.patience, self.hosts, self.reach)


class ListingCatalog(ABC):
    """A catalog that lists scenes, elevation models and maps of land cover."""

    def __init__(self, *, name: str, href: str, collections: Collections = KNOWN, asking: Asking | None = None) -> None:
        """Nothing is asked yet.

        Args:
            name: its name in the configuration.
            href: where it begins: the landing page of an API, path or URL of a root document (catalog.json).
            collections: what it is asked for.
            asking: how; None: patiently, and anywhere.
        """
        self.name = name
        self.href = href
        self._scenes = {
            Sensor.OPTICAL: optical_kind(collections.optical),
            Sensor.SAR: radar_kind(collections.radar),
        }
        self._terrain = terrain_kind(collections.terrain)
        self._land_cover = land_cover_kind(collections.land_cover)
        self._asking = asking or Asking()

    def search(
        self, geometry: BaseGeometry, start: datetime, end: datetime, sensor: Sensor = Sensor.OPTICAL
    ) -> tuple[list[SceneItem], list[Rejected]]:
        """Items sensed in [start, end] whose footprint intersects `geometry` (EPSG:4326), and what was refused.

        Raises:
            CatalogUnavailable: the catalog cannot be asked now.
        """
        items, rejected = [], []
        for one in self._found(self._scenes[sensor], geometry, (start, end)):
            if isinstance(one, SceneItem):
                items.append(one)
            else:
                rejected.append(one)
        return sorted(items, key=lambda item: (item.sensing_time, item.id, item.collection)), rejected

    def terrain(self, geometry: BaseGeometry) -> list[SceneItem]:
        """Elevation model items over `geometry`; they have no place in time.

        Raises:
            CatalogUnavailable: the catalog cannot be asked now.
            BadItem: all that it has leads where it may not.
        """
        return ground_items(self._found(self._terrain, geometry, None))

    def land_cover(self, geometry: BaseGeometry) -> list[SceneItem]:
        """Land-cover maps over `geometry`, of every year there is.

        Raises:
            CatalogUnavailable: the catalog cannot be asked now.
            BadItem: all that it has leads where it may not.
        """
        return ground_items(self._found(self._land_cover, geometry, None))

    @abstractmethod
    def _found(self, kind: Kind, geometry: BaseGeometry, window: Window | None) -> Iterable[SceneItem | Rejected]:
        """Items of a kind over `geometry`, of all times where `window` is None, and what was refused of them."""
