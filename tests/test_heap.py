"""Memory that nobody needs goes back to the system, now and then."""

import gc
import weakref

from monitor.heap import EVERY_S, Heap


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_now_and_then() -> None:
    """What holds itself is let go, and the C library asked, but not again before its time unless work is over."""
    asked: list[int] = []
    now = [100.0]
    gc.disable()
    try:
        heap = Heap(lambda pad: asked.append(pad) or 1, lambda: now[0])  # type: ignore[func-returns-value]
        left = []
        for step, idle in ((0.0, False), (EVERY_S - 1.0, False), (2.0, False), (1.0, True)):
            now[0] += step
            knot = weakref.ref(Knot())
            heap.tidy(idle)
            left.append(knot() is not None)
    finally:
        gc.enable()
    assert left == [False, True, False, False]
    assert asked == [0, 0, 0]


def test_of_this_machine() -> None:
    """The C library of this machine, whichever it is, is asked without harm."""
    Heap().tidy()
