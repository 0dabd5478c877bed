"""What Prometheus is told of this process, put together from what its parts count."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from monitor.adapters.metrics import Metrics
from monitor.config import Settings
from monitor.drill.report import Found
from monitor.jobs import Jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is running."""

    version: str
    model_version: str
    engine: str


class Counting(Protocol):
    """What the service counts itself."""

    def static_reads(self) -> Mapping[str, int]:
        """Tiles read from their sources in this process, by static layer."""

    def layer_failures(self) -> Mapping[str, int]:
        """How often each of the operator's layers could not be read when it was needed."""

    def sign_failures(self) -> Mapping[tuple[str, str], int]:
        """How often links of a catalog got no token, or one that the store refused, by catalog and reason."""


def make_metrics(
    settings: Settings,
    about: About,
    counting: Counting,
    jobs: Jobs,
    refusals: Callable[[], Mapping[str, int]],
    channels: Iterable[str],
) -> Metrics:
    """The metrics of one process, in a registry of their own; what can be counted is 0 from the start."""
    metrics = Metrics(_registry())
    metrics.process.build(about.version, about.model_version, about.engine)
    metrics.process.static_layers(counting.static_reads)
    metrics.process.exposure_layers(counting.layer_failures)
    metrics.process.signing(counting.sign_failures)
    metrics.process.refusals(refusals)
    metrics.process.jobs(jobs.at_work)
    metrics.process.disks(settings.on_disks)
    metrics.telling.begin(channels)
    if settings.drills is not None:
        metrics.telling.begin_drills(settings.drills.regions, [found.value for found in Found])
    return metrics


def _registry() -> CollectorRegistry:
    # A second series beside each counter, which no rule asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
