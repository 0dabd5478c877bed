"""The store's side of the history of the tiles: what was seen of them, and the looks that are kept."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

from monitor.adapters.store import history, kept_looks
from monitor.adapters.store.database import Database
from monitor.adapters.store.views import TileCoverage
from monitor.records import KeptLook, Observation, Sensor, Sighting, Tile


class SqlHistory:
    """The part of `SqlStore` that knows what was seen. Every method is one transaction and may raise StoreBusy."""

    database: Database

    def looks_before(
        self, tile: Tile, model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> list[Observation]:
        """The newest current observations with a look of a tile, sensed strictly before a time, newest first."""
        with self.database.read() as session:
            return history.looks_before(session, tile, model_version, comparable, before, limit)

    def kept_looks(
        self, tiles: Collection[Tile], model_version: str | None, comparable: str, before: datetime, limit: int
    ) -> dict[Tile, list[KeptLook]]:
        """The newest `limit` current looks of every tile, sensed strictly before a time, newest first."""
        with self.database.read() as session:
            return kept_looks.newest(session, tiles, model_version, comparable, before, limit)

    def all_white(self, tile: Tile, before: datetime) -> bool:
        """Whether the newest that optics saw of a tile before a time, clouds apart, was nothing but snow."""
        with self.database.read() as session:
            return history.all_white(session, tile, before)

    def most_snow(self, tiles: Iterable[Tile], since: datetime, before: datetime) -> float:
        """The largest share under snow, 0 to 1, of what one pass of optics saw of tiles, `since` to `before`."""
        with self.database.read() as session:
            return history.most_snow(session, tiles, since, before)

    def kinds_of_look(self, tile: Tile) -> list[str]:
        """Every comparability class in which a tile has looks, sorted."""
        with self.database.read() as session:
            return history.kinds_of_look(session, tile)

    def forget_looks(self, exists: Callable[[str], bool]) -> int:
        """Forget the kept looks of which `exists` says that they are gone, so that their tiles learn anew; how many."""
        with self.database.write() as session:
            return history.forget_looks(session, exists)

    def newest_looks(self, limit: int = 200) -> list[tuple[Sensor, str]]:
        """Sensor and href of the looks that were kept last."""
        with self.database.read() as session:
            return history.newest_looks(session, limit)

    def history(self, tile: Tile, limit: int = 100) -> list[Observation]:
        """The newest current observations of a tile by any sensor and model, newest first."""
        with self.database.read() as session:
            return history.of_tile(session, tile, limit)

    def sightings(self, tiles: Iterable[Tile], limit: int) -> Iterator[tuple[Tile, list[Sighting]]]:
        """Every tile with what its newest current observations say was seen, newest first; hundreds a transaction."""
        for some in history.chunks(tiles):
            with self.database.read() as session:
                found = [(tile, history.sightings(session, tile, limit)) for tile in some]
            yield from found

    def coverage(
        self, region_tiles: Iterable[Tile], since: datetime, sensor: Sensor | None = None
    ) -> dict[Tile, TileCoverage]:
        """For every given tile its last look with valid pixels sensed at or after `since`, or that there is none."""
        with self.database.read() as session:
            return history.coverage(session, region_tiles, since, sensor)
