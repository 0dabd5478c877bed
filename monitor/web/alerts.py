"""/api/v1/alerts: lists, single alerts, their messages and files, and what people do with them."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import FileResponse, Response

from monitor.adapters.store.listing import Wanted
from monitor.core.addresses import CAP_TYPE, GEOJSON_TYPE, PNG_TYPE
from monitor.core.cap import cap_message
from monitor.core.evidence_item import evidence_item
from monitor.core.geojson import Json
from monitor.core.lifecycle import ALERT_STATES
from monitor.records import Action, ActionKind, AlertStatus, DismissalReason, EventState, Role, Tier
from monitor.web.asking import Cursor, EventId, Limit, Moment, Name, Sequence, no_such_alert, read_place, written
from monitor.web.auth import Door, Viewer
from monitor.web.caching import Document, Shelf, answer, as_json, document
from monitor.web.coverage import CoverageBoard
from monitor.web.features import Features
from monitor.web.parts import WebParts
from monitor.web.problems import Problem
from monitor.web.reading import Reader

_CAP_DOCUMENTS = 512
DEEDS = (
    ActionKind.ACKNOWLEDGE,
    ActionKind.DISMISS,
    ActionKind.CONFIRM,
    ActionKind.COMMENT,
    ActionKind.RELEASE,
)
"""What people do; a merge is what looks show."""


class Deed(BaseModel):
    """What a person does with an alert."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "acknowledge", "step": 0},
                {"kind": "dismiss", "reason": "farming", "text": "ploughed on 7 September", "step": 0},
            ]
        },
    )

    kind: Annotated[str, Field(pattern=f"^({'|'.join(DEEDS)})$")]
    reason: DismissalReason | None = None
    """Of a dismissal."""
    text: Annotated[str, Field(max_length=4000)] = ""
    step: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    """`step` of the alert as it was seen; If-Match with its ETag says the same."""


class AlertApi:
    """The handlers."""

    def __init__(self, parts: WebParts, door: Door, board: CoverageBoard, reader: Reader, features: Features) -> None:
        """`board` knows what was not observed."""
        self._parts = parts
        self._door = door
        self._board = board
        self._reader = reader
        self._features = features
        self._cap = parts.settings.cap_settings()
        self._messages = Shelf(_CAP_DOCUMENTS)

    def listed(
        self,
        request: Request,
        region: Annotated[Name | None, Query()] = None,
        tier: Tier | None = None,
        state: Annotated[list[EventState] | None, Query(max_length=6)] = None,
        status: AlertStatus | None = None,
        storm: Annotated[Name | None, Query()] = None,
        since: Annotated[Moment | None, Query()] = None,
        until: Annotated[Moment | None, Query()] = None,
        ended: Annotated[bool, Query(description="Also those that ended, where no state is asked for.")] = False,
        limit: Limit = 100,
        cursor: Annotated[Cursor | None, Query()] = None,
    ) -> Response:
        """Open alerts, or those in the states asked for, worst first, as GeoJSON.

        `since` and `until` are about when people were last told. `next` leads on in the order of the first answer: an
        alert that grows or rises meanwhile is neither left out nor told twice.
        """
        viewer = self._door.viewer(request)
        wanted = Wanted(
            region=region,
            tier=tier,
            states=frozenset(state) if state else None if ended else ALERT_STATES,
            status=status,
            storm=storm,
            told_since=since,
            told_until=until,
            released=viewer.released,
        )
        keys = self._parts.lists.keys(wanted, limit + 1, read_place(cursor))
        shown, following = keys[:limit], None
        if len(keys) > limit:
            query = request.url.include_query_params(cursor=written(shown[-1].place)).query
            following = f"{self._reader.addresses.base}/api/v1/alerts?{query}"
        known = tuple(sorted(self._parts.settings.regions))
        members: Json = {
            "type": "FeatureCollection",
            "numberReturned": len(shown),
            "next": following,
            "not_observed": self._board.read((region,) if region in known else known),
        }
        body = self._features.collection(members, shown, named=viewer.access is not None)
        found = document(body, GEOJSON_TYPE, self._parts.clock())
        return answer(request, found, public=viewer.access is None)

    def one(self, request: Request, event_id: EventId) -> Response:
        """An alert with its evidence, what people did, its steps, and the messages that were sent."""
        viewer = self._door.viewer(request)
        return answer(request, self._whole(event_id, viewer), public=viewer.access is None)

    def act(
        self,
        request: Request,
        event_id: EventId,
        deed: Deed,
        if_match: Annotated[str | None, Header(max_length=200)] = None,
    ) -> Response:
        """Acknowledge, dismiss, confirm, comment or release. Who has not seen the newest step is told of it: 409."""
        kind = ActionKind(deed.kind)
        access = self._door.person(request, Role.ADMIN if kind is ActionKind.RELEASE else Role.RESPONDER)
        self._reader.visible(event_id, Viewer(access=access))
        now = self._parts.clock()
        action = Action(at=now, by=access.name, kind=kind, reason=deed.reason or "", text=deed.text)
        self._parts.people.act(event_id, action, now, _seen(deed.step, if_match))
        done = self._whole(event_id, Viewer(access=access))
        return Response(done.body, HTTPStatus.CREATED, {"ETag": done.etag}, done.media_type)

    def cap(self, request: Request, event_id: EventId, sequence: Sequence) -> Response:
        """The CAP 1.2 message of one revision. It never changes."""
        viewer = self._door.viewer(request)

        def make() -> Document:
            revision = self._parts.lists.revision(event_id, sequence)
            if revision is None or (viewer.released and not revision.event.released):
                raise no_such_alert(f"{event_id}, revision {sequence}")
            return document(cap_message(revision, self._cap).xml, CAP_TYPE, revision.sent)

        found = self._messages.get((event_id, sequence, viewer.released), 0, make)
        return answer(request, found, public=viewer.access is None)

    def item(self, request: Request, event_id: EventId) -> Response:
        """The STAC item of an alert's evidence."""
        viewer = self._door.viewer(request)
        event, told = self._reader.visible(event_id, viewer)
        numbers = [one.sequence for one in told]
        body = evidence_item(event, self._reader.chips(event), numbers, self._reader.addresses)
        return answer(request, self._document(body, GEOJSON_TYPE), public=viewer.access is None)

    def picture(self, request: Request, event_id: EventId) -> Response:
        """The picture: before, after, and what changed."""
        return self._file(request, event_id, None, PNG_TYPE)

    def chip(
        self, request: Request, event_id: EventId, name: Annotated[str, Path(pattern=r"^[a-z]{1,20}\.tif$")]
    ) -> Response:
        """One of the chips that the picture is drawn from."""
        return self._file(request, event_id, name, "image/tiff")

    def _whole(self, event_id: str, viewer: Viewer) -> Document:
        event, told = self._reader.visible(event_id, viewer)
        made = self._document(self._reader.whole(event, told, viewer), GEOJSON_TYPE)
        return made.tagged(f"{len(event.transitions) - 1}-")

    def _document(self, body: Json, media_type: str) -> Document:
        return document(as_json(body), media_type, self._parts.clock())

    def _file(self, request: Request, event_id: str, chip: str | None, media_type: str) -> Response:
        viewer = self._door.viewer(request)
        event, _told = self._reader.visible(event_id, viewer)
        path = self._reader.file(event, chip)
        stat = path.stat()
        made = datetime.fromtimestamp(stat.st_mtime, UTC)
        tag = Document(
            body=b"", zipped=None, etag=f'W/"{stat.st_mtime_ns}-{stat.st_size}"', media_type=media_type, modified=made
        )
        found = answer(request, tag, public=viewer.access is None)
        if found.status_code == HTTPStatus.NOT_MODIFIED:
            return found
        kept = {name: found.headers[name] for name in ("ETag", "Last-Modified", "Cache-Control", "Vary")}
        return FileResponse(path, headers=kept, media_type=media_type)


