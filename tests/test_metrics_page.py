"""The page that Prometheus reads, against docs/metrics.md and against the tool of its users."""

import os
import re
import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.store import SqlStore
from monitor.config import Settings, load
from monitor.core.audit import AuditReport, report_json
from monitor.core.precision import Precision
from monitor.core.slope_sight import BlindSlopes, TrackSight
from monitor.daemon import Daemon
from monitor.records import Detector, FiledReport, NetworkAnswer, ReportKind, Sensor, Tier
from tests.adapters.store.factories import acquisition, choice
from tests.fake_watch import NOW, write_config
from tests.test_daemon import PATIENCE_S, run_while, until, watching

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
_ROW = re.compile(r"^\| `(scarpwatch_\w+)` \| (\w+) \|([\w, ]*)\|", re.MULTILINE)
NO_SERIES = {
    "scarpwatch_largest_change",
    "scarpwatch_probability_stability_index",
    "scarpwatch_scenes_parked",
    "scarpwatch_worker_blocks_total",
}
"""The fake watch compares looks at two tiles with none, and has no workers; nothing is parked."""
_OF_HISTOGRAMS = frozenset({"le"})


@dataclass(frozen=True)
class Metric:
    """A metric as people and rules know it."""

    kind: str
    labels: frozenset[str]


def documented() -> dict[str, Metric]:
    """Every row of the document."""
    rows = _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    found = {name: Metric(kind, frozenset(re.findall(r"\w+", labels))) for name, kind, labels in rows}
    assert len(found) == len(rows), "a metric is documented twice"
    return found


def fresh(folder: Path, patch: pytest.MonkeyPatch) -> Settings:
    """Settings of the fake watch with a database, in an environment without others."""
    for name in [name for name in os.environ if name.startswith("SCARPWATCH_")]:
        patch.delenv(name)
    settings = load(write_config(folder, "drills: {regions: [valley]}\n"))
    with closing(SqlStore(settings.database)) as store:
        store.upgrade()
    return settings


def fill(daemon: Daemon) -> None:
    """What a short run of the fake watch does not do, so that every metric has a series."""
    metrics = daemon.metrics
    metrics.telling.begin(["mail"])
    metrics.telling.channel("mail", oldest_due_s=0.0, parked=0, held=0)
    metrics.telling.alive("valley", NOW)
    metrics.telling.judged({("valley", Tier.WATCH, Detector.BASELINE): Precision()})
    metrics.telling.drill("valley", {"seen": 1}, passed=True, now=NOW)
    half = TrackSight(slopes_km2=2.0, blind_km2=1.0)
    metrics.regions.blind_slopes("valley", BlindSlopes(tracks={"R046-ascending": half}, together=half))
    metrics.work.choices("valley", [choice(acquisition(1))])
    metrics.work.answers("valley", Sensor.OPTICAL, {NetworkAnswer.ANSWERED: 1})


def audited_elsewhere(daemon: Daemon) -> None:
    """Somebody else audited the valley, and the minute at which that is seen has come."""
    found = report_json(AuditReport(region="valley", at=NOW, since=NOW, differences=()))
    daemon._kept.store.put_report(ReportKind.AUDIT, FiledReport(subject="valley", at=NOW, body=found))
    daemon.measure()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a watch that has polled, processed and been filled up."""
    read: list[str] = []
    with pytest.MonkeyPatch.context() as patch, watching(fresh(tmp_path_factory.mktemp("page"), patch)) as daemon:

        def visit(base: str) -> None:
            def page() -> str:
                return httpx.get(f"{base}/metrics", timeout=PATIENCE_S).text

            until(lambda: 'scenes_usable{region="valley",sensor="optical"} 2.0' in page())
            until(lambda: 'catalog_polls_total{catalog="local",result="answered"} 1.0' in page())
            daemon._service.store.note_sources(["local"], {}, NOW)  # type: ignore[attr-defined]
            daemon.measure()
            fill(daemon)
            assert "scarpwatch_audit_findings{" not in page()
            audited_elsewhere(daemon)
            read.append(page())

        run_while(daemon, visit)
    return read[0]


def test_every_metric_is_documented_as_it_is(page: str) -> None:
    """Names, types and labels, both ways: rules and dashboards are written on the document."""
    found: dict[str, Metric] = {}
    for family in text_string_to_metric_families(page):
        if family.name.startswith("scarpwatch_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {frozenset(one.labels) - _OF_HISTOGRAMS for one in family.samples}
            assert len(labels) == 1 or name in NO_SERIES, name
            found[name] = Metric(family.type, next(iter(labels), documented()[name].labels))
    assert found == documented()


def test_what_can_be_counted_is_zero_from_the_start(page: str) -> None:
    """Else the first failure of a kind would be no rise, and an alarm on it would sleep."""
    lines = page.splitlines()
    for line in (
        'scarpwatch_catalog_polls_total{catalog="local",result="failed"} 0.0',
        'scarpwatch_tiles_total{decision="unclassified",region="valley",sensor="sar"} 0.0',
        'scarpwatch_sign_failures_total{catalog="local",reason="token-unavailable"} 0.0',
        'scarpwatch_deliveries_total{channel="mail",result="delivery-parked"} 0.0',
        'scarpwatch_drill_scars_total{region="valley",result="missed"} 0.0',
        'scarpwatch_leases_capped_total{region="valley"} 0.0',
        'scarpwatch_delay_seconds_count{step="alerted_to_delivered"} 0.0',
        'scarpwatch_stage_seconds_count{stage="store"} 0.0',
    ):
        assert line in lines, line


def test_what_a_run_shows(page: str) -> None:
    """Passes, delays, tiles and disks of two acquisitions that were processed."""
    lines = page.splitlines()
    for line in (
        'scarpwatch_scenes_expected{region="valley",sensor="optical"} 3.0',
        'scarpwatch_scenes_seen{region="valley",sensor="optical"} 2.0',
        'scarpwatch_scenes_usable{region="valley",sensor="optical"} 2.0',
        'scarpwatch_passes_overdue{region="valley",sensor="optical"} 1.0',
        'scarpwatch_tiles_total{decision="too-few-looks",region="valley",sensor="optical"} 3.0',
        'scarpwatch_delay_seconds_count{step="discovered_to_processed"} 2.0',
        'scarpwatch_delay_seconds_count{step="sensed_to_alerted"} 1.0',
        'scarpwatch_queue_oldest_due_seconds{region="valley"} 0.0',
        'scarpwatch_catalog_polls_total{catalog="local",result="answered"} 1.0',
        'scarpwatch_audit_findings{finding="missing",region="valley"} 0.0',
    ):
        assert line in lines, line
    free = dict(line.rsplit(" ", 1) for line in lines if line.startswith("scarpwatch_disk_free_bytes"))
    assert set(free) == {f'scarpwatch_disk_free_bytes{{path_of="{name}"}}' for name in ("products", "database")}
    assert all(float(value) > 0 for value in free.values())


def test_no_series_of_a_tile_or_an_acquisition(page: str) -> None:
    """A region of ten thousand tiles has as many series as one of two."""
    assert "UTM" not in page
    assert "S2A-" not in page


def test_promtool_has_nothing_to_say(page: str) -> None:
    """Names, units, types and help texts by the rules of Prometheus."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool here (Debian: prometheus)")
    said = subprocess.run([tool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
