"""While one acquisition is judged the network looks at the next: really beside it, and never where that could harm."""

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.adapters.looks import LookFiles
from monitor.adapters.products import ProductFolder
from monitor.next_survey import NextSurvey
from monitor.pipeline import Pipeline
from monitor.records import Acquisition, AcquisitionState, Look
from monitor.service import PassEvent
from monitor.survey import Surveyed
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.world import REGION, START, World, files, later

PATIENCE_S = 60.0


def test_the_next_one_is_looked_at_meanwhile(
    small_world: World, clean: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of an acquisition is published before the next one has a look on disk, and all ends as ever."""
    first_looks = [threading.Event() for _ in small_world.valley.times]
    order = {entry.id: number for number, entry in enumerate(_acquisitions(small_world))}
    write, publish, met = LookFiles.write, ProductFolder.publish, []

    def write_and_tell(archive: LookFiles, look: Look, model_version: str) -> str:
        href = write(archive, look, model_version)
        first_looks[order[look.acquisition_id]].set()
        return href

    def wait_and_publish(folder: ProductFolder, acquisition: Acquisition, *rest: object) -> Path:
        number = order[acquisition.id]
        if number + 1 < len(order):
            met.append(first_looks[number + 1].wait(PATIENCE_S))
        return publish(folder, acquisition, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(LookFiles, "write", write_and_tell)
    monkeypatch.setattr(ProductFolder, "publish", wait_and_publish)
    assert small_world.once().processed == len(order)
    assert met == [True] * (len(order) - 1)
    assert (small_world.dump(), files(small_world)) == (clean.content, clean.files)


def test_what_was_tried_before_goes_alone(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the process dies then, it is known of which acquisition; nothing is tried ahead that was tried before."""
    acquisitions = _acquisitions(small_world)
    with closing(small_world.store()) as store:
        held = store.claim("gone:1:1", timedelta(minutes=1), later(-60), [REGION])
    assert held is not None
    assert held.acquisition.id == acquisitions[0].id
    begin, begun = NextSurvey.begin, []

    def tell_and_begin(coming: NextSurvey[object], acquisition: Acquisition) -> None:
        begun.append(acquisition.id)
        begin(coming, acquisition)

    monkeypatch.setattr(NextSurvey, "begin", tell_and_begin)
    assert small_world.once().processed == 4
    assert begun == [one.id for one in acquisitions[2:]], "the first was tried before, so the second waits for its end"


def test_a_pass_that_is_stopped_looks_at_nothing_more(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM while an acquisition is judged: it is finished, the next one is neither begun nor claimed."""
    stopped = threading.Event()
    publish = ProductFolder.publish

    def stop_and_publish(folder: ProductFolder, *rest: object) -> Path:
        stopped.set()
        return publish(folder, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ProductFolder, "publish", stop_and_publish)
    with closing(small_world.service()) as service:
        service.poll(START)
        summary = service.process(lambda: START, stop=stopped.is_set)
    assert (summary.processed, summary.errors) == (1, ())
    states = [state for state, _ in small_world.states()]
    assert states == [AcquisitionState.DONE, *[AcquisitionState.DISCOVERED] * 3]


AHEAD = "next-survey"


def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread more can be had for looking ahead."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith(AHEAD):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


def _no_memory_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A survey that is made beside another acquisition does not fit."""
    survey = Pipeline.survey

    def heavy(pipeline: Pipeline, *work: object) -> object:
        if threading.current_thread().name.startswith(AHEAD):
            raise MemoryError("both do not fit")
        return survey(pipeline, *work)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "survey", heavy)


def _no_memory_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """To judge an acquisition does not fit while another one is held."""
    judge, begin, give_up, held = Pipeline.judge, NextSurvey.begin, NextSurvey.give_up, [False]

    def begun(coming: NextSurvey[object], acquisition: Acquisition) -> None:
        begin(coming, acquisition)
        held[0] = True

    def given_up(coming: NextSurvey[object]) -> bool:
        held[0] = False
        return give_up(coming)

    def heavy(pipeline: Pipeline, *work: object) -> object:
        if held[0]:
            raise MemoryError("both do not fit")
        return judge(pipeline, *work)  # type: ignore[arg-type]

    monkeypatch.setattr(NextSurvey, "begin", begun)
    monkeypatch.setattr(NextSurvey, "give_up", given_up)
    monkeypatch.setattr(Pipeline, "judge", heavy)


@pytest.mark.parametrize("spoil", [_no_thread, _no_memory_ahead, _no_memory_beside])
def test_what_two_at_once_need_and_one_does_not_parks_nobody(
    spoil: Callable[[pytest.MonkeyPatch], None], small_world: World, clean: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking ahead is a convenience: where it fails, acquisitions go one by one."""
    spoil(monkeypatch)
    heard: list[PassEvent] = []
    summary = small_world.once(report=heard.append)
    assert (summary.processed, summary.errors) == (4, ())
    assert [event.reason for event in heard if event.action == "alone"] == 3 * ["not-ahead"]
    assert small_world.dump() == clean.content


def test_a_defect_is_still_one(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails alone as well is parked and told, and the others go on."""
    judge = Pipeline.judge
    broken = _acquisitions(small_world)[1]

    def defective(pipeline: Pipeline, surveyed: Surveyed, *work: object) -> object:
        if surveyed.acquisition.id == broken.id:
            raise ZeroDivisionError
        return judge(pipeline, surveyed, *work)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "judge", defective)
    assert small_world.once().processed == 3
    assert [reason for _, reason in small_world.states()][1] == "unexpected-error"


def _acquisitions(world: World) -> list[Acquisition]:
    """What a poll finds, oldest first."""
    with closing(world.service()) as service:
        service.poll(START)
    return [entry.acquisition for entry in world.ledger()]
