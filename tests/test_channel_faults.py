"""What `config check` says of channels before a night shows it: each with its place and remedy, and nothing is sent."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.cli.channel_faults import ChannelFaults, channel_faults
from monitor.cli.run import run
from monitor.config import load
from tests.adapters.channels.receiver import SECRET
from tests.fake_watch import parts, write_config

BASE = """\
catalogs: {local: {type: static, href: catalog.json}}
regions: {valley: {geometry: {bbox: [10, 45, 10.1, 45.1]}, catalogs: [local]}}
"""
_NAMES = {"public.example": ["93.184.216.34"], "inside.example": ["93.184.216.34", "10.0.0.7"]}


def resolve(host: str, port: int) -> Sequence[str]:
    """A resolver that knows two names, and addresses."""
    if host[0].isdigit():
        return [host]
    if host not in _NAMES:
        raise socket.gaierror(-2, "Name or service not known")
    return _NAMES[host]


def look(folder: Path, channel: str) -> ChannelFaults:
    """What is found about one channel in a folder with good and bad files."""
    for name, text, mode in (
        ("key", SECRET, 0o600),
        ("short", "whsec_c2hvcnQ=", 0o600),
        ("empty", "", 0o600),
        ("open", SECRET, 0o644),
        ("words", "not an address", 0o600),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(mode)
    path = folder / "config.yaml"
    path.write_text(f"{BASE}channels:\n  duty: {channel}\n", encoding="utf-8")
    return channel_faults(load(path), resolve)


@pytest.mark.parametrize(
    ("channel", "setting", "words"),
    [
        ("{type: apprise, url: 'nonsense://pa55word'}", "url", "does not know"),
        ("{type: apprise, url: 'mailto://'}", "url", "does not know"),
        ("{type: apprise, url_file: words}", "url_file", "does not know"),
        ("{type: apprise, url_file: absent}", "url_file", "FileNotFoundError"),
        ("{type: directory, path: key/out}", "path", "neither written nor made"),
        ("{type: directory, path: key}", "path", "neither written nor made"),
        ("{type: webhook, url: 'https://public.example', secret_file: absent}", "secret_file", "FileNotFoundError"),
        ("{type: webhook, url: 'https://public.example', secret_file: empty}", "secret_file", "it is empty"),
        ("{type: webhook, url: 'https://public.example', secret_file: short}", "secret_file", "no secret of"),
        ("{type: webhook, url_file: words, secret_file: key}", "url_file", "no address of the web"),
        ("{type: webhook, url: 'http://169.254.169.254/', secret_file: key}", "url", "a link-local address"),
        ("{type: webhook, url: 'https://inside.example', secret_file: key}", "url", "10.0.0.7, a private"),
    ],
)
def test_what_would_be_parked_is_a_mistake(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, channel: str, setting: str, words: str
) -> None:
    """It names the setting and what to do, and tells no secret, neither itself nor through a library."""
    found = look(tmp_path, channel)
    (mistake,) = found.mistakes
    assert (mistake.place, found.hints) == (f"channels.duty.{setting}", ())
    assert words in mistake.message
    assert mistake.remedy
    assert "deliveries" not in mistake.remedy, "nothing is parked yet"
    assert "pa55word" not in f"{found}{caplog.text}"


@pytest.mark.parametrize(
    ("channel", "setting", "words"),
    [
        ("{type: webhook, url: 'https://public.example', secret_file: open}", "secret_file", "everybody"),
        ("{type: webhook, url: 'https://gone.example', secret_file: key}", "url", "no address now"),
    ],
)
def test_what_works_but_is_hardly_meant_is_a_hint(tmp_path: Path, channel: str, setting: str, words: str) -> None:
    """A secret for everybody; a name that is not known now, which it may be by then."""
    found = look(tmp_path, channel)
    assert [(one.place, words in one.message) for one in found.hints] == [(f"channels.duty.{setting}", True)]
    assert found.mistakes == ()


@pytest.mark.parametrize(
    "channel",
    [
        "{type: apprise, url: 'mailtos://duty:pa55word@mail.example?to=officer@mail.example'}",
        "{type: directory, path: out/of/three}",
        "{type: webhook, url: 'https://public.example/hook', secret_file: key}",
        "{type: webhook, url: 'https://inside.example:8443', secret_file: key, allow_private: true}",
    ],
)
def test_good_channels_are_not_mentioned(tmp_path: Path, channel: str) -> None:
    """Nor is anything made on the way."""
    assert look(tmp_path, channel) == ChannelFaults()
    assert not (tmp_path / "out").exists()


def test_what_others_own(tmp_path: Path) -> None:
    """A file that may not be read, a folder that may not be written, and one inside a folder that is closed."""
    (tmp_path / "closed").mkdir(mode=0o500)
    (tmp_path / "shut").mkdir(mode=0)
    (tmp_path / "mine").write_text("json://mail.example")
    (tmp_path / "mine").chmod(0)
    if os.access(tmp_path / "mine", os.R_OK):
        pytest.skip("the superuser reads and writes everything")
    (tmp_path / "own").mkdir(mode=0o700)
    for channel in (
        "{type: directory, path: closed/out}",
        "{type: directory, path: shut/a/b}",
        "{type: apprise, url_file: mine}",
    ):
        assert len(look(tmp_path, channel).mistakes) == 1, channel
    (tmp_path / "shut").chmod(0o700)
    assert look(tmp_path, "{type: directory, path: own/out}") == ChannelFaults()


def test_the_command_says_it_with_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, the item and the remedy; nobody is asked for anything."""
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        receiver.settimeout(0.05)
        port = receiver.getsockname()[1]
        channel = f"channels:\n  duty: {{type: webhook, url: 'http://127.0.0.1:{port}', secret: {SECRET}}}\n"
        path = write_config(tmp_path, channel)
        assert run(["config", "check", "--config", str(path)], parts()) == 2
        said = " ".join(capsys.readouterr().out.split())
        assert "channels.duty.url" in said
        assert "127.0.0.1, a loopback address" in said
        assert "allow_private: true" in said
        with pytest.raises(TimeoutError):
            receiver.accept()


def test_a_dead_channel_keeps_no_watch_from_starting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the systemd unit asks before the start: told all the same, and no mistake."""
    path = write_config(tmp_path, "channels:\n  duty: {type: apprise, url: 'nonsense://'}\n")
    assert run(["config", "check", "--config", str(path)], parts()) == 2
    capsys.readouterr()
    assert run(["config", "check", "--before-start", "--config", str(path)], parts()) == 0
    assert "channels.duty.url: Apprise does not know such a URL" in " ".join(capsys.readouterr().out.split())
    unit = Path(__file__).resolve().parent.parent / "deploy" / "systemd" / "scarpwatch.service"
    assert "scarpwatch config check --before-start\n" in unit.read_text()
