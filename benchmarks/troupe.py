"""Processes that are killed at random and started again: daemons, workers of a Dask cluster, its scheduler."""

import asyncio
import multiprocessing
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import dask
from distributed import Scheduler, Worker

from benchmarks.watching import watch_in_child

CONTEXT = multiprocessing.get_context("forkserver")
RESOURCE = "block"
"""What every worker has one of."""
HOSTS = ("here", "here", "elsewhere")
"""Where the daemons believe to run. What a neighbour held is taken over at once, and elsewhere when its lease ends."""
_TERMINATE_S = 120.0


class Kind(Enum):
    """What is killed."""

    DAEMON = "daemon"
    WORKER = "worker"
    SCHEDULER = "scheduler"


@dataclass(slots=True, kw_only=True)
class Actor:
    """One place in the troupe; whoever holds it is replaced when they end."""

    kind: Kind
    start: Callable[[], ForkServerProcess]
    process: ForkServerProcess | None = None
    due: float = 0.0
    """When the next one begins, by `time.monotonic`."""
    killed: bool = False
    """Whether the one that ended was killed from here."""

    @property
    def living(self) -> bool:
        """Whether somebody holds the place."""
        return self.process is not None and self.process.is_alive()


@dataclass(slots=True, kw_only=True)
class Troupe:
    """All processes of a run."""

    actors: Sequence[Actor]
    chance: random.Random
    pause_s: float = 3.0
    """Longest time until a process that ended is started again."""
    starts: Counter[Kind] = field(default_factory=Counter)
    kills: Counter[Kind] = field(default_factory=Counter)
    ends: Counter[tuple[Kind, int]] = field(default_factory=Counter)
    """Of processes that ended by themselves, by exit code."""

    def tend(self) -> None:
        """Start whoever is to begin; note who has ended."""
        now = time.monotonic()
        for actor in self.actors:
            if actor.living:
                continue
            if actor.process is not None:
                if not actor.killed:
                    self.ends[actor.kind, actor.process.exitcode or 0] += 1
                actor.process, actor.killed = None, False
                actor.due = now + self.chance.uniform(0.0, self.pause_s)
            if actor.due <= now:
                actor.process = actor.start()
                self.starts[actor.kind] += 1

    def kill(self, kind: Kind, before: Callable[[int], None] = lambda _pid: None) -> bool:
        """SIGKILL to one of a kind, whichever; False when none lives. `before` hears its number."""
        living = [actor for actor in self.actors if actor.kind is kind and actor.living]
        if not living:
            return False
        actor = self.chance.choice(living)
        assert actor.process is not None
        before(actor.process.pid or 0)
        actor.killed = True
        actor.process.kill()
        actor.process.join()
        self.kills[kind] += 1
        return True

    def end(self) -> list[int]:
        """SIGTERM to the daemons, then an end to all others; the daemons' exit codes."""
        daemons = [one.process for one in self.actors if one.kind is Kind.DAEMON and one.living]
        for process in daemons:
            assert process is not None
            process.terminate()
        for process in daemons:
            assert process is not None
            process.join(_TERMINATE_S)
        codes = [-1 if one is None or one.exitcode is None else one.exitcode for one in daemons]
        self.close()
        return codes

    def close(self) -> None:
        """End whoever still lives."""
        for actor in self.actors:
            if actor.process is not None and actor.living:
                actor.process.kill()
                actor.process.join()


@dataclass(slots=True, kw_only=True)
class Killer:
    """When whom: each kind on its own, after times that know nothing of each other (exponential)."""

    every_s: dict[Kind, float]
    """Mean time from one kill of a kind to the next."""
    chance: random.Random
    _next: dict[Kind, float] = field(default_factory=dict)

    def due(self, now: float) -> list[Kind]:
        """Kinds of which one is to be killed now."""
        wanted = []
        for kind, mean in self.every_s.items():
            if kind not in self._next:
                self._next[kind] = now + self.chance.expovariate(1.0 / mean)
            elif self._next[kind] <= now:
                self._next[kind] = now + self.chance.expovariate(1.0 / mean)
                wanted.append(kind)
        return wanted


def make_troupe(folder: Path, configs: Sequence[Path], clock: Path, port: int, chance: random.Random) -> Troupe:
    """A daemon for each configuration, a scheduler at `port`, three workers; nobody has begun."""
    (folder / "logs").mkdir()
    (folder / "scratch").mkdir()
    address = f"tcp://127.0.0.1:{port}"
    actors = [
        Actor(kind=Kind.SCHEDULER, start=partial(_start, _schedule, str(folder / "logs" / "scheduler"), port)),
        *(
            Actor(
                kind=Kind.WORKER,
                start=partial(_start, _work, str(folder / "logs" / f"worker-{n}"), address, str(folder / "scratch")),
            )
            for n in range(3)
        ),
        *(
            Actor(
                kind=Kind.DAEMON,
                start=partial(
                    _start, watch_in_child, str(config), str(clock), str(folder / "logs" / f"daemon-{n}"), HOSTS[n]
                ),
            )
            for n, config in enumerate(configs)
        ),
    ]
    return Troupe(actors=actors, chance=chance)


def _start(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    process = CONTEXT.Process(target=target, args=arguments)
    process.start()
    return process


def _schedule(log: str, port: int) -> None:
    """A scheduler, until it is killed."""
    _into(log)

    async def serve() -> None:
        async with Scheduler(host="127.0.0.1", port=port, dashboard=False) as scheduler:
            await scheduler.finished()

    asyncio.run(serve())


def _work(log: str, address: str, scratch: str) -> None:
    """A worker, until it is killed or its scheduler is gone."""
    _into(log)

    async def serve() -> None:
        resources = {RESOURCE: 1.0}
        async with Worker(address, nthreads=1, resources=resources, local_directory=scratch, dashboard=False) as worker:
            await worker.finished()

    with dask.config.set({"distributed.worker.use-file-locking": False}):
        asyncio.run(serve())


def _into(log: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
