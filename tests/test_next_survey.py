"""One survey ahead: taken when it was guessed right, given up when not, told of when its turn has come."""

import signal
import threading
import time
from dataclasses import dataclass, field, replace

import pytest

from monitor.errors import BadItem, StoreBusy
from monitor.next_survey import Hold, NextSurvey
from monitor.records import Acquisition, Asset
from tests.adapters.store.factories import acquisition

PATIENCE_S = 20.0
FIRST, SECOND = acquisition(1), acquisition(2)


@dataclass(slots=True)
class Work:
    """Surveys that go on for two blocks; the second waits to be let."""

    begun: threading.Event = field(default_factory=threading.Event)
    let: threading.Event = field(default_factory=threading.Event)
    done: list[tuple[str, bool]] = field(default_factory=list)
    """What was finished, and whether in the thread of the test."""

    def __call__(self, acquisition: Acquisition, hold: Hold) -> str:
        """Name the acquisition in place of its survey."""
        hold()
        self.begun.set()
        assert self.let.wait(PATIENCE_S)
        hold()
        self.done.append((acquisition.id, threading.current_thread() is threading.main_thread()))
        return acquisition.id


def _free() -> None:
    """A lease that holds."""


def test_the_one_that_was_begun_is_taken() -> None:
    """It goes on beside its caller, is done once, and is known by its name: NaN nodata makes no other one of it."""
    work = Work()
    guessed, claimed = (
        replace(SECOND, items=(replace(SECOND.items[0], assets={"vv": Asset(href="b", nodata=float("nan"))}),))
        for _ in range(2)
    )
    assert guessed != claimed
    with NextSurvey(work) as coming:
        coming.begin(guessed)
        assert work.begun.wait(PATIENCE_S)
        work.let.set()
        assert coming.take(claimed, _free) == SECOND.id
    assert work.done == [(SECOND.id, False)]


def test_another_one_is_done_here() -> None:
    """A guess that was wrong is given up at its next block, and nobody hears of it."""
    work = Work()
    with NextSurvey(work) as coming:
        coming.begin(SECOND)
        assert work.begun.wait(PATIENCE_S)
        work.let.set()
        assert coming.take(FIRST, _free) == FIRST.id
        assert coming.take(SECOND, _free) == SECOND.id, "and is done again in its turn"
    assert work.done[-2:] == [(FIRST.id, True), (SECOND.id, True)]


@pytest.mark.parametrize("other", [replace(SECOND, version="v2"), replace(SECOND, region="noto")])
def test_a_newer_version_and_another_region_are_others(other: Acquisition) -> None:
    """What was looked at ahead is used for the same ground and pixels only."""
    work = Work()
    work.let.set()
    with NextSurvey(work) as coming:
        coming.begin(SECOND)
        coming.take(other, _free)
    assert work.done[-1] == (other.id, True)


def test_errors_come_in_their_turn() -> None:
    """What fails ahead is told to whoever takes it, and not tried twice."""
    tried = []

    def fail(acquisition: Acquisition, _hold: Hold) -> str:
        tried.append(acquisition.id)
        raise BadItem("broken", item=acquisition.id, remedy="none", reason="bad")

    with NextSurvey(fail) as coming:
        coming.begin(SECOND)
        with pytest.raises(BadItem):
            coming.take(SECOND, _free)
    assert tried == [SECOND.id]


def test_once_claimed_its_lease_is_kept() -> None:
    """Before that there is none to keep; one that is lost ends the survey."""

    def survey(_acquisition: Acquisition, hold: Hold) -> str:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            hold()
            time.sleep(0.001)
        return "kept no lease"

    def lose() -> None:
        raise StoreBusy("lost", item="one", remedy="none", reason="lease-lost")

    with NextSurvey(survey) as coming:
        coming.begin(SECOND)
        with pytest.raises(StoreBusy):
            coming.take(SECOND, lose)


def test_what_fails_beside_another_is_tried_alone() -> None:
    """Memory and threads may not be enough for two; an error of ours is about the acquisition and is told as it is."""
    threads, complaints = [], []

    def work(acquisition: Acquisition, _hold: Hold) -> str:
        threads.append(threading.current_thread() is threading.main_thread())
        if not threads[-1]:
            raise MemoryError
        return acquisition.id

    with NextSurvey(work, lambda acquisition, error: complaints.append((acquisition.id, type(error)))) as coming:
        coming.begin(SECOND)
        assert coming.take(SECOND, _free) == SECOND.id
    assert threads == [False, True]
    assert complaints == [(SECOND.id, MemoryError)]


def test_without_a_thread_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be begun is not done later either, when there are threads again."""
    work = Work()
    work.let.set()
    start = threading.Thread.start
    refused = [True]

    def refuse(thread: threading.Thread) -> None:
        if refused[0]:
            raise RuntimeError("can't start new thread")
        start(thread)

    with NextSurvey(work) as coming:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            coming.begin(FIRST)
        refused[0] = False
        coming.begin(SECOND)
        assert coming.take(SECOND, _free) == SECOND.id
    assert work.done == [(SECOND.id, False)]


def test_whoever_is_interrupted_waits_for_one_block() -> None:
    """Ctrl-C while the survey is awaited ends it at its next block."""
    blocks: list[int] = []
    main = threading.main_thread().ident
    assert main is not None

    def survey(_acquisition: Acquisition, hold: Hold) -> str:
        for block in range(1_000):
            hold()
            blocks.append(block)
            if block == 3:
                signal.pthread_kill(main, signal.SIGINT)
            time.sleep(0.01)
        return "went to its end"

    def wait() -> None:
        with NextSurvey(survey) as coming:
            coming.begin(SECOND)
            coming.take(SECOND, _free)

    # Whoever starts the tests in the background of a shell has them ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            wait()
    finally:
        signal.signal(signal.SIGINT, before)
    assert 4 <= len(blocks) < 200


def test_what_nobody_takes_is_given_up() -> None:
    """The end of a pass does not wait for more than the block at hand."""
    work = Work()
    with NextSurvey(work) as coming:
        coming.begin(SECOND)
        assert work.begun.wait(PATIENCE_S)
        work.let.set()
    assert not any("next-survey" in one.name for one in threading.enumerate())
