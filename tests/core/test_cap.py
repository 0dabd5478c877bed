"""CAP 1.2: valid against the schema of OASIS, readable by others, true to the alert."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import capparser
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely import MultiPolygon, Polygon, box, distance, get_coordinates, points, union_all

from monitor.core.addresses import Addresses
from monitor.core.cap import NAMESPACE, CapSettings, MessageKind, cap_message, identifier
from monitor.core.cap_outline import outline_text
from monitor.core.grid import project
from monitor.core.telling import description
from monitor.core.words import LANGUAGES
from monitor.records import (
    Action,
    ActionKind,
    AlertStatus,
    EventContext,
    EventState,
    Exposure,
    Nearby,
    NextPass,
    Revision,
    Sensor,
    Severity,
    Tier,
)
from tests.core.alerts import SENT, STORM, alert, revision

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parent / "cap" / "CAP-v1.2.xsd"))
GRAVE = EventContext(
    severity=Severity.SEVERE,
    severity_reason="1 building within 100 m",
    exposure=Exposure(near_m=100, buildings=Nearby(count=1, reached=0), municipality="Atsuma-cho"),
)
WEB = CapSettings(sender="watch@example.org", addresses=Addresses(base="https://watch.example.org"))
IN = {"cap": NAMESPACE}


def parsed(told: Revision, by: CapSettings = WEB) -> Any:
    """The document, held against the schema."""
    document = etree.fromstring(cap_message(told, by).xml)
    SCHEMA.assertValid(document)
    return document


def text(document: Any, name: str) -> str:
    """The first element of a name."""
    return str(document.findtext(f".//cap:{name}", namespaces=IN))


@pytest.mark.parametrize("status", AlertStatus)
@pytest.mark.parametrize("state", [one for one in EventState if one is not EventState.CANDIDATE])
@pytest.mark.parametrize("released", [True, False])
def test_every_kind_of_alert_is_valid_against_the_schema_of_oasis(
    status: AlertStatus, state: EventState, released: bool
) -> None:
    """Every status, state and release, in all languages at once."""
    told = revision(alert(status=status, state=state, released=released, alike_from_m=545.0), 2, earlier=(0, 1))
    document = parsed(told, CapSettings(languages=tuple(LANGUAGES), addresses=WEB.addresses, contact="+81 1"))
    assert [one.text for one in document.iterfind(".//cap:language", IN)] == list(LANGUAGES)


@pytest.mark.parametrize(
    ("state", "reason", "kind"),
    [
        (EventState.CONFIRMED, "still-changed", MessageKind.UPDATE),
        (EventState.PROVISIONAL, "released", MessageKind.UPDATE),
        (EventState.REFUTED, "back-as-before", MessageKind.CANCEL),
        (EventState.CLOSED, "dismissed-farming", MessageKind.CANCEL),
        (EventState.CLOSED, "merged", MessageKind.CANCEL),
        (EventState.CLOSED, "rolled-back", MessageKind.CANCEL),
        (EventState.PROVISIONAL, "rolled-back", MessageKind.UPDATE),
        (EventState.CLOSED, "settled", MessageKind.UPDATE),
        (EventState.CLOSED, "ground-recovered", MessageKind.UPDATE),
        (EventState.EXPIRED, "not-seen-again", MessageKind.UPDATE),
    ],
)
def test_update_and_cancel_reference_everything_said_before(state: EventState, reason: str, kind: MessageKind) -> None:
    """The references name sender, identifier and time exactly as those messages do."""
    before = [parsed(revision(alert(), 0)), parsed(revision(alert(), 2, earlier=(0,)))]
    told = parsed(revision(alert(state=state), 5, reason, earlier=(0, 2)))
    said = [f"{text(one, 'sender')},{text(one, 'identifier')},{text(one, 'sent')}" for one in before]
    assert text(told, "msgType") == kind
    assert text(told, "references").split() == said


def test_the_first_message_is_an_alert_without_references() -> None:
    """There is nothing before it."""
    document = parsed(revision())
    assert text(document, "msgType") == "Alert"
    assert document.find("cap:references", IN) is None


@pytest.mark.parametrize(
    ("status", "released", "said", "scope"),
    [
        (AlertStatus.ACTUAL, True, "Actual", "Public"),
        (AlertStatus.ACTUAL, False, "Draft", "Restricted"),
        (AlertStatus.TEST, False, "Test", "Restricted"),
        (AlertStatus.EXERCISE, False, "Exercise", "Restricted"),
        (AlertStatus.EXERCISE, True, "Exercise", "Public"),
    ],
)
def test_only_a_released_alert_is_actual_and_public(status: AlertStatus, released: bool, said: str, scope: str) -> None:
    """Until then the same message is restricted, and says to whom."""
    document = parsed(revision(alert(status=status, released=released)))
    assert (text(document, "status"), text(document, "scope")) == (said, scope)
    assert (document.find("cap:restriction", IN) is None) == released


def test_times_are_of_cap_and_in_order() -> None:
    """Whole seconds, an offset in numbers, never Z; it ends after it was sent."""
    document = parsed(revision())
    assert text(document, "sent") == "2018-09-08T03:04:05-00:00"
    times = [datetime.fromisoformat(text(document, name)) for name in ("onset", "effective", "expires")]
    assert times == [STORM - timedelta(days=3), SENT.replace(microsecond=0), _longest(revision())]


def test_no_message_expires_while_its_alert_can_be_open() -> None:
    """An alert lives for 400 days, and 120 more where nothing looks; what opened long ago is not expired at once."""
    one = revision()
    first = min(step.at for step in one.event.transitions)
    for days, expected in ((0, 520), (399, 520), (500, 620)):
        document = parsed(replace(one, sent=first + timedelta(days=days)))
        assert datetime.fromisoformat(text(document, "expires")) == first.replace(microsecond=0) + timedelta(expected)


def _longest(one: Revision) -> datetime:
    return min(step.at for step in one.event.transitions).replace(microsecond=0) + timedelta(days=520)


def test_the_end_of_an_alert_is_no_all_clear_and_expires_soon() -> None:
    """A satellite cannot say that a slope is safe."""
    document = parsed(revision(alert(state=EventState.CLOSED), 3, "settled", earlier=(0,)))
    assert text(document, "responseType") == "None"
    assert "no all-clear" in text(document, "instruction")
    sent, expires = (datetime.fromisoformat(text(document, name)) for name in ("sent", "expires"))
    assert expires - sent == timedelta(days=1)


def test_a_parser_of_others_reads_what_was_meant() -> None:
    """capparser, which shares no code with Scarpwatch."""
    told = revision(alert(tier=Tier.WARNING, context=GRAVE), 4, "still-changed", earlier=(0,))
    found = capparser.parse(stringXML=cap_message(told, WEB).xml.decode())
    info = found.info[0][0]
    parameters = {one.valueName[0]: one.value[0] for one in info.parameter[0]}
    assert found.identifier[0] == "atsuma-20180908-x1.4"
    assert found.references[0] == "watch@example.org,atsuma-20180908-x1.0,2018-09-08T03:04:05-00:00"
    assert (info.event[0], info.urgency[0], info.severity[0]) == ("Landslide", "Expected", "Severe")
    assert info.headline[0].startswith("Landslide, 3.6 ha, Atsuma-cho")
    assert parameters["tier"] == "warning"
    assert parameters["false_events_per_1000km2_year"] == "0.25"
    corners = [tuple(map(float, one.split(","))) for one in info.area[0][0].polygon[0].split()]
    assert corners[0] == corners[-1]
    assert set(corners) == {(42.73, 141.95), (42.73, 141.952), (42.732, 141.952), (42.732, 141.95)}


@pytest.mark.parametrize(("days", "said"), [(0, "2018-09-10 (optics)"), (3, "2018-09-13 (radar)"), (7, None)])
def test_a_message_calls_no_past_day_the_next_pass(days: int, said: str | None) -> None:
    """Of what was expected at the look, the first that is still to come when the message is written."""
    passes = tuple(
        NextPass(sensor=sensor, relative_orbit=None, expected=SENT + timedelta(days=day), basis="")
        for sensor, day in ((Sensor.OPTICAL, 2), (Sensor.SAR, 5))
    )
    context = EventContext(severity=Severity.MINOR, severity_reason="", next_passes=passes)
    told = replace(revision(replace(alert(), context=context)), sent=SENT + timedelta(days=days))
    words = text(parsed(told), "description")
    assert ("next pass expected" in words) == (said is not None)
    assert said is None or f"next pass expected {said}" in words


def test_evidence_for_against_and_what_was_not_seen_is_told() -> None:
    """In sentences, with the window, the doubts and the rate."""
    said = text(parsed(revision()), "description")
    assert "Evidence for: 2018-09-07 18:00 UTC (optical)." in said
    assert "Did not see the ground (cloud, shadow, snow, outside): 2018-09-09 18:00 UTC (optical)." in said
    assert "between 2018-09-02 18:00 UTC" in said
    assert "Confidence: medium. This is no probability. Doubts: the source has no cloud mask." in said
    assert "0.25 times per 1,000 km² and year" in said
    assert "Nobody has checked it on the ground" in said


@pytest.mark.parametrize("simulated", [True, False])
def test_a_rate_of_simulated_ground_says_so(simulated: bool) -> None:
    """In every language: a duty officer weighs it differently."""
    event = alert()
    opening = replace(event.evidence[0], rate_simulated=simulated)
    told = replace(event, evidence=(opening, *event.evidence[1:]))
    for words in LANGUAGES.values():
        assert (words.rate_simulated in description(told, words)) is simulated


def test_what_people_did_is_told_without_their_names() -> None:
    """Messages go far."""
    act = Action(at=SENT, by="m.tanaka", kind=ActionKind.CONFIRM, text="seen from the road")
    document = parsed(revision(alert(actions=(act,)), 1, "confirmed-from-field", earlier=(0,)))
    said = text(document, "description")
    assert "Confirmed from the field on 2018-09-08" in said
    assert "Nobody has checked" not in said
    assert "tanaka" not in etree.tostring(document, encoding="unicode")


def spiky(vertices: int, seed: int = 1) -> Polygon:
    """A star-shaped outline of a few hundred metres with so many corners."""
    angles = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    away = 0.004 + 0.0002 * np.random.default_rng(seed).random(vertices)
    return Polygon(zip(141.95 + away * np.cos(angles), 42.73 + away * np.sin(angles), strict=True))


@pytest.mark.parametrize(
    "geometry",
    [
        spiky(100_000),
        MultiPolygon([box(x / 100, y / 100, x / 100 + 0.001, y / 100 + 0.001) for x in range(20) for y in range(50)]),
        MultiPolygon([spiky(20_000), box(142.5, 42.7, 142.6, 42.8)]),
    ],
    ids=["100,000 corners", "1,000 pieces", "both"],
)
def test_a_huge_outline_is_simplified_within_a_stated_tolerance(geometry: Polygon | MultiPolygon) -> None:
    """The document keeps its size, the rings are valid, and no ground lies farther from them than is said."""
    by = CapSettings(languages=tuple(LANGUAGES), addresses=WEB.addresses, most_bytes=50_000)
    message = cap_message(revision(alert(geometry=geometry)), by)
    document = etree.fromstring(message.xml)
    SCHEMA.assertValid(document)
    assert len(message.xml) <= by.most_bytes
    stated = document.xpath("(//cap:parameter[cap:valueName='polygon_tolerance_m']/cap:value/text())[1]", namespaces=IN)
    assert float(stated[0]) == pytest.approx(message.tolerance_m, abs=0.05)
    rings = [read(one.text) for one in document.find(".//cap:area", IN).iterfind("cap:polygon", IN)]
    assert all(ring.is_valid for ring in rings)
    drawn, ground = (project(union_all(one), 4326, 32654) for one in (rings, [geometry.buffer(0)]))
    corners = get_coordinates(ground)
    assert distance(drawn, points(corners[:: max(1, len(corners) // 3000)])).max() <= message.tolerance_m
    assert distance(ground, points(get_coordinates(drawn.segmentize(500)))).max() <= message.tolerance_m


def read(ring: str) -> Polygon:
    """A ring as CAP writes it."""
    pairs = [pair.split(",") for pair in ring.split()]
    return Polygon([(float(longitude), float(latitude)) for latitude, longitude in pairs])


def test_a_small_outline_is_told_as_it_is_and_every_piece_is_a_ring() -> None:
    """Without need nothing is simplified; holes, which CAP has none of, are left out."""
    holed = box(10, 45, 10.01, 45.01).difference(box(10.004, 45.004, 10.005, 45.005))
    outline = outline_text(union_all([holed, box(10.02, 45, 10.03, 45.01)]), 10_000)
    assert outline.tolerance_m == pytest.approx(0.2)
    assert [read(ring).area for ring in outline.rings] == pytest.approx([1e-4, 1e-4])


def test_ground_thinner_than_a_decimetre_still_has_an_outline() -> None:
    """A box around it; an alert without a place would be worse."""
    (ring,) = outline_text(box(10, 45, 10 + 1e-9, 45.001), 1000).rings
    assert read(ring).area > 0


@settings(max_examples=40)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_name_breaks_a_message(name: str, doubt: str) -> None:
    """Whatever people and catalogs write, the document stays valid and the identifier free of what CAP forbids."""
    event = alert(event_id=f"e-{name}", region=name, confidence_reason=doubt, storm=name, model_version=doubt)
    by = CapSettings(sender=f"x{name}", sender_name=doubt, addresses=WEB.addresses)
    document = parsed(revision(event, 1, earlier=(0,)), by)
    for one in ("identifier", "sender"):
        assert not re.search(r"[\s,<&]", text(document, one))
    assert len(text(document, "references").split()) == 1


def test_hostile_names_arrive_as_they_were() -> None:
    """Markup is text; a control character is replaced where everybody sees it."""
    document = parsed(revision(alert(confidence_reason='</description><x a="1">&amp; \x00\x1b]]>')))
    assert '</description><x a="1">&amp; ��]]>' in text(document, "description")


def test_different_ids_never_share_an_identifier() -> None:
    """Percent signs are escaped too."""
    assert identifier("a b", 1) == "a%20b.1" != identifier("a%20b", 1)


def test_every_language_fills_in_what_english_does() -> None:
    """The places in braces, and the keys of every list, are the same."""

    def places(value: object) -> object:
        if isinstance(value, str):
            return sorted(re.findall(r"{\w+}", value))
        assert isinstance(value, dict)
        return {key: places(one) for key, one in value.items()}

    english = {name: places(getattr(LANGUAGES["en"], name)) for name in LANGUAGES["en"].__slots__}
    for words in LANGUAGES.values():
        assert {name: places(getattr(words, name)) for name in english} == english
