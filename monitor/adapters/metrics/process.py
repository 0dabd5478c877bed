"""This process, and what it stands on: engine, jobs, disks, tokens, layers, the API."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.adapters.disks import disk_room
from monitor.adapters.metrics.counted import Counted


class Working(Protocol):
    """A job at work (`monitor.jobs.AtWork`)."""

    @property
    def seconds(self) -> float:
        """Since it began."""

    @property
    def still_s(self) -> float:
        """Since it last made progress."""


class Process:
    """What is running, and on what."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._build = Info("scarpwatch_build", "What is running", registry=registry)
        self._engine = Gauge(
            "scarpwatch_engine_info", "1 for the inference engine really in use", ("engine",), registry=registry
        )

    def build(self, version: str, model_version: str, engine: str) -> None:
        """Say once what is running."""
        self._build.info({"version": version, "model_version": model_version})
        self._engine.labels(engine).set(1)

    def static_layers(self, reads: Callable[[], Mapping[str, int]]) -> None:
        """Show how often static layers were read from their sources; `reads` is asked at every scrape.

        Counts by layer, zeros included. Once per tile is right, however many acquisitions and restarts there are.
        """
        name, text = "scarpwatch_static_layer_reads", "Tiles of a static layer read from their sources"
        self._registry.register(Counted.by_layer(name, text, reads))

    def exposure_layers(self, failures: Callable[[], Mapping[str, int]]) -> None:
        """Show how often an operator's layers could not be read when they were needed; asked at every scrape."""
        name, text = "scarpwatch_exposure_layer_failures", "Times a layer of the operator could not be read when needed"
        self._registry.register(Counted.by_layer(name, text, failures))

    def signing(self, failures: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Show how often links got no token, or one that the store refused, by catalog and reason."""
        text = "Links for which the token service gave no token, or one that the store refused"
        self._registry.register(
            Counted("scarpwatch_sign_failures", text, ["catalog", "reason"], lambda: failures().items())
        )

    def refusals(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Show what the API refused, by reason, zeros included."""
        self._registry.register(Counted.refusals(counts))

    def jobs(self, at_work: Callable[[], Mapping[str, Working | None]]) -> None:
        """Show how long every job has been at work; asked at every scrape."""
        self._registry.register(_JobTimes(at_work))

    def disks(self, paths: Mapping[str, Path]) -> None:
        """Show how much room there is where these lie; asked at every scrape."""
        self._registry.register(_DiskRoom(paths))


class _JobTimes(Collector):
    """How long jobs have been at work, and without progress; 0 of one that is not."""

    def __init__(self, at_work: Callable[[], Mapping[str, Working | None]]) -> None:
        self._at_work = at_work

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As it is now."""
        busy = GaugeMetricFamily(
            "scarpwatch_job_busy_seconds", "How long a job is at work; 0: it is not", None, ["job"]
        )
        text = "How long a job at work shows no progress; /livez fails when it is too long"
        still = GaugeMetricFamily("scarpwatch_job_still_seconds", text, None, ["job"])
        for job, one in sorted(self._at_work().items()):
            busy.add_metric([job], one.seconds if one else 0.0)
            still.add_metric([job], one.still_s if one else 0.0)
        yield busy
        yield still


class _DiskRoom(Collector):
    """Room on the disks of some paths."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As it is now; a path that cannot be asked is left out."""
        text = "Free bytes, for this user, on the disk of the products, or of the database where that is a file"
        free = GaugeMetricFamily("scarpwatch_disk_free_bytes", text, None, ["path_of"])
        for name, path in sorted(self._paths.items()):
            with suppress(OSError):
                free.add_metric([name], disk_room(path).free)
        yield free
