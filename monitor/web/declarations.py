"""/api/v1/declarations: events that people declare, and how their ground stands."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from shapely import force_2d
from shapely.geometry.base import BaseGeometry
from starlette.responses import Response

from monitor.adapters.store.listing import Wanted
from monitor.config.areas import drawn_area, drawn_box
from monitor.core.declared import LONGEST_DAYS, Told, counted, in_force, title
from monitor.core.lifecycle import ALERT_STATES, ENDED_STATES
from monitor.core.next_pass import MEMORY, next_passes
from monitor.core.situations import Found, Situation, situation_json
from monitor.records import Declaration, DeclarationKind, Region, Role, Tier
from monitor.web.asking import Moment, Name
from monitor.web.auth import Door
from monitor.web.caching import as_json, document
from monitor.web.coverage import CoverageBoard
from monitor.web.parts import WebParts
from monitor.web.problems import Problem

_AREAS = ("Polygon", "MultiPolygon")
_FINITE = Annotated[float, Field(allow_inf_nan=False)]


class NewDeclaration(BaseModel):
    """What a person says has happened."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"region": "atsuma", "at": "2018-09-06T03:08:00+09:00", "kind": "earthquake", "name": "Iburi"},
                {"region": "atsuma", "at": "2018-09-05T18:08:00Z", "bbox": [141.9, 42.7, 142.0, 42.76], "days": 30},
            ]
        },
    )

    region: Name
    at: Moment
    kind: DeclarationKind = DeclarationKind.OTHER
    name: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    days: Annotated[int | None, Field(ge=1, le=LONGEST_DAYS)] = None
    """After which it ends by itself; None: as configured."""
    area: dict[str, Any] | None = None
    """GeoJSON Polygon or MultiPolygon; without it and `bbox` all of the region."""
    bbox: tuple[_FINITE, _FINITE, _FINITE, _FINITE] | None = None
    """West, south, east, north."""

    @model_validator(mode="after")
    def _drawn(self) -> "NewDeclaration":
        """One of the two, and ground that can be watched."""
        if self.area is not None and self.bbox is not None:
            raise ValueError("give area or bbox, not both")
        self.geometry()
        return self

    def geometry(self) -> BaseGeometry | None:
        """The ground; None: all of the region."""
        if self.bbox is not None:
            return drawn_box(*self.bbox)
        if self.area is None:
            return None
        if self.area.get("type") not in _AREAS:
            raise ValueError("area is a GeoJSON Polygon or MultiPolygon")
        try:
            return force_2d(drawn_area(self.area))
        except (OverflowError, RecursionError) as err:
            raise ValueError("area has coordinates that are no degrees") from err


