"""The process that sends for one channel through Apprise (`python -m monitor.adapters.channels.apprise_process`).

Apprise brings a hundred libraries' worth of ways to open connections, and none of them takes a limit for the whole of a
message. A process of its own can be ended when its time is over, and what it connects to is seen by an audit hook
(https://docs.python.org/3/library/audit_events.html), with the address that is really connected to.

Reads a line of JSON for each message, {"url", "title", "body", "allow_private", "skip"}; writes one for each recipient
as soon as it is known what became of the message there, {"recipient", "taken", "refused", "detail"}. A URL may name
several: each is told by itself, and those in `skip` are not. A last line, {"end": true}, says that there are no more.
"""

import hashlib
import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from itertools import chain
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from monitor.core.network_addresses import inner_address

if TYPE_CHECKING:
    import apprise

IDLE_S = 20.0
"""It ends when nothing was asked for so long."""
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_MOST_DETAIL = 500
_SEVERAL = ("targets", "channels", "topics", "rooms")
"""Where Apprise's plugins keep the recipients of a URL."""


def main() -> None:
    """Send what standard input says, message by message, until there is none for a while."""
    lines: SimpleQueue[str] = SimpleQueue()
    # Who asked holds the other end; when that process is gone, another sends the message, and this one must not.
    threading.Thread(target=_read_until_parent_ends, args=(lines,), daemon=True).start()
    refused: list[str] = []
    checked = False
    while True:
        try:
            asked = json.loads(lines.get(timeout=IDLE_S))
        except Empty:
            os._exit(0)
        refused.clear()
        if not asked["allow_private"] and not checked:
            _refuse_private(refused)
            checked = True
        for line in chain(_send_all(asked, refused), [{"end": True}]):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


def _send_all(asked: Mapping[str, str], refused: list[str]) -> Iterator[dict[str, object]]:
    import apprise

    whole = apprise.Apprise.instantiate(asked["url"], suppress_exceptions=True)
    if whole is None:
        yield {"taken": False, "refused": [], "detail": "", "unknown_url": True}
        return
    for recipient, receiver in _receivers(whole, asked["url"]):
        if recipient not in asked.get("skip", ()):
            yield {"recipient": recipient, **_send(receiver, asked, refused)}


def _receivers(whole: "apprise.NotifyBase", url: str) -> "Iterator[tuple[str, apprise.NotifyBase]]":
    """The recipients of a URL one by one, each by a name that gives no address away.

    Told together, all of them would be told again when one of them failed.
    """
    import apprise

    for attribute in _SEVERAL:
        found = getattr(whole, attribute, None)
        if isinstance(found, list | tuple | set) and len(found) > 1:
            for one in sorted(found, key=repr):
                alone = apprise.Apprise.instantiate(url)  # anew: Apprise waits for seconds between uses of one
                if alone is not None:
                    setattr(alone, attribute, type(found)([one]))
                    yield hashlib.sha256(repr(one).encode()).hexdigest()[:16], alone
            return
    yield "all", whole


def _send(receiver: "apprise.NotifyBase", asked: Mapping[str, str], refused: list[str]) -> dict[str, object]:
    import apprise

    outgoing = apprise.Apprise()
    outgoing.add(receiver)
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:  # type: ignore[no-untyped-call]
        text = apprise.NotifyFormat.TEXT
        taken = bool(outgoing.notify(title=asked["title"], body=asked["body"], body_format=text))
        said = " ".join(log.getvalue().split())
    return {"taken": taken, "refused": refused, "detail": _without_secrets(said, asked["url"])[:_MOST_DETAIL]}


def _refuse_private(refused: list[str]) -> None:
    def check(event: str, arguments: tuple[object, ...]) -> None:
        if event not in _CONNECTS:
            return
        address = arguments[1]
        host = str(address[0]) if isinstance(address, tuple) else "a local socket"
        kind = inner_address(host)
        if kind is not None:
            refused.append(f"{host} ({kind})")
            raise PermissionError(f"{host} is a {kind} address")

    sys.addaudithook(check)


def _without_secrets(text: str, url: str) -> str:
    """What Apprise says, without passwords and tokens: the parts of the URL other than its host."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?]", rest, maxsplit=1)[0].rpartition("@")[2].rpartition(":")[0]
    for part in re.split(r"[/:@?&=]", rest):
        if len(part) > 5 and part not in (host, scheme):
            text = text.replace(part, "…")
    return text


def _read_until_parent_ends(lines: "SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(1)


if __name__ == "__main__":
    main()
