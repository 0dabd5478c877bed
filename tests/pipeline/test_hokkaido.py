"""The main job on real scenes: the hills of Atsuma before and after the earthquake of September 2018."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import hokkaido, iburi
from monitor.adapters.store import SqlStore, dump
from monitor.adapters.store.listing import AlertLists
from monitor.cli.geojson import alert_collection
from monitor.config import Settings
from monitor.core.cap import CapSettings, MessageKind, cap_message
from monitor.drill import DrillRequest, Found
from monitor.drill_wiring import PRODUCTS, build_drill, own_database
from monitor.records import EventState
from tests.conftest import ROOT
from tests.pipeline.world import make_model_folder

MODEL = "scar-rgb-noiburi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The finished pass; not to be changed."""

    settings: Settings
    pair: iburi.Pair
    done: hokkaido.Pass


@pytest.fixture(scope="module")
def watched(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Both scenes, watched as shipped."""
    if not (data_folder / iburi.CATALOG).is_file():
        pytest.skip(f"no {iburi.CATALOG} in {data_folder}")
    pair = iburi.open_pair(data_folder)
    settings = iburi.settings_for(data_folder, tmp_path_factory.mktemp("hokkaido"), ROOT / "models" / MODEL)
    return Watched(settings=settings, pair=pair, done=hokkaido.finished_pass(settings, pair))


def test_the_shipped_default_never_saw_these_hills() -> None:
    """The configuration's default model is the one trained without patches that look like Iburi."""
    assert Settings.model_fields["model"].default == MODEL


def test_the_slopes_that_failed_are_alerted_and_little_else(watched: Watched) -> None:
    """At least 85 % of the cleared slopes lie in outlines; under 5 % of the alerted area is on anything else."""
    done = watched.done
    shipped = hokkaido.score("as shipped", done.events, hokkaido.see(watched.pair, done))
    assert shipped.cleared >= 0.85
    assert shipped.cream >= 0.85
    assert shipped.wrong["any"] < 0.05
    assert {event.state for event in done.events} == {EventState.PROVISIONAL}
    assert all((watched.settings.products / str(event.picture)).is_file() for event in done.events)
    assert done.coverage.compared < 0.6, "much of the region has no earlier look, and that is said"
    assert done.coverage.not_compared


def history(settings: Settings) -> tuple[object, Mapping[str, str]]:
    """The content of the database and of every file of the product folder."""
    with closing(SqlStore(settings.database)) as store:
        content = dump(store)
    files = [path for path in settings.products.rglob("*") if path.is_file()]
    return content, {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_drill_finds_its_scars_and_leaves_the_real_history_as_it_is(watched: Watched, tmp_path: Path) -> None:
    """Three scars of two hectares among the real ones: their alerts, and no other, are in the feed, as exercises."""
    before = history(watched.settings)
    # The network opens no alert as shipped: a small one will do here, and the test takes seconds.
    model = make_model_folder(tmp_path / "models")
    settings = watched.settings.model_copy(update={"models": model.parent, "model": model.name})
    (tmp_path / "kept").mkdir()
    with closing(build_drill(settings)) as drill:
        request = DrillRequest(region="atsuma", sizes_ha=(2.0, 2.0, 2.0), seed=1)
        report = drill.run(request, tmp_path / "kept", lambda: datetime.now(UTC), deliver=True)
    assert history(watched.settings) == before
    assert [scar.found for scar in report.scars] == [Found.SEEN] * 3, report.scars
    assert report.passed
    with closing(SqlStore(own_database(tmp_path / "kept"))) as own:
        feed = json.loads(json.dumps(alert_collection(own.events(), [], tmp_path / "kept" / PRODUCTS)))
        lists = AlertLists(own.database)
        told = [lists.revision(scar.event_id, number) for scar in report.scars for number in (0, 1)]
    assert {feature["properties"]["status"] for feature in feed["features"]} == {"exercise"}
    assert {feature["id"] for feature in feed["features"]} == {scar.event_id for scar in report.scars}
    messages = [cap_message(revision, CapSettings()) for revision in told if revision is not None]
    assert [message.kind for message in messages] == [MessageKind.ALERT, MessageKind.CANCEL] * 3
    assert all(b"<status>Exercise</status>" in message.xml for message in messages)