class Situations:
    """Declared events with how their ground stands."""

    def __init__(self, parts: WebParts, board: CoverageBoard) -> None:
        """`board` knows what was not observed."""
        self._parts = parts
        self._board = board
        self._regions = {region.id: region for region in parts.settings.region_records()}

    def declare(self, new: NewDeclaration, by: str) -> Declaration:
        """What a person declares, as it is kept.

        Raises:
            Problem: there is no such region.
            Refused: it cannot be declared, and why (`core.declared.entered`).
        """
        region, now = self._region(new.region), self._parts.clock()
        told = Told(at=new.at, geometry=new.geometry(), kind=new.kind, name=new.name, by=by, days=new.days)
        wanted = told.of(region.id, self._parts.settings.tiers.declared.record, now)
        return self._parts.declarations.declare(wanted, region, now)

    def of_storm(self, storm: str) -> Situation | None:
        """The declared event that a storm is named by; None: nobody declared it."""
        known = self._parts.declarations.declarations()
        return next((self.of(one) for one in known if one.storm == storm), None)

    def titles(self) -> dict[str, str]:
        """What declared events in force are called, by the storm that they name."""
        known = in_force(self._parts.declarations.declarations(), self._parts.clock())
        return {one.storm: f"{one.region}: {title(one)}" for one in known}

    def of(self, one: Declaration) -> Situation:
        """How its ground stands now."""
        now = self._parts.clock()
        passed = self._parts.declarations.passes(one.region, min(one.at, now - MEMORY), now)
        observed = self._observed(one, now)
        count = self._parts.lists.count
        return Situation(
            declaration=one,
            now=now,
            found=Found(
                open=count(Wanted(storm=one.storm, states=ALERT_STATES)),
                warnings=count(Wanted(storm=one.storm, states=ALERT_STATES, tier=Tier.WARNING)),
                ended=count(Wanted(storm=one.storm, states=ENDED_STATES)),
                anew=len(self._parts.declarations.weighed_anew(one)),
            ),
            passed=[each for each in passed if each.sensing_time > one.at],
            coming=next_passes(passed, now, self._parts.settings.fleet),
            observed=observed if isinstance(observed, Mapping) else {},
        )

    def _observed(self, one: Declaration, now: datetime) -> object:
        region = self._regions.get(one.region)
        if region is None:
            return {"unknown": "its region is watched no more"}
        if not counted(one, region.lookback_days, now):
            return {"unknown": f"it is counted for {region.lookback_days} days after the end, the region's look-back"}
        return self._board.read((one.storm,))[one.storm]

    def _region(self, name: str) -> Region:
        if name not in self._regions:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                f"there is no region {name!r}",
                item=name,
                remedy="GET /api/v1/regions lists those that are watched.",
                reason="unknown-region",
            )
        return self._regions[name]


class DeclarationApi:
    """The handlers."""

    def __init__(self, parts: WebParts, door: Door, situations: Situations) -> None:
        """`situations` knows how the ground of declared events stands."""
        self._parts = parts
        self._door = door
        self._situations = situations

    def listed(
        self,
        request: Request,
        region: Annotated[Name | None, Query()] = None,
        over: Annotated[bool, Query(description="Also those that are over.")] = False,
    ) -> Response:
        """What people have declared, with what was seen of its ground since, and what was not."""
        self._door.person(request, Role.READER)
        known = self._parts.declarations.declarations(region)
        found = known if over else in_force(known, self._parts.clock())
        return self._answer({"declarations": [self._json(one) for one in found]})

    def declare(self, request: Request, new: NewDeclaration) -> Response:
        """Declare an event. Who declares what somebody has declared already is told so: 409."""
        access = self._door.person(request, Role.RESPONDER)
        return self._answer(self._json(self._situations.declare(new, access.name)), HTTPStatus.CREATED)

    def end(self, request: Request, number: Annotated[int, Path(ge=1, le=2**31)]) -> Response:
        """End a declaration before its time."""
        access = self._door.person(request, Role.RESPONDER)
        if not self._parts.declarations.end_declaration(number, access.name, self._parts.clock()):
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "no declaration of this number is in force",
                item=str(number),
                remedy="GET /api/v1/declarations lists those that are.",
                reason="unknown-declaration",
            )
        ended = next(one for one in self._parts.declarations.declarations() if one.id == number)
        return self._answer(self._json(ended))

    def _json(self, one: Declaration) -> dict[str, object]:
        return situation_json(self._situations.of(one), self._parts.settings.addresses.situation(one.storm))

    def _answer(self, body: dict[str, object], status: HTTPStatus = HTTPStatus.OK) -> Response:
        made = document(as_json(body), "application/json", self._parts.clock())
        return Response(made.body, status, {"Cache-Control": "private, no-cache"}, made.media_type)


def declaration_routes(api: DeclarationApi) -> APIRouter:
    """All paths below /api/v1/declarations."""
    router = APIRouter(prefix="/api/v1/declarations", tags=["declarations"])
    said: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {}}}}
    router.add_api_route("", api.listed, methods=["GET"], response_class=Response, responses=said)
    router.add_api_route(
        "", api.declare, methods=["POST"], status_code=HTTPStatus.CREATED, response_class=Response, response_model=None
    )
    router.add_api_route("/{number}/end", api.end, methods=["POST"], response_class=Response, responses=said)
    return router
