"""Months of a simulated valley, watched by the whole service with a clock of its own, for pictures of the dashboards.

Real are catalog files, pipeline, PostgreSQL, channels and metrics; made up are the ground, the time, and a network of
the tests that answers how red the ground is. What Prometheus would have scraped is written down once a day and put
into its database by its own tool.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from prometheus_client import CollectorRegistry

from monitor.adapters.store import SqlStore
from monitor.config import Settings, load
from monitor.core.lifecycle import ALERT_STATES
from monitor.daemon import Daemon
from monitor.records import Action, ActionKind, DismissalReason
from monitor.sandbox.story import Story
from monitor.sandbox.valley import Valley, build_valley
from tests.grafana.watch import kept_going, taken_for_real
from tests.pipeline.world import make_model_folder

SCRAPE = timedelta(days=1)
STORY = Story(radar=True, land_cover=True, overcast=True)
_REGION = "valley"
_BACKGROUND = timedelta(days=3)
"""After the last look."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large and how long the months are."""

    size_px: int = 420
    """Side of the valley: at 420 px it has 4 tiles, and more where it lies aslant."""
    quiet: int = 5
    """Optical looks before the storm, five days apart."""
    after: int = 4
    seed: int = 11


@dataclass(slots=True)
class Recorder:
    """What a registry showed, time after time."""

    _families: dict[str, list[str]] = field(default_factory=dict)
    _heads: dict[str, str] = field(default_factory=dict)

    def note(self, registry: CollectorRegistry, at: datetime) -> None:
        """Write down every series as a scrape of this moment would have."""
        for family in registry.collect():
            kind = "unknown" if family.type == "untyped" else family.type
            self._heads[family.name] = f"# TYPE {family.name} {kind}"
            lines = self._families.setdefault(family.name, [])
            for sample in family.samples:
                own = {f"exported_{key}" if key == "job" else key: value for key, value in sample.labels.items()}
                labels = own | {"job": "scarpwatch", "instance": "watch:9108"}
                spelled = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
                lines.append(f"{sample.name}{{{spelled}}} {sample.value} {at.timestamp()}")

    def write(self, folder: Path) -> None:
        """Make a database of Prometheus of it, in `folder/data`.

        Raises:
            RuntimeError: promtool is not there, or refuses it.
        """
        path = folder / "scrapes.txt"
        with path.open("w", encoding="utf-8") as file:
            for name, lines in self._families.items():
                file.write("\n".join([self._heads[name], *lines]) + "\n")
            file.write("# EOF\n")
        tool = shutil.which("promtool")
        if tool is None:
            raise RuntimeError("promtool is not installed (Debian: prometheus)")
        command = [tool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(path), str(folder / "data")]
        ended = subprocess.run(command, capture_output=True, text=True)
        if ended.returncode:
            raise RuntimeError(f"promtool: {ended.stderr}")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def prepare(folder: Path, size: Size, database: str, progress: Progress) -> tuple[Valley, Settings]:
    """The valley, its configuration with two channels and exercises, and the tables."""
    valley = build_valley(
        folder, seed=size.seed, size_px=size.size_px, quiet=size.quiet, after=size.after, story=STORY, report=progress
    )
    taken_for_real(valley.catalog.parent)
    model = make_model_folder(folder / "models")
    document = {
        "database": database,
        "products": "./products",
        "models": "./models",
        "model": model.name,
        "catalogs": {"valley": {"type": "static", "href": "catalog/catalog.json"}},
        "regions": {
            _REGION: {
                "geometry": {"bbox": [round(edge, 6) for edge in valley.bbox]},
                "catalogs": ["valley"],
                "lookback_days": 60,
                "sensor_policy": "optical_when_clear",
            }
        },
        "channels": {name: {"type": "directory", "path": f"./{name}"} for name in ("duty", "archive")},
        "serve": {"port": 0},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return valley, load(path)


@contextmanager
def watched(folder: Path, valley: Valley, settings: Settings, progress: Progress) -> Iterator[datetime]:
    """Live through the months; the data of Prometheus lies in `folder/data` then. Gives the last moment."""
    moments = sorted((*valley.times, *valley.passes))
    now = [moments[0] - timedelta(days=1)]
    end = moments[-1] + _BACKGROUND
    recorder = Recorder()
    with (folder / "watch.log").open("w+", encoding="utf-8") as log:
        with kept_going(settings, lambda: now[0], timedelta(days=1), None, log) as daemon:
            _name_jobs(daemon)
            trouble = Trouble(folder, valley)
            while now[0] < end:
                trouble.of(now[0])
                _a_day(daemon, settings, now[0])
                recorder.note(daemon.metrics.registry, now[0])
                now[0] += SCRAPE
                if now[0].day % 5 == 0:
                    progress(f"{now[0]:%Y-%m-%d}")
        recorder.write(folder)
        yield now[0] - SCRAPE


@dataclass(slots=True)
class Trouble:
    """What goes wrong in these months: a catalog for some days, a channel for two, a file of the last optical scene."""

    folder: Path
    valley: Valley

    def of(self, now: datetime) -> None:
        """Break what is broken now, mend what is not."""
        first, last = self.valley.times[0], self.valley.times[-1]
        share = (now - first) / (last - first)
        _away(self.valley.catalog, 0.1 < share < 0.18)
        _away(
            self.folder / "duty", (self.valley.storm + timedelta(days=6)) < now < self.valley.storm + timedelta(days=8)
        )
        for path in (self.valley.catalog.parent / "sentinel-2-l2a").glob(f"*_{last:%Y%m%dT%H%M%S}_*/B04.tif"):
            path.write_bytes(b"cut short")


def _away(path: Path, is_away: bool) -> None:
    """A file or folder whose name something else has taken, for a time."""
    aside = path.with_name(f"{path.name}.aside")
    if is_away and not aside.exists():
        if path.exists():
            path.rename(aside)
        else:
            aside.mkdir()
        path.write_text("out of order", encoding="utf-8")
    elif not is_away and aside.exists():
        path.unlink()
        aside.rename(path)


def _a_day(daemon: Daemon, settings: Settings, now: datetime) -> None:
    daemon.poll()
    daemon.process()
    for channel in settings.channels:
        daemon.deliver(channel)
    daemon.say_alive()
    if now.weekday() == 0:
        daemon.audit()
        _judge(settings, now)
    daemon.measure()


def _judge(settings: Settings, now: datetime) -> None:
    """Once a week somebody looks at the alerts: the largest are landslides, the smallest are not, the rest waits."""
    with closing(SqlStore(settings.database)) as store:
        standing = [event for event in store.events() if event.state in ALERT_STATES]
        standing.sort(key=lambda event: -event.area_ha)
        for event in standing[:2]:
            _act(store, event.id, Action(kind=ActionKind.CONFIRM, by="mori", at=now, text="seen from the air"))
        for event in standing[6:][-1:]:
            reason = DismissalReason.FARMING
            _act(store, event.id, Action(kind=ActionKind.DISMISS, by="mori", at=now, text="ploughed", reason=reason))


def _act(store: SqlStore, event_id: str, action: Action) -> None:
    store.act(event_id, action, action.at)


def _name_jobs(daemon: Daemon) -> None:
    """A scheduler that is not started still knows its jobs, as `scarpwatch_job_still_seconds` tells them."""
    for name in ("poll", "process", "measure", "alive"):
        daemon._jobs.every(timedelta(days=1), daemon.measure, name)
