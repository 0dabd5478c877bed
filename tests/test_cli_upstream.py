"""What people read of upstream: audits, passes, and the head of `status`."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.adapters.catalog.reading import unavailable
from monitor.adapters.store import SqlStore
from monitor.cli.parts import coverages
from monitor.cli.watch_lines import watch_lines, watch_state
from monitor.config import load
from monitor.core.audit import Finding
from monitor.overview import Coverage, coverage
from monitor.records import Fallback, FiledReport, Region, ReportKind
from tests.fake_watch import NOW, parts
from tests.test_cli import call, config

__all__ = ["config"]


@pytest.mark.usefixtures("config")
def test_audit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells what was missed and queued, once; a catalog that does not answer is exit code 1 and `not audited`."""
    code, out, _ = call(capsys, "audit")
    assert code == 0
    assert "missing: S2A-2_v1 (not-listed-then): it was listed later" in out
    head, row = (line.split("  ") for line in out.splitlines()[:2])
    assert [one.strip() for one in filter(None, head)][1:] == [
        "Look-back",
        "Listed",
        "Known",
        *(finding.value.capitalize() for finding in Finding),
        "Queued",
    ], "the words of the findings and of the docs"
    assert "60 days" in row
    code, out, _ = call(capsys, "audit", "valley", "--json")
    (report,) = json.loads(out)
    assert (code, report["counts"]) == (0, {"missing": 0, "vanished": 0, "superseded": 0})
    monkeypatch.setenv("CATALOG_DOWN", "yes")
    code, out, _ = call(capsys, "audit")
    assert (code, "! valley: not audited: catalog local (x): answers 503" in out) == (1, True)
    assert call(capsys, "audit", "nowhere")[0] == 2


@pytest.mark.usefixtures("config")
def test_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that came, that are missing, and that are to come."""
    call(capsys, "once")
    code, out, _ = call(capsys, "passes", "valley")
    assert code == 0
    assert "optics, orbit 31: 2 of 3 seen; next 2026-01-20 01:30" in out
    code, out, _ = call(capsys, "passes", "valley", "--days", "12", "--json")
    document = json.loads(out)
    assert [(one["at"][:10], one["state"]) for one in document["passes"]] == [
        ("2026-01-10", "seen"),
        ("2026-01-15", "missing"),
        ("2026-01-20", "coming"),
        ("2026-01-25", "coming"),
        ("2026-01-30", "coming"),
    ]
    assert call(capsys, "passes", "nowhere")[0] == 2
    code, out, _ = call(capsys, "passes", "valley", "--days", "1")
    assert "2026-01-20 01:30" in out


def has_free(
    monkeypatch: pytest.MonkeyPatch, free: int, *, used: int = 0, reserved: int = 0, database: int | None = None
) -> None:
    """Disks with some free bytes, whatever those of this machine have; `database` of its own, if that is another."""

    def disk_usage(path: Path) -> SimpleNamespace:
        room = free if database is None or path.suffix != ".db" else database
        return SimpleNamespace(total=used + reserved + room, used=used, free=room)

    monkeypatch.setattr("monitor.adapters.disks.shutil.disk_usage", disk_usage)


@pytest.mark.usefixtures("config")
def test_little_room_on_the_disk_is_wrong(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the alarm of it would sound; the share is that of `df`, which leaves out what is kept for root."""
    alarm = (Path(__file__).parents[1] / "deploy" / "prometheus" / "rules" / "process.yml").read_text()
    assert "job_path_of:scarpwatch_disk_free_bytes:min < 10e9" in alarm
    call(capsys, "once")
    has_free(monkeypatch, 10 * 10**9 - 1, used=10 * 10**9)
    assert "! disk of the products: 9.3 GiB free (50 %)" in call(capsys, "status")[1].splitlines()
    has_free(monkeypatch, 10 * 10**9, used=190 * 10**9, reserved=800 * 10**9)
    assert "disk of the products: 9.3 GiB free (5 %)" in call(capsys, "status")[1].splitlines()
    assert json.loads(call(capsys, "status", "--json")[1])["watch"]["disk"] == {
        "of": "products",
        "free_bytes": 10 * 10**9,
        "total_bytes": 200 * 10**9,
    }
    has_free(monkeypatch, 10 * 10**9, used=10 * 10**9, database=10**9)
    assert "! disk of the database: 0.9 GiB free (9 %)" in call(capsys, "status")[1].splitlines()


