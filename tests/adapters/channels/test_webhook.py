"""Webhooks against real receivers: good, slow, silent, refusing, moving and hiding ones."""

import json
import math
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

from monitor.adapters.channels import checked_network
from monitor.adapters.channels.secrets import Secret
from monitor.adapters.channels.webhook import Webhook, WebhookLimits
from monitor.core.envelopes import MOST_BYTES
from monitor.errors import NotDelivered, Undeliverable
from tests.adapters.channels.messages import LINKS, message, payload, revision
from tests.adapters.channels.receiver import SECRET, Answer, always, receiving
from tests.core.alerts import alert

SHORT = WebhookLimits(connect_s=0.3, whole_s=0.3)
HERE = Secret(item="secret", value=SECRET)


def webhook(
    url: str,
    *,
    allow_private: bool = True,
    limits: WebhookLimits | None = None,
    secret: Secret = HERE,
    resolve: Callable[[str, int], list[str]] | None = None,
) -> Webhook:
    """A webhook of the channel `duty`."""
    address = Secret(item="url", value=url)
    resolver: dict[str, Any] = {} if resolve is None else {"resolve": resolve}
    return Webhook(name="duty", url=address, secret=secret, allow_private=allow_private, limits=limits, **resolver)


def send(outlet: Webhook, **changes: object) -> str:
    """Send one message now: receivers refuse signatures older than five minutes."""
    return outlet.send([message(told=payload(**changes))], datetime.now(UTC))


def test_signed_message_arrives() -> None:
    """The receiver verifies the signature with the library, and the body holds reason, time and payload."""
    with receiving(always(Answer(status=200, body=b"thanks"))) as inbox:
        assert send(webhook(inbox.url)) == "HTTP 200"
    (content,) = inbox.verified
    assert content == {
        "type": "alert.supported",
        "timestamp": "2026-05-01T12:00:00+00:00",
        "data": payload(picture=None),
    }
    assert inbox.ids == ["atsuma-E1:0:duty"]
    assert "scarpwatch-replay" not in inbox.headers[0]


def test_links_arrive() -> None:
    """Where the alert is read and answered, and its picture, as the web has them; with the properties of feeds."""
    told = revision(alert())
    with receiving(always(Answer())) as inbox:
        url = Secret(item="url", value=inbox.url)
        outlet = Webhook(name="duty", url=url, secret=HERE, allow_private=True, links=LINKS)
        outlet.send([told], datetime.now(UTC))
    (content,) = inbox.verified
    assert isinstance(content, dict)
    assert content["data"]["web"] == f"https://watch.example.org/alerts/{told.event_id}"
    assert content["data"]["certainty"] == "possible"


def test_replay_is_said() -> None:
    """What is sent again on demand has the same id and body, and says so in a header."""
    with receiving(always(Answer())) as inbox:
        for replays in (0, 2):
            webhook(inbox.url).send([message(replays=replays)], datetime.now(UTC))
    assert inbox.ids[0] == inbox.ids[1]
    assert inbox.bodies[0] == inbox.bodies[1]
    assert inbox.headers[1]["scarpwatch-replay"] == "2"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_passing_refusal(status: int) -> None:
    """What may be over soon is tried again, no sooner than the receiver asks."""
    busy = Answer(status=status, headers=(("Retry-After", "90"),), body=b"busy\x00\x1b[31m")
    with receiving(always(busy)) as inbox, pytest.raises(NotDelivered, match=f'HTTP {status}: "busy') as caught:
        send(webhook(inbox.url))
    assert caught.value.retry_after_s == 90
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(("status", "reason"), [(400, "http-400"), (401, "http-401"), (404, "http-404"), (410, "gone")])
def test_final_refusal(status: int, reason: str) -> None:
    """What trying again cannot mend is parked, with the receiver's words and the remedy."""
    refusing = receiving(always(Answer(status=status, body=b"no")))
    with refusing as inbox, pytest.raises(Undeliverable, match="deliveries retry") as caught:
        send(webhook(inbox.url))
    assert caught.value.reason == reason


def test_late_acknowledgement_is_none() -> None:
    """A receiver that answers 200 after the time is over has not acknowledged; the next try has the same id."""
    with receiving(lambda inbox: Answer(after_s=30.0 if len(inbox.ids) == 1 else 0.0)) as inbox:
        with pytest.raises(NotDelivered, match=r"within 0\.3 s") as caught:
            send(webhook(inbox.url, limits=SHORT))
        assert caught.value.reason == "timeout"
        send(webhook(inbox.url))
    assert inbox.ids[0] == inbox.ids[1]
    assert inbox.bodies[0] == inbox.bodies[1]


def test_dripping_receiver_does_not_prolong() -> None:
    """A byte now and then keeps no try alive: the time is of the whole of it."""
    with receiving(always(Answer(drip_s=0.1))) as inbox, pytest.raises(NotDelivered, match=r"within 0\.3 s"):
        send(webhook(inbox.url, limits=SHORT))


def test_receiver_that_never_answers() -> None:
    """A connection that is taken and left alone ends with the time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(NotDelivered, match="no answer within"):
            send(webhook(url, limits=SHORT))


def test_nobody_there() -> None:
    """A refused connection may be a receiver that starts again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotDelivered, match="ConnectError"):
        send(webhook(f"http://127.0.0.1:{port}/"))


