"""Apprise against a real receiver: one message about a storm, refusals, private addresses, time."""

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from monitor.adapters.channels.apprise_channel import AppriseChannel
from monitor.adapters.channels.apprise_process import _without_secrets
from monitor.adapters.channels.secrets import Secret
from monitor.errors import NotDelivered, Undeliverable
from tests.adapters.channels.messages import LINKS, message, payload, revision, surrounded
from tests.adapters.channels.receiver import Answer, Inbox, always, receiving
from tests.core.alerts import alert

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def channel(url: str, *, allow_private: bool = True, whole_s: float = 60.0) -> AppriseChannel:
    """A channel that posts JSON (https://github.com/caronc/apprise/wiki/Notify_Custom_JSON)."""
    address = url.replace("http://", "json://chat:hunter22secret@").partition("/alerts")[0]
    return AppriseChannel(
        name="chat", url=Secret(item="url", value=address), allow_private=allow_private, whole_s=whole_s
    )


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come true."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_one_message_about_a_storm() -> None:
    """Two revisions arrive as one message with title and list; hostile names arrive harmless."""
    told = [message("A"), message("B", 0, payload(context=surrounded('<b>"厚真"</b>&]]>')))]
    with receiving(always(Answer(status=200))) as inbox:
        assert channel(inbox.url).send(told, NOW) == "one message about 2 revision(s)"
    (body,) = inbox.bodies
    content = json.loads(body)
    assert content["title"] == "2 places (atsuma), worst: Landslide warning, atsuma: 2.00 ha, confirmed"
    assert '‹b›"厚真"‹/b›+)) ›'.replace(" ", "") in content["message"].replace(" ", "")


def test_told_in_the_language_and_with_links() -> None:
    """What arrives is in the words of the people, and its addresses are whole."""
    with receiving(always(Answer(status=200))) as inbox:
        url = Secret(item="url", value=inbox.url.replace("http://", "json://").partition("/alerts")[0])
        outlet = AppriseChannel(name="chat", url=url, allow_private=True, language="ja", links=LINKS)
        outlet.send([revision(alert("x~1 ä"))], NOW)
    content = json.loads(inbox.bodies[0])
    assert content["title"] == "土砂崩れの可能性、3.6 ha、地域 atsuma：1回の観測で検出"
    assert "閲覧と回答：https://watch.example.org/alerts/x~1%20%C3%A4\n" in content["message"]
    assert "画像：https://watch.example.org/api/v1/alerts/x~1%20%C3%A4/picture.png\n" in content["message"]


@pytest.mark.parametrize(("status", "error"), [(500, NotDelivered), (404, Undeliverable)])
def test_refusal(status: int, error: type[Exception]) -> None:
    """What may be over soon is tried again, the rest is parked; no password is told."""
    with receiving(always(Answer(status=status))) as inbox, pytest.raises(error, match=f"error={status}") as caught:
        channel(inbox.url).send([message()], NOW)
    assert "hunter22secret" not in str(caught.value)


def test_what_apprise_says_has_no_secrets() -> None:
    """Passwords and tokens are taken out of its words, the host stays."""
    url = "slack://T0KEN-of-ours/B1234567/mail.example.org:8443/?password=hunter22secret"
    said = "could not post to mail.example.org with T0KEN-of-ours and hunter22secret, error=500"
    assert _without_secrets(said, url) == "could not post to … with … and …, error=500"
    mail = "mailtos://duty:hunter22secret@mail.example.org:587?to=someone"
    assert _without_secrets("mail.example.org refuses hunter22secret", mail) == "mail.example.org refuses …"


def test_recipients_of_one_url() -> None:
    """Each is told by itself: who has taken a message is not told again because another has not."""

    def second_is_away(inbox: Inbox) -> Answer:
        return Answer(status=503 if b"+15550000002" in inbox.bodies[-1] and len(inbox.bodies) < 4 else 201)

    with receiving(second_is_away) as inbox:
        url = inbox.url.replace("http://", "signal://").partition("/alerts")[0]
        numbers = [f"+1555000000{number}" for number in (1, 2, 3)]
        outlet = AppriseChannel(
            name="chat", url=Secret(item="url", value=f"{url}/+15550000000/{'/'.join(numbers)}"), allow_private=True
        )
        with pytest.raises(NotDelivered, match=r"error=503.*; 2 other\(s\) took it") as caught:
            outlet.send([message()], NOW)
        assert len(caught.value.taken) == 2
        assert "+1555" not in str(caught.value.taken), "addresses are not kept"
        outlet.send([replace(message(), taken=caught.value.taken)], NOW)
    told = [json.loads(body)["recipients"] for body in inbox.bodies]
    assert sorted(told[:3]) == [[one] for one in numbers]
    assert told[3:] == [["+15550000002"]]


