"""Declared events over the API and on their pages, in a real browser."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page
from shapely.geometry import box, shape

from monitor.core.events import add_evidence
from monitor.core.geojson import Json
from monitor.core.lifecycle import LifecycleSettings
from monitor.records import AlertStatus, Role, Verdict
from tests.adapters.store.factories import acquisition, event, evidence
from tests.web.conftest import SEEN, Site, look, served
from tests.web.test_pages import browser, fits

__all__ = ["browser"]

AT = datetime.now(UTC) - timedelta(hours=3)
QUAKE = {"region": "atsuma", "at": AT.isoformat(), "kind": "earthquake", "name": "Iburi <b>"}


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server of its own for every test: what is declared stays."""
    with served(tmp_path_factory.mktemp("declared"), public_feeds=True) as running:
        yield running


@pytest.fixture
def duty(site: Site) -> Iterator[httpx.Client]:
    """Somebody who may declare."""
    with site.client(Role.RESPONDER, "mori") as client:
        yield client


def test_declared_then_ended(site: Site, duty: httpx.Client) -> None:
    """Once; a second person is told who was faster; afterwards it is in no list but that of all."""
    made = duty.post("/api/v1/declarations", json=QUAKE)
    assert made.status_code == 201
    one = made.json()
    assert (one["by"], one["in_force"], one["alerts"]["open"]) == ("mori", True, 0)
    with site.client(Role.RESPONDER, "sato") as other:
        again = other.post("/api/v1/declarations", json=QUAKE | {"name": "", "kind": "other"})
    assert (again.status_code, again.json()["reason"]) == (409, "already-declared")
    assert "mori has declared it already" in again.json()["detail"]
    assert [each["id"] for each in duty.get("/api/v1/declarations").json()["declarations"]] == [one["id"]]
    ended = duty.post(f"/api/v1/declarations/{one['id']}/end")
    assert (ended.status_code, ended.json()["ended_by"]) == (200, "mori")
    assert duty.post(f"/api/v1/declarations/{one['id']}/end").status_code == 404
    assert duty.get("/api/v1/declarations").json()["declarations"] == []
    assert len(duty.get("/api/v1/declarations?over=true").json()["declarations"]) == 1


def test_what_was_found_before_is_an_alert_at_once(site: Site, duty: httpx.Client) -> None:
    """The answer counts it, and the page of the situation shows it."""
    of, seen = acquisition(9), AT + timedelta(hours=1)
    piece = evidence(of, Verdict.OPENS, sensing_time=seen, strength=0.15)
    blank = replace(event(of, "E9", 0.15), window_start=AT - timedelta(days=5), window_end=seen, evidence=())
    look(site.store, 9, add_evidence(blank, [piece], LifecycleSettings()))
    assert duty.get("/api/v1/alerts/E9").status_code == 404, "a candidate"
    one = duty.post("/api/v1/declarations", json=QUAKE).json()
    assert one["alerts"] == {"open": 1, "warnings": 0, "ended": 0, "became_alerts": 1}
    page = duty.get(f"/situations/{one['storm']}").text
    assert "1 open alert; 1 of all were found before it was declared." in page
    assert "/alerts/E9" in page


REFUSED: list[tuple[dict[str, object], int, str]] = [
    ({"region": "nowhere"}, 404, "no region"),
    ({"at": "2999-01-01T00:00:00Z"}, 422, "lies in the future"),
    ({"at": "2018-09-06T03:08:00"}, 422, "timezone"),
    ({"bbox": [1, 2, 1.1, 2.1]}, 422, "outside the region"),
    ({"bbox": [141.9, 42.7, 141.8, 42.8]}, 422, "west"),
    ({"bbox": [179.5, 42.7, -179.5, 42.8]}, 422, "crosses-180"),
    ({"bbox": [130, 40, 150, 45]}, 422, "area-too-large"),
    ({"area": {"type": "Point", "coordinates": [1, 2]}}, 422, "Polygon or MultiPolygon"),
    ({"area": {"type": "Polygon", "coordinates": [[[10**400, 1], [2, 2], [3, 1], [10**400, 1]]]}}, 422, "area"),
    ({"area": {"type": "Polygon", "coordinates": "/etc/passwd"}}, 422, "coordinates"),
    ({"days": 100000}, 422, "days"),
]


