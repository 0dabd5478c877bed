"""Exercises at night, beside the watch: each in a process of its own, which yields to every other.

A drill opens a network of its own and works as long as an acquisition does. In another process it can neither hold up
the watch nor take it down.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.config import DrillSettings
from monitor.drill.report import Found
from monitor.errors import DrillFailed

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
