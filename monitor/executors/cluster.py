"""Blocks of tiles looked at by the workers of an existing Dask cluster (`Executor`).

A worker looks at a whole block and sends back the files of its looks; here they are kept, and all that follows is done
here. A worker that is lost in the middle is nobody's trouble: Dask gives its blocks to others, a bounded number of
times. Whatever keeps the cluster from working is Transient: the acquisition waits, and nothing hangs.
"""

import logging
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from distributed import Client, Security

from monitor.adapters.looks import unpack
from monitor.block import Seen
from monitor.core.breaker import HEALTHY, BreakerSettings, admit, failed
from monitor.errors import ClusterUnavailable, one_line
from monitor.executors.alike import Census, about, census, differences
from monitor.executors.flight import Flight, scheduler_lost
from monitor.executors.local import Work
from monitor.executors.orders import Cluster, Order, Recipe, Returned, new_key
from monitor.executors.worker import unlike
from monitor.looking import Looker
from monitor.records import Region, Sensor, Tile

Value = TypeVar("Value")

_ANSWER_S = 10.0
"""Within which a scheduler that is there says so."""
_WORKER_S = 60.0
"""... and a worker, which may have to import Scarpwatch first."""
_CLOSE_S = 5.0
_RESTS = BreakerSettings(failures=1, rest=timedelta(minutes=1), longest_rest=timedelta(minutes=10))
"""A cluster that cannot work is left alone for a while: this process begins nothing meanwhile."""


class _Client(Client):
    """One that ends its thread also where it could not connect, or lost the scheduler: the library's goes on then,
    with three descriptors, each time."""

    def start(self, **options: object) -> None:
        """As the library's."""
        try:
            super().start(**options)  # type: ignore[no-untyped-call]
        except BaseException:
            self._end_thread()
            raise

    def close(self, timeout: float = _CLOSE_S) -> None:
        """As the library's."""
        try:
            super().close(timeout)  # type: ignore[no-untyped-call]
        finally:
            self._end_thread()

    def _end_thread(self) -> None:
        # Asked first: all loops share a lock, which somebody who starts one may hold while this is collected.
        if self._loop_runner.is_started():
            self._loop_runner.stop()


