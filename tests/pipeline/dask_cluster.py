"""A real Dask cluster on this machine: a scheduler here, two workers in processes of their own; what befalls them."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

import dask
from distributed import Client, LocalCluster, Worker, WorkerPlugin

from monitor.adapters.imagery import RasterImageSource
from monitor.executors import alike, bench
from monitor.records import Bands, SceneItem, Tile
from monitor.shipped import installed_version
from tests.pipeline import processes
from tests.pipeline.world import Json, World

RESOURCE = "block"
"""What every worker has one of."""
ENGINE = "onnxruntime-cpu"
PATIENCE_S = 120.0
_CONFIG = {
    # As the tests' other processes: forked from one that has imported everything, so that a worker is there at once.
    "distributed.worker.multiprocessing-method": "forkserver",
    "distributed.scheduler.allowed-failures": 1,
    # A worker that was killed is given up by the cluster for good where its nanny, on a busy machine, takes longer.
    "distributed.deploy.lost-worker-timeout": f"{PATIENCE_S:.0f}s",
}
_READ = RasterImageSource.read
_FORKED = (bench, processes)
"""Imported once, for all workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A scheduler with two workers."""

    address: str
    client: Client
    """Of the tests; the service has its own."""

    @property
    def workers(self) -> list[str]:
        """Addresses of both, once both are there: one that was killed is started again."""
        self.client.wait_for_workers(2, timeout=PATIENCE_S)
        return sorted(self.client.nthreads())

    def tasks(self) -> int:
        """How many tasks the scheduler knows."""
        return int(self.client.run_on_scheduler(_count_tasks))

    def world(self, world: World, **changes: object) -> World:
        """A world whose tiles are looked at here, one tile to a block."""
        return on_cluster(world, self.address, **changes)


@contextmanager
def two_workers(folder: Path) -> Iterator[Cluster]:
    """The cluster, for as long as it is wanted."""
    forkserver.ensure_running()  # before Dask says what is to be imported
    with (
        dask.config.set(_CONFIG),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            resources={RESOURCE: 1},
            local_directory=str(folder),
        ) as local,
        Client(local.scheduler_address, set_as_default=False) as client,
    ):
        yield Cluster(address=local.scheduler_address, client=client)


def on_cluster(world: World, address: str, **changes: object) -> World:
    """A world whose tiles are looked at by a cluster, one tile to a block."""
    group: Json = {"address": address, "resources": {RESOURCE: 1}, "engine": "cpu", **changes}
    world.configure(executor="dask", dask=group, block_tiles=1)
    return world


def _count_tasks(dask_scheduler: object) -> int:
    return len(dask_scheduler.tasks)  # type: ignore[attr-defined]


def die_once(marker: str) -> None:
    """Run on workers: whichever reads pixels first is killed in the middle of it, and never again any."""

    def deadly(source: RasterImageSource, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return _READ(source, items, bands, tile)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives this")

    _put(RasterImageSource, "read", deadly)


class Poison(WorkerPlugin):
    """Every worker, also one that is started later, is killed when it reads a scene."""

    name = "poison"

    def __init__(self, scene: str) -> None:
        self._scene = scene

    def setup(self, worker: Worker) -> None:
        """A worker begins."""
        scene = self._scene

        def deadly(source: RasterImageSource, items: Sequence[SceneItem], bands: Sequence[str], tile: Tile) -> Bands:
            if any(item.id == scene for item in items):
                os.kill(os.getpid(), signal.SIGKILL)
            return _READ(source, items, bands, tile)

        _put(RasterImageSource, "read", deadly)

    def teardown(self, worker: Worker) -> None:
        """The plugin is taken off."""
        _put(RasterImageSource, "read", _READ)


def pretend(version: str | None) -> None:
    """Run on workers: claim to be another version; None: be honest again."""
    _put(alike, "installed_version", installed_version if version is None else lambda: version)


def _put(owner: object, name: str, value: object) -> None:
    """In a worker, which ends soon."""
    setattr(owner, name, value)
