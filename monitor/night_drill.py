"""Exercises at night, beside the watch: each in a process of its own, which yields to every other.

A drill opens a network of its own and works as long as an acquisition does. In another process it can neither hold up
the watch nor take it down.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from monitor.config import DrillSettings
from monitor.drill.report import Found
from monitor.errors import DrillFailed, ScarpwatchError
from monitor.records import FiledReport, ReportKind

_LONGEST_S = 4 * 3600.0
_NICE = ("nice", "-n", "15")
_ENDED_WITH_REPORT = (0, 1)
_LOOK_EVERY_S = 0.5
_LAST_WORDS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class NightResult:
    """What one exercise showed."""

    scars: dict[Found, int]
    reached: bool
    """Every channel that was to be told."""
    detail: str

    @property
    def passed(self) -> bool:
        """Whether the chain works: more scars were found than missed, and every channel was reached.

        A scar that is missed now and then tells of the sensor and the ground, not of the chain.
        """
        found = self.scars[Found.SEEN] + self.scars[Found.CANDIDATE]
        return self.reached and found > self.scars[Found.MISSED]


class NightDrill:
    """Makes the exercises of a configuration."""

    def __init__(self, settings: DrillSettings, command: Sequence[str]) -> None:
        """`command` is `scarpwatch drill` with its configuration, without a region."""
        self.settings = settings
        self._command = tuple(command)

    def due(self, now: datetime) -> bool:
        """Whether exercises are made on this day: the same days whenever the service was started."""
        return now.toordinal() % self.settings.every_days == 0

    def run(self, region: str, stop: Callable[[], bool]) -> NightResult | None:
        """One exercise; None when it was broken off because `stop` said so.

        Raises:
            DrillFailed: it gave no report, for the reason given.
        """
        chosen = self.settings
        wanted = ["--json", "--sensor", chosen.sensor, "--ha", f"{chosen.ha:g}", "--count", str(chosen.count)]
        command = [*_niceness(), *self._command, region, *wanted, *(["--deliver"] if chosen.deliver else [])]
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        except OSError as err:
            raise _failed(region, f"{command[0]} cannot be started ({err.strerror})") from err
        with process:
            ended = _wait(process, stop)
        if ended is None:
            return None
        out, err_text = ended
        if process.returncode not in _ENDED_WITH_REPORT:
            raise _failed(region, _last_words(err_text) or f"it ended with {process.returncode}")
        return _read(region, out, err_text)


class Reports(Protocol):
    """Where reports are kept (`monitor.adapters.store.SqlStore`)."""

    def reports(self, kind: ReportKind) -> Mapping[str, FiledReport]:
        """The newest report of a kind on every subject."""

    def put_report(self, kind: ReportKind, report: FiledReport) -> None:
        """Keep a report; the one before of its kind and subject is forgotten."""


class Gauge(Protocol):
    """Where exercises are shown (`monitor.adapters.metrics.telling.Telling`)."""

    def drill(self, region: str, scars: Mapping[str, int], passed: bool, now: datetime) -> None:
        """An exercise ended."""

    def drill_passed(self, region: str, at: datetime) -> None:
        """When one last passed."""


class Nights:
    """The exercises of the service: made on their days, told, kept and shown. One that fails disturbs nothing."""

    def __init__(self, drill: NightDrill, reports: Reports, gauge: Gauge, log: FilteringBoundLogger) -> None:
        self._drill = drill
        self._reports = reports
        self._gauge = gauge
        self._log = log

    def due(self, now: datetime) -> bool:
        """Whether exercises are made on this day."""
        return self._drill.due(now)

    @property
    def hour_utc(self) -> int:
        """When they are made."""
        return self._drill.settings.hour_utc

    def show(self) -> None:
        """Show when an exercise last passed in every region, whoever made it."""
        known = self._reports.reports(ReportKind.DRILL)
        for region in self._drill.settings.regions:
            passed = _last_passed(known.get(region))
            if passed is not None:
                self._gauge.drill_passed(region, passed)

    def run(self, clock: Callable[[], datetime], stop: Callable[[], bool]) -> None:
        """One exercise in every chosen region, until `stop` says so."""
        for region in self._drill.settings.regions:
            try:
                result = self._drill.run(region, stop)
            except ScarpwatchError as error:
                self._log.warning(str(error), action="drill-failed", region=region, reason=error.reason)
                continue
            if result is None:
                return
            self._keep(region, result, clock())
            self._gauge.drill(region, {one.value: n for one, n in result.scars.items()}, result.passed, clock())
            say = self._log.info if result.passed else self._log.warning
            say(result.detail, action="drill" if result.passed else "drill-not-passed", region=region)

    def _keep(self, region: str, result: NightResult, now: datetime) -> None:
        before = _last_passed(self._reports.reports(ReportKind.DRILL).get(region))
        passed = now if result.passed else before
        body = {
            "passed": result.passed,
            "detail": result.detail,
            "last_passed": None if passed is None else passed.isoformat(),
        }
        self._reports.put_report(ReportKind.DRILL, FiledReport(subject=region, at=now, body=body))


def _last_passed(report: FiledReport | None) -> datetime | None:
    if report is None:
        return None
    noted = report.body.get("last_passed")  # absent in reports of earlier versions
    return datetime.fromisoformat(noted) if isinstance(noted, str) else report.at if report.body["passed"] else None


def drill_command(config: Path) -> list[str]:
    """What `NightDrill` runs."""
    return [sys.executable, "-m", "monitor", "drill", "--config", str(config)]


def _niceness() -> tuple[str, ...]:
    return _NICE if shutil.which(_NICE[0]) else ()


def _wait(process: subprocess.Popen[str], stop: Callable[[], bool]) -> tuple[str, str] | None:
    end = time.monotonic() + _LONGEST_S
    while True:
        try:
            return process.communicate(timeout=_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if stop():
                process.terminate()
                return None
            if time.monotonic() > end:
                process.kill()


def _read(region: str, out: str, err_text: str) -> NightResult:
    try:
        report = json.loads(out)
        found = [Found(scar["found"]) for scar in report["scars"]]
        unreached = [one["channel"] for one in report["channels"] if one["told"] < one["meant"]]
        missed = [f"scar {one['number']}: {one['detail']}" for one in report["scars"] if one["found"] == Found.MISSED]
    except (ValueError, KeyError, TypeError) as err:
        raise _failed(region, _last_words(err_text) or "it gave no report") from err
    scars = {kind: found.count(kind) for kind in Found}
    words = [f"{count} {kind.value}" for kind, count in scars.items() if count]
    words += missed + [f"channel {name} was not reached" for name in unreached]
    return NightResult(scars=scars, reached=not unreached, detail="; ".join(words))


def _last_words(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return lines[-1][:_LAST_WORDS] if lines else ""


def _failed(region: str, why: str) -> DrillFailed:
    what = why.removeprefix(f"{region}: ").rstrip(".")
    return DrillFailed(what, item=region, remedy=f"See for yourself: scarpwatch drill {region}")
