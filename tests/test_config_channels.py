"""The group `channels`: what it means, and every mistake with its place and remedy."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.adapters.channels.apprise_channel import AppriseChannel
from monitor.adapters.channels.folder import FolderChannel
from monitor.adapters.channels.webhook import Webhook
from monitor.config import SettingsError, load
from monitor.core.alive import Week
from monitor.delivery_wiring import open_outlet
from monitor.records import AlertStatus, RateLimit, Tier
from tests.adapters.channels.receiver import SECRET

REGION = "regions: {valley: {geometry: {bbox: [10, 45, 10.1, 45.1]}, catalogs: [local]}}\n"
EVERY: frozenset[str] = frozenset()
BOTH = frozenset(Tier)
BASE = "catalogs: {local: {type: static, href: catalog.json}}\n" + REGION


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an environment without settings."""
    for name in list(os.environ):
        if name.startswith("SCARPWATCH_"):
            monkeypatch.delenv(name)


def write(folder: Path, channels: str) -> Path:
    """A configuration file."""
    path = folder / "config.yaml"
    path.write_text(BASE + channels, encoding="utf-8")
    return path


def test_channels_of_every_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out has its default; files are found beside the configuration; secrets are never shown."""
    (tmp_path / "key").write_text(SECRET)
    monkeypatch.setenv("SCARPWATCH_CHANNELS__DUTY__SECRET_FILE", str(tmp_path / "key"))
    channels = (
        "channels:\n"
        "  duty: {type: webhook, url: 'https://alerts.example/hook', at_most: {count: 30}}\n"
        "  mail: {type: apprise, url_file: mail.url, regions: [valley], tiers: [warning], gather_minutes: 5, "
        "escalation: {warning_minutes: 45}}\n"
        "  drills: {type: directory, path: out, statuses: [exercise, test], give_up_after_days: 1, alive: false}\n"
        "alive: {weekday: friday}\n"
    )
    settings = load(write(tmp_path, channels))
    duty, mail, drills = (settings.channels[name].record(name) for name in ("duty", "mail", "drills"))
    assert duty.at_most == RateLimit(count=30, per=timedelta(hours=1))
    assert (duty.regions, duty.tiers, duty.statuses) == (EVERY, BOTH, frozenset({AlertStatus.ACTUAL}))
    assert (duty.gather, mail.gather) == (timedelta(0), timedelta(minutes=5))
    assert (mail.regions, mail.tiers) == (frozenset({"valley"}), frozenset({Tier.WARNING}))
    assert drills.statuses == frozenset({AlertStatus.EXERCISE, AlertStatus.TEST})
    assert drills.give_up_after == timedelta(days=1)
    assert (duty.alive, drills.alive, duty.escalation) == (True, False, {})
    assert mail.escalation == {Tier.WARNING: timedelta(minutes=45)}
    assert settings.alive.week == Week(weekday=4, hour_utc=6)
    assert settings.channels["mail"].url_file == tmp_path / "mail.url"
    assert settings.channels["drills"].path == tmp_path / "out"
    assert SECRET not in repr(settings)
    kinds = [type(open_outlet(name, chosen)) for name, chosen in settings.channels.items()]
    assert kinds == [Webhook, AppriseChannel, FolderChannel]


@pytest.mark.parametrize(
    ("channel", "place", "words"),
    [
        ("{type: pigeon}", "channels.duty.type", "webhook"),
        ("{type: webhook, url: 'https://x.example'}", "channels.duty.secret", "needs this"),
        (f"{{type: webhook, secret: {SECRET}}}", "channels.duty.url", "needs this"),
        (f"{{type: webhook, url: ftp://x.example, secret: {SECRET}}}", "channels.duty.url", "no address of the web"),
        (f"{{type: webhook, url: 'https://', secret: {SECRET}}}", "channels.duty.url", "no address of the web"),
        ("{type: webhook, url: 'https://x.example', secret: whsec_c2hvcnQ=}", "channels.duty.secret", "no secret of"),
        ("{type: webhook, url: 'https://x.example', secret: 'schön'}", "channels.duty.secret", "no secret of"),
        ("{type: apprise, url: 'json://x', url_file: x}", "channels.duty.url_file", "beside it"),
        ("{type: apprise, url: 'json://x', path: x}", "channels.duty.path", "no such setting"),
        ("{type: directory}", "channels.duty.path", "needs this"),
        ("{type: directory, path: x, gather_minutes: 5}", "channels.duty.gather_minutes", "no such setting"),
        ("{type: directory, path: x, regions: [vallley]}", "channels.duty.regions[0]", "there are: valley"),
        ("{type: directory, path: x, tiers: []}", "channels.duty.tiers", "at least 1 item"),
        ("{type: directory, path: x, at_most: {count: 0}}", "channels.duty.at_most.count", "greater than or equal"),
        ("{type: directory, path: x, status: [test]}", "channels.duty.status", "no such setting"),
        ("{type: directory, path: x, escalation: {}}", "channels.duty.escalation", "is needed"),
        ("{type: directory, path: x, escalation: {warning: 5}}", "channels.duty.escalation.warning", "no such"),
        ("{type: directory, path: x, escalation: {watch_minutes: 5}}", "channels.duty.escalation", "waits until"),
    ],
)
def test_mistake(tmp_path: Path, channel: str, place: str, words: str) -> None:
    """Every mistake is told with its place and words, and no secret is repeated."""
    with pytest.raises(SettingsError) as caught:
        load(write(tmp_path, f"channels:\n  duty: {channel}\n"))
    told = [(one.place, one.message) for one in caught.value.mistakes]
    assert [one for one, _ in told] == [place]
    assert words in told[0][1]
    assert all(one.remedy for one in caught.value.mistakes)
    assert "c2h" not in str(told) + str(caught.value)


def test_example_that_ships_works(tmp_path: Path) -> None:
    """The commented channels of config.yaml are right as they stand."""
    lines = (Path(__file__).parents[1] / "config.yaml").read_text(encoding="utf-8").splitlines()
    block = [line.removeprefix("# ") for line in lines[lines.index("# channels:") :]]
    example = "\n".join(block[: next(at for at, line in enumerate(block) if not line)])
    settings = load(write(tmp_path, example.replace("[atsuma]", "[valley]")))
    assert [one.type for one in settings.channels.values()] == ["webhook", "apprise", "apprise", "directory"]