def test_what_cannot_be_declared(duty: httpx.Client) -> None:
    """Each with its reason, and never a defect."""
    for body, status, said in REFUSED:
        answer = duty.post("/api/v1/declarations", json=QUAKE | body)
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert duty.get("/api/v1/declarations?over=true").json()["declarations"] == []


def test_who_may(site: Site, duty: httpx.Client) -> None:
    """Readers see what is declared, responders declare; without a token nothing is told, nor shown on a page."""
    one = duty.post("/api/v1/declarations", json=QUAKE).json()
    with site.client(Role.READER) as reader, site.client(None) as public:
        assert reader.get("/api/v1/declarations").status_code == 200
        assert reader.post("/api/v1/declarations", json=QUAKE).status_code == 403
        assert reader.post(f"/api/v1/declarations/{one['id']}/end").status_code == 403
        assert public.get("/api/v1/declarations").status_code == 401
        assert public.get(f"/situations/{one['storm']}").status_code == 404
        assert "Iburi" not in public.get("/").text
        assert reader.get(f"/situations/{one['storm']}").status_code == 200


def test_its_page_is_there_from_the_first_minute(site: Site, duty: httpx.Client, browser_page: Page) -> None:
    """It says that nothing was found, and what that is worth; then it lists the alerts that carry its name."""
    storm = duty.post("/api/v1/declarations", json=QUAKE).json()["storm"]
    page = browser_page
    page.goto(site.base)
    page.get_by_role("link", name="earthquake of").click()
    assert "Iburi <b>" in page.locator("h1").inner_text()
    said = page.locator(".situation").inner_text()
    assert "Nothing has been found so far." in said
    assert "observed since is not known" in said
    assert page.locator(".unseen").count() == 1
    look(site.store, 9, replace(event(acquisition(9), "E9", 1.5), storm=storm))
    page.reload()
    assert "1 open alert." in page.locator(".situation").inner_text()
    assert page.locator(".row").count() == 1
    assert fits(page)


