"""A real STAC API (stac-fastapi-pgstac) and a store that wants tokens: what goes wrong on the way leaves no trace.

The catalog is asked and the pixels are read through one server that plays the Planetary Computer's store, its token
service and the way to the catalog, and that can be told to fail.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import planetary_computer.sas
import pytest
from planetary_computer.settings import Settings

from monitor.adapters.catalog import api
from monitor.service import PassEvent
from tests.adapters.asset_server import CATALOG, STORE, TOKEN, AssetServer
from tests.pipeline.conftest import Undisturbed
from tests.pipeline.world import REGION, Content, Json, Source, World, files, later, make_world, region
from tests.stac_api import StacApi, stac_api

__all__ = ["stac_api"]


@pytest.fixture(scope="session")
def object_store(source: Source, stac_api: StacApi) -> Iterator[AssetServer]:
    """The valley's files behind tokens, and its documents in the catalog."""
    root = source.valley.catalog.parent
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(root.rglob("*.json"))]
    where = {str(path.stem): path.parent.relative_to(root) for path in root.rglob("*.json")}
    items = [document for document in documents if document["type"] == "Feature"]
    for item in items:
        item["links"] = []
        for asset in item["assets"].values():
            asset["href"] = f"http://{STORE}/valley/{where[item['id']]}/{Path(asset['href']).name}"
    stac_api.load([_unlinked(one) for one in documents if one["type"] == "Collection"], items)
    with AssetServer(root).running() as server:
        server.catalog_port = stac_api.port
        yield server


def _unlinked(document: Json) -> Json:
    return {**document, "links": []}


@pytest.fixture
def through(object_store: AssetServer, monkeypatch: pytest.MonkeyPatch) -> AssetServer:
    """The way to everything, without faults and without any token yet."""
    object_store.spoil()
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, object_store.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")
    monkeypatch.setattr(planetary_computer.sas, "TOKEN_CACHE", {})
    monkeypatch.setattr(Settings.get(), "sas_url", f"{object_store.url}/token")
    monkeypatch.setattr(api, "PAGE_SIZE", 2)
    return object_store


@pytest.fixture
def remote(tmp_path: Path, source: Source, through: AssetServer) -> World:
    """A world that knows the valley from the API alone."""
    return remote_world(tmp_path / "world", source)


def remote_world(folder: Path, source: Source) -> World:
    """A fresh world whose one catalog is the API."""
    world = make_world(folder, source)
    world.configure(
        catalogs={"pc": {"type": "stac", "href": f"http://{CATALOG}/", "sign": "planetary-computer"}},
        regions={REGION: region(*source.valley.bbox, catalog="pc")},
    )
    return world


def run_until_nothing_waits(world: World, events: list[PassEvent]) -> int:
    """Passes six hours apart, the last of which polled without an error; how many."""
    for turn in range(12):
        summary = world.once(later(6 * 60 * turn), events.append)
        if not summary.waiting and not summary.errors:
            return turn + 1
    raise AssertionError(f"still waiting: {world.states()}")


def check_content(world: World, clean_run: dict[str, object]) -> None:
    """Database and products are those of the run without faults."""
    expected = cast(Content, clean_run["content"])
    content = world.dump()
    # Table by table: the difference of everything takes minutes to print.
    assert [table for table in expected if content[table] != expected[table]] == []
    assert files(world) == clean_run["files"]


def everything_said(world: World, events: list[PassEvent], capfd: pytest.CaptureFixture[str], log: str) -> str:
    """All that was stored, shown or logged, in one text."""
    printed = capfd.readouterr()
    texts = [repr(world.dump()), repr(world.ledger()), repr(events), printed.out, printed.err, log]
    written = [path for path in world.folder.rglob("*") if path.is_file()]
    return "\n".join([*texts, *(path.read_bytes().decode("latin-1") for path in written)])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Filled by the first test that runs without faults."""
    return {}


@pytest.fixture
def clean_run(
    undisturbed: dict[str, object], tmp_path_factory: pytest.TempPathFactory, source: Source, through: AssetServer
) -> dict[str, object]:
    """What the database and the products hold after one pass in which nothing went wrong."""
    if not undisturbed:
        world = remote_world(tmp_path_factory.mktemp("remote") / "world", source)
        summary = world.once()
        assert (summary.processed, summary.errors) == (4, ())
        undisturbed |= {"content": world.dump(), "files": files(world)}
        print("served:", dict(through.met))
        through.spoil()
        planetary_computer.sas.TOKEN_CACHE.clear()
    return undisturbed


def test_the_api_shows_what_the_files_do(clean_run: dict[str, object], clean: Undisturbed) -> None:
    """Through the API and the store the same observations and events come out as from the static catalog on disk."""
    content = cast(Content, clean_run["content"])
    for table in ("observation", "event", "evidence", "transition"):
        assert content[table] == clean.content[table]
    assert content["event"]


def test_every_fault_leaves_no_trace(
    clean_run: dict[str, object],
    remote: World,
    through: AssetServer,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Tokens that expire, 429, 503, cut and slow answers: the same content, and no token anywhere.

    So many faults are met within the reads themselves. A scene that must be given back while a newer one of its region
    comes through is late by the time it comes, which is another, equally rightful, end.
    """
    through.spoil(token_lasts=9, busy_every=29, broken_every=23, cut_every=13, slow_every=17)
    events: list[PassEvent] = []
    caplog.set_level("INFO")
    passes = run_until_nothing_waits(remote, events)
    print(f"{passes} passes; met: {dict(through.met)}; {[(one.action, one.reason) for one in events]}")
    assert all(through.met[fault] for fault in ("token", "busy", "broken", "cut", "slow"))
    check_content(remote, clean_run)
    assert TOKEN not in everything_said(remote, events, capfd, caplog.text)


def test_tokens_that_nobody_accepts(clean_run: dict[str, object], remote: World, through: AssetServer) -> None:
    """A store that refuses fresh tokens too: everything waits with its reason, and comes when it gives in."""
    through.spoil(forbidden=True)
    assert remote.once().waiting == 4
    assert {(entry.reason, entry.attempts) for entry in remote.ledger()} == {("forbidden", 1)}
    through.spoil()
    assert remote.once(later(60)).processed == 4
    check_content(remote, clean_run)


def test_a_dead_store_costs_no_tries(clean_run: dict[str, object], remote: World, through: AssetServer) -> None:
    """After five failures the store rests: what waits for it is not tried, for however long, and is not parked."""
    through.spoil(gone=True)
    with closing(remote.service()) as service:
        service.poll(later(0))
        for hour in range(6):
            service.process(lambda: later(60 * hour))  # noqa: B023 (called within the turn)
        (health,) = (health for host, health in service.hosts().items() if host == STORE)
    assert (health.failures, health.rests) == (5, 1)
    # The one try that was under way when the store died: with the tile that is read ahead it comes to five failures.
    assert sum(entry.attempts for entry in remote.ledger()) == 1
    assert {entry.reason for entry in remote.ledger()} == {"host-resting"}
    assert through.met["broken"] <= 15
    through.spoil()
    assert remote.once(later(60 * 7)).processed == 4
    check_content(remote, clean_run)
