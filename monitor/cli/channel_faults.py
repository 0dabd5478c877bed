"""What would keep alerts from people at night: looked at by `config check`, where a delivery only parks them.

Nothing is sent. The one thing asked outside this machine is the resolver, for the addresses of webhooks.
"""

import logging
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from urllib.parse import urlsplit

from monitor.adapters.channels.secrets import Secret
from monitor.config import ChannelSettings, Mistake, Settings
from monitor.config.channels import is_standard_secret, is_web_address
from monitor.errors import NotDelivered, Undeliverable

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port to addresses."""
_PORTS = {"https": 443, "http": 80}
_APPRISE = "Write the URL as https://github.com/caronc/apprise/wiki has it for this receiver."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFaults:
    """What was found."""

    mistakes: tuple[Mistake, ...] = ()
    """What is parked as soon as there is an alert."""
    hints: tuple[Mistake, ...] = ()
    """What works, or may work by then."""


def channel_faults(settings: Settings, resolve: Resolver | None = None) -> ChannelFaults:
    """Look at every channel: its files, its address, its folder.

    Args:
        resolve: finds the addresses of a host; None: the system's.
    """
    faults: list[Mistake] = []
    hints: list[Mistake] = []
    for name, channel in settings.channels.items():
        place = f"channels.{name}"
        hints += _readable_by_all(place, channel)
        faults += _folder(place, channel)
        url, unreadable = _text(place, channel, "url")
        faults += unreadable
        if url and channel.type == "webhook":
            wrong, doubted = _webhook(_key(place, channel, "url"), url, channel.allow_private, resolve)
            faults += wrong
            hints += doubted
        if url and channel.type == "apprise" and not _apprise_knows(url):
            faults.append(Mistake(_key(place, channel, "url"), "Apprise does not know such a URL", _APPRISE))
        secret, unreadable = _text(place, channel, "secret")
        faults += unreadable
        if secret and not is_standard_secret(secret):
            words = "this is no secret of Standard Webhooks"
            faults.append(Mistake(_key(place, channel, "secret"), words, "Give whsec_ and 24 bytes or more in base64."))
    return ChannelFaults(mistakes=tuple(faults), hints=tuple(hints))


def writable_folder(path: Path) -> bool:
    """Whether a folder can be written, or made: tried, because rights on paper say little (root, read-only, /proc).

    What is missing is made beside its place and taken away again, so that nothing that others look for comes and goes.
    """
    there = path
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    try:
        with TemporaryDirectory(prefix=".scarpwatch-", dir=there) as made:
            folder = Path(made, path.relative_to(there))
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                return True
    except OSError:
        return False


def _key(place: str, channel: ChannelSettings, setting: str) -> str:
    """The setting as it is written: with its text, or with the file that holds it."""
    in_file = getattr(channel, f"{setting}_file") is not None
    return f"{place}.{setting}_file" if in_file else f"{place}.{setting}"


def _text(place: str, channel: ChannelSettings, setting: str) -> tuple[str, list[Mistake]]:
    """A secret as it is read at every try; empty where there is none, or none can be read."""
    given, file = getattr(channel, setting), getattr(channel, f"{setting}_file")
    key = _key(place, channel, setting)
    try:
        return Secret(item=key, value=given.get_secret_value() if given else None, file=file).read(), []
    except Undeliverable as error:
        remedy = "Correct the path, or let the user that runs Scarpwatch read the file."
        return "", [Mistake(key, error.message, remedy)]


def _readable_by_all(place: str, channel: ChannelSettings) -> Iterator[Mistake]:
    for setting in ("url_file", "secret_file"):
        file: Path | None = getattr(channel, setting)
        if file is None:
            continue
        try:
            mode = file.stat().st_mode
        except OSError:  # told as a file that cannot be read
            continue
        if mode & stat.S_IROTH:
            remedy = f"Take the right from others: chmod o-r {file}"
            yield Mistake(f"{place}.{setting}", f"everybody on this machine may read {file}", remedy)


def _folder(place: str, channel: ChannelSettings) -> Iterator[Mistake]:
    if channel.path is not None and not writable_folder(channel.path):
        remedy = "Choose a folder that the user running Scarpwatch may make and write, or mount it."
        yield Mistake(f"{place}.path", f"the folder {channel.path} can be neither written nor made", remedy)


def _webhook(key: str, url: str, allow_private: bool, resolve: Resolver | None) -> tuple[list[Mistake], list[Mistake]]:
    """What is wrong with an address, and what may be."""
    # Imported when it is needed: `--help` needs no client of the web.
    from monitor.adapters.channels.checked_network import checked_addresses, system_resolver

    if not is_web_address(url):
        return [Mistake(key, "this is no address of the web", "Write https://host/path.")], []
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        checked_addresses(host, port, resolve or system_resolver, allow_private, key)
    except Undeliverable as error:
        remedy = "Correct the address; where that is meant, set `allow_private: true` on this channel."
        return [Mistake(key, error.message, remedy)], []
    except NotDelivered as error:
        return [], [Mistake(key, error.message, "See the name, and the resolver of this machine.")]
    return [], []


def _apprise_knows(url: str) -> bool:
    """Whether Apprise can make a receiver of a URL. Its log of one that it cannot is kept back: it has the password."""
    # Imported when it is needed: it reads a hundred plugins.
    import apprise

    log = logging.getLogger("apprise")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # plugins use what Python is about to drop
            return apprise.Apprise.instantiate(url, suppress_exceptions=True) is not None
    finally:
        log.disabled = before
