"""E-mail, chat, SMS and whatever else Apprise reaches (https://github.com/caronc/apprise/wiki), for people."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.adapters.channels.secrets import Secret
from monitor.core.addresses import Addresses
from monitor.core.notices import notice
from monitor.errors import NotDelivered, Undeliverable
from monitor.records import Message

_MODULE = "monitor.adapters.channels.apprise_process"
_STATUS = re.compile(r"error=(\d{3})")
"""How most of Apprise's plugins tell the status of an answer."""
_PASSING = (408, 425, 429)
_THEN_RETRY = "then run `scarpwatch deliveries retry`"


class AppriseChannel:
    """One URL that Apprise knows. Revisions given together become one message in plain words.

    Where the URL names several recipients, each is told by itself: one that fails is told again, the others are not.
    """

    def __init__(
        self,
        *,
        name: str,
        url: Secret,
        allow_private: bool = False,
        whole_s: float = 60.0,
        language: str = "en",
        links: Addresses | None = None,
    ) -> None:
        """`name` is the channel's; a message that takes longer than `whole_s` seconds is not acknowledged.

        It is told in `language`; `links` is where alerts are found on the web.
        """
        self._name = name
        self._url = url
        self._allow_private = allow_private
        self._whole_s = whole_s
        self._language = language
        self._links = links

    def send(self, messages: Sequence[Message], now: datetime) -> str:
        """Send one message about all of these; what became of it.

        Raises:
            NotDelivered: it was not acknowledged; to be sent again.
            Undeliverable: the URL is wrong, or its host may not be asked.
        """
        title, body = notice(messages, self._language, self._links)
        earlier = messages[0].taken  # alike in all that are told together
        asked = {
            "url": self._url.read(),
            "title": title,
            "body": body,
            "allow_private": self._allow_private,
            "skip": sorted(earlier),
        }
        answers, ended = self._ask(asked)
        failures = [self._failure(one) for one in answers if not one.get("taken")]
        if not ended and not failures:
            failures = [self._failed("its process ended too early", "not-sent")]
        if not failures:
            return f"one message about {len(messages)} revision(s)"
        # What may be over soon is tried again, and what is refused for good meets its refusal again then.
        worst = next((one for one in failures if isinstance(one, NotDelivered)), failures[0])
        taken = frozenset(str(one["recipient"]) for one in answers if one.get("taken"))
        said = f"{worst.message}; {len(taken | earlier)} other(s) took it" if taken | earlier else worst.message
        error = type(worst)(said, item=worst.item, remedy=worst.remedy, reason=worst.reason)
        error.taken = taken
        raise error

    def _failure(self, answer: Mapping[str, object]) -> NotDelivered | Undeliverable:
        """What became of the message at a recipient that did not take it."""
        detail = str(answer.get("detail", ""))
        if answer.get("timeout"):
            return self._failed(detail, "timeout")
        if answer.get("unknown_url"):
            return self._refused("Apprise does not know such a URL", "bad-address", "Correct `url`")
        if refused := answer.get("refused"):
            where = ", ".join(dict.fromkeys(str(one) for one in refused)) if isinstance(refused, list) else ""
            remedy = "Where that is meant, set `allow_private: true` on this channel"
            return self._refused(f"its receiver is at {where}", "private-address", remedy)
        status = next((int(one) for one in _STATUS.findall(detail)), 0)
        said = f"Apprise could not send: {detail or 'it does not say why'}"
        if 400 <= status < 500 and status not in _PASSING:
            return self._refused(said, f"http-{status}", "Mend what the receiver says")
        return self._failed(said, f"http-{status}" if status else "not-sent")

    def _ask(self, asked: dict[str, object]) -> tuple[list[dict[str, object]], bool]:
        """What became of the message at each recipient, and whether the process has told it of all."""
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
                try:
                    process.wait(self._whole_s)
                    late: list[dict[str, object]] = []
                except subprocess.TimeoutExpired:
                    process.kill()
                    late = [{"taken": False, "timeout": True, "detail": f"no end within {self._whole_s:g} s"}]
                told = [dict(json.loads(line)) for line in process.stdout if line.endswith(b"\n")]
                return [one for one in told if "end" not in one] + late, bool(late or (told and "end" in told[-1]))
            except (OSError, ValueError) as err:
                raise self._failed(f"its process ended with {process.poll()}", "not-sent") from err
            finally:
                process.kill()

    def _failed(self, message: str, reason: str) -> NotDelivered:
        remedy = "It is tried again by itself; if it lasts, ask who runs the receiver"
        return NotDelivered(message, item=f"channel {self._name}", remedy=remedy, reason=reason)

    def _refused(self, message: str, reason: str, remedy: str) -> Undeliverable:
        return Undeliverable(message, item=f"channel {self._name}", remedy=f"{remedy}, {_THEN_RETRY}", reason=reason)
