"""Every mistake at once: one of the form hides none of another group, and none in what surrounds the configuration."""

import json
import os
from pathlib import Path

import pytest

from monitor.cli.channel_faults import writable_folder
from monitor.cli.run import run
from tests.fake_watch import parts, write_config

MANY = """\
poll_minutes: 0
nonsense: 1
products: config.yaml/products
layers:
  roads: {kind: roads, path: gone.gpkg}
  huts: {kind: hut, path: lost.gpkg}
channels:
  duty: {type: webhook, url: nonsense, secret: short, regions: [vally]}
  other: {type: webhook, url: nonsense, secret_file: absent}
  mail: {type: apprise, url: 'foo://bar'}
  files: {type: directory, path: config.yaml/out}
"""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from an environment without settings."""
    for name in [name for name in os.environ if name.startswith("SCARPWATCH_")]:
        monkeypatch.delenv(name)


def check(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """The places of all mistakes, as they are told."""
    assert run(["config", "check", "--json", "--config", str(path), *options], parts()) == 2
    return [one["place"] for one in json.loads(capsys.readouterr().out)["mistakes"]]


def test_every_mistake_is_named_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the form, of a name that nobody has, of files and of folders, each once and none that follows from another."""
    path = write_config(tmp_path, MANY)
    path.write_text(path.read_text().replace("catalogs: [local]", "catalogs: [locl]"))
    assert check(path, capsys) == [
        "regions.valley.catalogs[0]",
        "poll_minutes",
        "nonsense",
        "products",
        "layers.roads",
        "layers.huts.kind",
        "layers.huts",
        "channels.duty.url",
        "channels.duty.secret",
        "channels.duty.regions[0]",
        "channels.other.url",
        "channels.other.secret_file",
        "channels.mail.url",
        "channels.files.path",
    ]
    assert "channels.mail.url" not in check(path, capsys, "--before-start")


@pytest.mark.parametrize(
    ("given", "instead", "place"),
    [
        ("type: static", "type: folder", "catalogs.local.type"),
        ("catalogs: [local]", "catalogs: []", "regions.valley.catalogs"),
        ("geometry: area.geojson", "geometry: gone.geojson", "regions.valley.geometry"),
        ("{valley:", "{'a valley':", "regions.a valley"),
        ("regions:", "regions: 3\nother:", "regions"),
    ],
)
def test_what_is_wrong_elsewhere_hides_no_channel(
    given: str, instead: str, place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever the region lacks, its name is known: the channels for it are right, and the one that is not is named."""
    channels = (
        "channels:\n  duty: {type: directory, path: out, regions: [valley]}\n  mail: {type: apprise, url: 'x:'}\n"
    )
    path = write_config(tmp_path, channels)
    text = path.read_text()
    assert given in text
    path.write_text(text.replace(given, instead, 1))
    found = check(path, capsys)
    assert place in found
    assert "channels.mail.url" in found
    assert "catalogs.local.href" not in found


def test_a_setting_of_the_environment_hides_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named by its variable, beside what is wrong around the file."""
    monkeypatch.setenv("SCARPWATCH_POLL_MINUTES", "never")
    path = write_config(tmp_path, "products: config.yaml/products\n")
    assert check(path, capsys) == ["SCARPWATCH_POLL_MINUTES", "products"]


def test_whether_a_folder_can_be_made_is_tried_without_a_trace(tmp_path: Path) -> None:
    """What may be written on paper only, as /proc by root, is found out; nothing is left behind."""
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "at all")
    before = sorted(tmp_path.iterdir())
    assert writable_folder(tmp_path)
    assert writable_folder(tmp_path / "a" / "b")
    assert not writable_folder(tmp_path / ("x" * 300))
    assert not writable_folder(tmp_path / "dangling")
    assert not writable_folder(Path("/proc/nope"))
    assert sorted(tmp_path.iterdir()) == before
