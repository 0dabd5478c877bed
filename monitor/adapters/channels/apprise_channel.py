"""E-mail, chat, SMS and whatever else Apprise reaches (https://github.com/caronc/apprise/wiki), for people."""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from weakref import finalize

from monitor.adapters.channels.apprise_sender import Sender
from monitor.adapters.channels.secrets import Secret
from monitor.core.addresses import Addresses
from monitor.core.notices import notice
from monitor.errors import NotDelivered, Undeliverable
from monitor.records import Message

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
        self._kept: Sender | None = None
        self._end: Callable[[], object] = lambda: None

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
        sender, until = self._sender(), time.monotonic() + self._whole_s
        told: list[dict[str, object]] = []
        ended = False
        try:
            sender.ask(asked)
            while not ended and (line := sender.answer(until)) is not None:
                ended = "end" in line
                told += [] if ended else [line]
        except TimeoutError:
            return [*told, {"taken": False, "timeout": True, "detail": f"no end within {self._whole_s:g} s"}], True
        except (OSError, ValueError) as err:
            raise self._failed(f"its process ended with {sender.ended_with}", "not-sent") from err
        finally:
            if not ended:
                self._end()
        return told, ended

    def _sender(self) -> Sender:
        """The process that sent the message before, when that was just now; else a new one."""
        if self._kept is not None and self._kept.is_ready:
            return self._kept
        self._end()
        # Proxies of the environment stand on private addresses as a rule, and hide where a connection really goes.
        proxied = self._allow_private
        environment = {name: value for name, value in os.environ.items() if proxied or not _is_proxy(name)}
        self._kept = Sender(environment)
        self._end = finalize(self, self._kept.end)
        return self._kept

    def _failed(self, message: str, reason: str) -> NotDelivered:
        remedy = "It is tried again by itself; if it lasts, ask who runs the receiver"
        return NotDelivered(message, item=f"channel {self._name}", remedy=remedy, reason=reason)

    def _refused(self, message: str, reason: str, remedy: str) -> Undeliverable:
        return Undeliverable(message, item=f"channel {self._name}", remedy=f"{remedy}, {_THEN_RETRY}", reason=reason)


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy")
