"""A whole watch over a simulated valley, as `scarpwatch run` wires it, with a clock of its own."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from monitor.adapters.looks import LookFiles
from monitor.adapters.model_store import load_watch_card
from monitor.adapters.slope_sights import SlopeSightFiles
from monitor.adapters.store import SqlStore
from monitor.cli.living import make_herald
from monitor.config import Settings
from monitor.daemon import About, Daemon, Duties, Kept
from monitor.delivery_wiring import build_delivery
from monitor.logs import make_logger
from monitor.night_drill import NightDrill
from monitor.web.refusals import Refusals
from monitor.wiring import build
from tests.pipeline.world import Json, edit_json


@contextmanager
def kept_going(
    settings: Settings,
    clock: Callable[[], datetime],
    queue_interval: timedelta,
    drill: NightDrill | None,
    log: TextIO,
) -> Iterator[Daemon]:
    """A daemon with all its parts, which are closed at the end."""
    with (
        closing(build(settings)) as service,
        closing(SqlStore(settings.database)) as store,
        closing(build_delivery(settings)) as delivery,
        closing(store.poll_turn(settings.regions)) as turn,
    ):
        card = load_watch_card(settings.models / settings.model)
        yield Daemon(
            service=service,
            kept=Kept(
                store=store,
                looks=LookFiles(settings.products),
                sights=SlopeSightFiles(settings.products),
                refusals=Refusals().counts,
                turn=turn,
            ),
            settings=settings,
            about=About(version="0.1.0", model_version=card.version, engine=service.engine),
            log=make_logger(log, as_json=True),
            clock=clock,
            duties=Duties(
                delivery=delivery, herald=make_herald(settings, store), drill=drill, look_every=queue_interval
            ),
        )


def taken_for_real(catalog: Path) -> None:
    """The items do not say any more that they are simulated: of what is simulated nobody is told."""

    def forget(document: Json) -> None:
        properties = document.get("properties")
        if isinstance(properties, dict):
            properties.pop("scarpwatch:simulated", None)

    for path in catalog.glob("*/*/*.json"):
        edit_json(path, forget)
