"""The group `channels`: where alerts are sent."""

import base64
import binascii
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.records import AlertStatus, Channel, RateLimit, Tier

_LEAST_SECRET_BYTES = 24
"""Standard Webhooks asks for 24 to 64 (https://github.com/standard-webhooks/standard-webhooks, signature scheme)."""
_ONLY: dict[str, frozenset[str]] = {
    "url": frozenset({"webhook", "apprise"}),
    "url_file": frozenset({"webhook", "apprise"}),
    "secret": frozenset({"webhook"}),
    "secret_file": frozenset({"webhook"}),
    "path": frozenset({"directory"}),
    "allow_private": frozenset({"webhook", "apprise"}),
    "gather_minutes": frozenset({"apprise"}),
}
"""Settings that not every type of channel has."""
_NEEDED = {"webhook": (("url", "url_file"), ("secret", "secret_file")), "apprise": (("url", "url_file"),)}
"""Of each of these one must be given."""


class LimitSettings(BaseModel):
    """How many messages a channel takes; what is over waits."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1)]
    per_minutes: Annotated[float, Field(gt=0, le=1440)] = 60.0


class EscalationSettings(BaseModel):
    """After how long without an answer a channel hears of an alert, by tier; a tier left out: never."""

    model_config = ConfigDict(extra="forbid")

    warning_minutes: Annotated[float | None, Field(ge=1, le=10080)] = None
    watch_minutes: Annotated[float | None, Field(ge=1, le=10080)] = None

    @model_validator(mode="after")
    def _of_some_tier(self) -> Self:
        if not self.record():
            words = "warning_minutes or watch_minutes is needed"
            raise PydanticCustomError("no_tier", words)
        return self

    def record(self) -> dict[Tier, timedelta]:
        """The times by tier."""
        given = {Tier.WARNING: self.warning_minutes, Tier.WATCH: self.watch_minutes}
        return {tier: timedelta(minutes=minutes) for tier, minutes in given.items() if minutes is not None}


class ChannelSettings(BaseModel):
    """One receiver, and what it wants to hear."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["webhook", "apprise", "directory"]
    url: SecretStr | None = None
    """webhook: where messages are posted; apprise: an Apprise URL, such as mailtos://…"""
    url_file: Path | None = None
    """A file with the URL, for one that holds a password."""
    secret: SecretStr | None = None
    """whsec_… of Standard Webhooks."""
    secret_file: Path | None = None
    path: Path | None = None
    """directory: the folder."""
    regions: tuple[str, ...] = ()
    """Empty: all."""
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)] = tuple(Tier)
    statuses: Annotated[tuple[AlertStatus, ...], Field(min_length=1)] = (AlertStatus.ACTUAL,)
    """A channel for drills takes exercise and test."""
    allow_private: bool = False
    """Whether the receiver may have an address of a private network."""
    gather_minutes: Annotated[float, Field(ge=0, le=720)] = 10.0
    """apprise: so long the first revision of a storm waits for others, to be told in one message."""
    at_most: LimitSettings | None = None
    give_up_after_days: Annotated[float, Field(gt=0, le=90)] = 3.0
    """A message that fails so long is parked."""
    alive: bool = True
    """Whether it hears every week how the watch stands (`alive`)."""
    escalation: EscalationSettings | None = None
    """It hears of alerts only that nobody has answered for so long; None: it hears of all at once."""

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        details = [InitErrorDetails(type=error, loc=(place,), input=None) for place, error in self._mistakes()]
        if details:
            raise ValidationError.from_exception_data("channel", details)
        return self

    def _mistakes(self) -> Iterator[tuple[str, PydanticCustomError]]:
        kind = {"kind": self.type}
        for name in sorted(self.model_fields_set):
            if self.type not in _ONLY.get(name, {self.type}):
                yield name, PydanticCustomError("not_for_type", "a channel of type {kind} has no such setting", kind)
        for name, in_file in _NEEDED.get(self.type, ()):
            if getattr(self, name) is None and getattr(self, in_file) is None:
                yield name, PydanticCustomError("needed_for_type", "a channel of type {kind} needs this", kind)
            if getattr(self, name) is not None and getattr(self, in_file) is not None:
                yield in_file, PydanticCustomError("given_twice", "it is given in a file and beside it")
        if self.type == "directory" and self.path is None:
            yield "path", PydanticCustomError("needed_for_type", "a channel of type {kind} needs this", kind)
        if self.type == "webhook" and self.url is not None and not is_web_address(self.url.get_secret_value()):
            yield "url", PydanticCustomError("bad_url", "this is no address of the web")
        if self.secret is not None and not is_standard_secret(self.secret.get_secret_value()):
            words = "this is no secret of Standard Webhooks: whsec_ and 24 bytes or more in base64"
            yield "secret", PydanticCustomError("bad_secret", words)

    @property
    def target(self) -> str:
        """Where it leads, without anything that may be secret: of a URL the scheme and, of a webhook, the host."""
        if self.type == "directory":
            return str(self.path)
        if self.url is None:
            return f"(in {self.url_file})"
        parts = urlsplit(self.url.get_secret_value())
        return f"{parts.scheme}://{parts.hostname}/…" if self.type == "webhook" else f"{parts.scheme}://…"

    def record(self, name: str) -> Channel:
        """The channel as delivery sees it."""
        limit = self.at_most
        gathers = self.type == "apprise"
        return Channel(
            name=name,
            regions=frozenset(self.regions),
            tiers=frozenset(self.tiers),
            statuses=frozenset(self.statuses),
            gather=timedelta(minutes=self.gather_minutes if gathers else 0),
            at_most=None if limit is None else RateLimit(count=limit.count, per=timedelta(minutes=limit.per_minutes)),
            give_up_after=timedelta(days=self.give_up_after_days),
            alive=self.alive,
            escalation=self.escalation.record() if self.escalation is not None else {},
        )


def heard_at_once(channels: dict[str, ChannelSettings]) -> dict[str, ChannelSettings]:
    """Refuse channels that all wait for others to be told: nobody would ever be."""
    if channels and all(one.escalation is not None for one in channels.values()):
        words = "every channel waits until another was told, and none is: take `escalation` off one of them"
        error = PydanticCustomError("nobody_at_once", words)
        details = [InitErrorDetails(type=error, loc=(name, "escalation"), input=None) for name in list(channels)[:1]]
        raise ValidationError.from_exception_data("channels", details)
    return channels


def is_web_address(url: str) -> bool:
    """Whether a URL is one that webhooks can be posted to."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_standard_secret(text: str) -> bool:
    """Whether a text is a secret of Standard Webhooks, long enough."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_") + "==", validate=False)
    except (binascii.Error, ValueError):
        return False
    return len(key) >= _LEAST_SECRET_BYTES
