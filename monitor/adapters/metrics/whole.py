"""All metrics of one service."""

from prometheus_client import CollectorRegistry

from monitor.adapters.metrics.catalogs import Catalogs
from monitor.adapters.metrics.process import Process
from monitor.adapters.metrics.regions import Regions
from monitor.adapters.metrics.telling import Telling
from monitor.adapters.metrics.work import Work


class Metrics:
    """By subject. The registry is passed in, so that tests and several services in one process stay apart."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.process = Process(registry)
        self.catalogs = Catalogs(registry)
        self.work = Work(registry)
        self.telling = Telling(registry)
        self.regions = Regions(registry)
