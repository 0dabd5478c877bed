"""A real server over a real database with a few alerts, and clients with and without tokens."""

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from monitor.adapters.store import SqlStore
from monitor.adapters.store.listing import AlertLists
from monitor.adapters.store.tokens import TokenRows
from monitor.config import Settings
from monitor.core.geojson import Json
from monitor.records import Event, EventState, Role, Tier, Verdict
from monitor.web.app import make_app
from monitor.web.coverage import CoverageBoard
from monitor.web.health import Answers
from monitor.web.parts import WebParts
from monitor.web.server import WebServer
from tests.adapters.store.factories import LEASE, NOW, acquisition, event, later, result

_NUMBERS = itertools.count()
SEEN: Json = {
    "share_not_observed": 0.25,
    "tiles": 20,
    "last_look": "2018-09-08T01:00:00+00:00",
    "last_look_by_sensor": {"optical": "2018-08-20T01:00:00+00:00", "sar": "2018-09-08T01:00:00+00:00"},
    "last_look_of_tiles": {
        "median": "2018-09-06T01:00:00+00:00",
        "oldest": "2018-07-01T01:00:00+00:00",
        "oldest_tile": "UTM54N-0150-1842",
        "tiles_without": 0,
    },
    "share_seen_by_sensor": {"optical": 0.412, "sar": 0.985},
    "radar_blind_slopes": {
        "seen_by_no_track": {"slopes_km2": 24.0, "blind_km2": 1.23, "blind_share": 0.05125},
        "km2_not_seen_by_optics": 0.4,
    },
    "next_passes": [
        {"sensor": "sar", "relative_orbit": 46, "expected": "2018-09-20T20:42:00+00:00", "basis": "every 12 days"},
        {"sensor": "optical", "relative_orbit": 74, "expected": "2018-09-23T01:00:00+00:00", "basis": "every 5 days"},
    ],
}


@dataclass(frozen=True)
class Site:
    """A running server."""

    base: str
    store: SqlStore
    tokens: TokenRows
    products: Path
    board: CoverageBoard

    def client(self, role: Role | None = Role.READER, name: str | None = None) -> httpx.Client:
        """Somebody who asks."""
        headers: dict[str, str] = {}
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens.add(name or f'{role}-{next(_NUMBERS)}', role, NOW)}"
        # A sheet is drawn by a process that may have to be started first.
        return httpx.Client(base_url=self.base, headers=headers, timeout=60)


def fill(store: SqlStore) -> None:
    """E1 confirmed and released, E2 provisional, E3 refuted, E4 a candidate that nobody was told of."""
    first = acquisition(1)
    open_ = [
        _warned(replace(event(first, "E1", 2.0), storm="atsuma-storm-1", released=True)),
        replace(event(first, "E2", 1.0), storm="atsuma-storm-1"),
        replace(event(first, "E3", 3.0)),
        _candidate(event(first, "E4", 0.1)),
    ]
    look(store, 1, *open_)
    look(store, 2, later(open_[0], acquisition(2), EventState.CONFIRMED))
    look(store, 3, later(open_[2], acquisition(3), EventState.REFUTED, Verdict.CONTRADICTS))


def look(store: SqlStore, number: int, *events: Event) -> None:
    """What one acquisition changes."""
    of = acquisition(number)
    store.discover("atsuma", [of], [], NOW)
    assert store.claim("me@1:1:1", LEASE, NOW, ["atsuma"]) is not None
    assert store.complete(of, "me@1:1:1", result(events=events), NOW)


def _warned(one: Event) -> Event:
    return replace(
        one, tier=Tier.WARNING, transitions=tuple(replace(step, tier=Tier.WARNING) for step in one.transitions)
    )


def _candidate(one: Event) -> Event:
    (step,) = one.transitions
    return replace(one, state=EventState.CANDIDATE, transitions=(replace(step, state=EventState.CANDIDATE),))


@contextmanager
def served(folder: Path, counts: dict[str, Json] | None = None, **serve: object) -> Iterator[Site]:
    """A server over a new database in a folder; `counts`: what was not observed."""
    settings = Settings.model_validate(
        {
            "folder": folder,
            "catalogs": {"local": {"type": "static", "href": str(folder)}},
            "regions": {"atsuma": {"geometry": {"bbox": [141.89, 42.68, 142.03, 42.77]}, "catalogs": ["local"]}},
            "serve": {"requests_per_s": 10_000, "burst": 10_000, "port": 0, **serve},
        }
    )
    with closing(SqlStore(settings.database)) as store:
        store.upgrade()
        fill(store)
        tokens = TokenRows(store.database)
        parts = WebParts(
            lists=AlertLists(store.database),
            people=store,
            tokens=tokens,
            declarations=store,
            settings=settings,
            regions={"type": "FeatureCollection", "features": []},
            coverage=lambda: dict({"atsuma": SEEN} if counts is None else counts),
            clock=lambda: datetime.now(UTC),
        )
        app = make_app(parts)
        answers = Answers(alive=lambda: (), ready=lambda: (), registry=CollectorRegistry())
        server = WebServer("127.0.0.1", 0, answers, app, settings.serve.trusted_proxies)
        server.start()
        try:
            app.state.board.read(("atsuma",))
            app.state.board.wait(5)
            yield Site(f"http://127.0.0.1:{server.port}", store, tokens, settings.products, app.state.board)
        finally:
            server.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that tells without a token only that one is needed."""
    with served(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with `serve.public_feeds`."""
    with served(tmp_path_factory.mktemp("public"), public_feeds=True) as running:
        yield running


@pytest.fixture(scope="module")
def reader(site: Site) -> Iterator[httpx.Client]:
    """Somebody who may see everything."""
    with site.client() as client:
        yield client
