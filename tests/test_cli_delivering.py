"""The commands about what is sent to whom, against real receivers."""

import json
import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shapely.geometry import mapping

from monitor.adapters.store import SqlStore
from monitor.cli.parts import no_progress, prepare_database
from monitor.cli.run import run
from monitor.config import load
from tests.adapters.channels.receiver import SECRET, Answer, Inbox, always, receiving
from tests.fake_watch import parts, region_polygon, write_config

Captured = pytest.CaptureFixture[str]
TOLD = ["gone:0:duty", "gone:1:duty", "large:0:duty", "small:0:duty"]
"""What the fake watch finds that people should hear."""
NOW = datetime.now(UTC)
"""Real time, because receivers refuse signatures of five minutes ago; every test has its own."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration named by SCARPWATCH_CONFIG, in an environment without other settings."""
    for name in list(os.environ):
        if name.startswith("SCARPWATCH_"):
            monkeypatch.delenv(name)
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))
    path = write_config(tmp_path)
    monkeypatch.setenv("SCARPWATCH_CONFIG", str(path))
    monkeypatch.setenv("COLUMNS", "200")
    return path


def add_channels(config: Path, inbox: Inbox, more: str = "") -> None:
    """A webhook with its secret in a file, and a folder."""
    (config.parent / "secret").write_text(SECRET)
    with config.open("a", encoding="utf-8") as file:
        file.write(
            "channels:\n"
            f"  duty: {{type: webhook, url: '{inbox.url}', secret_file: secret, allow_private: true}}\n"
            f"  files: {{type: directory, path: out}}\n{more}"
        )


def call(capsys: Captured, *arguments: str, now: datetime | None = None) -> tuple[int, str]:
    """Exit code and standard output of one command."""
    capsys.readouterr()
    code = run(arguments, parts(lambda: now or NOW))
    return code, capsys.readouterr().out