def test_the_head_of_status(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong comes first; the rest tells engine, queue, disk, catalogs, audit and drill; --json has the same."""
    has_free(monkeypatch, 20 * 2**30, used=60 * 2**30)
    call(capsys, "once")
    with closing(SqlStore(load(config).database)) as store:
        store.note_sources(["local"], {}, NOW - timedelta(days=3, hours=1))
        store.note_sources([], {"local": "answers 503"}, NOW - timedelta(days=3))
        one = Fallback(catalogs=("es",), since=NOW - timedelta(days=2), reason="local does not answer")
        store.note_fallback("valley", one)
        for kind, subject, body in (
            (ReportKind.DRILL, "valley", {"passed": False, "detail": "3 missed"}),
            (ReportKind.ENGINE, "", {"engine": "onnxruntime-cpu", "model": "1.0", "version": "0.1.0"}),
        ):
            store.put_report(kind, FiledReport(subject=subject, at=NOW - timedelta(hours=5), body=body))
    code, out, _ = call(capsys, "status")
    lines = out.splitlines()
    wrong = [line for line in lines if line.startswith("! ")]
    missing = "2026-01-15 01:30 UTC of optics, orbit 31; see: scarpwatch passes valley"
    silent = "The catalog local has not answered since 2026-01-17 00:00 UTC."
    to_do = "the line of the catalog says what is wrong with it; mend that, or name another for the region"
    choose = (
        "see whether the catalogs of the region still list new scenes (`scarpwatch passes valley`, `scarpwatch audit "
        "valley`); where they never will, choose a `sensor_policy` without that sensor"
    )
    assert wrong == [
        "! valley: THE WATCH IS NOT WELL",
        f"!   {silent} To do: {to_do}",
        f"!   radar: no catalog has listed a scene for 14 days, so nothing is watched by it. To do: {choose}",
        "! catalog local fails since 2026-01-17 00:00 UTC (3 days), last answered 2026-01-16 23:00 UTC: answers 503",
        "! valley: es stands in since 2026-01-18 00:00 UTC: local does not answer",
        f"! valley: no catalog lists the pass of {missing}",
        "! drill in valley 5 h ago: NOT PASSED: 3 missed",
    ]
    well = "\n".join(lines[len(wrong) + 1 : len(wrong) + 5])
    assert "engine: onnxruntime-cpu, model 1.0, version 0.1.0" in well
    assert "queue: 0 wait, 0 at work" in well
    assert "disk of the products: 20.0 GiB free (25 %)" in well
    assert "audit: none yet" in well
    call(capsys, "audit")
    code, out, _ = call(capsys, "status", "--json")
    watch = json.loads(out)["watch"]
    assert code == 0
    trouble, _radar = watch["troubles"]["valley"]
    assert (trouble["kind"], trouble["told"], trouble["remedy"]) == ("source-silent", silent, to_do)
    assert watch["catalogs"]["local"]["failing_since"] == "2026-01-17T00:00:00+00:00"
    assert watch["missing_passes"] == {}, "the audit found the pass that was missing"
    assert watch["fallbacks"]["valley"]["catalogs"] == ["es"]
    assert watch["audits"]["valley"]["counts"]["missing"] == 1
    assert (watch["drills"]["valley"]["passed"], watch["engine"]["model"]) == (False, "1.0")
    assert watch["queue"] == {"waiting": {"": 1}, "at_work": 0, "oldest": NOW.isoformat()}


def test_status_says_what_alive_says(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A watch that sees nothing any more is told at the head, by the rules of `alive`, and counted once only."""
    call(capsys, "once")
    late = replace(parts(), clock=lambda: NOW + timedelta(days=40))
    monkeypatch.setattr("tests.test_cli.parts", lambda: late)
    counts: list[str] = []

    def counted(region: Region, *others: Any) -> Coverage:
        counts.append(region.id)
        return coverage(region, *others)

    monkeypatch.setattr("monitor.cli.parts.coverage", counted)
    monkeypatch.setattr("monitor.cli.living.coverage", counted)
    _, told, _ = call(capsys, "status")
    assert counts == ["valley"]
    lines = told.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("!"))
    assert lines[start] == "! valley: THE WATCH IS NOT WELL"
    assert json.loads(call(capsys, "alive", "--json")[1])[0]["troubles"] == [
        {name: value for name, value in one.items() if name not in ("told", "remedy")}
        for one in json.loads(call(capsys, "status", "--json")[1])["watch"]["troubles"]["valley"]
    ]
    _, alive, _ = call(capsys, "alive")
    for wrong in ("Nothing has been observed since 2026-01-10 01:30 UTC.", "optical: no catalog has listed a scene"):
        assert wrong in alive
        assert f"!   {wrong}" in told


def test_many_regions_that_are_not_well(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first ones are told, the rest is counted."""
    call(capsys, "once")
    settings = load(config)
    with closing(SqlStore(settings.database)) as store:
        (region,) = settings.region_records()
        regions = [replace(region, id=f"r{number:02d}") for number in range(11)]
        late = NOW + timedelta(days=40)
        lines = watch_lines(
            watch_state(settings, store, regions, [], coverages(settings, store, tuple(regions), late), late)
        )
    assert sum(line.endswith("THE WATCH IS NOT WELL") for line in lines) == 8
    assert "! and 3 more regions are NOT WELL: scarpwatch status --json" in lines


def test_a_catalog_that_fails_is_named_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Name, address and cause, each once; also of one that never answered."""
    call(capsys, "once")
    with closing(SqlStore(load(config).database)) as store:
        gone = unavailable("local", "/data/catalog.json", "it cannot be read: No such file")
        store.note_sources([], {"local": str(gone)}, NOW)
    _, out, _ = call(capsys, "status")
    told = (
        "fails since 2026-01-20 00:00 UTC (0 min), never answered: /data/catalog.json: it cannot be read: No such file"
    )
    assert f"! catalog local {told}. It is asked again" in out
