"""Values at hand by tile."""

import threading
import time

from monitor.core.grid import neighbour
from monitor.records import Tile
from monitor.view import Recent

TILE = Tile(epsg=32633, column=1, row=1)
PATIENCE_S = 20.0


def test_the_last_ones_stay_at_hand() -> None:
    """The one that was not asked for longest goes first."""
    made: list[Tile] = []

    def make(tile: Tile) -> int:
        made.append(tile)
        return tile.column

    recent = Recent(2, make)
    first, second, third = (neighbour(TILE, right, 0) for right in range(3))
    assert [recent(one) for one in (first, second, first, third, first, second)] == [1, 2, 1, 3, 1, 2]
    assert made == [first, second, third, second]


def test_threads_make_a_value_once() -> None:
    """Who asks for a tile that is being made gets what is made."""
    made: list[Tile] = []

    def make(tile: Tile) -> int:
        made.append(tile)
        time.sleep(0.002)
        return tile.column

    recent, together = Recent(3, make), threading.Barrier(4)
    answers: list[list[int]] = []

    def ask() -> None:
        together.wait(PATIENCE_S)
        answers.append([recent(neighbour(TILE, right % 3, 0)) for right in range(60)])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE_S)
    assert answers == 4 * [20 * [1, 2, 3]]
    assert len(made) == 3
