"""/feeds: the Atom index of CAP messages, and GeoJSON by region, tier and time. Rendered once for each change."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from monitor.adapters.store.listing import Wanted
from monitor.core.addresses import ATOM_TYPE, GEOJSON_TYPE
from monitor.core.feeds import EVERYTHING, Extent, Period, Publisher, Scope, atom_feed, feed_members
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import Tier
from monitor.web.asking import Cursor, Name, read_number
from monitor.web.auth import Door, Viewer
from monitor.web.caching import Document, Shelf, answer, document
from monitor.web.coverage import CoverageBoard
from monitor.web.features import Features
from monitor.web.parts import WebParts
from monitor.web.problems import Problem

MOST_FEATURES = 500
"""In one feed, worst first; `numberMatched` says how many there are, the API pages through all."""
MOST_ENTRIES = 100
_DOCUMENTS = 256
_STEP_S = 60
"""Feeds of a time are made anew once a minute: alerts grow out of them."""


class FeedApi:
    """The handlers."""

    def __init__(self, parts: WebParts, door: Door, board: CoverageBoard, features: Features) -> None:
        """`board` knows what was not observed."""
        self._parts = parts
        self._door = door
        self._board = board
        self._shelf = Shelf(_DOCUMENTS)
        self._features = features
        self._publisher = Publisher(
            addresses=parts.settings.addresses,
            authority=parts.settings.cap.sender,
            name=parts.settings.cap.sender_name,
        )

    def atom(self, request: Request, cursor: Annotated[Cursor | None, Query()] = None) -> Response:
        """The messages, newest first, each an entry that links its CAP document."""
        viewer = self._door.viewer(request)
        before = read_number(cursor)
        make = lambda: self._make_atom(before, viewer)  # noqa: E731
        found = self._shelf.get(("atom", before, viewer.released), self._parts.lists.version(), make)
        return answer(request, found, public=viewer.access is None)

    def geojson(
        self,
        request: Request,
        region: Annotated[Name, Path(description="Of a region, or all.", examples=["atsuma", "all"])],
        tier: Annotated[str, Path(pattern="^(all|watch|warning)$", examples=["all"])],
        period: Annotated[Period, Path(examples=["day"])],
    ) -> Response:
        """Alerts of a region, tier and time, worst first: what was told in it, also of alerts that ended."""
        viewer = self._door.viewer(request)
        if region != EVERYTHING and region not in self._parts.settings.regions:
            raise self._no_region(region)
        scope = Scope(region=region, tier=tier, period=period)
        now = self._parts.clock()
        known = (region,) if region != EVERYTHING else tuple(sorted(self._parts.settings.regions))
        seen = self._board.read(known)
        minute = int(now.timestamp()) // _STEP_S if period.length else 0
        version = (self._parts.lists.version(), minute, self._board.number)
        found = self._shelf.get(
            (scope, viewer.released), version, lambda: self._make_geojson(scope, viewer, minute * _STEP_S, seen)
        )
        return answer(request, found, public=viewer.access is None)

    def _make_atom(self, before: int | None, viewer: Viewer) -> Document:
        listed, older = self._parts.lists.messages(MOST_ENTRIES, before, released=bool(viewer.released))
        following = f"{self._publisher.addresses.atom()}?cursor={older}" if older is not None else None
        return document(atom_feed(listed, self._publisher, following), ATOM_TYPE, self._parts.clock())

    def _make_geojson(self, scope: Scope, viewer: Viewer, second: int, seen: dict[str, object]) -> Document:
        now = self._parts.clock()
        # From the beginning of the minute, so that whoever asks within it is told the same.
        start = now.fromtimestamp(second, now.tzinfo) if second else now
        wanted = Wanted(
            region=None if scope.region == EVERYTHING else scope.region,
            tier=None if scope.tier == EVERYTHING else Tier(scope.tier),
            states=ALERT_STATES if scope.period is Period.OPEN else None,
            told_since=start - scope.period.length if scope.period.length else None,
            released=viewer.released,
        )
        keys = self._parts.lists.keys(wanted, MOST_FEATURES)
        extent = Extent(
            matched=len(keys) if len(keys) < MOST_FEATURES else self._parts.lists.count(wanted),
            returned=len(keys),
            newest=max((key.sent for key in keys), default=None),
        )
        members = feed_members(scope, self._publisher.addresses, extent, seen)
        return document(self._features.collection(members, keys, named=viewer.access is not None), GEOJSON_TYPE, now)

    def _no_region(self, region: str) -> Problem:
        names = ", ".join(sorted(self._parts.settings.regions)) or "none"
        return Problem(
            HTTPStatus.NOT_FOUND,
            "there is no such region",
            item=region,
            remedy=f"There are: {names}; or ask for all.",
            reason="unknown-region",
        )


def feed_routes(api: FeedApi) -> APIRouter:
    """All paths below /feeds."""
    router = APIRouter(prefix="/feeds", tags=["feeds"])
    for path, handler, media_type in (
        ("/atom.xml", api.atom, ATOM_TYPE),
        ("/{region}/{tier}/{period}.geojson", api.geojson, GEOJSON_TYPE),
    ):
        said: dict[int | str, dict[str, Any]] = {200: {"content": {media_type: {}}}}
        router.add_api_route(path, handler, methods=["GET"], response_class=Response, responses=said)
    return router
