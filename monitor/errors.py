"""The one tree of errors.

    ScarpwatchError
    ├── Transient            try again later: the acquisition goes back to the queue with a delay
    │   ├── CatalogUnavailable
    │   ├── AssetUnavailable
    │   ├── ClusterUnavailable
    │   ├── StoreBusy
    │   ├── DiskFull
    │   ├── NotDelivered
    │   └── DrillFailed
    └── Permanent            trying again cannot help: the acquisition is parked and a person is told
        ├── ConfigError
        ├── BadItem
        ├── BadAsset
        ├── BadModel
        ├── InputFault
        ├── Poisoned
        ├── Refused
        └── Undeliverable

Every error names the item it is about and what to do next, so that the message alone is enough at three in the morning.
"""


def sentences(message: str, remedy: str) -> str:
    """What happened and what to do, one after the other; others' words may end with a mark of their own."""
    return f"{message}{'' if message.endswith(('.', '?', '!', '…')) else '.'} {remedy}"


class ScarpwatchError(Exception):
    """An error with the thing it is about and the remedy.

    Args:
        message: what happened.
        item: the scene, file, region or setting it happened to.
        remedy: what a person should do next.
        reason: a short stable word (kebab-case), stored and counted.
    """

    default_reason = "error"

    def __init__(self, message: str, *, item: str, remedy: str, reason: str | None = None) -> None:
        super().__init__(f"{item}: {sentences(message, remedy)}")
        self.message = message
        self.item = item
        self.remedy = remedy
        self.reason = reason or self.default_reason

    def __reduce__(self) -> tuple[object, ...]:
        """Errors come back whole from other processes; by default exceptions are made anew of their text alone."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[ScarpwatchError], said: tuple[object, ...], state: dict[str, object]) -> ScarpwatchError:
    error = kind.__new__(kind, *said)
    error.__dict__.update(state)
    return error


HOST_RESTING = "host-resting"
"""Reason: a host has failed again and again and is left alone for a while; nothing was asked of it."""


class Transient(ScarpwatchError):
    """The world may be better in a minute: try again with a delay.

    Args:
        retry_after_s: seconds before which trying again is unwelcome or of no use, when that is known.
        tried: False when nothing was asked of the world (a host rests): such a try does not count.
    """

    default_reason = "transient"

    def __init__(
        self,
        message: str,
        *,
        item: str,
        remedy: str,
        reason: str | None = None,
        retry_after_s: float | None = None,
        tried: bool = True,
    ) -> None:
        super().__init__(message, item=item, remedy=remedy, reason=reason)
        self.retry_after_s = retry_after_s
        self.tried = tried


class CatalogUnavailable(Transient):
    """A catalog cannot be reached, answers 5xx or 429, or sends something that is not STAC."""

    default_reason = "catalog-unavailable"


class AssetUnavailable(Transient):
    """An asset cannot be fetched right now (connection, 5xx, 429, 403 with a fresh token, no token)."""

    default_reason = "asset-unavailable"


class ClusterUnavailable(Transient):
    """Blocks of tiles cannot be given to other processes now: no scheduler, no worker, or other ones than these."""

    default_reason = "cluster-unavailable"


class StoreBusy(Transient):
    """The database is locked or gone."""

    default_reason = "store-busy"


class DiskFull(Transient):
    """A product could not be written for lack of space."""

    default_reason = "disk-full"


class NotDelivered(Transient):
    """A receiver did not acknowledge a message: no connection, no answer in time, 5xx or 429.

    `taken` names those of several recipients that have taken it.
    """

    default_reason = "not-delivered"
    taken: frozenset[str] = frozenset()


class DrillFailed(Transient):
    """An exercise of the service gave no report; the next one may."""

    default_reason = "drill-failed"


class Permanent(ScarpwatchError):
    """Trying again gives the same result: park it and tell a person."""

    default_reason = "permanent"


class ConfigError(Permanent):
    """A setting is wrong."""

    default_reason = "bad-config"


class BadItem(Permanent):
    """A STAC item lacks what the service needs (geometry, datetime, asset)."""

    default_reason = "bad-item"


class BadAsset(Permanent):
    """An asset exists but is not a readable raster with a CRS (HTML, truncated, no CRS)."""

    default_reason = "bad-asset"


class BadModel(Permanent):
    """A model folder whose card and weights do not agree."""

    default_reason = "bad-model"


class InputFault(Permanent):
    """Pixels contradict the ground or their metadata (misregistration, zero fill, doubled offset)."""

    default_reason = "input-fault"


class Poisoned(Permanent):
    """Work that ends the process of whoever does it, every time."""

    default_reason = "poisoned"


class Refused(Permanent):
    """What a person asked for cannot be done as things are; `reason` says why, for programs."""

    default_reason = "refused"


class Undeliverable(Permanent):
    """A receiver refuses a message (4xx), has moved, or may not be asked (private address, unreadable secret).

    `taken` names those of several recipients that have taken it.
    """

    default_reason = "undeliverable"
    taken: frozenset[str] = frozenset()


_LONGEST_WORD = 60
"""Characters that may be lost to a cut between words."""


def one_line(error: BaseException, most: int = 500) -> str:
    """What an error says, on one line of at most so many characters, cut between words: servers answer with pages.

    A long word, such as an address or compact JSON, is cut itself: it may be all that was said.
    """
    said = " ".join(str(error).split())
    if len(said) <= most:
        return said
    kept = said[: most - 2]
    words = kept.rsplit(" ", 1)[0]
    return f"{words if len(kept) - len(words) <= _LONGEST_WORD else kept} …"


def joined(text: str) -> str:
    """Several lines of somebody else's on one, without tabs and indents."""
    said = ""
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        between = " " if said.endswith((".", "?", "!", ":", ";")) else "; "
        said += f"{between}{line}" if said else line
    return said
