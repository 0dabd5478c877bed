"""Answers without an end, answers that grow when they are unpacked, and redirects that lead inside."""

import gzip
import time
from dataclasses import replace

import pytest
import requests
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection

from monitor.adapters.reach import AddressRefusedError, Reach
from monitor.adapters.web_session import TooMuchError, _bound, _Deadline, web_session
from tests.adapters.rude_server import RudeServer, away, dripping, endless, late, whole

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
BOMB = gzip.compress(bytes(8 << 20))
KIB = 1 << 10


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.1 200 OK\r\nX-Long: "], ids=["body", "head"])
def test_a_server_that_drips_does_not_hold_anybody_up(head: bytes) -> None:
    """Every piece comes in time, and the whole answer never."""
    with RudeServer().running() as server:
        server.routes["/"] = dripping(head)
        with web_session(0.3) as session, pytest.raises((requests.Timeout, requests.ConnectionError)):
            session.get(server.url, timeout=60)


def test_a_server_that_is_silent_is_not_waited_for_longer_than_the_whole() -> None:
    """Also where each piece of an answer may take longer."""
    with RudeServer().running() as server:
        server.routes["/"] = late(whole(b"{}"), 2.0)
        with web_session(0.3) as session, pytest.raises((requests.Timeout, requests.ConnectionError)):
            session.get(server.url, timeout=60)


def test_an_answer_has_an_end() -> None:
    """What pours is cut off."""
    with RudeServer().running() as server:
        server.routes["/"] = endless(HEAD)
        with web_session(30, most_bytes=64 * KIB) as session, pytest.raises(TooMuchError):
            session.get(server.url, timeout=60)


def test_bytes_are_counted_as_they_come_out_of_their_packing() -> None:
    """8 KiB that become 8 MiB are refused where an honest packed answer is taken; so is what is packed twice."""
    with RudeServer().running() as server:
        packed = "Content-Encoding: gzip"
        server.routes["/bomb"] = whole(BOMB, packed)
        server.routes["/said"] = whole(b"{}", "Content-Encoding: aws-chunked")
        server.routes["/small"] = whole(gzip.compress(b"{}"), packed)
        server.routes["/twice"] = whole(gzip.compress(gzip.compress(b"{}")), "Content-Encoding: gzip, gzip")
        with web_session(30, most_bytes=256 * KIB) as session:
            assert session.get(f"{server.url}/small", timeout=60).json() == {}
            assert session.get(f"{server.url}/said", timeout=60).json() == {}
            for path in ("bomb", "twice"):
                with pytest.raises(TooMuchError):
                    session.get(f"{server.url}/{path}", timeout=60)


def test_a_connection_is_kept_for_the_next_request() -> None:
    """Deadlines begin anew with each request, and an honest server is asked twice without waiting."""
    with RudeServer().running() as server:
        server.routes["/"] = lambda write: write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        with web_session(0.4) as session:
            for _ in range(3):
                assert session.get(server.url, timeout=60).json() == {}
                time.sleep(0.15)
        assert (len(server.asked), server.connections) == (3, 1)


WEB = Reach(catalog="played", home="https://catalog.example.org")


def test_a_redirect_does_not_lead_inside() -> None:
    """Nothing is asked of the other server; without a reach it is."""
    with RudeServer().running() as server, RudeServer().running() as other:
        other.routes["/"] = whole(b"secret")
        server.routes["/"] = away(other.url)
        reach = replace(WEB, hosts=(f"127.0.0.1:{server.port}",))
        with web_session(30, reach) as session, pytest.raises(AddressRefusedError, match="asset_hosts"):
            session.get(server.url, timeout=60)
        assert (server.asked, other.asked) == (["/"], [])
        with web_session(30) as session:
            assert session.get(server.url, timeout=60).content == b"secret"


def test_a_name_that_leads_inside_is_found_out_at_the_connection() -> None:
    """Its words are harmless."""
    with RudeServer().running() as server, web_session(30, WEB) as session:
        with pytest.raises(AddressRefusedError, match="loopback"):
            session.get(f"http://2130706433:{server.port}/", timeout=60)
        assert server.connections == 0


def test_words_count_also_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are its to look up; an address that is an inner one by its words it is not asked for."""
    with RudeServer().running() as proxy, web_session(30, WEB) as session:
        proxy.routes["http://files.example.org/a"] = whole(b"passed on")
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert session.get("http://files.example.org/a", timeout=60).content == b"passed on"
        with pytest.raises(AddressRefusedError, match="link-local"):
            session.get("http://169.254.169.254/latest/meta-data", timeout=60)
        assert proxy.asked == ["http://files.example.org/a"]


def test_a_redirect_to_a_file_and_one_that_goes_round() -> None:
    """Neither is followed to an end."""
    with RudeServer().running() as server:
        server.routes["/file"] = away("file:///etc/hostname")
        server.routes["/round"] = away("/round")
        with web_session(30) as session:
            for path in ("file", "round"):
                with pytest.raises(requests.RequestException):
                    session.get(f"{server.url}/{path}", timeout=60)
        assert len(server.asked) < 10


def test_a_proxy_of_another_kind_keeps_its_own_connections() -> None:
    """One of SOCKS makes them in its own way; deadlines hold there, too."""

    class Around(HTTPConnection):
        pass

    class AroundPool(HTTPConnectionPool):
        ConnectionCls = Around

    manager = PoolManager()
    manager.pool_classes_by_scheme = {"http": AroundPool}
    _bound(manager, _Deadline(1.0), None)
    made = manager.connection_from_url("http://files.example.org")
    assert isinstance(made, AroundPool)
    assert issubclass(made.ConnectionCls, Around)
    assert made.ConnectionCls.connect is not Around.connect