class DaskExecutor:
    """The workers of a cluster (`Executor`): one acquisition at a time, from whichever thread."""

    def __init__(
        self,
        cluster: Cluster,
        recipe: Callable[[Region, Sensor], Recipe],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Nobody is asked yet.

        Args:
            recipe: how workers make what they look with.
            clock: gives aware UTC; rests are measured in real time, whatever the clock of a pass says.
        """
        self._cluster, self._recipe, self._clock = cluster, recipe, clock
        self._client: Client | None = None
        self._alike: frozenset[str] = frozenset()
        """Workers that run what we run."""
        self._health = HEALTHY
        _let_errors_speak()

    def look(self, work: Work, walk: Sequence[Sequence[Tile]]) -> Generator[Seen]:
        """As `Executor.look`; what workers met is noted with the looker of this process.

        Raises:
            ClusterUnavailable: the scheduler cannot be reached, no worker has the resources, or one runs other code.
            Poisoned: a block ended its worker again and again.
            Transient, Permanent: what a worker met.
        """
        self._let_rest()
        try:
            client = self._connected()
            flight = Flight(client, self._cluster, self._orders(work, walk), self._room)
            with closing(flight.blocks(work.hold, work.stop)) as coming:
                for returned, again in coming:
                    yield from self._seen(returned, again, work.looker)
        except ClusterUnavailable as error:
            if not error.tried:
                self._rest(error)
            raise

    def rests(self) -> bool:
        """Whether the cluster could not work a moment ago: it is left alone for a while."""
        _, rest = admit(self._health, self._clock(), _RESTS)
        return rest > timedelta(0)

    def close(self) -> None:
        """Leave the cluster."""
        client, self._client, self._alike = self._client, None, frozenset()
        if client is not None:
            with suppress(Exception):  # a scheduler that is gone cannot be told
                client.close()

    def _orders(self, work: Work, walk: Sequence[Sequence[Tile]]) -> list[Order]:
        acquisition = work.looker.acquisition
        recipe = self._recipe(work.region, acquisition.sensor)
        return [
            Order(
                key=new_key(acquisition),
                recipe=recipe,
                recipe_key=recipe.key(),
                acquisition=acquisition,
                ground=work.ground,
                tiles=tuple(block),
            )
            for block in walk
        ]

    def _seen(self, returned: Returned, again: bool, looker: Looker) -> Generator[Seen]:
        """The tiles of a block; what else came with it goes to the looker.

        Raises:
            Transient, Permanent: what the worker met.
        """
        if returned.error is not None:
            raise returned.error
        self._health = HEALTHY
        looker.blocks[returned.engine or "none", "again" if again else "done"] += 1
        looker.mask_sources |= returned.mask_sources
        looker.watch.add(returned.seconds)
        for tile in returned.without_elevation:
            looker.terrain(tile)  # so that it is looked for again here, as after a look of our own
        for one in returned.seen:
            look = None if one.look is None else unpack(one.look)
            yield Seen(tile=one.tile, look=look, row=one.row, clear=one.clear)

    def _connected(self) -> Client:
        """
        Raises:
            ClusterUnavailable: the scheduler does not answer.
        """
        if self._client is not None and self._client.status == "running":
            return self._client
        self.close()
        tls = self._cluster.tls
        security = tls and Security(
            tls_ca_file=str(tls.ca),
            tls_client_cert=str(tls.cert),
            tls_client_key=str(tls.key),
            require_encryption=True,
        )
        try:
            self._client = _Client(  # type: ignore[no-untyped-call]
                self._cluster.address, security=security, timeout=_ANSWER_S, set_as_default=False, name="scarpwatch"
            )
        except (OSError, TimeoutError, ValueError) as err:  # ValueError: certificates that cannot be used
            raise scheduler_lost(self._cluster, _said(err)) from err
        return self._client

    def _room(self) -> int:
        """How many blocks the workers can look at, at once. All that have the resources must run what we run.

        Raises:
            ClusterUnavailable: the scheduler does not answer, or somebody runs something else.
        """
        found: Census = self._asked("the scheduler", lambda client: client.run_on_scheduler(census), _ANSWER_S)
        if other := differences(found.versions, scheduler=True):
            raise unlike(self._cluster.named, f"the scheduler has {other}")
        slots = {one: facts.slots(self._cluster.resources) for one, facts in found.workers.items()}
        able = {one for one, room in slots.items() if room > 0}
        new = sorted(able - self._alike)
        if new:
            answers: Mapping[str, Mapping[str, str] | BaseException] = self._asked(
                "one of the workers", lambda client: client.run(about, workers=new, on_error="return"), _WORKER_S
            )
            for worker, answer in answers.items():
                if isinstance(answer, OSError):
                    able.discard(worker)  # gone meanwhile
                elif other := differences(answer):
                    raise unlike(f"worker {worker}", f"it has {other}")
        self._alike = frozenset(able)
        return sum(slots[one] for one in able)

    def _asked(self, whom: str, question: Callable[[Client], Awaitable[Value]], within_s: float) -> Value:
        """An answer in time.

        Raises:
            ClusterUnavailable: there is none.
        """
        client = self._client
        assert client is not None

        async def ask() -> Value:
            return await question(client)

        try:
            answer: Value = client.sync(ask, callback_timeout=within_s)
        except (OSError, TimeoutError) as err:
            self.close()
            raise scheduler_lost(self._cluster, f"{whom} does not answer: {_said(err)}") from err
        return answer

    def _let_rest(self) -> None:
        """
        Raises:
            ClusterUnavailable: the cluster could not work a moment ago.
        """
        self._health, rest = admit(self._health, self._clock(), _RESTS)
        if rest > timedelta(0):
            raise ClusterUnavailable(
                "the cluster could not work a moment ago and is left alone for a while",
                item=self._cluster.named,
                remedy="The log says why; the acquisition waits.",
                reason="cluster-resting",
                retry_after_s=rest.total_seconds(),
                tried=False,
            )

    def _rest(self, error: ClusterUnavailable) -> None:
        """Leave the cluster alone for a while, and say so to whoever waits for it."""
        now = self._clock()
        self._health = failed(self._health, now, _RESTS)
        if self._health.resting_until is not None:
            error.retry_after_s = (self._health.resting_until - now).total_seconds()


def _let_errors_speak() -> None:
    """What matters is raised, and told in the log as it is; the library writes lines of its own on standard error."""
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _said(error: BaseException) -> str:
    return one_line(error) or type(error).__name__
