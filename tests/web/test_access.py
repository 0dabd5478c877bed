"""Tokens, roles, limits and mistakes: who may do what, and what everybody else is told."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from monitor.adapters.store.tokens import PREFIX
from monitor.records import EventState, Role, Silence
from monitor.web import server as web_server
from tests.adapters.store.factories import NOW
from tests.web.conftest import Site, served


def problem(answer: httpx.Response, status: int) -> dict[str, object]:
    """A problem of RFC 9457 that says what to do."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, object] = answer.json()
    assert said["status"] == status
    assert said["detail"]
    assert said["item"]
    assert said["remedy"]
    return said


def test_without_a_token_nothing_is_told(site: Site) -> None:
    """But how to get one."""
    with site.client(None) as anyone:
        for path in ("/feeds/atom.xml", "/api/v1/alerts", "/api/v1/alerts/E1", "/api/v1/coverage", "/api/v1/regions"):
            answer = anyone.get(path)
            assert "tokens add" in str(problem(answer, 401)["remedy"])
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_silences_are_shown_to_those_who_are_let_in(public: Site) -> None:
    """Until when, by whom and why; who does not belong there is not told that nobody is."""
    now = datetime.now(UTC)
    until = now + timedelta(days=2)
    silence = Silence(id=0, region=None, start=now, until=until, geometry=None, why="<b>works</b>", by="kk", at=now)
    number = public.store.add_silence(silence)
    line = (
        f"silence {number}: all regions until {until:%Y-%m-%d %H:%M} UTC, by kk (&lt;b&gt;works&lt;/b&gt;): 0 message"
    )
    with public.client(None) as anyone, public.client() as reader:
        assert line in reader.get("/").text
        assert f"silence {number}" not in anyone.get("/").text
    public.store.end_silence(number, now)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer nonsense", "Basic YTpi", "Bearer \xe9", f"Bearer {PREFIX}{'a' * 43}"]
)
def test_a_token_that_is_nobodys_is_refused(public: Site, header: str) -> None:
    """Also where everybody may see what was released: a mistake is not silently another role."""
    with public.client(None) as anyone:
        problem(anyone.get("/feeds/atom.xml", headers={b"Authorization": header.encode("latin-1")}), 401)


def test_a_token_revoked_in_mid_session_ends_at_once(site: Site) -> None:
    """The next request on the same connection is refused."""
    with site.client(name="leaver") as leaver:
        assert leaver.get("/api/v1/alerts/E1").status_code == 200
        assert site.tokens.revoke("leaver", NOW)
        problem(leaver.get("/api/v1/alerts/E1"), 401)
    assert not site.tokens.revoke("leaver", NOW)


