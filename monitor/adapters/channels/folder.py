"""A folder of files, for systems that fetch rather than listen."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from monitor.adapters.files import write_atomic
from monitor.core.addresses import Addresses
from monitor.core.envelopes import encoded
from monitor.errors import NotDelivered
from monitor.records import Message

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]|^\.")
_NO_LIMIT = 2**40
"""Files may have every corner of an outline."""


class FolderChannel:
    """Writes `<event>/<sequence>.json` and `alive/<region>-<week>.json`.

    A file is complete or not there, and has the same bytes if it is written twice.
    """

    def __init__(self, *, name: str, folder: Path, links: Addresses | None = None) -> None:
        """`name` is the channel's, `links` where alerts are found on the web; the folder comes with the first file."""
        self._name = name
        self._folder = folder
        self._links = links

    def send(self, messages: Sequence[Message], now: datetime) -> str:
        """Write messages; where the last of them lies.

        Raises:
            NotDelivered: the folder cannot be written now.
            DiskFull: no space.
        """
        path = self._folder
        for message in messages:
            path = self._folder / _place(message)
            try:
                write_atomic(path, encoded(message, _NO_LIMIT, self._links))
            except OSError as err:
                raise NotDelivered(
                    f"{path} cannot be written ({err.strerror})",
                    item=f"channel {self._name}",
                    remedy="Let the user that runs Scarpwatch write there, or mount it; it is tried again",
                    reason="folder-unwritable",
                ) from err
        return str(path)


def _place(message: Message) -> Path:
    if message.event_id is not None:
        return Path(_NOT_IN_NAMES.sub("_", message.event_id)) / f"{message.sequence}.json"
    kind, _, name = message.idempotency_key.partition(":")
    return Path(kind) / f"{_NOT_IN_NAMES.sub('_', name.replace(':', '-'))}.json"
