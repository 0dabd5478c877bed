"""The part of the composition root that puts a model on trial: the real chain, which writes into another folder."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial

from monitor.adapters.looks import LookFiles
from monitor.adapters.model_store import load_watch_card
from monitor.adapters.store import SqlStore
from monitor.config import Settings
from monitor.records import Sensor
from monitor.trial import Bench
from monitor.wiring import Tools, pipeline_settings


@contextmanager
def trial_bench(
    settings: Settings, model: str, progress: Callable[[str, int, int], None] = lambda _what, _done, _all: None
) -> Iterator[Bench]:
    """A trial of a model on a configuration: its database and its product folder are read, nothing is written to them.

    Raises:
        BadModel, ConfigError: the model or the database does not fit.
    """
    card = load_watch_card(settings.models / model)
    named = "model" if card.sensor is Sensor.OPTICAL else "radar_model"
    tried = settings.model_copy(update={named: model})
    tools = Tools.of(tried, read_only=True)
    with closing(SqlStore(settings.database, limits=settings.limits)) as store:
        store.check()
        yield Bench(
            history=store,
            looks=LookFiles(settings.products),
            instruments=partial(tools.instruments, tools.images()),
            settings=pipeline_settings(tried, timedelta(days=1)),
            open_store=lambda folder: SqlStore(f"sqlite:///{folder / 'trial.db'}", lifecycle=settings.tiers.lifecycle),
            own_looks=lambda folder: LookFiles(folder / "products"),
            version=card.version,
            sensor=card.sensor,
            progress=progress,
        )