def test_the_database_holds_no_token(site: Site) -> None:
    """Only digests, and when each was last used."""
    secret = site.tokens.add("auditor", Role.READER, NOW)
    assert secret.startswith(PREFIX)
    assert httpx.get(f"{site.base}/api/v1/regions", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    kept = next(one for one in site.tokens.all() if one.name == "auditor")
    assert kept.last_used is not None
    file = site.store.database.file
    assert file is not None
    assert all(secret.encode() not in one.read_bytes() for one in file.parent.glob(f"{file.name}*"))


def test_each_role_may_what_it_may(tmp_path: Path) -> None:
    """A reader only reads; a responder acts; an admin releases."""
    with served(tmp_path) as site:
        path, said = "/api/v1/alerts/E2/actions", {"kind": "acknowledge", "step": 0}
        with site.client(Role.READER) as reader:
            assert "responder" in str(problem(reader.post(path, json=said), 403)["remedy"])
        with site.client(Role.RESPONDER, "tanaka") as responder:
            done = responder.post(path, json=said)
            assert done.status_code == 201
            assert done.json()["actions"][0]["by"] == "tanaka"
            release = {"kind": "release", "step": done.json()["step"]}
            problem(responder.post(path, json=release), 403)
        with site.client(Role.ADMIN) as admin:
            released = admin.post(path, json=release).json()
            assert released["properties"]["released"]
            last = "/api" + released["messages"][-1]["cap"].partition("/api")[2]
            assert "<scope>Public</scope>" in admin.get(last).text
            assert "<scope>Restricted</scope>" in admin.get("/api/v1/alerts/E2/cap/0.xml").text


def test_of_two_people_who_act_at_once_one_is_told_what_the_other_did(tmp_path: Path) -> None:
    """Both saw the same step; exactly one is heard, the other gets 409 with the name and the deed."""
    with served(tmp_path) as site, site.client(Role.RESPONDER, "a") as one, site.client(Role.RESPONDER, "b") as other:
        tag = one.get("/api/v1/alerts/E2").headers["etag"]

        def act(client: httpx.Client, kind: str, reason: str | None) -> httpx.Response:
            body = {"kind": kind} | ({"reason": reason} if reason else {})
            return client.post("/api/v1/alerts/E2/actions", json=body, headers={"If-Match": tag})

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(act, one, "dismiss", "farming")
            second = pool.submit(act, other, "confirm", None)
        answers = sorted((first.result(), second.result()), key=lambda answer: answer.status_code)
        assert [answer.status_code for answer in answers] == [201, 409]
        winner = answers[0].json()["actions"][0]["by"]
        assert f"by {winner}" in str(problem(answers[1], 409)["detail"])
        event = site.store.event("E2")
        assert event is not None
        assert event.state in (EventState.CLOSED, EventState.CONFIRMED)
        assert len(event.actions) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "word"),
    [
        ({"kind": "acknowledge"}, {}, 428, "If-Match"),
        ({"kind": "acknowledge"}, {"If-Match": '"nonsense"'}, 400, "ETag"),
        ({"kind": "acknowledge", "step": 9}, {}, 409, "no such revision"),
        ({"kind": "merge", "step": 0}, {}, 422, "kind"),
        ({"kind": "dismiss", "step": 0}, {}, 422, "reason"),
        ({"kind": "dismiss", "reason": "boredom", "step": 0}, {}, 422, "reason"),
        ({"kind": "comment", "text": "x" * 5000, "step": 0}, {}, 422, "text"),
        ({"kind": "comment", "by": "somebody else", "step": 0}, {}, 422, "by"),
        ([], {}, 422, "body"),
    ],
)
def test_a_mistaken_deed_changes_nothing(
    site: Site, body: object, headers: dict[str, str], status: int, word: str
) -> None:
    """And names what is wrong."""
    with site.client(Role.RESPONDER, f"{status}-{word}-{json.dumps(body)[:60]}") as responder:
        said = problem(responder.post("/api/v1/alerts/E2/actions", json=body, headers=headers), status)
        assert word in f"{said['detail']} {said['item']} {said['remedy']}"
    event = site.store.event("E2")
    assert event is not None
    assert event.actions == ()


@pytest.mark.parametrize(
    "event_id", ["E4", "E9", "..", "a%00b", "%2e%2e%2f", "'; DROP TABLE event;--", "ü" * 150, "x" * 300]
)
def test_an_unknown_or_hostile_id_is_a_problem_that_helps(reader: httpx.Client, event_id: str) -> None:
    """A candidate is as unknown as nonsense."""
    answer = reader.get(f"/api/v1/alerts/{event_id}")
    said = problem(answer, answer.status_code)
    assert said["status"] in (404, 422)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/alerts?cursor=%%%",
        "/api/v1/alerts?cursor=W10",
        "/api/v1/alerts?cursor=WzEsICJcdTAwMDAiXQ",
        "/api/v1/alerts?cursor=" + "W1tb" * 90,
        "/feeds/atom.xml?cursor=-1",
        "/feeds/atom.xml?cursor=٣",
        "/feeds/atom.xml?cursor=99999999999999999999",
        "/api/v1/alerts?limit=0",
        "/api/v1/alerts?limit=100000",
        "/api/v1/alerts?since=yesterday",
        "/api/v1/alerts?since=0001-01-01T00:00:00%2B14:00",
        "/api/v1/alerts?since=2018-09-06T00:00:00",
        "/api/v1/alerts?region=%00",
        "/api/v1/alerts/E1/cap/-1.xml",
        "/api/v1/alerts/E1/cap/99999999999999999999.xml",
        "/feeds/nowhere/all/day.geojson",
        "/feeds/atsuma/evacuate/day.geojson",
        "/feeds/atsuma/all/year.geojson",
        "/nothing",
    ],
)
def test_a_mistaken_address_is_a_problem_that_helps(reader: httpx.Client, path: str) -> None:
    """Never a defect."""
    answer = reader.get(path)
    assert 400 <= answer.status_code < 500
    problem(answer, answer.status_code)


