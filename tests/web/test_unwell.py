"""While the database is away, callers hear that it is and nothing of where it is; the log keeps the whole text."""

import json
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.store import SqlStore
from monitor.adapters.store.listing import AlertLists
from monitor.adapters.store.tokens import TokenRows
from monitor.config import Settings
from monitor.core.geojson import Json
from monitor.errors import ConfigError, ScarpwatchError, StoreBusy
from monitor.logs import make_logger
from monitor.web.app import make_app
from monitor.web.health import Answers
from monitor.web.parts import WebParts
from monitor.web.server import WebServer
from monitor.web.unwell import Unwell

AWAY = "postgresql://watch:hidden@127.0.0.1:9/watch4"
"""Nobody answers on this port."""
TOLD_NOWHERE = ("127.0.0.1", "port 9", ":9/", "watch4", "watch:*", "watch@", "psycopg", "hidden")


@pytest.fixture
def away(tmp_path: Path) -> "tuple[WebServer, StringIO]":
    """A server whose database is away, and what it logs."""
    settings = Settings.model_validate(
        {
            "folder": tmp_path,
            "database": AWAY,
            "catalogs": {"local": {"type": "static", "href": str(tmp_path)}},
            "regions": {"atsuma": {"geometry": {"bbox": [141.89, 42.68, 142.03, 42.77]}, "catalogs": ["local"]}},
            "serve": {"port": 0, "public_feeds": True},
        }
    )
    log = StringIO()
    unwell = Unwell(make_logger(log, as_json=True))
    store = SqlStore(settings.database)

    def counted() -> dict[str, Json]:
        store.check()
        return {}

    parts = WebParts(
        lists=AlertLists(store.database),
        people=store,
        tokens=TokenRows(store.database),
        declarations=store,
        settings=settings,
        regions={"type": "FeatureCollection", "features": []},
        coverage=counted,
        clock=lambda: datetime.now(UTC),
        unwell=unwell,
    )
    answers = Answers(alive=lambda: (), ready=lambda: (unwell.database(store.check),), registry=CollectorRegistry())
    return WebServer("127.0.0.1", 0, answers, make_app(parts)), log


def test_callers_hear_that_the_database_is_away_and_not_where_it_is(away: "tuple[WebServer, StringIO]") -> None:
    """Programs, browsers and probes; the log is told the rest, once."""
    server, log = away
    guessed = {"Authorization": "Bearer scw_garbage"}
    with closing(server):
        server.start()
        base = f"http://127.0.0.1:{server.port}"
        api = httpx.get(f"{base}/api/v1/alerts", headers=guessed, timeout=30)
        page = httpx.get(base, headers=guessed | {"Accept": "text/html"}, timeout=30)
        ready = httpx.get(f"{base}/readyz", timeout=30)
        httpx.get(f"{base}/api/v1/coverage", timeout=30)
        ground = httpx.get(f"{base}/api/v1/coverage", timeout=30)
    assert (api.status_code, page.status_code, ready.status_code, ground.status_code) == (503, 503, 503, 200)
    assert page.headers["content-type"].startswith("text/html")
    assert api.headers["retry-after"] == page.headers["retry-after"]
    said = api.json()
    assert (said["reason"], said["item"]) == ("store-busy", "database")
    assert said["detail"] == "the database cannot be reached now"
    assert "the database cannot be reached now" in page.text
    (check,) = ready.json()["checks"]
    assert check == {"name": "database", "passed": False, "detail": "the database cannot be reached now"}
    for answer in (api, page, ready, ground):
        assert not [words for words in TOLD_NOWHERE if words in answer.text], answer.text
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    whole = [one for one in lines if one["action"] == "cannot-answer"]
    assert len(whole) == 1
    assert "127.0.0.1" in whole[0]["event"]
    assert "hidden" not in log.getvalue()


def test_trouble_is_one_line_a_minute_however_many_ask() -> None:
    """Another trouble is another line."""
    now = [0.0]
    log = StringIO()
    unwell = Unwell(make_logger(log, as_json=True), lambda: now[0])
    for seconds in (0.0, 1.0, 59.0, 60.0, 61.0):
        now[0] = seconds
        unwell.told(StoreBusy("connection refused", item="db", remedy="Wait"))
    unwell.told(StoreBusy("too many connections", item="db", remedy="Wait"))
    assert log.getvalue().count("connection refused") == 2
    assert log.getvalue().count("too many connections") == 1


def test_a_database_that_is_not_upgraded_is_told_with_its_remedy_alone() -> None:
    """Whoever reads a probe knows what to run, and not where."""

    def check() -> None:
        raise ConfigError("no table in /srv/watch.db", item="/srv/watch.db", remedy="Run: scarpwatch db upgrade")

    unwell = Unwell()
    found = unwell.database(check)
    assert (found.passed, "scarpwatch db upgrade" in found.detail, "/srv" in found.detail) == (False, True, False)
    assert unwell.database(lambda: None).passed
    told = unwell.told(ScarpwatchError("/srv/looks", item="/srv/looks", remedy="Mount it", reason="looks-lost"))
    assert ("/srv" in str(told), told.reason) == (False, "looks-lost")