def test_once_delivers_at_its_end(capsys: Captured, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass sends what it found to every channel, with links for the world, says so, and sends it once."""
    monkeypatch.setenv("SCARPWATCH_SERVE__PUBLIC_URL", "https://watch.example.org")
    with receiving(always(Answer())) as inbox:
        add_channels(config, inbox)
        code, out = call(capsys, "once")
        assert code == 0
        assert "channel duty: 4 delivered, 0 to be tried again, 0 parked" in out
        assert "channel" not in call(capsys, "once")[1]
    assert sorted(inbox.ids) == TOLD
    assert sorted(path.parent.name for path in (config.parent / "out").rglob("0.json")) == ["gone", "large", "small"]
    written = json.loads((config.parent / "out" / "large" / "0.json").read_text())
    assert written == json.loads(inbox.bodies[inbox.ids.index("large:0:duty")])
    assert written["data"]["web"] == "https://watch.example.org/alerts/large"


def test_channel_added_later_hears_what_comes_then(capsys: Captured, config: Path) -> None:
    """Who adds a channel is not told years of history."""
    call(capsys, "once")
    code, out = call(capsys, "deliver")
    assert (code, "No channel is configured" in out) == (0, True)
    with receiving(always(Answer())) as inbox:
        add_channels(config, inbox)
        assert call(capsys, "deliver") == (0, "Nothing was due.\n")
    assert inbox.ids == []


def test_first_channel_after_the_demonstration(capsys: Captured, config: Path) -> None:
    """A watch that never planned who is to hear what tells its first channels nothing of before either."""
    settings = load(config)
    prepare_database(settings, NOW)
    with closing(parts(lambda: NOW).build(settings, no_progress)) as service:
        assert service.once(lambda: NOW).alerts_opened
    with receiving(always(Answer())) as inbox:
        add_channels(config, inbox)
        assert call(capsys, "deliver") == (0, "Nothing was due.\n")
    assert inbox.ids == []


def test_what_a_pass_found_is_told_though_it_ended_before_it_told_anybody(capsys: Captured, config: Path) -> None:
    """Channels are entered before the first acquisition is looked at, so a crash in between loses nothing."""
    with receiving(always(Answer())) as inbox:
        add_channels(config, inbox)
        settings = load(config)
        prepare_database(settings, NOW)
        with closing(parts(lambda: NOW).build(settings, no_progress)) as service:
            service.once(lambda: NOW)
        assert call(capsys, "deliver")[0] == 0
    assert sorted(inbox.ids) == TOLD


def test_parked_until_it_is_mended(capsys: Captured, config: Path) -> None:
    """A receiver that refuses shows in the exit code, in deliveries and in status; after a retry all is well."""
    answers = {"status": 401}
    with receiving(lambda _inbox: Answer(status=answers["status"], body=b"who are you?")) as inbox:
        add_channels(config, inbox)
        code, out = call(capsys, "once")
        assert code == 1
        assert "channel duty: 0 delivered, 0 to be tried again, 4 parked" in out
        assert '! channel duty: it answers HTTP 401: "who are you?". Mend what the receiver says' in out
        _, out = call(capsys, "deliveries", "--parked")
        assert "http-401" in out
        assert 'duty: http-401: it answers HTTP 401: "who are you?". Mend what the receiver says\n' in out
        assert "then: scarpwatch deliveries retry duty" in out
        code, out = call(capsys, "status")
        assert code == 1
        assert "  duty: 0 due, 0 of them failing; 4 parked" in out
        standing = json.loads(call(capsys, "status", "--json")[1])["channels"]
        assert (standing["duty"]["parked"], standing["files"]["delivered"]) == (4, 4)
        answers["status"] = 200
        assert call(capsys, "deliveries", "retry", "large:0")[0] == 0
        assert call(capsys, "deliveries", "retry", "duty")[0] == 0
        assert call(capsys, "deliveries", "retry", "duty")[0] == 1
        code, out = call(capsys, "deliver", "--json")
        assert code == 0
        assert json.loads(out)["duty"] == {"delivered": 4, "put_off": 0, "parked": 0, "errors": [], "due": 0}
        assert call(capsys, "status")[0] == 0
    assert len(inbox.acknowledged) == 4


def test_late_is_shown(capsys: Captured, config: Path) -> None:
    """A receiver that is down is told by once, and by status until it is back."""
    with receiving(always(Answer(status=500))) as inbox:
        add_channels(config, inbox)
        code, out = call(capsys, "once")
    assert code == 1
    assert "duty: 0 delivered, 3 to be tried again" in out
    assert "  duty: 4 due, the oldest for 0 min, 3 of them failing; 0 parked" in call(capsys, "status")[1]
    assert "http-500" in call(capsys, "deliveries", "--channel", "duty")[1]


def test_replay(capsys: Captured, config: Path) -> None:
    """What was delivered comes again on demand, under the same ids and marked as a replay."""
    with receiving(always(Answer())) as inbox:
        add_channels(config, inbox)
        call(capsys, "once")
        later = NOW + timedelta(minutes=1)
        assert call(capsys, "deliveries", "replay", "duty", "--since", f"{later:%Y-%m-%dT%H:%M:%S}")[0] == 1
        assert call(capsys, "deliveries", "replay", "duty")[0] == 0
        call(capsys, "deliver")
    assert sorted(inbox.ids) == sorted(TOLD * 2)
    assert [headers.get("scarpwatch-replay") for headers in inbox.headers] == [None] * 4 + ["1"] * 4
    assert dict(zip(inbox.ids[:4], inbox.bodies[:4], strict=True)) == dict(
        zip(inbox.ids[4:], inbox.bodies[4:], strict=True)
    )
    assert b"http" not in b"".join(inbox.bodies), "nobody said how the world reaches it"


def test_channel_test(capsys: Captured, config: Path) -> None:
    """One message of status Test, and what the receiver answers; nothing of it is kept."""
    with receiving(always(Answer(status=202))) as inbox:
        add_channels(config, inbox)
        call(capsys, "db", "upgrade")
        assert call(capsys, "channels", "test", "duty") == (0, "channel duty: HTTP 202\n")
        assert call(capsys, "channels", "test", "nobody")[0] == 2
    assert json.loads(inbox.bodies[0])["data"]["status"] == "test"
    with closing(SqlStore(f"sqlite:///{config.parent}/watch.db")) as store:
        assert store.deliveries() == []
    code, out = call(capsys, "channels", "test", "duty")
    assert (code, "no answer" in out) == (1, True)


def test_silences(capsys: Captured, config: Path) -> None:
    """Within a silence channels hear nothing and lists show everything; it can be listed and ended."""
    area = config.parent / "works.geojson"
    area.write_text(json.dumps(mapping(region_polygon())))
    until = f"{NOW + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    call(capsys, "db", "upgrade")
    wanted = ("silence", "add", "valley", "--until", until, "--why", "roadworks", "--polygon", str(area), "--by", "kk")
    code, out = call(capsys, *wanted)
    assert code == 0
    assert "silence 1: valley until" in out
    with receiving(always(Answer())) as inbox:
        add_channels(config, inbox)
        assert call(capsys, "once")[0] == 0
        assert inbox.ids == []
        said = f"! silence 1: valley, part of it until {until[:10]} {until[11:16]} UTC, by kk (roadworks): "
        assert "large" in call(capsys, "alerts")[1]
        for command in ("alerts", "status"):
            assert f"{said}4 message(s) held back" in call(capsys, command)[1]
            (held,) = json.loads(call(capsys, command, "--json")[1])["silences"]
            assert (held["id"], held["messages_held"]) == (1, 4), "two alerts that stand, on two channels"
        assert call(capsys, "deliveries")[1].count("silenced:1") == 2 * len(TOLD)
        assert "roadworks" in call(capsys, "silence", "list")[1]
        assert call(capsys, "silence", "end", "1", "--by", "mori") == (0, "silence 1 is ended by mori\n")
        assert call(capsys, "silence", "end", "1")[0] == 1
        assert json.loads(call(capsys, "silence", "list", "--json")[1])["silences"] == []
        (ended,) = json.loads(call(capsys, "silence", "list", "--all", "--json")[1])["silences"]
        assert (ended["why"], ended["by"], ended["geometry"]["type"]) == ("roadworks", "kk", "Polygon")
        call(capsys, "deliver")
    assert sorted(inbox.ids) == ["large:0:duty", "small:0:duty"], "what still stands is sent after it, the rest is not"


def test_a_long_silence_is_questioned(capsys: Captured, config: Path) -> None:
    """It may be a slip of the year: it is taken, with a warning."""
    assert config.is_file()
    call(capsys, "db", "upgrade")
    for days, warned in ((30, False), (31, True)):
        until = f"{NOW + timedelta(days=days):%Y-%m-%dT%H:%M:%S}"
        code, out = call(capsys, "silence", "add", "all", "--until", until, "--why", "works")
        assert (code, f"! it lasts {days} days" in out) == (0, warned)


def test_channels_are_listed_without_secrets(capsys: Captured, config: Path) -> None:
    """With what they hear, took last and wait for; a name that is none is refused with those there are."""
    with config.open("a", encoding="utf-8") as file:
        file.write(
            "channels:\n  files: {type: directory, path: out}\n"
            "  mail: {type: apprise, url: 'mailtos://me:pa55word@example.org', regions: [valley], tiers: [warning]}\n"
            f"  duty: {{type: webhook, url: 'https://u:pa55word@x.example/t0ken', secret: {SECRET}}}\n"
        )
    call(capsys, "db", "upgrade")
    code, out = call(capsys, "channels", "list")
    assert (code, "pa55word" in out, "t0ken" in out, SECRET in out) == (0, False, False, False)
    assert f"files: directory {config.parent / 'out'}; all regions; " in out
    assert "mail: apprise mailtos://…; valley; warning; nothing delivered yet; 0 due, 0 parked\n" in out
    assert "duty: webhook https://x.example/…; " in out
    assert json.loads(call(capsys, "channels", "list", "--json")[1])["channels"]["duty"]["last_delivered"] is None
    for word in ("retry", "replay"):
        code, out = call(capsys, "deliveries", word, "nope")
        assert (code, "there is no channel 'nope'; configured: duty, files, mail" in out) == (1, True)
    code, out = call(capsys, "deliveries", "retry", "no:0")
    assert (code, "no message of the key 'no:0' waits" in out) == (1, True)


def test_a_silence_of_a_box(capsys: Captured, config: Path) -> None:
    """As the area of a declaration; what is no time is answered with one."""
    assert config.is_file()
    call(capsys, "db", "upgrade")
    west, south, east, north = region_polygon().bounds
    words = ("silence", "add", "valley", "--why", "works", "--polygon", f"{west},{south},{east},{north}")
    assert call(capsys, *words, "--until", "2999-01-01")[0] == 0
    (one,) = json.loads(call(capsys, "silence", "list", "--json")[1])["silences"]
    assert one["geometry"]["type"] == "Polygon"
    run(("silence", "add", "nowhere", "--until", "tomorrow", "--why", "x"), parts(lambda: NOW))
    assert "--until: 'tomorrow' is no time such as 2026-07-01" in capsys.readouterr().err
    run(("silence", "add", "nowhere", "--until", "2999-01-01", "--why", "x"), parts(lambda: NOW))
    assert "Invalid value for REGION: there is no region 'nowhere'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ("silence", "add", "valley", "--until", "2001-01-01", "--why", "x"),
        ("silence", "add", "nowhere", "--until", "2999-01-01", "--why", "x"),
        ("silence", "add", "all", "--until", "2999-01-01", "--why", "x", "--polygon", "none.geojson"),
    ],
)
@pytest.mark.usefixtures("config")
def test_wrong_silence(capsys: Captured, wrong: tuple[str, ...]) -> None:
    """A silence that is over, of no region, or with no polygon is refused."""
    assert call(capsys, *wrong)[0] == 2


def test_alive_shows_the_weekly_message(capsys: Captured, config: Path) -> None:
    """It says now what would be told, in the languages of the configuration, and sends nothing."""
    with config.open("a", encoding="utf-8") as file:
        file.write("alert_languages: [en, ja]\n")
    call(capsys, "once")
    code, out = call(capsys, "alive")
    assert (code, out.startswith("valley: THE WATCH IS NOT WELL\nNothing has been observed since")) == (0, True)
    assert "valley：監視に異常があります" in out
    assert "no channel wants to hear it" in out
    with receiving(always(Answer())) as inbox:
        add_channels(config, inbox)
        (content,) = json.loads(call(capsys, "alive", "--json")[1])
        assert (content["region"], list(content["texts"]), inbox.ids) == ("valley", ["en", "ja"], [])
        call(capsys, "once")
        assert inbox.ids == [], "a channel that was added waits for its week"
        call(capsys, "once", now=NOW + timedelta(days=7))
        week = next(path for path in (config.parent / "out").glob("alive/*.json"))
        assert json.loads(week.read_text())["type"] == "watch.alive"


def test_deliveries_tell_who_was_told_because_nobody_answered(capsys: Captured, config: Path) -> None:
    """The chief hears of what nobody acknowledged, and the list says since when."""
    with receiving(always(Answer()), verify=False) as inbox:
        chief = f"  chief: {{type: webhook, url: '{inbox.url}', secret_file: secret, allow_private: true, statuses: "
        add_channels(config, inbox, chief + "[actual, test], escalation: {watch_minutes: 30, warning_minutes: 30}}\n")
        call(capsys, "once")
        call(capsys, "deliver", now=NOW + timedelta(minutes=29))
        assert not [one for one in inbox.ids if one.endswith("chief")]
        call(capsys, "deliver", now=NOW + timedelta(minutes=30))
        told = [place for place, one in enumerate(inbox.ids) if one.endswith("chief")]
        assert sorted(inbox.ids[place] for place in told) == ["large:0:chief", "small:0:chief"]
        said = json.loads(inbox.bodies[told[0]])["data"]["escalation"]
        assert (said["why"], said["text"].startswith("Nobody has acknowledged it since")) == ("unacknowledged", True)
    assert "unacknowledged since" in call(capsys, "deliveries", "--channel", "chief")[1]
    rows = json.loads(call(capsys, "deliveries", "--channel", "chief", "--json")[1])["deliveries"]
    assert {one["escalation"] for one in rows} == {"unacknowledged"}
