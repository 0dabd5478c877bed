"""The task of a worker: look at one block of tiles and send back what was seen.

The scheduler opens this module too, so rasters and networks are imported when a worker begins.
"""

import pickle
from collections.abc import Mapping

from distributed import get_worker

from monitor.errors import ClusterUnavailable, ScarpwatchError
from monitor.executors.alike import differences
from monitor.executors.orders import BEGUN, Order, Returned


def look(runs: Mapping[str, str], packed: bytes) -> Returned:
    """Look at a block. Writes nothing but elevation and land cover, into the scratch folder of the worker.

    Args:
        runs: what the coordinator runs (`alike.about`); nothing is opened by another version.
        packed: the order.

    Raises:
        Exception: a defect, or this machine; what the scenes or the worker lack is an error within the answer.
    """
    from monitor.executors.bench import BENCH

    worker = get_worker()
    worker.log_event(BEGUN, worker.get_current_task())
    try:
        if other := differences(runs):
            raise unlike(f"worker {worker.address}", f"the coordinator has {other}")
        order: Order = pickle.loads(packed)
        return BENCH.look(order, worker.address, worker.local_directory)
    except ScarpwatchError as error:
        return Returned(worker=worker.address, error=error)


def unlike(item: str, how: str) -> ClusterUnavailable:
    """A scheduler or worker runs something else."""
    return ClusterUnavailable(
        how,
        item=item,
        remedy="Install the same Scarpwatch with the same libraries everywhere, best from one image; "
        "the acquisition waits.",
        reason="cluster-unfit",
        tried=False,
    )
