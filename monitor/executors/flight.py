"""The blocks of one acquisition on their way to workers and back."""

import pickle
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from time import monotonic

from distributed import Client, Future, KilledWorker
from distributed.client import ClosedClientError

from monitor.errors import ClusterUnavailable, Poisoned, one_line
from monitor.executors.alike import about
from monitor.executors.orders import BEGUN, Cluster, Order, Returned
from monitor.executors.worker import look
from monitor.records import Tile

_TICK_S = 0.5
_HOLD_EVERY = timedelta(seconds=5)
"""While no block comes back, the lease is prolonged so often; whoever lost it, or is not wanted any more, hears it."""
_ROOM_EVERY = timedelta(seconds=10)
"""How often workers are counted; without one at every tick."""
_FETCH_S = 120.0
"""Within which a block that is done must have come over the network."""
_GUILTY = 2
"""A block that was begun so often and never ended: it, and none beside it, is what ends workers."""
_SPARED = 2
"""So often a block is sent once more that only waited beside one that ends workers (Dask blames both), or that was done
and could not be fetched."""


class Flight:
    """Sends as many blocks as workers can look at, and a new one for each that comes back.

    So this process holds one block that comes back, and workers at most one each that waits to be fetched.
    """

    def __init__(self, client: Client, cluster: Cluster, orders: Iterable[Order], room: Callable[[], int]) -> None:
        """
        Args:
            room: how many blocks the workers can look at, at once, now.
        """
        self._client, self._cluster, self._room = client, cluster, room
        self._waiting = deque(orders)
        self._flying: dict[str, tuple[Future[Returned], Order]] = {}
        self._landed: SimpleQueue[str] = SimpleQueue()
        self._begun = Counter[str]()
        self._spared = Counter[tuple[Tile, ...]]()
        self._runs = about()
        self._slots = 0
        self._counted_at = self._moved_at = self._held_at = self._room_at = monotonic()
        client.subscribe_topic(BEGUN, self._note_begun)

    def blocks(self, hold: Callable[[], None], stop: Callable[[], bool]) -> Generator[tuple[Returned, bool]]:
        """Blocks as they come back, and whether they were begun more than once. Close it to give up the others.

        Args:
            hold: called every few seconds while none comes back.
            stop: whether the end is asked for: then nobody waits for workers.

        Raises:
            ClusterUnavailable: no worker, nothing moves, or the scheduler is gone.
            Poisoned: a block ended its worker every time.
            Exception: what a block failed with on its last try.
        """
        try:
            while self._waiting or self._flying:
                self._count()
                self._send()
                if (key := self._next()) is None:
                    self._lose_patience(stop)
                    self._keep_up(hold)
                elif (returned := self._fetched(key)) is not None:
                    self._send()
                    yield returned, self._begun.pop(key) > 1
        finally:
            self._give_up()

    def _send(self) -> None:
        while self._waiting and len(self._flying) < self._slots:
            order = self._waiting.popleft()
            self._begun[order.key] = 0  # before a worker can say that it begins
            try:
                future = self._client.submit(
                    look,
                    self._runs,
                    pickle.dumps(order),
                    key=order.key,
                    resources=dict(self._cluster.resources) or None,
                    retries=self._cluster.retries,
                )
            except ClosedClientError as err:
                raise scheduler_lost(self._cluster, "the connection was lost") from err
            self._flying[order.key] = future, order
            future.add_done_callback(lambda done: self._landed.put(done.key))
            self._moved_at = monotonic()

    def _next(self) -> str | None:
        """The key of a block that is done, if there is one soon."""
        try:
            return self._landed.get(timeout=_TICK_S)
        except Empty:
            return None

    def _fetched(self, key: str) -> Returned | None:
        """What came back; None: it is sent once more, since its worker is gone through no fault of the block.

        Raises:
            ClusterUnavailable, Poisoned: as `blocks`.
            Exception: what the block failed with.
        """
        future, order = self._flying.pop(key)
        self._moved_at = monotonic()
        try:
            if future.status == "finished":
                return future.result(timeout=_FETCH_S)
            error = future.exception(timeout=_FETCH_S)
        except CancelledError as err:
            error = err
        except OSError as err:  # a timeout too
            if not self._spare(order):
                raise _not_fetched(self._cluster, order, err) from err
            return None
        if error is None or isinstance(error, CancelledError):
            raise scheduler_lost(self._cluster, "it forgot what it was given: the connection was lost") from error
        if not isinstance(error, KilledWorker):
            raise error
        if self._begun[key] < min(_GUILTY, error.allowed_failures + 1) and self._spare(order):
            return None
        raise self._killed(error, order)

    def _spare(self, order: Order) -> bool:
        """Send a block once more; False: it was too often."""
        if self._spared[order.tiles] >= _SPARED:
            return False
        self._spared[order.tiles] += 1
        self._waiting.append(order.again())
        return True

    def _keep_up(self, hold: Callable[[], None]) -> None:
        if _passed(self._held_at, monotonic(), _HOLD_EVERY):
            hold()
            self._held_at = monotonic()

    def _count(self) -> None:
        """Count workers, now and then."""
        if self._slots and not _passed(self._counted_at, monotonic(), _ROOM_EVERY):
            return
        self._slots, self._counted_at = self._room(), monotonic()
        if self._slots:
            self._room_at = self._counted_at

    def _lose_patience(self, stop: Callable[[], bool]) -> None:
        now, cluster = monotonic(), self._cluster
        if not self._slots and (stop() or _passed(self._room_at, now, cluster.wait)):
            raise _no_worker(cluster, now - self._room_at)
        if self._slots and _passed(self._moved_at, now, cluster.timeout):
            raise ClusterUnavailable(
                f"no block of tiles was begun or done for {cluster.timeout.total_seconds() / 60:.0f} minutes, though "
                f"{self._slots} can be looked at at once",
                item=cluster.named,
                remedy="See whether workers hang (restart them) or others keep them busy, or raise "
                "dask.timeout_minutes; it is tried again.",
                reason="cluster-stalled",
            )

    def _killed(self, error: KilledWorker, order: Order) -> ClusterUnavailable | Poisoned:
        """Dask blames every block that a lost worker had, also those that it had not begun."""
        begun, deaths = self._begun[order.key], error.allowed_failures + 1
        tiles = f"{order.tiles[0].id} to {order.tiles[-1].id}"
        if begun >= min(_GUILTY, deaths):
            return Poisoned(
                f"{deaths} workers died while they looked at its tiles {tiles}; the last was "
                f"{error.last_worker.address}",
                item=order.acquisition.id,
                remedy="See the logs of the workers: most often memory does not suffice. Give them more or lower "
                "block_tiles, then run `scarpwatch release`.",
            )
        return ClusterUnavailable(
            f"{deaths} workers died that were to look at the tiles {tiles} of {order.acquisition.id} and did not come "
            "to it",
            item=self._cluster.named,
            remedy="See the logs of the workers; it is tried again.",
            reason="workers-lost",
        )

    def _note_begun(self, event: tuple[object, str]) -> None:
        _, key = event
        if key in self._begun:
            self._begun[key] += 1
            self._moved_at = monotonic()

    def _give_up(self) -> None:
        """Whoever still looks at a block ends it, and nobody wants to know."""
        for future, _ in self._flying.values():
            future.release()
        self._flying.clear()
        with suppress(Exception):  # the connection may be gone, and the topic with it
            self._client.unsubscribe_topic(BEGUN)


