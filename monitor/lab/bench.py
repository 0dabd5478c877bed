"""What the page works with: the models at hand, their engines, and what the watch has kept. One for all who look."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from monitor.adapters.engine import open_engine
from monitor.adapters.model_store import list_models
from monitor.config import Settings
from monitor.errors import BadModel
from monitor.lab.answering import Answer, Progress, ask
from monitor.lab.image import Image
from monitor.lab.stored import StoredPass, stored_passes
from monitor.ports import Engine
from monitor.records import ModelCard

_MOST_PASSES = 1000
"""Newest ones listed."""

Open = Callable[[ModelCard, int, str], Engine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What a folder of models has."""

    cards: tuple[ModelCard, ...]
    broken: tuple[BadModel, ...]


def models_in(folder: Path) -> Models:
    """The models of a folder, by name, and what is wrong with others."""
    cards, broken = list_models(folder)
    return Models(cards=tuple(cards), broken=tuple(broken))


class Bench:
    """Asks one model at a time, whoever looks: memory is that of the one engine that is open."""

    def __init__(self, threads: int, provider: str, opening: Open = open_engine) -> None:
        """
        Args:
            threads: of the engine.
            provider: cpu, cuda or openvino.
            opening: opens the engine of a card.
        """
        self._threads = threads
        self._provider = provider
        self._opening = opening
        self._turn = Lock()
        self._open: tuple[str, Engine] | None = None

    def ask(self, card: ModelCard, image: Image, progress: Progress) -> Answer:
        """What a model that is fit says about an image.

        Raises:
            BadModel, ConfigError: it cannot be opened.
            InputFault: too few pixels are observed.
        """
        with self._turn:
            return ask(self._engine(card), card, image, progress)

    def _engine(self, card: ModelCard) -> Engine:
        if self._open is None or self._open[0] != card.sha256:
            self._open = None  # the memory of one is given back before another takes its own
            self._open = card.sha256, self._opening(card, self._threads, self._provider)
        return self._open[1]


def kept_passes(settings: Settings) -> list[StoredPass]:
    """What the watch of a configuration has kept, newest first.

    Raises:
        ConfigError, StoreBusy: its database is not there, or cannot be read.
    """
    from monitor.adapters.store import SqlStore

    with closing(SqlStore(settings.database, lifecycle=settings.tiers.lifecycle, limits=settings.limits)) as store:
        store.check()
        return stored_passes(settings.products, store.ledger(limit=_MOST_PASSES))
