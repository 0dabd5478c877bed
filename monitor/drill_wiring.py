"""The part of the composition root that makes exercises: the real chain, which writes into another folder."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import random

from monitor.adapters.exposure_layers import LayerFiles
from monitor.adapters.illustrations import Illustrations
from monitor.adapters.looks import LookFiles
from monitor.adapters.products import ProductFolder
from monitor.adapters.store import SqlStore, make_owner
from monitor.config import Settings
from monitor.core.paint import Brush
from monitor.delivering import Courier, Delivery
from monitor.delivery_wiring import open_outlet
from monitor.describing import Describer
from monitor.drill import Bench, ChannelReport, Drill, Shown
from monitor.looking import Instruments
from monitor.records import AlertStatus, Channel, DeliveryState, Region, Sensor
from monitor.records import Delivery as Delivered
from monitor.wiring import Tools, pipeline_settings

DATABASE = "drill.db"
PRODUCTS = "products"
_NO_TIME = timedelta(microseconds=1)
"""Enough to gather what is there."""


def build_drill(
    settings: Settings, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None
) -> Drill:
    """Exercises on a configuration: its database and its product folder are read, and nothing is written to them.

    Raises:
        BadModel, ConfigError: the model or the database does not fit.
    """
    tools = Tools.of(settings, read_only=True)
    store = SqlStore(settings.database, limits=settings.limits)
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
        tell=partial(_tell, settings),
        describer=Describer(
            passes=store,
            layers=LayerFiles(settings.region_layers(), grounds),
            table=settings.severity.table(),
            fleet=settings.fleet,
        ),
        progress=progress,
    )
    return Drill(bench, store.close)


def own_database(folder: Path) -> str:
    """The URL of an exercise's database."""
    return f"sqlite:///{folder / DATABASE}"


def _tell(settings: Settings, folder: Path, clock: Callable[[], datetime]) -> tuple[ChannelReport, ...]:
    """Send what waits in an exercise's outbox to every channel that takes exercises; how they stand then.

    Each message is tried once, at once: nobody waits for others of the storm, nor for an answer, and real alerts lose
    none of their limit.
    """
    with closing(SqlStore(own_database(folder))) as store:
        owner, language = make_owner(), settings.alert_languages[0]
        couriers = [
            Courier(channel=channel, outlet=open_outlet(name, chosen, language), store=store, owner=owner, draw=random)
            for name, chosen in settings.channels.items()
            if AlertStatus.EXERCISE in (channel := _at_once(chosen.record(name))).statuses
        ]
        Delivery(store=store, couriers=couriers).once(clock)
        return tuple(_standing(one.channel.name, store.deliveries(one.channel.name)) for one in couriers)


def _at_once(channel: Channel) -> Channel:
    return replace(channel, gather=min(channel.gather, _NO_TIME), at_most=None, escalation={})


def _standing(channel: str, messages: Sequence[Delivered]) -> ChannelReport:
    waiting = [one for one in messages if one.state is not DeliveryState.DELIVERED]
    why = next((one.detail for one in reversed(waiting) if one.detail), "")
    return ChannelReport(channel=channel, told=len(messages) - len(waiting), meant=len(messages), detail=why)
