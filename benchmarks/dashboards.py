"""Pictures of the dashboards of deploy/grafana: a simulated valley for months, every panel asked its own questions."""

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.dashboards_asked import Asked, Json, Servers, choose
from benchmarks.dashboards_figure import draw
from benchmarks.dashboards_watch import SCRAPE, Size, prepare, watched
from deploy.grafana.files import FOLDER
from tests.grafana.filled import database_by_the_guide
from tests.postgres import running_server
from tests.prometheus import running_prometheus

_LEAST = timedelta(days=30)
"""Once a day something was scraped: a week shows too little."""


def run(out: Path, size: Size, progress: Callable[[str], None]) -> str:
    """Watch, then draw `dashboards-<name>.png` of each dashboard into a folder.

    Raises:
        RuntimeError: PostgreSQL or Prometheus is not installed.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise RuntimeError("Prometheus is not installed (Debian: prometheus)")
    with tempfile.TemporaryDirectory(prefix="scarpwatch-dashboards-") as name:
        folder = Path(name)
        with running_server() as server, database_by_the_guide(server) as urls:
            valley, settings = prepare(folder, size, urls["watch"], progress)
            with (
                watched(folder, valley, settings, progress) as end,
                running_prometheus(program, folder, lookback=f"{SCRAPE / timedelta(hours=1) + 1:.0f}h") as base,
                closing(Servers(base, urls["watch_reader"])) as servers,
            ):
                return "\n".join(str(picture(path, servers, end, out)) for path in sorted(FOLDER.glob("*.json")))


def picture(path: Path, servers: Servers, end: datetime, out: Path) -> Path:
    """Draw one dashboard as it opens at a time."""
    dashboard: Json = json.loads(path.read_text(encoding="utf-8"))
    days = int(dashboard["time"]["from"].removeprefix("now-").removesuffix("d"))
    start = end - max(timedelta(days=days), _LEAST)
    asked = choose(dashboard, servers, Asked(start=start, end=end, scrape_s=SCRAPE.total_seconds()))
    drawn = out / f"dashboard-{path.stem}.png"
    draw(dashboard, servers, replace(asked, start=start), drawn)
    return drawn
