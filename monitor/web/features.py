"""Alerts as GeoJSON features at hand: of five hundred in a feed few change from one rendition to the next."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from monitor.adapters.store.listing import AlertLists, Key
from monitor.core.addresses import Addresses
from monitor.core.feeds import feature
from monitor.core.geojson import Json
from monitor.web.caching import as_json

_FEATURES = 20_000
"""Kept, of about a kilobyte each."""


class Features:
    """Features as they were sent last."""

    def __init__(self, lists: AlertLists, addresses: Addresses) -> None:
        """Made of what the store lists."""
        self._lists = lists
        self._addresses = addresses
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, bool], tuple[object, bytes]] = OrderedDict()

    def collection(self, members: Json, keys: Sequence[Key], *, named: bool) -> bytes:
        """A FeatureCollection of these alerts, in their order, with its other members.

        Args:
            named: whether the names of people may be told.
        """
        return as_json(members)[:-1] + b',"features":[' + b",".join(self._of(keys, named)) + b"]}"

    def _of(self, keys: Sequence[Key], named: bool) -> list[bytes]:
        """The features of these alerts, in their order."""
        with self._lock:
            found = {
                key.place.event_id: kept[1]
                for key in keys
                if (kept := self._kept.get((key.place.event_id, named))) is not None and kept[0] == key.state
            }
        missing = {key.place.event_id: key.state for key in keys if key.place.event_id not in found}
        made = {
            one: as_json(feature(told, self._addresses, named=named))
            for one, told in self._lists.alerts(missing).items()
        }
        with self._lock:
            for one, body in made.items():
                self._kept[one, named] = (missing[one], body)
                self._kept.move_to_end((one, named))
            while len(self._kept) > _FEATURES:
                self._kept.popitem(last=False)
        found |= made
        return [found[key.place.event_id] for key in keys if key.place.event_id in found]