def test_shares_are_since_the_event_and_an_ill_watch_says_so_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The share of a long look-back reassures of nothing: a situation tells its own, and both pages what is wrong."""
    said = "Nothing has been observed since 2018-09-08 01:00 UTC."
    ill = SEEN | {"troubles": [{"kind": "no-look", "told": said}]}
    since = ill | {"share_not_observed": 1.0, "share_not_seen": 1.0, "since": AT.isoformat()}
    counts: dict[str, Json] = {"atsuma": ill, f"atsuma-earthquake-{AT:%Y%m%d}": since}
    with served(tmp_path_factory.mktemp("ill"), counts=counts) as site, site.client(Role.RESPONDER) as duty:
        made = duty.post("/api/v1/declarations", json=QUAKE).json()
        site.board.wait(5)
        first = duty.get("/").text
        assert first.index(f"atsuma: the watch is not well. {said}") < first.index("25% of the ground")
        alert = duty.get("/alerts/E1").text
        assert alert.index(f"atsuma: the watch is not well. {said}") < alert.index("<h1>"), "mails lead here"
        page = duty.get(f"/situations/{made['storm']}").text
        assert "100% of the ground was not compared with anything since" in page
        assert said in page
        assert "25% of the ground" not in page
        assert "Of the whole look-back of the region" in duty.get("/situations/atsuma-storm-1").text


def test_declared_and_ended_on_a_phone(site: Site, duty: httpx.Client, browser_page: Page) -> None:
    """A mistake is told above the form, which stays as it was; then the situation page, on which it is ended."""
    page = browser_page
    page.goto(f"{site.base}/")
    assert page.get_by_role("link", name="Declare an event").count() == 0, "not for readers"
    page.get_by_role("button", name="Sign out").click()
    _sign_in(page, site, "/declare", Role.RESPONDER)
    page.get_by_label("When it happened").fill(f"{AT:%Y-%m-%dT%H:%M}")
    page.get_by_label("What it was").select_option("earthquake")
    page.get_by_label("What people call it").fill("Iburi <b>")
    page.get_by_label("Only this ground").fill("141.9 42.7 142.0")
    page.get_by_role("button", name="Declare").click()
    assert page.locator("[role=alert]").inner_text() == "Only this ground: give four numbers: west, south, east, north"
    assert fits(page)
    page.get_by_label("Only this ground").fill("141.9, 42.7, 142.0, 42.76")
    page.get_by_role("button", name="Declare").click()
    assert "Situation: earthquake of" in page.locator("h1").inner_text()
    (one,) = duty.get("/api/v1/declarations").json()["declarations"]
    said = (one["by"], one["kind"], one["name"], datetime.fromisoformat(one["at"]))
    assert said == ("responder", "earthquake", "Iburi <b>", AT.replace(second=0, microsecond=0))
    assert shape(one["area"]).equals(box(141.9, 42.7, 142.0, 42.76))
    page.get_by_text("End this declaration").click()
    page.get_by_role("button", name="End it").click()
    assert "by responder" in page.locator(".situation").inner_text()
    assert page.get_by_text("End this declaration").count() == 0
    assert duty.get("/api/v1/declarations").json()["declarations"] == []


def test_the_form_keeps_what_cannot_be_declared(duty: httpx.Client) -> None:
    """In its own words, with what to do; nothing is declared."""
    right = {"region": "atsuma", "at": f"{AT:%Y-%m-%dT%H:%M}", "kind": "storm", "name": '"><b>'}
    mistakes = [
        ({"at": "2999-01-01T00:00"}, "lies in the future"),
        ({"at": "yesterday"}, "When it happened, in UTC: "),
        ({"bbox": "a b c d"}, "Only this ground: give four numbers"),
        ({"bbox": "142 42 141 43"}, "Only this ground: west (142.0) is not less"),
        ({"bbox": "179 42 -179 43"}, "crosses the 180th meridian"),
        ({"bbox": "1 2 1.1 2.1"}, "outside the region"),
        ({"days": "1000"}, "For how many days: "),
    ]
    for wrong, said in mistakes:
        answer = duty.post("/declare", data=right | wrong)
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
        assert 'value="&#34;&gt;&lt;b&gt;"' in answer.text
    assert duty.post("/declare", data=right | {"region": "nowhere"}).status_code == 404
    assert duty.get("/api/v1/declarations?over=true").json()["declarations"] == []


def test_the_form_is_for_responders_on_our_pages(site: Site, duty: httpx.Client) -> None:
    """Readers are refused, strangers are asked to sign in, and a cookie alone is no consent."""
    form = {"region": "atsuma", "at": f"{AT:%Y-%m-%dT%H:%M}"}
    storm = duty.post("/api/v1/declarations", json=QUAKE).json()["storm"]
    with site.client(Role.READER) as reader, site.client(None) as stranger:
        assert (reader.get("/declare").status_code, reader.post("/declare", data=form).status_code) == (403, 403)
        assert reader.post(f"/situations/{storm}/end").status_code == 403
        assert stranger.get("/declare").headers["location"] == "/login?to=%2Fdeclare"
        assert stranger.post("/declare", data=form).status_code == 401
        assert stranger.post(f"/situations/{storm}/end").status_code == 401
    secret = site.tokens.add("cookie", Role.ADMIN, datetime.now(UTC))
    with httpx.Client(base_url=site.base, cookies={"scarpwatch": secret}) as tricked:
        for path in ("/declare", f"/situations/{storm}/end"):
            assert tricked.post(path, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert [one["storm"] for one in duty.get("/api/v1/declarations").json()["declarations"]] == [storm]


@pytest.fixture
def browser_page(request: pytest.FixtureRequest, site: Site) -> Iterator[Page]:
    """A phone of somebody who signed in."""
    context = request.getfixturevalue("browser").new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    _sign_in(page, site, "/", Role.READER)
    yield page
    context.close()


def _sign_in(page: Page, site: Site, to: str, role: Role) -> None:
    page.goto(f"{site.base}/login?to={to}")
    page.get_by_label("Token").fill(site.tokens.add(role.value, role, datetime.now(UTC)))
    page.get_by_role("button", name="Sign in").click()


def test_how_often_alerts_were_landslides(site: Site, duty: httpx.Client) -> None:
    """For people with a token, in the API and on the first page; for nobody else."""
    real = replace(event(acquisition(8), "E8", 1.5), window_end=AT, status=AlertStatus.ACTUAL)
    look(site.store, 8, real)
    assert duty.post("/api/v1/alerts/E8/actions", json={"kind": "confirm", "step": 0}).status_code == 201
    (body,) = duty.get("/api/v1/precision").json()["regions"].values()
    assert (body["90"]["landslides"], body["90"]["precision"]) == (1, 1.0)
    assert "people judged 1 of 1 alert of the last 365 days" in duty.get("/").text
    with site.client(None) as public:
        assert public.get("/api/v1/precision").status_code == 401
        assert "people judged" not in public.get("/").text
