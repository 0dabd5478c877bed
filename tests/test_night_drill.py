"""Exercises of the service: when they are due, what is made of their reports, and that a failure disturbs nothing."""

import json
import os
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

from monitor.adapters.looks import LookFiles
from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.adapters.store import SqlStore
from monitor.config import DrillSettings, Settings
from monitor.daemon import About, Daemon, Duties, Kept
from monitor.drill import Found
from monitor.errors import DrillFailed
from monitor.logs import make_logger
from monitor.night_drill import NightDrill
from monitor.records import FiledReport, ReportKind
from tests.fake_watch import NOW, FakeService
from tests.test_daemon import answers, run_while, settings, until

__all__ = ["settings"]

CHOSEN = DrillSettings(regions=("valley",), every_days=3, ha=1.5, count=2, deliver=True)


def report(*found: str, told: int = 4) -> str:
    """What a drill prints."""
    scars = [{"number": place, "found": one, "detail": f"{one} why"} for place, one in enumerate(found, start=1)]
    passed = "missed" not in found and told == 4
    return json.dumps({"scars": scars, "channels": [{"channel": "duty", "told": told, "meant": 4}], "passed": passed})


def program(folder: Path, text: str) -> list[str]:
    """A program in place of `scarpwatch drill`."""
    path = folder / "drill.py"
    path.write_text(text, encoding="utf-8")
    return [sys.executable, str(path)]


def saying(folder: Path, out: str, code: int = 0, err: str = "") -> list[str]:
    """A program that prints and ends."""
    note = folder / "arguments"
    lines = [
        "import os, sys",
        f"open({str(note)!r}, 'w').write(' '.join(sys.argv[1:]) + f' nice {{os.nice(0)}}')",
        f"sys.stdout.write({out!r})",
        f"sys.stderr.write({err!r})",
        f"sys.exit({code})",
    ]
    return program(folder, "\n".join(lines))


def test_days_do_not_depend_on_when_the_service_began() -> None:
    """Of three days in a row one is due, and three days later again."""
    drill = NightDrill(CHOSEN, [])
    due = [drill.due(NOW + timedelta(days=day)) for day in range(6)]
    assert sum(due[:3]) == 1
    assert due[:3] == due[3:]


def test_a_report_is_read(tmp_path: Path) -> None:
    """The settings go into the command, which yields to others; a missed scar and a channel are told by name."""
    drill = NightDrill(CHOSEN, saying(tmp_path, report("seen", "missed", told=3), code=1))
    result = drill.run("valley", lambda: False)
    assert result is not None
    assert (result.reached, result.scars[Found.SEEN], result.scars[Found.HIDDEN]) == (False, 1, 0)
    assert result.detail == "1 seen; 1 missed; scar 2: missed why; channel duty was not reached"
    nice = min(os.nice(0) + 15, 19)
    wanted = f"valley --json --sensor optical --ha 1.5 --count 2 --deliver nice {nice}"
    assert (tmp_path / "arguments").read_text() == wanted


@pytest.mark.parametrize(
    ("found", "told", "passed"),
    [
        (("seen", "seen", "missed"), 4, True),
        (("seen", "candidate", "hidden"), 4, True),
        (("seen", "missed"), 4, False),
        (("hidden", "hidden"), 4, False),
        (("seen", "seen"), 3, False),
    ],
)
def test_the_canary_lives_when_most_is_found(tmp_path: Path, found: tuple[str, ...], told: int, passed: bool) -> None:
    """One scar in the shade is no outage; nothing observed proves nothing; every channel must be reached."""
    result = NightDrill(CHOSEN, saying(tmp_path, report(*found, told=told))).run("valley", lambda: False)
    assert result is not None
    assert result.passed is passed


@pytest.mark.parametrize(
    ("out", "code", "err", "said"),
    [
        ("", 1, "valley: nothing clear on slopes. Try --sensor radar\n", "nothing clear on slopes"),
        ("{}", 0, "", "no report"),
        (report("seen"), 3, "a line\nthe database is locked\n", "the database is locked"),
        ("", -9, "", "ended with"),
    ],
)
def test_without_a_report_it_says_why(tmp_path: Path, out: str, code: int, err: str, said: str) -> None:
    """The last words of the process, and what to try."""
    drill = NightDrill(CHOSEN, saying(tmp_path, out, code, err))
    with pytest.raises(DrillFailed, match=said) as caught:
        drill.run("valley", lambda: False)
    assert caught.value.remedy == "See for yourself: scarpwatch drill valley"


def test_the_end_of_the_service_ends_it(tmp_path: Path) -> None:
    """A drill at work is broken off."""
    drill = NightDrill(CHOSEN, program(tmp_path, "import time\ntime.sleep(600)"))
    assert drill.run("valley", lambda: True) is None


