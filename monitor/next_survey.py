"""The next acquisition is looked at while the one before it is judged: the network need not wait for pictures.

What is looked at ahead is a guess and no claim: it belongs to this process only when its turn has come. Until then
nothing of it is in the database; its looks on disk are those that anybody would write.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Self, TypeVar

from monitor.errors import ScarpwatchError
from monitor.records import Acquisition

Value = TypeVar("Value")
Hold = Callable[[], None]
"""Keeps the lease; raises where it was lost."""


class _GivenUp(Exception):
    """Nobody wants to know any more."""


@dataclass(slots=True)
class _Lease:
    """What a survey holds on to between its blocks of tiles: nothing, until its acquisition was claimed."""

    hold: Hold | None = None
    given_up: bool = False

    def __call__(self) -> None:
        if self.given_up:
            raise _GivenUp
        if self.hold is not None:
            self.hold()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun(Generic[Value]):
    acquisition: Acquisition
    lease: _Lease
    survey: Future[Value]


@dataclass(slots=True)
class NextSurvey(Generic[Value]):
    """At most one survey ahead, in a thread of its own. Leaving the context gives up what nobody took."""

    work: Callable[[Acquisition, Hold], Value]
    complain: Callable[[Acquisition, Exception], None] = lambda _acquisition, _error: None
    """Hears what went wrong beside another acquisition, before it is tried alone."""
    _thread: ThreadPoolExecutor = field(init=False, default_factory=lambda: ThreadPoolExecutor(1, "next-survey"))
    _begun: _Begun[Value] | None = field(init=False, default=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.give_up()
        self._thread.shutdown()

    def begin(self, acquisition: Acquisition) -> None:
        """Look at an acquisition that will probably be the next one.

        Raises:
            RuntimeError: no thread can be had.
        """
        self.give_up()
        lease = _Lease()
        try:
            survey = self._thread.submit(self._run, acquisition, lease)
        except RuntimeError:
            lease.given_up = True  # no more threads: it waits for one all the same
            raise
        self._begun = _Begun(acquisition=acquisition, lease=lease, survey=survey)

    def _run(self, acquisition: Acquisition, lease: _Lease) -> Value:
        lease()
        return self.work(acquisition, lease)

    def take(self, acquisition: Acquisition, hold: Hold) -> Value:
        """The survey of an acquisition that is claimed now: the one begun ahead, once it is finished, or one from here.

        Raises:
            Exception: what went wrong with it, whenever that was.
        """
        begun = self._begun
        # By name: what both were read from is one row, and NaN, which nodata may be, equals nothing.
        if begun is None or (begun.acquisition.region, begun.acquisition.id) != (acquisition.region, acquisition.id):
            if self.give_up():
                hold()  # it may have waited for a block
            return self.work(acquisition, hold)
        begun.lease.hold = hold
        try:
            return begun.survey.result()
        except ScarpwatchError:
            raise
        except Exception as error:
            # Two at once may need what one alone does not, such as memory. A defect comes again.
            self.complain(acquisition, error)
        finally:
            begun.lease.given_up = True  # whoever is interrupted waits for one block, not for all
            self._begun = None
        del begun  # and with it what the failed try still holds
        return self.work(acquisition, hold)

    def give_up(self) -> bool:
        """End what is under way, at its next block of tiles; False when nothing was.

        What became of it is told at its turn.
        """
        if self._begun is None:
            return False
        self._begun.lease.given_up = True
        self._begun.survey.exception()
        self._begun = None
        return True
