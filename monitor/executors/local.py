"""Who looks at blocks of tiles: the port, and this process itself."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from monitor.block import Ground, Seen, look_at
from monitor.looking import Looker
from monitor.records import Region, Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An acquisition that is to be looked at."""

    looker: Looker
    """Of this process. Cloud masks, stages and ground without elevation that others meet are noted with it."""
    region: Region
    ground: Ground
    hold: Callable[[], None]
    """Keeps the lease; raises where it was lost. Whoever waits for others calls it meanwhile."""
    stop: Callable[[], bool]
    """Whether the end is asked for."""


class Executor(Protocol):
    """Where blocks of tiles are looked at."""

    def look(self, work: Work, walk: Sequence[Sequence[Tile]]) -> Generator[Seen]:
        """Every tile of every block, block by block, in whatever order blocks are done; a block's tiles in their order.

        Close the generator where it may be left early: then nothing is looked at any more.

        Raises:
            Transient, Permanent: a tile cannot be looked at now, or ever.
        """

    def rests(self) -> bool:
        """Whether it could not look at anything a moment ago, and is to be left alone for a while."""

    def close(self) -> None:
        """Release what is held."""


class Local:
    """This process (`Executor`): one tile after the other, over the borders of blocks."""

    def look(self, work: Work, walk: Sequence[Sequence[Tile]]) -> Generator[Seen]:
        """As `Executor.look`, the blocks in their order."""
        return look_at(work.looker, work.ground, chain.from_iterable(walk))

    def rests(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing is held."""
