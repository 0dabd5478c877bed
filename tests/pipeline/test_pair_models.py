"""Networks of pairs: they see earlier looks beside the newest one, and their answer is the change itself."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.adapters.looks import LookFiles
from monitor.adapters.store import SqlStore
from monitor.pairing import PairNetwork
from monitor.records import (
    AcquisitionResult,
    AlertStatus,
    Detector,
    Event,
    EventState,
    NetworkAnswer,
    Sensor,
    SensorPolicy,
    Verdict,
)
from tests.adapters.tiny_model import write_card, write_filter
from tests.pipeline.radar_world import deepen_scars, make_radar_world
from tests.pipeline.world import Source, World, files, later

SMOOTH = 5
RGB = ("B04", "B03", "B02")


def write_darkening(folder: Path, earlier: int) -> None:
    """sigmoid(mean of earlier dates - newest date, dB / 3, over 5 x 5 px and both polarisations; steep around 5 dB)."""
    dates = ["", ":before", ":before2", ":before3"][: earlier + 1]
    names = [f"{band}{date}" for date in dates for band in ("vv", "vh")]
    weights = [-1.0, -1.0] + [1.0 / earlier] * (2 * earlier)
    kernel = np.repeat(np.array(weights, np.float32), SMOOTH**2).reshape(-1, SMOOTH, SMOOTH) * np.float32(2 / SMOOTH**2)
    stated = {"vv": -9, "vh": -15}
    write_model(
        folder,
        kernel,
        -6.0,
        {
            "mlm:input": [{"bands": names}],
            "scarpwatch:sensor": "sar",
            "scarpwatch:normalisation": "per-input",
            "scarpwatch:inputs": {
                name: {"method": "decibel", "center": stated[name[:2]], "scale": 3} for name in names
            },
            "scarpwatch:flips": ["identity", "vertical"],
            "scarpwatch:simulated": True,
        },
    )


def write_reddening(folder: Path, earlier: int) -> None:
    """sigmoid(2 x (red now - mean of red before) - 4), each date against the ground around it."""
    dates = ["", ":before", ":before2", ":before3"][: earlier + 1]
    weights = [2.0, 0.0, 0.0] + [-2.0 / earlier, 0.0, 0.0] * earlier
    names = [f"{band}{date}" for date in dates for band in RGB]
    write_model(folder, np.array(weights, np.float32)[:, None, None], -4.0, {"mlm:input": [{"bands": names}]})


def write_model(folder: Path, kernel: NDArray[np.float32], bias: float, said: Mapping[str, object]) -> None:
    """A model of task change in a folder."""
    folder.mkdir(parents=True)
    write_filter(folder / "model.onnx", kernel, bias)
    stated = {"scarpwatch:task": "change", "scarpwatch:version": "pair-1", "scarpwatch:channels": len(kernel)}
    write_card(folder, {**stated, **said})


def radar_world(folder: Path, source: Source, earlier: int = 3) -> World:
    """A world of radar alone, in which a network of darkening may open alerts."""
    world = make_radar_world(folder / "world", source, SensorPolicy.RADAR_ONLY)
    write_darkening(world.folder / "models" / "darkening", earlier)
    world.configure(radar_model="darkening", alerts={"detectors": ["network"]})
    return world


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, radar_source: Source) -> World:
    """A world of radar, watched to its end: not to be changed."""
    world = radar_world(tmp_path_factory.mktemp("watched"), radar_source)
    assert world.once().parked == 0
    return world


def optical_world(world: World, earlier: int) -> World:
    """A world of optics alone, in which a network of reddening may open alerts."""
    write_reddening(world.folder / "models" / "reddening", earlier)
    world.configure(model="reddening", alerts={"detectors": ["network"]})
    return world


def answers(world: World) -> dict[str, list[dict[str, object]]]:
    """Rows of looks by what the network said."""
    found: dict[str, list[dict[str, object]]] = {}
    for row in world.dump()["observation"]:
        if row["decision"] == "looked":
            found.setdefault(str(row["network"]), []).append(row)
    return found


def verdicts(event: Event) -> list[Verdict]:
    """What looks of the event's own class said of it through its network, in order."""
    ordered = sorted(event.evidence, key=lambda piece: piece.sensing_time)
    return [piece.verdict for piece in ordered if piece.detector is Detector.NETWORK]


def test_radar_passes_before_and_after(watched: World) -> None:
    """The first pass after the storm opens alerts of status Test, the next ones find the ground still changed."""
    world = watched
    events = [event for event in world.events() if event.state is not EventState.CANDIDATE]
    assert events
    assert {(event.detector, event.status) for event in events} == {(Detector.NETWORK, AlertStatus.TEST)}
    assert all(event.window_start < world.valley.storm < event.window_end for event in events)
    assert all(0.5 <= event.mean_change <= 1.0 for event in events), "a probability, not a difference of two"
    heard = [verdicts(event) for event in events]
    assert any(said[:2] == [Verdict.OPENS, Verdict.SUPPORTS] for said in heard)
    rows = answers(world)
    assert rows.keys() == {"answered", "too-few-earlier-looks"}
    # Three earlier passes of each of two tracks; changes are never differenced again.
    assert {row["reference_count"] for row in rows["too-few-earlier-looks"]} == {0}
    assert all(row["mean"] is None for row in rows["too-few-earlier-looks"])
    assert all(isinstance(row["mean"], float) and row["mean_change"] is None for row in rows["answered"])
    kept = LookFiles(world.products).read(str(rows["answered"][-1]["look_href"]))
    assert kept.sensor is Sensor.SAR
    assert np.isnan(kept.probability).all(), "a look keeps no answer that is of earlier looks as well"
    details = [entry.detail or "" for entry in world.ledger()]
    assert any("no answer of the network on 4 tiles (too-few-earlier-looks)" in detail for detail in details)