def _seen(step: int | None, if_match: str | None) -> int:
    """The newest step that the person knew.

    Raises:
        Problem: 428, nobody says; 400, it is no tag of an alert.
    """
    if step is not None:
        return step
    if if_match is None:
        raise Problem(
            HTTPStatus.PRECONDITION_REQUIRED,
            "which step of the alert was seen is not said",
            item="If-Match",
            remedy="Send `step`, or If-Match with the ETag of the alert as you saw it.",
            reason="no-step",
        )
    number = if_match.strip().removeprefix("W/").strip('"').partition("-")[0]
    if not (number.isascii() and number.isdecimal() and len(number) < 8):
        remedy = "Take it from the answer that showed the alert."
        raise Problem(
            HTTPStatus.BAD_REQUEST, "no ETag of an alert", item="If-Match", remedy=remedy, reason="bad-if-match"
        )
    return int(number)


def alert_routes(api: AlertApi) -> APIRouter:
    """All paths below /api/v1/alerts."""
    router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
    one = "/{event_id}"
    for path, handler, media_type in (
        ("", api.listed, GEOJSON_TYPE),
        (one, api.one, GEOJSON_TYPE),
        (f"{one}/cap/{{sequence}}.xml", api.cap, CAP_TYPE),
        (f"{one}/item.json", api.item, GEOJSON_TYPE),
        (f"{one}/picture.png", api.picture, PNG_TYPE),
        (f"{one}/chips/{{name}}", api.chip, "image/tiff"),
    ):
        said: dict[int | str, dict[str, Any]] = {200: {"content": {media_type: {}}}}
        router.add_api_route(path, handler, methods=["GET"], response_class=Response, responses=said)
    router.add_api_route(
        f"{one}/actions",
        api.act,
        methods=["POST"],
        status_code=HTTPStatus.CREATED,
        response_class=Response,
        responses={201: {"content": {GEOJSON_TYPE: {}}}},
    )
    return router
