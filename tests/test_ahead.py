"""Work one step ahead: in order, in one thread, never further than one item."""

import threading
from contextlib import closing

import pytest

from monitor.ahead import ahead
from monitor.looking import Stopwatch

PATIENCE_S = 20.0


def test_in_order_and_in_one_thread() -> None:
    """What comes out is what went in, and the work never ran beside itself."""
    threads = set()

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        return number * number

    assert list(ahead(work, range(20))) == [number * number for number in range(20)]
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert list(ahead(work, [])) == []


def test_the_next_is_made_while_one_is_used() -> None:
    """The reader holds the first, the second gets done meanwhile, and the third waits."""
    done = {number: threading.Event() for number in range(4)}

    def work(number: int) -> int:
        done[number].set()
        return number

    with closing(ahead(work, range(4))) as numbers:
        assert next(numbers) == 0
        assert done[1].wait(PATIENCE_S)
        assert not done[2].is_set()
        assert next(numbers) == 1
        assert done[2].wait(PATIENCE_S)
    assert not done[3].is_set(), "what nobody asks for any more is not done"


def test_an_error_comes_in_its_turn() -> None:
    """What was sound before it is still given."""

    def work(number: int) -> float:
        return 1 / (2 - number)

    numbers = ahead(work, range(5))
    assert [next(numbers), next(numbers)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(numbers)


def test_every_thread_has_its_own_stages() -> None:
    """A stage of another thread is not taken for one inside the stage of this one."""
    watch = Stopwatch()
    inside, outside = threading.Event(), threading.Event()

    def beside() -> None:
        assert inside.wait(PATIENCE_S)
        watch.run("read", lambda: None)
        outside.set()

    def engine() -> bool:
        inside.set()
        return outside.wait(PATIENCE_S)

    thread = threading.Thread(target=beside)
    thread.start()
    assert watch.run("engine", engine)
    thread.join()
    assert set(watch.seconds) == {"read", "engine"}
    assert 0.0 <= watch.seconds["read"] <= watch.seconds["engine"]
