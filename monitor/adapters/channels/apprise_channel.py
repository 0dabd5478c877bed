"""E-mail, chat, SMS and whatever else Apprise reaches (https://github.com/caronc/apprise/wiki), for people."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime

from monitor.adapters.channels.secrets import Secret
from monitor.core.notices import notice
from monitor.errors import NotDelivered, Undeliverable
from monitor.records import Message

_MODULE = "monitor.adapters.channels.apprise_process"
_STATUS = re.compile(r"error=(\d{3})")
"""How most of Apprise's plugins tell the status of an answer."""
_PASSING = (408, 425, 429)
_THEN_RETRY = "then run `scarpwatch deliveries retry`"


class AppriseChannel:
    """One receiver that Apprise knows. Revisions given together become one message in plain words."""

    def __init__(self, *, name: str, url: Secret, allow_private: bool = False, whole_s: float = 60.0) -> None:
        """`name` is the channel's; a message that takes longer than `whole_s` seconds is not acknowledged."""
        self._name = name
        self._url = url
        self._allow_private = allow_private
        self._whole_s = whole_s

    def send(self, messages: Sequence[Message], now: datetime) -> str:
        """Send one message about all of these; what became of it.

        Raises:
            NotDelivered: it was not acknowledged; to be sent again.
            Undeliverable: the URL is wrong, or its host may not be asked.
        """
        title, body = notice(messages)
        asked = {"url": self._url.read(), "title": title, "body": body, "allow_private": self._allow_private}
        answer = self._ask(asked)
        detail = str(answer.get("detail", ""))
        if answer.get("taken"):
            return f"one message about {len(messages)} revision(s)"
        if answer.get("unknown_url"):
            raise self._refused("Apprise does not know such a URL", "bad-address", "Correct `url`")
        if refused := answer.get("refused"):
            where = ", ".join(dict.fromkeys(str(one) for one in refused)) if isinstance(refused, list) else ""
            remedy = "Where that is meant, set `allow_private: true` on this channel"
            raise self._refused(f"its receiver is at {where}", "private-address", remedy)
        status = next((int(one) for one in _STATUS.findall(detail)), 0)
        said = f"Apprise could not send: {detail or 'it does not say why'}"
        if 400 <= status < 500 and status not in _PASSING:
            raise self._refused(said, f"http-{status}", "Mend what the receiver says")
        raise self._failed(said, f"http-{status}" if status else "not-sent")

    def _ask(self, asked: dict[str, object]) -> dict[str, object]:
        # Proxies of the environment stand on private addresses as a rule, and hide where a connection really goes.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ) if self._allow_private else environment,
            start_new_session=True,  # Ctrl-C is ours to answer
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps(asked).encode() + b"\n")
                process.stdin.flush()
                process.wait(self._whole_s)
                return dict(json.loads(process.stdout.read()))
            except subprocess.TimeoutExpired as err:
                raise self._failed(f"no end within {self._whole_s:g} s", "timeout") from err
            except (OSError, ValueError) as err:
                raise self._failed(f"its process ended with {process.poll()}", "not-sent") from err
            finally:
                process.kill()

    def _failed(self, message: str, reason: str) -> NotDelivered:
        remedy = "It is tried again by itself; if it lasts, ask who runs the receiver"
        return NotDelivered(message, item=f"channel {self._name}", remedy=remedy, reason=reason)

    def _refused(self, message: str, reason: str, remedy: str) -> Undeliverable:
        return Undeliverable(message, item=f"channel {self._name}", remedy=f"{remedy}, {_THEN_RETRY}", reason=reason)
