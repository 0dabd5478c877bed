"""Links are signed just before they are read, signed anew when refused, and their tokens are shown to nobody."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from planetary_computer import sas
from planetary_computer.settings import Settings
from shapely import box

from monitor.adapters.hosts import Hosts, Patience
from monitor.adapters.redacting import without_tokens
from monitor.adapters.signing import PlanetaryComputer, Signers
from monitor.core.breaker import BreakerSettings
from monitor.errors import HOST_RESTING, AssetUnavailable
from monitor.records import SceneItem, Sensor
from tests.adapters.asset_server import STORE, TOKEN, AssetServer

HREF = f"http://{STORE}/valley/B02.tif"


class Plain:
    """Appends a token; fails when told to."""

    def __init__(self, fails: bool = False) -> None:
        self._fails = fails

    def sign(self, href: str, item: str) -> str:
        """With a token."""
        if self._fails:
            raise ConnectionError("no route")
        return href + "?token"

    def renew(self, href: str, refused: str) -> None:
        """There is only one."""


def _item(catalog: str) -> SceneItem:
    return SceneItem(
        catalog=catalog,
        collection="c",
        id="scene",
        sensing_time=datetime(2024, 1, 1, tzinfo=UTC),
        geometry=box(0, 0, 1, 1),
        sensor=Sensor.OPTICAL,
        platform="s",
    )


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AssetServer]:
    """A token service, none of whose tokens are known yet."""
    with AssetServer(tmp_path).running() as server:
        monkeypatch.setattr(sas, "TOKEN_CACHE", {})
        monkeypatch.setattr(Settings.get(), "sas_url", f"{server.url}/token")
        yield server


def test_only_links_of_the_named_catalog_are_signed() -> None:
    """Other catalogs' links stay as they are, and a link shows its plain address only."""
    signers = Signers({"closed": Plain()})
    link = signers(_item("closed"), "https://a/b.tif")
    assert (link.href, link.signed()) == ("https://a/b.tif", "https://a/b.tif?token")
    assert "token" not in repr(link)
    open_link = signers(_item("open"), "https://a/b.tif")
    assert (open_link.signed(), open_link.renew("https://a/b.tif")) == ("https://a/b.tif", False)


def test_a_silent_token_service_is_a_passing_fault() -> None:
    """The acquisition is tried again, and the message names item and link."""
    signers = Signers({"closed": Plain(fails=True)})
    with pytest.raises(AssetUnavailable, match=r"scene.*b\.tif") as caught:
        signers(_item("closed"), "https://a/b.tif").signed()
    assert caught.value.reason == "token-unavailable"
    assert signers.failures.counts() == {("closed", "token-unavailable"): 1, ("closed", "token-refused"): 0}


def test_a_refused_token_is_counted() -> None:
    """By catalog; a link without a token cannot fail."""
    signers = Signers({"closed": Plain()})
    assert signers(_item("closed"), "https://a/b.tif").renew("https://a/b.tif?token")
    assert not signers(_item("open"), "https://a/b.tif").renew("https://a/b.tif")
    assert signers.failures.counts() == {("closed", "token-unavailable"): 0, ("closed", "token-refused"): 1}


@pytest.mark.parametrize(
    "href",
    [
        "https://sentinel-cogs.s3.us-west-2.amazonaws.com/a/B02.tif",
        f"http://{STORE}/valley/B02.tif?sv=1&se=2&sig=3",
        "https://ai4edatasetspublicassets.blob.core.windows.net/assets/a.png",
        "/disk/B02.tif",
    ],
)
def test_links_that_need_no_token(href: str, tokens: AssetServer) -> None:
    """Other stores, public files and links that come signed: the token service is not asked."""
    assert PlanetaryComputer().sign(href, "scene") == href
    assert not tokens.met


def test_a_token_serves_until_it_is_refused(tokens: AssetServer) -> None:
    """One token for a container; after `renew` the next one, unless somebody else got it already."""
    signer = PlanetaryComputer()
    first = signer.sign(HREF, "scene")
    assert first == f"{HREF}?{TOKEN}0"
    assert signer.sign(HREF, "scene") == first
    signer.renew(HREF, first)
    second = signer.sign(HREF, "scene")
    signer.renew(HREF, first)
    assert signer.sign(HREF, "scene") == second == f"{HREF}?{TOKEN}1"


def test_a_token_about_to_end_is_replaced(tokens: AssetServer) -> None:
    """With less than a minute left it may end in mid-read."""
    signer = PlanetaryComputer()
    signer.sign(HREF, "scene")
    (service,) = sas.TOKEN_CACHE
    sas.TOKEN_CACHE[service] = sas.SASToken(expiry=datetime.now(UTC), token="sig=old")
    assert signer.sign(HREF, "scene") == f"{HREF}?{TOKEN}1"


def test_a_hiccup_of_the_token_service_is_bridged(tokens: AssetServer) -> None:
    """One 429 with a short Retry-After and one 503: the token comes all the same."""
    tokens.spoil(busy_every=1, busy_at_most=1, retry_after="0")
    assert TOKEN in PlanetaryComputer(patience=Patience(wait_s=0.01)).sign(HREF, "scene")
    assert tokens.met["busy"] == 1


def test_a_token_service_that_is_down_is_left_alone(tokens: AssetServer) -> None:
    """After enough failures it rests: the next wish is refused at once, and does not count as a try."""
    tokens.spoil(broken_every=1)
    signer = PlanetaryComputer(Hosts(BreakerSettings(failures=4)), Patience(wait_s=0.01))
    reasons = []
    for _ in range(3):
        with pytest.raises(AssetUnavailable, match=r"scene.*B02\.tif") as caught:
            signer.sign(HREF, "scene")
        reasons.append((caught.value.reason, caught.value.tried))
    assert reasons == [("token-unavailable", True), ("token-unavailable", True), (HOST_RESTING, False)]
    assert tokens.met["broken"] == 4
    assert caught.value.retry_after_s == pytest.approx(120, abs=5)


def test_tokens_are_taken_out_of_texts() -> None:
    """Whatever the order of the parameters, and only they."""
    texts = {
        "`/vsicurl/https://a/b.tif?se=2026&sig=x%3D' not recognized": "`/vsicurl/https://a/b.tif' not recognized",
        "B02.tif?sig=abc, band 1: IReadBlock failed": "B02.tif, band 1: IReadBlock failed",
        "https://a/search?token=next:page": "https://a/search?token=next:page",
    }
    assert {text: without_tokens(text) for text in texts} == texts


def test_nobody_logs_a_token(caplog: pytest.LogCaptureFixture) -> None:
    """Rasterio warns with whole addresses; the rest of its line stays."""
    log = logging.getLogger("rasterio._env")
    PlanetaryComputer()
    PlanetaryComputer()
    log.warning("%s in %s", "CPLE_AppDefined", "HTTP response code on https://a/b.tif?se=1&sig=secret: 403")
    assert caplog.messages == ["CPLE_AppDefined in HTTP response code on https://a/b.tif: 403"]
