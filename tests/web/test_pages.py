"""Pages in a real browser: readable on a phone, of use on paper, and safe from what others wrote."""

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from monitor.records import EventContext, EventState, Exposure, Nearby, Role, Severity
from tests.adapters.store.factories import acquisition, event, later
from tests.web.conftest import Site, look, served

_NUMBERS = itertools.count()
_ROOT = Path(__file__).parents[2]
_PHONE = ViewportSize(width=390, height=844)
_DESKTOP = ViewportSize(width=1280, height=900)
_HOSTILE = '<script>document.title="owned"</script><img src=x onerror="document.title=1">'


_AROUND = EventContext(
    severity=Severity.EXTREME,
    severity_reason="20 buildings within 100 m",
    exposure=Exposure(near_m=100.0, buildings=Nearby(count=20, reached=3), place="2.1 km NE of Atsuma"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI shows every page to a browser, but there is no chromium")
        pytest.skip("no chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with pictures, and an alert with a hostile name."""
    with served(tmp_path_factory.mktemp("shown")) as site:
        look(site.store, 5, replace(event(acquisition(5), "E5", 0.9), confidence_reason=_HOSTILE, storm="st <b>orm"))
        (site.products / "alerts").mkdir(parents=True, exist_ok=True)
        shutil.copy(_ROOT / "docs" / "alert.png", site.products / "alerts" / "E1.png")
        yield site


@pytest.fixture
def page(browser: Browser, shown: Site) -> Iterator[Page]:
    """A phone of somebody who signed in through the form."""
    secret = shown.tokens.add(f"duty-{next(_NUMBERS)}", Role.RESPONDER, acquisition(1).sensing_time)
    context = browser.new_context(viewport=_PHONE, device_scale_factor=2)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    opened.goto(f"{shown.base}/alerts/E1")
    opened.get_by_label("Token").fill(secret)
    opened.get_by_role("button", name="Sign in").click()
    yield opened
    context.close()
    assert faults == []


def fits(page: Page) -> bool:
    """Nothing is wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_who_signs_in_comes_to_the_page_asked_for(page: Page) -> None:
    """With the alert in words, its picture, its evidence, and what was not observed, on a phone."""
    assert page.url.endswith("/alerts/E1")
    assert "Landslide, 2.0 ha, region atsuma" in page.locator("h1").inner_text()
    assert page.locator("img.picture").evaluate("image => image.complete && image.naturalWidth > 0")
    unseen = page.locator(".unseen").inner_text()
    assert "25% of the ground" in unseen
    assert "Seen by optics 41.2%, last on 2018-08-20; radar 98.5%, last on 2018-09-08" in unseen
    assert "Next pass expected 2018-09-20 (radar, orbit 46), 2018-09-23 (optics, orbit 74)" in unseen
    assert page.locator("tr.opens").count() == 1
    assert fits(page)
    page.set_viewport_size(_DESKTOP)
    assert fits(page)


def test_the_list_is_worst_first_and_leads_to_the_situation(page: Page, shown: Site) -> None:
    """From the open alerts to a storm, which shows those that ended too; outlines are drawn."""
    page.goto(shown.base)
    assert page.locator(".row a").first.inner_text().startswith("TEST: Landslide")
    assert page.locator(".row svg path").first.get_attribute("d")
    assert re.search(r"-?\d+\.\d{4}, -?\d+\.\d{4}; exposure not known", page.locator(".row").last.inner_text())
    assert fits(page)
    page.get_by_role("link", name="atsuma-storm-1").click()
    assert page.locator(".row").count() == 2


def test_acting_changes_the_alert_and_says_who(page: Page, shown: Site) -> None:
    """Acknowledge through the form; a form that was open meanwhile is told what happened."""
    page.goto(f"{shown.base}/alerts/E2")
    late = page.context.new_page()
    late.goto(f"{shown.base}/alerts/E2")
    page.get_by_label("Note").fill("seen from the road")
    page.get_by_role("button", name="Acknowledge").click()
    assert "seen from the road" in page.locator("main").inner_text()
    late.get_by_label("dismissed").select_option("works")
    late.get_by_role("button", name="Dismiss").click()
    assert "changed since" in late.locator("[role=alert]").inner_text()
    known = shown.store.event("E2")
    assert known is not None
    assert known.state is EventState.PROVISIONAL


def test_a_situation_is_acknowledged_at_once(page: Page, shown: Site) -> None:
    """Each open alert as it was shown: what has changed since is told, and is left to be looked at again."""
    first, second = (
        replace(event(acquisition(6), name, strength), storm="quake", context=around)
        for name, strength, around in (("Q1", 2.0, _AROUND), ("Q2", 1.0, None))
    )
    look(shown.store, 6, first, second)
    late = page.context.new_page()
    late.goto(f"{shown.base}/situations/quake")
    page.goto(f"{shown.base}/alerts/Q1")
    assert "Severity extreme: 20 buildings within 100 m" in page.locator("article").inner_text()
    page.goto(f"{shown.base}/situations/quake")
    rows = page.locator(".row").all_inner_texts()
    assert "Severity extreme; 2.1 km NE of Atsuma; 20 buildings within 100 m\n" in rows[0]
    assert re.search(r"Severity not known; [\d.-]+, [\d.-]+; exposure not known\n", rows[1]), (
        "silence would read as nothing"
    )
    assert ["Nobody has acknowledged it" in one for one in rows] == [True, True]
    look(shown.store, 7, later(second, acquisition(7), EventState.CONFIRMED))
    late.get_by_role("button", name="Acknowledge these 2 open alerts").click()
    assert "1 acknowledged, not these: Q2: it has changed since" in late.locator("[role=alert]").inner_text()
    late.get_by_role("link", name="Back").click()
    assert late.url == page.url
    page.reload()
    said = dict(zip(("Q1", "Q2"), page.locator(".row").all_inner_texts(), strict=True))
    assert "by duty-" in said["Q1"]
    assert "Nobody has acknowledged it" in said["Q2"]
    assert fits(page)
    page.get_by_role("button", name="Acknowledge this open alert").click()
    assert page.get_by_role("button", name="Acknowledge").count() == 0
    known = shown.store.event("Q2")
    assert known is not None
    assert [step.reason for step in known.transitions][-1] == "acknowledged"


def test_an_unknown_alert_keeps_no_other_from_its_answer(shown: Site) -> None:
    """What a form names and nobody knows is told; the rest is acknowledged. A form of nonsense does nothing."""
    look(shown.store, 8, replace(event(acquisition(8), "R1", 1.5), storm="rain"))
    with shown.client(Role.RESPONDER, "duty-rain") as client:
        path = "/situations/rain/acknowledge"
        answer = client.post(path, data={"seen": '{"R0": 0, "R1": 0}'})
        assert (answer.status_code, "1 acknowledged, not these: R0: " in answer.text) == (409, True)
        assert client.post(path, data={"seen": '["R1"]'}).status_code == 422
    with shown.client(Role.READER) as reader:
        assert reader.post(path, data={"seen": '{"R1": 0}'}).status_code == 403
    known = shown.store.event("R1")
    assert known is not None
    assert [step.by for step in known.transitions] == [None, "duty-rain"]


def test_what_others_wrote_is_text(page: Page, shown: Site) -> None:
    """Markup in names and doubts is shown, never run."""
    page.goto(f"{shown.base}/alerts/E5")
    assert "<script>" in page.locator("article").inner_text()
    assert page.locator("article script").count() == 0
    assert "owned" not in page.title()
    page.get_by_role("link", name="st <b>orm").click()
    assert "Situation st <b>orm" in page.locator("h1").inner_text()


def test_an_alert_prints_on_one_page(page: Page, shown: Site) -> None:
    """From the browser, and as the PDF made here."""
    page.goto(f"{shown.base}/alerts/E1")
    assert pages_of(page.pdf(prefer_css_page_size=True)) == 1
    answer = page.context.request.get(f"{shown.base}/alerts/E1.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert pages_of(answer.body()) == 1


def test_what_an_alert_is_instead_is_asked_where_it_can_be_dismissed(shown: Site) -> None:
    """Of an open alert; what has ended takes no dismissal, and shows no list of reasons."""
    with shown.client(Role.RESPONDER) as client:
        asked = {name: "if dismissed" in client.get(f"/alerts/{name}").text for name in ("E1", "E3")}
        assert 'value="comment"' in client.get("/alerts/E3").text
    assert asked == {"E1": True, "E3": False}


def pages_of(pdf: bytes) -> int:
    """Pages of a PDF."""
    return pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page\r")


def test_pages_load_nothing_from_elsewhere_and_are_not_for_strangers(shown: Site) -> None:
    """A strict policy; the way in is the only page without a token; links to it lead nowhere else."""
    with httpx.Client(base_url=shown.base, headers={"Accept": "text/html"}) as stranger:
        for path in ("/", "/alerts/E1", "/alerts/E1.pdf", "/situations/atsuma-storm-1"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login")
        login = stranger.get("/login", params={"to": "//evil.example"})
        assert "default-src 'none'" in login.headers["content-security-policy"]
        assert 'name="to" value="/"' in login.text
        assert stranger.post("/login", data={"token": "nonsense", "to": "/"}).status_code == 401


def test_a_form_of_another_site_does_nothing(shown: Site) -> None:
    """The cookie alone is no consent."""
    secret = shown.tokens.add("cookie", Role.ADMIN, acquisition(1).sensing_time)
    with httpx.Client(base_url=shown.base, cookies={"scarpwatch": secret}) as tricked:
        form = {"kind": "dismiss", "reason": "works", "step": "0"}
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            assert tricked.post("/alerts/E1/actions", data=form, headers=headers).status_code == 403
    known = shown.store.event("E1")
    assert known is not None
    assert known.state is EventState.CONFIRMED
