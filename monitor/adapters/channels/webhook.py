"""Webhooks with the signatures of Standard Webhooks (https://www.standardwebhooks.com)."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import httpcore
import httpx
from standardwebhooks import Webhook as Signer

from monitor.adapters.channels.checked_network import (
    CheckedNetwork,
    CheckedTransport,
    Resolver,
    first_words,
    system_resolver,
)
from monitor.adapters.channels.secrets import Secret
from monitor.adapters.hosts import TOO_MANY_REQUESTS, retry_after_s
from monitor.core.addresses import Addresses
from monitor.core.envelopes import encoded
from monitor.errors import NotDelivered, Undeliverable
from monitor.records import Message
from monitor.shipped import installed_version

_PASSING = (408, 425, TOO_MANY_REQUESTS)
"""Answers of the kind 4xx that say: later."""
_GONE = 410
_AGAIN = "It is tried again by itself; if it lasts, ask who runs the receiver"
_THEN_RETRY = "then run `scarpwatch deliveries retry`"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLimits:
    """How long one try may take."""

    connect_s: float = 5.0
    whole_s: float = 15.0
    """From the first packet to the end of the answer's head: an acknowledgement after that is none."""


class Webhook:
    """One receiver. Each message is one POST."""

    def __init__(
        self,
        *,
        name: str,
        url: Secret,
        secret: Secret,
        allow_private: bool = False,
        links: Addresses | None = None,
        limits: WebhookLimits | None = None,
        resolve: Resolver = system_resolver,
    ) -> None:
        """`name` is the channel's, `links` where alerts are found on the web; nothing is opened."""
        self._name = name
        self._url = url
        self._secret = secret
        self._allow_private = allow_private
        self._links = links
        self._limits = limits or WebhookLimits()
        self._resolve = resolve

    def send(self, messages: Sequence[Message], now: datetime) -> str:
        """Send one message; what the receiver answered.

        Raises:
            NotDelivered: no acknowledgement in time; to be sent again.
            Undeliverable: the receiver refuses it, has moved, or may not be asked.
        """
        (message,) = messages
        body = encoded(message, links=self._links)
        headers = self._headers(message, body, now)
        network = CheckedNetwork(
            resolve=self._resolve,
            allow_private=self._allow_private,
            item=self._item,
            whole_s=self._limits.whole_s,
        )
        timeout = httpx.Timeout(self._limits.whole_s, connect=self._limits.connect_s)
        url = self._url.read()
        with closing(CheckedTransport(network, encrypted=url.lower().startswith("https:"))) as transport:
            client = httpx.Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
            try:
                with client.stream("POST", url, content=body, headers=headers) as response:
                    return self._judge(response, now)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpcore.UnsupportedProtocol) as err:
                raise self._refused(f"its address is none ({err})", "bad-address", "Correct `url`") from err
            except (httpx.TransportError, httpcore.NetworkError, httpcore.ProtocolError) as err:
                raise self._failed(f"no answer ({type(err).__name__}: {err})", "no-answer") from err
            except httpcore.TimeoutException as err:
                seconds = self._limits.whole_s
                raise self._failed(f"no answer within {seconds:g} s ({type(err).__name__})", "timeout") from err

    def _headers(self, message: Message, body: bytes, now: datetime) -> dict[str, str]:
        try:
            signature = Signer(self._secret.read()).sign(message.id, now.astimezone(UTC), body.decode())
        except ValueError as err:
            raise self._refused("its secret is not base64", "bad-secret", "Correct `secret` (whsec_…)") from err
        headers = {
            "content-type": "application/json",
            "user-agent": f"scarpwatch/{installed_version()}",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        return headers | ({"scarpwatch-replay": str(message.replays)} if message.replays else {})

    def _judge(self, response: httpx.Response, now: datetime) -> str:
        """What an answer means; only 2xx is an acknowledgement."""
        status = response.status_code
        if response.is_success:
            return f"HTTP {status}"
        if 300 <= status < 400:
            where = response.headers.get("location", "nowhere")[:500]
            remedy = f"If that is right, write it into `url`; redirects are not followed. {_THEN_RETRY.capitalize()}"
            raise self._refused(f"it answers HTTP {status} and points to {where}", "redirected", remedy)
        words = first_words(response)
        said = f"it answers HTTP {status}" + (f': "{words}"' if words else "")
        if status in _PASSING or status >= 500:
            raise self._failed(said, f"http-{status}", retry_after_s(response.headers.get("retry-after"), now))
        if status == _GONE:
            raise self._refused(said, "gone", "The receiver wants no more: take the channel off the configuration, or")
        raise self._refused(said, f"http-{status}", "Mend what the receiver says")

    @property
    def _item(self) -> str:
        return f"channel {self._name}"

    def _failed(self, message: str, reason: str, retry_after: float | None = None) -> NotDelivered:
        return NotDelivered(message, item=self._item, remedy=_AGAIN, reason=reason, retry_after_s=retry_after)

    def _refused(self, message: str, reason: str, remedy: str) -> Undeliverable:
        if "then run" not in remedy.lower():
            remedy = f"{remedy}, {_THEN_RETRY}"
        return Undeliverable(message, item=self._item, remedy=remedy, reason=reason)
