"""The weekly sign of life on its way: written once, by whichever process, and sent like every other message."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.channels.apprise_channel import AppriseChannel
from monitor.adapters.channels.folder import FolderChannel
from monitor.adapters.channels.secrets import Secret
from monitor.adapters.store import Chosen, SqlStore
from monitor.alive import Herald, HeraldSettings
from monitor.core.alive import Pulse, TroubleKind, Week, unwatched
from monitor.core.intake import Sight
from monitor.overview import Coverage
from monitor.records import (
    AcquisitionState,
    Action,
    ActionKind,
    AlertStatus,
    Channel,
    DeliveryState,
    RateLimit,
    Region,
    Sensor,
    SensorPolicy,
    Silence,
    Tier,
    Tile,
)
from tests.adapters.channels.receiver import Answer, always, receiving
from tests.adapters.store.factories import LEASE, TILE, acquisition, event
from tests.adapters.store.test_store_events import process
from tests.fake_watch import region_polygon
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

MONDAY = datetime(2026, 11, 16, 6, tzinfo=UTC)
DAY = timedelta(days=1)
REGIONS = [
    Region(id=name, geometry=region_polygon(), catalogs=("pc",), sensor_policy=SensorPolicy.RADAR_ONLY)
    for name in ("atsuma", "a_suma")
]
BOTH = [replace(one, sensor_policy=SensorPolicy.OPTICAL_WHEN_CLEAR) for one in REGIONS]
MAIL = Channel(name="mail", gather=timedelta(minutes=10), at_most=RateLimit(count=2, per=DAY))
FILES = Channel(name="files")
REAL = replace(event(acquisition(1), "A"), status=AlertStatus.ACTUAL)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """A database in which both channels are known."""
    url = (
        f"sqlite:///{tmp_path}/watch.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    )
    with closing(SqlStore(url)) as store:
        store.upgrade()
        store.plan_deliveries([MAIL, FILES], MONDAY - 30 * DAY)
        yield store


def seen(region: Region, now: datetime) -> Coverage:
    """A region that radar saw yesterday."""
    recent = region.lookback_days == 12
    return Coverage(
        region=region.id,
        since=now - timedelta(days=region.lookback_days),
        area_km2=100.0,
        tiles=20,
        seen=0.9 if recent else 0.95,
        compared=0.8,
        never_observed=(),
        not_compared=(),
        last_look=now - DAY,
        broken_looks=0,
        compared_by={Sensor.SAR: 0.3 if recent else 0.8},
        seen_by={Sensor.SAR: 0.9},
        tile_looks={Tile(epsg=32654, column=220, row=1842): {Sensor.SAR: now - DAY}},
    )


def herald(store: SqlStore, regions: list[Region] = REGIONS) -> Herald:
    """Who speaks on Mondays at six, in two languages."""
    settings = HeraldSettings(
        week=Week(weekday=0, hour_utc=6), days=12, channels=("files", "mail"), languages=("en", "de")
    )
    return Herald(store=store, regions=regions, coverage=seen, settings=settings)


def test_once_a_week_whoever_speaks(store: SqlStore) -> None:
    """Two processes, restarts and every look in between: one message for each region and week."""
    one, other = herald(store), herald(store)
    assert one.speak(MONDAY - timedelta(seconds=1)) != [], "of the week before: nobody had spoken"
    keys = [[said.key for said in who.speak(at)] for at in (MONDAY, MONDAY + 3 * DAY) for who in (one, other)]
    assert keys == [["alive:atsuma:2026-W47", "alive:a_suma:2026-W47"], [], [], []]
    sign = one.sign(REGIONS[0], MONDAY)
    assert not store.post_alive("alive:atsuma:2026-W47", {"texts": {}, "week": sign.week}, MONDAY), (
        "the database says so"
    )
    assert one.spoken() == {"atsuma": MONDAY, "a_suma": MONDAY}


def test_after_an_outage(store: SqlStore) -> None:
    """One message, which says how many are missing and since when."""
    watch = herald(store, REGIONS[:1])
    watch.speak(MONDAY)
    (late,) = watch.speak(MONDAY + 38 * DAY)
    assert late.key == "alive:atsuma:2026-W52"
    (content,) = [one.payload for one in store.outbox() if one.idempotency_key == late.key]
    assert content["missed_weeks"] == 4
    assert "Weekly messages missing before this one: 4" in json.dumps(content)


def test_it_tells_what_the_database_knows(store: SqlStore) -> None:
    """Alerts by tier, silent catalogs, what was parked and not delivered, silences, and the next pass."""
    process(store, acquisition(1), REAL)
    store.note_sources(["other"], {"pc": "503"}, MONDAY - 3 * DAY)
    store.note_sources(["other"], {"pc": "504"}, MONDAY - DAY)
    silence = Silence(
        id=0, region="atsuma", start=MONDAY - DAY, until=MONDAY + DAY, geometry=None, why="works", by="kk", at=MONDAY
    )
    store.add_silence(silence)
    store.discover("atsuma", [acquisition(2)], [], MONDAY)
    entry = store.claim("me@1:1:1", DAY, MONDAY, ["atsuma"])
    assert entry is not None
    store.park(entry.acquisition, "me@1:1:1", "misregistered", "30 m", MONDAY)
    everything = Channel(name="files", statuses=frozenset({REAL.status}))
    store.plan_deliveries([everything], MONDAY - 2 * DAY)
    sign = herald(store).sign(REGIONS[0], MONDAY)
    assert sign.open_alerts == {Tier.WATCH: 1}
    assert (sign.days, sign.seen, sign.compared_days, sign.compared) == (12, 0.9, 45, {Sensor.SAR: 0.8})
    assert (sign.parked, sign.silences, sign.undelivered) == ({"misregistered": 1}, 1, {"files": 1})
    (source,) = sign.sources
    assert (source.failing_since, source.answered, source.detail) == (MONDAY - 3 * DAY, None, "504")
    store.note_sources(["pc"], {}, MONDAY)
    (well,) = herald(store).sign(REGIONS[0], MONDAY).sources
    assert (well.failing_since, well.answered) == (None, MONDAY)
    assert herald(store).sign(REGIONS[1], MONDAY).open_alerts == {}


def test_what_is_no_real_alert_is_not_counted(store: SqlStore) -> None:
    """Channels of real alerts are not told how many tests there are."""
    first, second = acquisition(1), acquisition(2)
    process(store, first, REAL)
    process(store, second, event(second, "T"))
    opened = first.sensing_time - DAY
    assert (store.open_alerts("atsuma"), store.opened_since("atsuma", opened)) == ({Tier.WATCH: 1}, 1)


def test_every_sensor_of_the_policy_is_told(store: SqlStore) -> None:
    """Also one that nothing is known of; what waits is found however old it is, history apart."""
    both = replace(REGIONS[0], sensor_policy=SensorPolicy.OPTICAL_WHEN_CLEAR)
    store.discover("atsuma", [acquisition(1)], [], MONDAY)
    store.discover("atsuma", [acquisition(2)], [], MONDAY, history_before=MONDAY)
    store.discover("a_suma", [replace(acquisition(3), region="a_suma")], [], MONDAY)
    sign = herald(store).sign(both, MONDAY)
    assert sign.sights == {
        Sensor.OPTICAL: Sight(seen=0.0, last_look=None),
        Sensor.SAR: Sight(seen=0.9, last_look=MONDAY - DAY),
    }
    assert sign.compared == {Sensor.OPTICAL: 0.0, Sensor.SAR: 0.8}
    (waiting,) = sign.arrivals
    assert (waiting.sensing_time, waiting.state) == (acquisition(1).sensing_time, AcquisitionState.DISCOVERED)
    assert len(store.arrivals("atsuma", acquisition(1).sensing_time)) == 2


def test_when_work_last_went_on(store: SqlStore) -> None:
    """The end of any try tells, in whatever region; what was only found, or taken back by a person, does not."""
    store.discover("atsuma", [acquisition(1), acquisition(2)], [], MONDAY)
    assert herald(store).sign(REGIONS[1], MONDAY).worked is None
    process(store, acquisition(1))
    worked = store.last_worked(MONDAY)
    assert worked is not None
    assert herald(store).sign(REGIONS[1], MONDAY).worked == worked
    assert store.last_worked(worked - timedelta(seconds=1)) is None, "that clock was ahead"
    chosen = Chosen(region="atsuma", tiles=(TILE,), acquisition=acquisition(1).id)
    store.roll_back(chosen, Action(at=MONDAY, by="duty", kind=ActionKind.ROLL_BACK), MONDAY + DAY, None)
    assert store.last_worked(MONDAY + DAY) is None


def test_it_goes_the_way_of_every_message(tmp_path: Path) -> None:
    """Regions are gathered into one mail, silences do not hold it back, and a folder has one file for each."""
    with closing(SqlStore(f"sqlite:///{tmp_path}/watch.db")) as store, receiving(always(Answer(status=200))) as inbox:
        store.upgrade()
        store.plan_deliveries([MAIL, FILES], MONDAY - DAY)
        store.add_silence(
            Silence(id=0, region=None, start=MONDAY, until=MONDAY + DAY, geometry=None, why="x", by="kk", at=MONDAY)
        )
        herald(store).speak(MONDAY)
        for _ in range(2):
            store.plan_deliveries([MAIL, FILES], MONDAY)
        url = Secret(item="url", value=inbox.url.replace("http://", "json://").partition("/alerts")[0])
        mail = AppriseChannel(name="mail", url=url, allow_private=True)
        later = MONDAY + timedelta(minutes=10)
        messages = store.claim_deliveries(MAIL, "me@1:1:1", LEASE, later)
        mail.send(messages, later)
        assert store.delivered(messages, "me@1:1:1", "sent", later) == 2
        for message in (store.claim_deliveries(FILES, "me@1:1:1", LEASE, later) for _ in range(2)):
            FolderChannel(name="files", folder=tmp_path / "out").send(message, later)
        assert {one.state for one in store.deliveries("mail")} == {DeliveryState.DELIVERED}
    (body,) = inbox.bodies
    content = json.loads(body)
    assert content["title"] == "a_suma: the watch is alive, nothing found (+1)"
    assert content["message"].count("the watch is alive") == content["message"].count("die Überwachung läuft") == 2
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json"))
    assert found == ["alive/a_suma-2026-W47.json", "alive/atsuma-2026-W47.json"]
    written = json.loads((tmp_path / "out" / found[1]).read_text())
    assert (written["type"], written["data"]["week"], written["data"]["well"]) == ("watch.alive", "2026-W47", True)


def test_a_channel_hears_of_its_regions_alone(store: SqlStore) -> None:
    """Also where the messages of several regions are planned together."""
    ours = Channel(name="ours", regions=frozenset({"atsuma"}))
    store.plan_deliveries([ours], MONDAY - DAY)
    herald(store).speak(MONDAY)
    store.plan_deliveries([ours], MONDAY)
    assert [one.idempotency_key for one in store.deliveries("ours")] == ["alive:atsuma:2026-W47"]


def test_a_catalog_that_fell_silent_while_the_clock_was_ahead(store: SqlStore) -> None:
    """It is silent from the day the clock was set back, not from a day to come."""
    for at in (MONDAY + 365 * DAY, MONDAY, MONDAY + DAY):
        store.note_sources([], {"pc": "503"}, at)
    assert [one.failing_since for one in store.sources(["pc"])] == [MONDAY]


def kinds(pulses: list[Pulse]) -> dict[str, list[TroubleKind]]:
    """The troubles of each region."""
    return {one.region: [trouble.kind for trouble in unwatched(one)] for one in pulses}


def test_what_is_known_before_anything_is_counted(store: SqlStore) -> None:
    """No scene, no look and silent catalogs are told at once; where nothing ever showed ground the count must tell."""
    watch = herald(store, BOTH)
    blind = [TroubleKind.NO_LOOK, TroubleKind.NO_SCENE, TroubleKind.NO_SCENE]
    assert kinds(watch.first_pulses(MONDAY)) == {"atsuma": blind, "a_suma": blind}
    one = acquisition(1)
    store.note_sources([], {"pc": "503"}, one.sensing_time)
    process(store, one)
    at = one.sensing_time + DAY
    (pulse, _) = watch.first_pulses(at)
    assert (pulse.last_look, pulse.sights[one.sensor].last_look) == (one.sensing_time, one.sensing_time)
    assert TroubleKind.NO_LOOK not in kinds([pulse])["atsuma"]
    later = kinds(watch.first_pulses(one.sensing_time + 40 * DAY))
    assert later["atsuma"][:2] == [TroubleKind.SOURCE, TroubleKind.NO_LOOK]


def test_ground_that_may_be_flat_is_not_called_blind_before_it_is_counted(store: SqlStore) -> None:
    """A region whose only acquisition showed nothing."""
    one = replace(acquisition(1), region="a_suma")
    store.discover("a_suma", [one], [], MONDAY)
    entry = store.claim("me@1:1:1", DAY, MONDAY, ["a_suma"])
    assert entry is not None
    store.park(one, "me@1:1:1", "misregistered", "30 m", MONDAY)
    assert kinds(herald(store, BOTH).first_pulses(MONDAY)) == {
        "atsuma": [TroubleKind.NO_LOOK, TroubleKind.NO_SCENE, TroubleKind.NO_SCENE],
        "a_suma": [],
    }