def scheduler_lost(cluster: Cluster, why: str) -> ClusterUnavailable:
    """The scheduler cannot be reached."""
    return ClusterUnavailable(
        f"the scheduler cannot be reached ({why})",
        item=cluster.named,
        remedy="Start it (dask scheduler), or correct dask.address and dask.tls; the acquisition waits.",
        reason="no-scheduler",
        tried=False,
    )


def _not_fetched(cluster: Cluster, order: Order, error: OSError) -> ClusterUnavailable:
    return ClusterUnavailable(
        f"the tiles {order.tiles[0].id} to {order.tiles[-1].id} of {order.acquisition.id} were looked at "
        f"{1 + _SPARED} times, and each time what was seen could not be fetched ({one_line(error) or 'no answer'})",
        item=cluster.named,
        remedy="See the network between workers and scheduler, or lower block_tiles; it is tried again.",
        reason="cluster-stalled",
    )


def _no_worker(cluster: Cluster, waited_s: float) -> ClusterUnavailable:
    wanted = " ".join(f"{name}={much:g}" for name, much in cluster.resources.items())
    option = f' --resources "{wanted}"' if wanted else ""
    return ClusterUnavailable(
        f"no worker{f' with {wanted}' if wanted else ''} for {waited_s:.0f} s",
        item=cluster.named,
        remedy=f"Start one: dask worker {cluster.address}{option} --nthreads 1; the acquisition waits.",
        reason="no-workers",
        tried=False,
    )


def _passed(since: float, now: float, span: timedelta) -> bool:
    return now - since >= span.total_seconds()
