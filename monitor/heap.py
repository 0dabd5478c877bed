"""Memory that nobody needs any more goes back to the system.

Two libraries keep it. Python looks for objects that hold each other only once there are a quarter more than there
were, and arrays of megabytes may hang on few of them. The C library of Linux (glibc) keeps what was freed for later, of
every thread apart, and looks are made in threads that come and go. A watch over a few tiles held three times what it
needed (benchmarks/README.md, "Soak").
"""

import ctypes
import gc
import time
from collections.abc import Callable

_ARENAS = 2
"""Heaps of the C library that threads share; by default eight for each core, each with gaps of its own."""
_M_ARENA_MAX = -8
"""https://man7.org/linux/man-pages/man3/mallopt.3.html"""
EVERY_S = 10.0
"""At most so often while there is work: it takes a tenth of a second."""


class Heap:
    """What the C library holds."""

    def __init__(self, trim: Callable[[int], int] | None = None, ticks: Callable[[], float] = time.monotonic) -> None:
        """`trim` None: that of the C library, where it has one, which also gets few heaps from now on."""
        self._trim = trim or _of_library()
        self._ticks = ticks
        self._last = -EVERY_S

    def tidy(self, idle: bool = False) -> None:
        """Give back what nobody needs, unless that was done a moment ago and work goes on."""
        now = self._ticks()
        if now - self._last < EVERY_S and not idle:
            return
        self._last = now
        gc.collect()
        if self._trim is not None:
            self._trim(0)


def _of_library() -> Callable[[int], int] | None:
    """https://man7.org/linux/man-pages/man3/malloc_trim.3.html; None where there is none (musl, macOS)."""
    try:
        library = ctypes.CDLL(None)
        found: Callable[[int], int] = library.malloc_trim
        library.mallopt(_M_ARENA_MAX, _ARENAS)
    except (AttributeError, OSError, TypeError):  # TypeError: Windows
        return None
    return found
