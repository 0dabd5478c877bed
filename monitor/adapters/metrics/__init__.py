"""What Prometheus sees: a series per region, sensor, catalog, channel or reason, never per tile or acquisition.

Every name stands in docs/metrics.md, with what it means and what to do.
"""

from monitor.adapters.metrics.counted import Counted
from monitor.adapters.metrics.regions import RegionNow
from monitor.adapters.metrics.whole import Metrics

__all__ = ["Counted", "Metrics", "RegionNow"]