def test_ground_that_comes_back_refutes(tmp_path: Path, radar_source: Source) -> None:
    """One pass before the storm is dark in places: the next one of its track, beside the frozen looks, says so."""
    world = radar_world(tmp_path, radar_source)
    first = world.valley.passes[0]
    fourth = [time for time in world.valley.passes if time.time() == first.time()][3]  # of one track: each has its hour
    assert fourth < world.valley.storm
    deepen_scars(world.valley, world.catalog.parent, [fourth], 10.0)
    world.once(world.valley.storm)
    events = [event for event in world.events() if abs(event.window_end - fourth) < timedelta(minutes=1)]
    assert len(events) >= 3
    assert {event.state for event in events} == {EventState.REFUTED}
    assert all(verdicts(event)[:2] == [Verdict.OPENS, Verdict.CONTRADICTS] for event in events)


def test_a_killed_pass_is_repeated(
    tmp_path: Path, radar_source: Source, watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed just before the first alerts are written, a run ends as one that nothing disturbed."""
    killed = radar_world(tmp_path, radar_source)
    complete = SqlStore.complete

    def dying(store: SqlStore, *arguments: object) -> bool:
        result = next(one for one in arguments if isinstance(one, AcquisitionResult))
        if result.events:
            raise KeyboardInterrupt
        return complete(store, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(SqlStore, "complete", dying)
        with pytest.raises(KeyboardInterrupt):
            killed.once()
    killed.once(later(60))
    assert killed.dump() == watched.dump()
    assert files(killed) == files(watched)
    assert killed.events()


def test_optical_looks_before_and_after(small_world: World) -> None:
    """What reddened since the last clear look is an alert, and the look after it confirms it."""
    world = optical_world(small_world, earlier=1)
    world.once(world.valley.times[2])
    opened = {event.id: event for event in world.events() if event.state is EventState.PROVISIONAL}
    assert len(opened) >= 3
    assert {event.detector for event in opened.values()} == {Detector.NETWORK}
    assert all(event.picture and (world.products / event.picture).is_file() for event in opened.values())
    world.once()
    states = [event.state for event in world.events() if event.id in opened]
    assert states.count(EventState.CONFIRMED) >= 2
    published = {path.stem for path in (world.products / "regions").rglob("*.tif")}
    assert {"probability", "brightening"} <= published
    assert "change" not in published, "the probability is the change"


def test_a_model_of_more_dates_than_there_are_looks_waits(small_world: World) -> None:
    """Three earlier looks are wanted and two there are: the network learns, and the baseline goes on."""
    world = optical_world(small_world, earlier=3)
    world.once(world.valley.times[2])
    assert world.states()[2][1] == "compared"
    assert world.events() == []
    assert answers(world).keys() == {NetworkAnswer.LEARNING.value}
    assert "no answer of the network on 2 tiles (too-few-earlier-looks)" in str(world.ledger()[2].detail)
    world.configure(alerts={"detectors": ["baseline"]})
    world.reprocess(2)
    world.once(world.valley.times[2])
    assert {event.detector for event in world.events()} == {Detector.BASELINE}
    world.once()
    assert len(answers(world)["answered"]) == 2


def test_the_lease_is_held_while_pairs_are_asked(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while the ground of open events is asked about once more."""
    world, extend, answer = optical_world(small_world, earlier=1), SqlStore.extend, PairNetwork.answer
    heard: list[str] = []

    def extending(store: SqlStore, *arguments: object) -> bool:
        heard.append("held")
        return extend(store, *arguments)  # type: ignore[arg-type]

    def answering(asked: PairNetwork, *arguments: object) -> object:
        heard.append("asked")
        said = answer(asked, *arguments)  # type: ignore[arg-type]
        heard.append("answered" if said else "silent")
        return said

    monkeypatch.setattr(SqlStore, "extend", extending)
    monkeypatch.setattr(PairNetwork, "answer", answering)
    world.once()
    answered = [at for at, what in enumerate(heard) if what == "answered"]
    assert len(answered) > 3, "once for every look, and again for the events of those that opened some"
    assert all(heard[at - 1] == "held" for at in answered)


def test_a_network_of_pairs_need_not_learn_anew(small_world: World) -> None:
    """Looks keep colours, whatever network looked: right after a change of model the storm is found, and judged."""
    world = small_world
    world.once(world.valley.times[1])
    optical_world(world, earlier=1)
    world.once(world.valley.times[2])
    opened = [event.id for event in world.events() if event.state is EventState.PROVISIONAL]
    assert len(opened) >= 3
    world.once()
    said = [verdicts(event)[-1] for event in world.events() if event.id in opened]
    assert said.count(Verdict.SUPPORTS) >= 2


def test_a_network_of_pairs_is_silent_where_it_is_not_asked(small_world: World) -> None:
    """By default the baseline alerts; what the network says beside it is stored."""
    write_reddening(small_world.folder / "models" / "reddening", earlier=1)
    small_world.configure(model="reddening")
    small_world.once(small_world.valley.times[2])
    assert {event.detector for event in small_world.events()} == {Detector.BASELINE}
    rows = answers(small_world)["answered"]
    assert {row["sensing_time"] for row in rows} == {time.isoformat() for time in small_world.valley.times[1:3]}
    assert all(row["mean"] is not None for row in rows)