def daemon(settings: Settings, log: StringIO, drill: NightDrill | None, now: datetime = NOW) -> Daemon:
    """A daemon that is never started."""
    store = SqlStore(settings.database)
    return Daemon(
        service=FakeService(settings, lambda: now),
        kept=Kept(store=store, looks=LookFiles(settings.products), sights=SlopeSightFiles(settings.products)),
        settings=settings,
        about=About(version="0.1.0", model_version="1.0", engine="none"),
        log=make_logger(log, as_json=True),
        clock=lambda: now,
        duties=Duties(drill=drill),
    )


def test_the_canary_is_a_metric(settings: Settings, tmp_path: Path) -> None:
    """Scars by result, and when a drill last passed; one that fails afterwards changes only the log."""
    every = CHOSEN.model_copy(update={"every_days": 1})
    log = StringIO()
    watch = daemon(settings, log, NightDrill(every, saying(tmp_path, report("seen", "candidate"))))
    registry = watch.metrics.registry
    labels = {"region": "valley"}
    watch.drill()
    assert registry.get_sample_value("scarpwatch_drill_scars_total", {**labels, "result": "seen"}) == 1
    assert registry.get_sample_value("scarpwatch_drill_scars_total", {**labels, "result": "missed"}) == 0
    last = registry.get_sample_value("scarpwatch_drill_last_success_timestamp_seconds", labels)
    assert last == NOW.timestamp()
    saying(tmp_path, "", code=3, err="the disk is full")
    watch.drill()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["action"], line["level"]) for line in lines] == [("drill", "info"), ("drill-failed", "warning")]
    assert "the disk is full" in lines[1]["event"]
    assert registry.get_sample_value("scarpwatch_drill_last_success_timestamp_seconds", labels) == last
    watch.health.close()


def test_the_last_success_outlives_the_process(settings: Settings, tmp_path: Path) -> None:
    """And the exercises that fail after it: a service that is restarted every week is drilled all the same."""
    every = CHOSEN.model_copy(update={"every_days": 1})
    command = saying(tmp_path, report("seen"))
    for days, found in ((0, "seen"), (1, "missed"), (2, "missed")):
        saying(tmp_path, report(found))
        watch = daemon(settings, StringIO(), NightDrill(every, command), NOW + timedelta(days=days))
        watch.drill()
        watch.health.close()
    watch = daemon(settings, StringIO(), NightDrill(every, command), NOW + timedelta(days=3))
    watch.measure()
    name = "scarpwatch_drill_last_success_timestamp_seconds"
    assert watch.metrics.registry.get_sample_value(name, {"region": "valley"}) == NOW.timestamp()
    watch.health.close()


def test_reports_of_earlier_versions_tell_the_last_success(settings: Settings) -> None:
    """As far as they are of one."""
    watch = daemon(settings, StringIO(), NightDrill(CHOSEN, []))
    name, labels = "scarpwatch_drill_last_success_timestamp_seconds", {"region": "valley"}
    for passed, shown in ((False, None), (True, NOW.timestamp())):
        body = {"passed": passed, "detail": ""}
        watch._store.put_report(ReportKind.DRILL, FiledReport(subject="valley", at=NOW, body=body))
        watch.measure()
        assert watch.metrics.registry.get_sample_value(name, labels) == shown
    watch.health.close()


def test_an_audit_that_another_process_made_is_shown(settings: Settings) -> None:
    """By a CronJob, by hand, or by the instance whose turn it is: the age of the last one is that of all."""
    watch = daemon(settings, StringIO(), None, NOW + timedelta(days=1))
    name, labels = "scarpwatch_audit_last_success_timestamp_seconds", {"region": "valley"}
    watch.measure()
    assert watch.metrics.registry.get_sample_value(name, labels) is None
    with closing(FakeService(settings, lambda: NOW)) as other:
        other.audit("valley", NOW)
    watch.measure()
    assert watch.metrics.registry.get_sample_value(name, labels) == NOW.timestamp()
    watch.health.close()


def test_on_other_days_nothing_is_done(settings: Settings, tmp_path: Path) -> None:
    """The job of the night looks at the day first."""
    drill = NightDrill(CHOSEN, saying(tmp_path, report("seen")))
    idle = next(day for n in range(3) if not drill.due(day := NOW + timedelta(days=n)))
    watch = daemon(settings, StringIO(), drill, idle)
    watch.drill()
    assert not (tmp_path / "arguments").exists()
    watch.health.close()


def test_the_scheduler_knows_the_night(settings: Settings, tmp_path: Path) -> None:
    """The job is there at its hour, in a thread of its own, and ends with the service."""
    watch = daemon(settings, StringIO(), NightDrill(CHOSEN, saying(tmp_path, report("seen"))))
    seen: list[datetime] = []

    def visit(base: str) -> None:
        until(lambda: answers(f"{base}/readyz"))
        seen.append(watch._jobs.scheduler.get_job("drill").next_run_time)

    run_while(watch, visit)
    assert [time.astimezone(UTC).hour for time in seen] == [2]
