"""Places that list scenes: STAC APIs and static catalogs, behind one port."""

from monitor.adapters.catalog.api import StacApiCatalog
from monitor.adapters.catalog.listing import Asking, Collections
from monitor.adapters.catalog.static import StaticCatalog

__all__ = ["Asking", "Collections", "StacApiCatalog", "StaticCatalog"]
