"""Tiles looked at by a Dask cluster: the same in every bit, whoever is lost, and nothing hangs without it."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from distributed import LocalCluster, Security

from monitor.errors import StoreBusy
from monitor.executors import cluster as cluster_module
from monitor.pipeline import Pipeline
from monitor.records import AcquisitionState
from monitor.service import PassEvent
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.dask_cluster import ENGINE, PATIENCE_S, Cluster, Poison, die_once, on_cluster, pretend, two_workers
from tests.pipeline.world import START, Json, World, files, later

BLOCKS = 2
"""Of the region, at one tile to a block."""
WAITING = (AcquisitionState.DISCOVERED,) * 4


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler with two workers, for all tests of this file."""
    with two_workers(tmp_path_factory.mktemp("workers")) as running:
        yield running


@pytest.fixture(autouse=True)
def _crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded machine is slow, not gone."""
    monkeypatch.setattr(cluster_module, "_ANSWER_S", PATIENCE_S)


def blocks_of(world: World) -> Counter[tuple[str, str]]:
    """One pass in which all goes well; what became of its blocks."""
    seen = Counter[tuple[str, str]]()

    def report(event: PassEvent) -> None:
        seen.update(event.blocks)

    summary = world.once(report=report)
    assert (summary.processed, summary.errors) == (4, ())
    return seen


def test_equal_to_this_process(cluster: Cluster, small_world: World, clean: Undisturbed) -> None:
    """Database and products are the same to the last bit, and the engine that really ran is told."""
    assert blocks_of(cluster.world(small_world)) == {(ENGINE, "done"): 4 * BLOCKS}
    assert (small_world.dump(), files(small_world)) == (clean.content, clean.files)


def test_a_worker_lost_in_the_middle(cluster: Cluster, small_world: World, clean: Undisturbed, tmp_path: Path) -> None:
    """A worker killed while it reads: its block is looked at by another, and nothing of the result is other."""
    cluster.client.run(die_once, str(tmp_path / "killed"), workers=cluster.workers)
    assert blocks_of(cluster.world(small_world)) == {(ENGINE, "done"): 4 * BLOCKS - 1, (ENGINE, "again"): 1}
    assert (tmp_path / "killed").exists()
    assert (small_world.dump(), files(small_world)) == (clean.content, clean.files)


def test_a_block_that_kills(cluster: Cluster, small_world: World) -> None:
    """A scene that ends every worker that reads it is parked as poisoned; all others are done."""
    scene = small_world.item(1).stem
    cluster.client.register_plugin(Poison(scene))
    summary = cluster.world(small_world).once()
    cluster.client.unregister_worker_plugin(Poison.name)
    assert (summary.processed, summary.parked) == (3, 1)
    assert "2 workers died while they looked at" in summary.errors[0]
    assert small_world.states()[1] == (AcquisitionState.PARKED, "poisoned")


def test_another_version(cluster: Cluster, small_world: World) -> None:
    """One worker of another version is named with what differs; acquisitions wait, and no try is used up."""
    odd = cluster.workers[0]
    cluster.client.run(pretend, "0.0.9", workers=[odd])
    summary = cluster.world(small_world).once()
    cluster.client.run(pretend, None, workers=[odd])
    assert f"worker {odd}: it has scarpwatch 0.0.9 instead of " in summary.errors[0]
    assert_waiting(small_world, "cluster-unfit")
    assert small_world.once(now=later(60)).processed == 4


def test_the_engine_that_was_asked_for(cluster: Cluster, small_world: World) -> None:
    """A worker without a GPU is refused where one is asked for: it never goes on with its processor in silence."""
    summary = cluster.world(small_world, engine="cuda").once()
    assert summary.errors[0].startswith("worker tcp://127.0.0.1:")
    assert "CUDAExecutionProvider" in summary.errors[0]
    assert_waiting(small_world, "cluster-unfit")


def test_no_worker_with_the_resource(cluster: Cluster, small_world: World) -> None:
    """Acquisitions wait, and the message says how to start a worker."""
    summary = cluster.world(small_world, resources={"GPU": 1}, wait_minutes=0).once()
    assert f'dask worker {cluster.address} --resources "GPU=1" --nthreads 1' in summary.errors[0]
    assert_waiting(small_world, "no-workers")


def test_no_scheduler(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers: the first acquisition says so, the others wait, and the cluster is asked but once."""
    monkeypatch.setattr(cluster_module, "_ANSWER_S", 0.3)
    summary = on_cluster(small_world, "tcp://127.0.0.1:9").once()
    assert "the scheduler cannot be reached" in summary.errors[0]
    assert_waiting(small_world, "no-scheduler")


def test_who_reaches_no_cluster_waits_itself(
    small_world: World, clean: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins nothing for a while, and puts nothing off: another instance goes on with the same one, in order."""
    monkeypatch.setattr(cluster_module, "_ANSWER_S", 0.3)
    with closing(on_cluster(small_world, "tcp://127.0.0.1:9").service()) as service:
        assert service.once(lambda: START).retried == 1
        assert service.process(lambda: START).retried == 0
    small_world.configure(executor="local")
    assert small_world.once().processed == 4
    assert small_world.dump() == clean.content


def test_a_lost_lease_calls_back_what_is_under_way(
    cluster: Cluster, small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who lost its acquisition to another process leaves no task on the cluster."""

    def lost(*_: object) -> None:
        raise StoreBusy("the lease was lost", item="lease", remedy="None.", reason="lease-lost")

    monkeypatch.setattr(Pipeline, "hold", lost)
    assert cluster.world(small_world).once().retried == 4
    deadline = time.monotonic() + PATIENCE_S
    while cluster.tasks():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_tls(small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler that speaks TLS is reached with certificates of its authority, and with no others."""
    ours, others = (certificates(tmp_path / name) for name in ("ours", "others"))
    security = Security(
        tls_ca_file=ours["ca_file"],
        tls_scheduler_cert=ours["cert_file"],
        tls_scheduler_key=ours["key_file"],
        tls_client_cert=ours["cert_file"],
        tls_client_key=ours["key_file"],
        require_encryption=True,
    )
    with LocalCluster(
        n_workers=0,
        processes=False,
        host="127.0.0.1",
        protocol="tls",
        security=security,
        dashboard_address="127.0.0.1:0",
    ) as local:
        address = local.scheduler_address
        assert "no worker" in on_cluster(small_world, address, tls=ours, wait_minutes=0).once().errors[0]
        monkeypatch.setattr(cluster_module, "_ANSWER_S", 1.0)
        refused = on_cluster(small_world, address, tls=others, wait_minutes=0).once(now=later(60)).errors[0]
        assert "the scheduler cannot be reached" in refused


def certificates(folder: Path) -> Json:
    """An authority of its own and a certificate, as files."""
    folder.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    paths = {name: str(folder / f"{name}.pem") for name in ("ca_file", "cert_file", "key_file")}
    authority.cert_pem.write_to_path(paths["ca_file"])
    issued.private_key_pem.write_to_path(paths["key_file"])
    issued.cert_chain_pems[0].write_to_path(paths["cert_file"])
    return dict(paths)


def assert_waiting(world: World, reason: str) -> None:
    """All acquisitions wait, the first for a reason; the others were not touched, and no try is used up."""
    ledger = world.ledger()
    assert tuple(entry.state for entry in ledger) == WAITING
    assert [entry.reason for entry in ledger] == [reason, None, None, None]
    assert {entry.attempts for entry in ledger} == {0}
