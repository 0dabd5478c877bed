"""Settings of what is told and served: the port, who may ask, who speaks in messages, and the log."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from monitor.core.words import LANGUAGES


class _Part(BaseModel):
    """A key nobody knows is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid")


def _network(value: str) -> str:
    """Refuse what is no network, and the network of everybody: callers would choose their own address."""
    try:
        network = ip_network(value)
    except ValueError as err:
        raise PydanticCustomError("bad_network", "{value} is no address and no network", {"value": value}) from err
    if network.prefixlen == 0:
        raise PydanticCustomError("bad_network", "everybody would be believed: write the networks of your proxies")
    return str(network)


Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>&\"']+[^\s<>&\"'/]$", max_length=500)]


class ServeSettings(_Part):
    """Where the API, the pages, /livez, /readyz and /metrics answer, and to whom."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 9108
    """0 takes any free port."""
    public_url: Address | None = None
    """How the world reaches it, in every link of every message; None: by host and port."""
    public_feeds: bool = False
    """Whether released alerts, their messages and pictures are for everybody. Others always need a token."""
    requests_per_s: Annotated[float, Field(gt=0)] = 100.0
    """Of one token or, without one, of one address."""
    burst: Annotated[int, Field(ge=1)] = 200
    """So many requests may come at once."""
    trusted_proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ("127.0.0.1", "::1")
    """Addresses and networks of proxies before it, whose word on who asks (X-Forwarded-For) is believed."""
    largest_body_kib: Annotated[int, Field(ge=1, le=10_240)] = 64


def _token(value: str) -> str:
    """CAP forbids these in a sender."""
    if not value or any(one.isspace() or one in ",<&" for one in value):
        raise PydanticCustomError("bad_sender", "must be one word without commas, < and &")
    return value


def _known_language(value: str) -> str:
    """Refuse a language without words: its readers would get nothing."""
    if value not in LANGUAGES:
        known = {"value": value, "known": ", ".join(LANGUAGES)}
        raise PydanticCustomError("unknown_language", "there are no words for {value} (known: {known})", known)
    return value


KnownLanguage = Annotated[str, AfterValidator(_known_language)]


class CapGroup(_Part):
    """Who speaks in CAP messages."""

    sender: Annotated[str, AfterValidator(_token)] = "scarpwatch@localhost"
    """Names the operator to the world: an address or a domain of theirs. Ids of messages hold it: never change it."""
    sender_name: Annotated[str, StringConstraints(max_length=200)] = "Scarpwatch"
    contact: Annotated[str, StringConstraints(max_length=200)] = ""


class LogSettings(_Part):
    """What the service says while it works."""

    as_json: Annotated[bool | None, Field(alias="json")] = None
    """None: JSON unless the output is a terminal."""
    level: Literal["debug", "info", "warning", "error"] = "info"