def test_endless_answer_is_not_read() -> None:
    """Of what a receiver says a few words are read, however much it has to say."""
    endless = receiving(always(Answer(status=404, body=b"x" * 50_000_000)))
    with endless as inbox, pytest.raises(Undeliverable) as caught:
        send(webhook(inbox.url))
    assert len(str(caught.value)) < 1000


def test_redirect_is_told_and_not_followed() -> None:
    """A receiver that points elsewhere, be it to a private address, is parked with the new address."""
    with receiving(always(Answer())) as other:
        moved = Answer(status=307, headers=(("Location", other.url),))
        with receiving(always(moved)) as inbox, pytest.raises(Undeliverable) as caught:
            send(webhook(inbox.url))
    assert caught.value.reason == "redirected"
    assert other.url in str(caught.value)
    assert other.ids == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://0.0.0.0:{port}/"]
)
def test_private_address_is_refused(url: str) -> None:
    """Without leave nothing private is connected to, in whatever notation."""
    with receiving(always(Answer())) as inbox:
        port = inbox.url.partition("127.0.0.1:")[2].partition("/")[0]
        with pytest.raises(Undeliverable, match="allow_private") as caught:
            send(webhook(url.format(port=port), allow_private=False))
    assert caught.value.reason == "private-address"
    assert inbox.ids == []


def _always_at(addresses: list[str], _host: str, _port: int) -> list[str]:
    return addresses


def test_name_of_a_private_address() -> None:
    """A public name that resolves to a private address is refused, also when a public address comes first."""
    with receiving(always(Answer())) as inbox:
        url = inbox.url.replace("127.0.0.1", "alerts.example")
        for addresses in (["127.0.0.1"], ["93.184.215.14", "169.254.169.254"]):
            outlet = webhook(url, allow_private=False, resolve=partial(_always_at, addresses))
            with pytest.raises(Undeliverable, match=r"alerts\.example is at"):
                send(outlet)
    assert inbox.ids == []


def test_rebinding_gains_nothing() -> None:
    """The name is asked for once, and the connection goes to what was answered then."""
    asked: list[str] = []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with receiving(always(Answer())) as inbox:
        send(webhook(inbox.url.replace("127.0.0.1", "alerts.example"), resolve=resolve))
        assert asked == ["alerts.example"]
    assert inbox.headers[0]["host"].startswith("alerts.example:")


def test_unknown_name_may_come_back() -> None:
    """A resolver that fails is no reason to give up."""

    def resolve(host: str, _port: int) -> list[str]:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    with pytest.raises(NotDelivered, match="Temporary failure"):
        send(webhook("https://alerts.example/", resolve=resolve))


def test_unreadable_secret(tmp_path: Path) -> None:
    """A secret file that is gone parks the message and names the file; one that is put back works at once."""
    path = tmp_path / "secret"
    secret = Secret(item="channels.duty.secret", file=path)
    with receiving(always(Answer())) as inbox:
        with pytest.raises(Undeliverable, match=str(path)) as caught:
            send(webhook(inbox.url, secret=secret))
        assert caught.value.reason == "secret-unreadable"
        path.write_text(SECRET + "\n")
        send(webhook(inbox.url, secret=secret))
    assert SECRET not in repr(HERE)


def test_huge_outline_fits() -> None:
    """An outline of 100,000 corners is made simpler until the body fits, and says by how much; the rest is whole."""
    count = 100_000
    ring = [
        [141.9 + 0.02 * math.cos(2 * math.pi * one / count), 42.7 + 0.02 * math.sin(2 * math.pi * one / count)]
        for one in range(count)
    ]
    outline = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    with receiving(always(Answer())) as inbox:
        send(webhook(inbox.url), geometry=outline)
    (body,) = inbox.bodies
    assert len(body) < MOST_BYTES
    assert json.loads(body)["data"]["geometry_tolerance_deg"] == 0.00002


def test_hostile_names_arrive_unharmed() -> None:
    """Markup, quotes, control characters and other scripts come through JSON as they were."""
    name = '</script><!--"]]>&amp;{{x}}\u0000\n厚真町 \u202e'
    with receiving(always(Answer())) as inbox:
        send(webhook(inbox.url), place=name)
    assert json.loads(inbox.bodies[0])["data"]["place"] == name


def test_certificate_is_of_the_name_and_not_of_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the checked address, and the certificate must be of the host that the URL names."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    checked_network._authorities.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("alerts.example").configure_cert(context)
    try:
        with receiving(always(Answer()), tls=context) as inbox:
            good = inbox.url.replace("http://127.0.0.1", "https://alerts.example")
            assert send(webhook(good, resolve=partial(_always_at, ["127.0.0.1"]))) == "HTTP 204"
            other = inbox.url.replace("http://127.0.0.1", "https://other.example")
            with pytest.raises(NotDelivered, match="CERTIFICATE_VERIFY_FAILED"):
                send(webhook(other, resolve=partial(_always_at, ["127.0.0.1"])))
    finally:
        checked_network._authorities.cache_clear()
    assert len(inbox.ids) == 1