def test_each_recipient_is_told_of_at_once() -> None:
    """While one of several hangs it is known that the one before it has taken the message, whatever comes then."""

    def second_hangs(inbox: Inbox) -> Answer:
        return Answer(status=201, after_s=30 if len(inbox.bodies) == 2 else 0)

    with receiving(second_hangs) as inbox:
        url = inbox.url.replace("http://", "signal://").partition("/alerts")[0]
        asked = {
            "url": f"{url}/+15550000000/+15550000001/+15550000002?rto=60",
            "title": "t",
            "body": "b",
            "allow_private": True,
        }
        command = [sys.executable, "-m", "monitor.adapters.channels.apprise_process"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["taken"] is True
            until(lambda: len(inbox.bodies) == 2)
            process.stdin.close()
            assert process.stdout.readline() == b""


def test_messages_of_a_round_go_through_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise is loaded once for them, also after one that was refused, and it ends with the channel."""
    started: list[int] = []

    def start(*args: object, **options: object) -> "subprocess.Popen[bytes]":
        process = popen(*args, **options)  # type: ignore[call-overload]
        started.append(process.pid)
        return cast("subprocess.Popen[bytes]", process)

    popen = subprocess.Popen
    answers = [Answer(), Answer(status=500), Answer()]
    with receiving(lambda inbox: answers[len(inbox.bodies) - 1]) as inbox:
        outlet = channel(inbox.url)
        monkeypatch.setattr("monitor.adapters.channels.apprise_sender.subprocess.Popen", start)
        outlet.send([message()], NOW)
        with pytest.raises(NotDelivered, match="error=500"):
            outlet.send([message()], NOW)
        outlet.send([message()], NOW)
        assert len(started) == 1
    del outlet
    gc.collect()  # what was raised still held it
    assert not Path(f"/proc/{started[0]}").exists()


def test_private_address_is_refused() -> None:
    """What Apprise really connects to is checked, whatever the URL says."""
    with receiving(always(Answer())) as inbox:
        outlet = channel(inbox.url.replace("127.0.0.1", "localhost"), allow_private=False)
        with pytest.raises(Undeliverable, match="loopback") as caught:
            outlet.send([message()], NOW)
    assert caught.value.reason == "private-address"
    assert inbox.ids == []


def test_slow_receiver_is_left() -> None:
    """A message that takes too long is not acknowledged, and its process is gone."""
    with receiving(always(Answer(after_s=30))) as inbox, pytest.raises(NotDelivered, match=r"within 0\.1 s"):
        channel(inbox.url, whole_s=0.1).send([message()], NOW)


def test_url_that_apprise_does_not_know(tmp_path: Path) -> None:
    """A wrong URL is parked, without showing it; so is one whose file is gone."""
    with pytest.raises(Undeliverable, match="does not know") as caught:
        AppriseChannel(name="chat", url=Secret(item="url", value="nonsense://me:hunter22secret@x")).send(
            [message()], NOW
        )
    assert "hunter22secret" not in str(caught.value)
    gone = Secret(item="channels.chat.url", file=tmp_path / "gone")
    with pytest.raises(Undeliverable, match="cannot be read"):
        AppriseChannel(name="chat", url=gone).send([message()], NOW)


def test_process_ends_with_the_one_that_asked() -> None:
    """When the sender is killed its process ends too: another sender takes the message over."""
    with receiving(always(Answer(after_s=30))) as inbox:
        url = inbox.url.replace("http://", "json://").partition("/alerts")[0]
        asked = {"url": f"{url}?rto=60", "title": "t", "body": "b", "allow_private": True}
        command = [sys.executable, "-m", "monitor.adapters.channels.apprise_process"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            until(lambda: bool(inbox.bodies))
            process.stdin.close()
            assert process.wait(20) == 1
