"""Ledger and catalogs compared over real polls: what is missing is queued, what vanished is told, nothing is lost."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from shapely.geometry.base import BaseGeometry

from monitor.core.audit import AuditReport, Finding, report_from_json, report_json
from monitor.nightly import failed_audits, last_audits
from monitor.records import SceneItem, Sensor
from tests.upstream import Upstream, scene, upstream


def audit(up: Upstream, day: float) -> AuditReport:
    """Of the valley."""
    return up.service.audit("valley", up.at(day))


def findings(report: AuditReport) -> list[tuple[Finding, str, str]]:
    """Kind, first part of the id, and reason."""
    return [(one.finding, one.acquisition.split("T")[0][-8:], one.reason) for one in report.differences]


def newer(one: SceneItem) -> SceneItem:
    """The same scene processed anew."""
    return replace(one, processing_baseline="05.12", id=f"{one.id}-again")


def test_what_polls_missed_is_queued(tmp_path: Path) -> None:
    """A catalog that cuts long lists short hides scenes from polls, and not from the audit; twice is once."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(0, 5, 10, 15, 20)
        up.pc.longest = 3
        up.poll(21)
        assert up.known() == [0, 5, 10]
        report = audit(up, 22)
        assert findings(report) == [
            (Finding.MISSING, "20260116", "not-listed-then"),
            (Finding.MISSING, "20260121", "not-listed-then"),
        ]
        assert (report.queued, report.listed, report.known) == (2, 5, 3)
        assert up.known() == [0, 5, 10, 15, 20]
        again = audit(up, 23)
        assert (again.differences, again.queued) == ((), 0)
        up.poll(24)
        assert len(up.known()) == 5, "the short list of a poll takes nothing away"


def test_what_an_outage_hid_is_news_to_the_audit_too(tmp_path: Path) -> None:
    """Whether the catalog is back in time for a poll or for the audit of the night: it raises alerts all the same."""
    with upstream(tmp_path, fallback_catalogs=(), history_days=7) as up:
        up.lists(0, 5, 10, 15)
        up.poll(6)
        up.pc.down = True
        up.poll(12)
        up.pc.down = False
        assert audit(up, 20).queued == 2
        assert up.history() == []


def test_why_it_was_missed(tmp_path: Path) -> None:
    """It is told whether anybody had asked since it was made."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(0, 5)
        assert {reason for *_, reason in findings(audit(up, 6))} == {"not-polled"}
        up.poll(7)
        up.lists(8)
        assert findings(audit(up, 9)) == [(Finding.MISSING, "20260109", "since-last-poll")]


def test_what_vanished_is_told_and_stays(tmp_path: Path) -> None:
    """Every night anew, as long as it is so; the ledger keeps it, and so does what is partly gone."""
    with upstream(tmp_path) as up:
        up.lists(0, 5, 10)
        up.poll(11)
        up.pc.items.pop(1)
        for day in (12, 13):
            report = audit(up, day)
            assert findings(report) == [(Finding.VANISHED, "20260106", "not-listed")]
            assert "pc lists it no more" in report.differences[0].detail
            assert report.queued == 0
        assert up.known() == [0, 5, 10]


def test_a_list_cut_short_makes_nothing_vanish(tmp_path: Path) -> None:
    """What seems to have vanished is asked for alone before it is told."""
    with upstream(tmp_path) as up:
        up.lists(*range(12))
        up.poll(12)
        up.pc.longest = 4
        report = audit(up, 13)
        assert (report.differences, report.not_audited) == ((), "")
        assert report.listed < report.known


def test_a_catalog_that_fails_in_the_middle_has_lost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it does not answer when it is asked for one pass alone, nobody knows whether that has vanished."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        up.lists(0, 5)
        up.poll(6)
        up.pc.items.pop()
        whole = up.pc.search

        def search(geometry: BaseGeometry, start: datetime, end: datetime, sensor: Sensor) -> object:
            up.pc.down = end - start < timedelta(days=3)
            return whole(geometry, start, end, sensor)

        monkeypatch.setattr(up.pc, "search", search)
        report = audit(up, 7)
        assert (report.differences, "answers 503" in report.not_audited) == ((), True)


def test_a_newer_version_is_queued(tmp_path: Path) -> None:
    """It supersedes, as in a poll; another catalog's name for what is known does not."""
    with upstream(tmp_path) as up:
        up.lists(0, 5)
        up.poll(6)
        up.pc.items[1] = newer(up.pc.items[1])
        up.pc.items[0] = replace(up.es.items[0], catalog="pc-mirror")
        report = audit(up, 7)
        assert findings(report) == [(Finding.SUPERSEDED, "20260106", "new-version")]
        assert report.queued == 1
        assert len(up.known()) == 3
        assert audit(up, 8).differences == ()


def test_a_catalog_that_changes_its_mind_is_no_news(tmp_path: Path) -> None:
    """It lists other granules of a pass, and then those of before again: what is known is not told nightly."""
    with upstream(tmp_path, fallback_catalogs=()) as up:
        granules = [replace(scene(0), id=f"pc-{code}", grid_code=code) for code in ("54TXN", "54TXM", "54TYN")]
        for listed in (granules[:2], granules[1:]):
            up.pc.items = listed
            assert up.poll(1) == 1
        up.pc.items = granules[:2]
        report = audit(up, 2)
        assert (report.differences, report.queued) == ((), 0)


def test_a_catalog_that_does_not_answer_is_not_audited(tmp_path: Path) -> None:
    """Nothing has vanished; the last audit stays known, and that there is no newer one is told."""
    with upstream(tmp_path) as up:
        up.lists(0, 5)
        up.poll(6)
        good = audit(up, 7)
        up.pc.down = True
        bad = audit(up, 8)
        assert "answers 503" in bad.not_audited
        assert (bad.differences, bad.queued) == ((), 0)
        assert last_audits(up.store, ["valley"]) == {"valley": good}
        assert failed_audits(up.store, ["valley", "noto"]) == {"valley": bad}
        up.pc.down = False
        audit(up, 9)
        assert failed_audits(up.store, ["valley"]) == {}


def test_what_another_catalog_listed_has_not_vanished(tmp_path: Path) -> None:
    """It was not asked."""
    with upstream(tmp_path) as up:
        up.lists(0, 5)
        up.es.items.append(scene(10, "es"))
        up.poll(6)
        up.pc.down = True
        up.poll(11)
        up.pc.down = False
        report = audit(up, 12)
        assert (report.differences, report.elsewhere) == ((), 1)


def test_a_report_survives_the_database(tmp_path: Path) -> None:
    """As it was, with every finding."""
    with upstream(tmp_path) as up:
        up.lists(0, 5)
        report = audit(up, 6)
        assert report.differences
        assert report_from_json(report_json(report)) == report
