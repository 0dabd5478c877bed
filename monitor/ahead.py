"""Work done one step ahead of whoever needs it: while the network is busy with one tile, the next is read."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")


def ahead(work: Callable[[Item], Value], items: Iterable[Item]) -> Generator[Value]:
    """`work` on every item in order, at most one item ahead; all of it in one thread, so that caches need no locks.

    Close the generator (`contextlib.closing`) where it may be left early: it waits for the work in hand.

    Raises:
        Exception: what `work` raised, when the turn of its item has come.
    """
    with ThreadPoolExecutor(1, "ahead") as thread:
        waiting: Future[Value] | None = None
        for item in items:
            coming = thread.submit(work, item)
            if waiting is not None:
                yield waiting.result()
            waiting = coming
        if waiting is not None:
            yield waiting.result()