def test_a_method_that_is_not_taken(reader: httpx.Client) -> None:
    """405, with what is."""
    answer = reader.delete("/api/v1/alerts/E1")
    problem(answer, 405)


def test_a_large_body_is_refused_whether_it_says_its_size_or_not(site: Site) -> None:
    """Before anybody reads it."""
    with site.client(Role.RESPONDER, "wordy") as wordy:
        path = "/api/v1/alerts/E2/actions"
        problem(wordy.post(path, content=b"x" * 70_000), 413)
        problem(wordy.post(path, content=(b"x" * 10_000 for _ in range(8))), 413)


def test_whoever_asks_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    """429 with Retry-After; probes always answer."""
    with served(tmp_path, requests_per_s=0.5, burst=3) as site, site.client() as busy, site.client(name="calm") as calm:
        answers = [busy.get("/api/v1/regions") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        problem(answers[-1], 429)
        assert calm.get("/api/v1/regions").status_code == 200
        assert [httpx.get(f"{site.base}/livez").status_code for _ in range(5)] == [200] * 5


def test_who_guesses_tokens_is_slowed_down(tmp_path: Path) -> None:
    """Each wrong token costs the address ten requests."""
    with served(tmp_path, requests_per_s=0.5, burst=25) as site, site.client(None) as guesser:
        codes = [guesser.get("/feeds/atom.xml", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(6)]
        assert codes == [401, 401, 401, 429, 429, 429]


def test_who_guesses_tokens_slows_down_nobody_whose_token_is_known(tmp_path: Path) -> None:
    """Neither a program nor a browser at the same address; without a token nothing more is answered there."""
    with served(tmp_path, requests_per_s=0.5, burst=12) as site, site.client() as duty, site.client(None) as guesser:
        cookie = {"Cookie": f"scarpwatch={site.tokens.add('browser', Role.READER, NOW)}"}
        assert duty.get("/api/v1/regions").status_code == 200
        assert guesser.get("/api/v1/regions", headers=cookie).status_code == 200
        codes = [guesser.get("/feeds/atom.xml", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(4)]
        assert codes == [401, 401, 429, 429]
        assert guesser.get("/static/style.css", headers={"Cookie": "scarpwatch=guessed"}).status_code == 429
        assert [duty.get("/api/v1/regions").status_code for _ in range(4)] == [200] * 4
        assert guesser.get("/api/v1/regions", headers=cookie).status_code == 200


def test_who_connects_and_asks_nothing_is_let_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also who sends a request one byte at a time; a hundred of them keep nobody from the probes."""
    monkeypatch.setattr(web_server, "_HEAD_S", 0.2)
    address = ("127.0.0.1", int(site.base.rpartition(":")[2]))
    with ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address)) for _ in range(100)]
        idle[1].sendall(b"GET /livez HTTP/1.1\r\n")
        assert httpx.get(f"{site.base}/livez").status_code == 200
        for one in idle:
            one.settimeout(10)
            assert one.recv(1) == b""


def test_probes_answer_while_every_thread_of_the_api_waits(site: Site) -> None:
    """Forty requests and more held by the database do not hold /livez."""
    with site.client() as client, site.store.database.write():
        sockets = []
        for _ in range(60):
            one = socket.create_connection(("127.0.0.1", int(site.base.rpartition(":")[2])))
            token = client.headers["Authorization"]
            one.sendall(f"GET /api/v1/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: {token}x\r\n\r\n".encode())
            sockets.append(one)
        assert httpx.get(f"{site.base}/livez", timeout=5).status_code == 200
        for one in sockets:
            one.close()


def test_a_database_that_is_gone_is_503_with_when_to_come_again(tmp_path: Path) -> None:
    """And what happened, without a word of SQL or a password."""
    with served(tmp_path) as site, site.client() as reader:
        assert reader.get("/api/v1/alerts").status_code == 200
        with site.store.database.write() as session:
            session.connection().exec_driver_sql("ALTER TABLE event RENAME TO gone")
        answer = reader.get("/api/v1/alerts")
        assert answer.headers["retry-after"]
        assert "SELECT" not in str(problem(answer, 503))
