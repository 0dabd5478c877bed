"""The application: what every request goes through, and all its routes."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.core.addresses import GEOJSON_TYPE
from monitor.core.geojson import Json
from monitor.core.next_pass import MEMORY
from monitor.core.pass_calendar import calendar_json, pass_calendar
from monitor.core.precision import WINDOWS_DAYS, precision_json
from monitor.errors import ScarpwatchError
from monitor.records import Role
from monitor.shipped import installed_version
from monitor.web.acknowledging import AcknowledgePages, acknowledge_routes
from monitor.web.alerts import AlertApi, alert_routes
from monitor.web.auth import Door
from monitor.web.caching import answer, as_json, document
from monitor.web.coverage import CoverageBoard
from monitor.web.declarations import DeclarationApi, Situations, declaration_routes
from monitor.web.declaring import DeclarePages, declare_routes
from monitor.web.features import Features
from monitor.web.feeds import FeedApi, feed_routes
from monitor.web.limits import LimitMiddleware, Limits
from monitor.web.pages import Pages, is_page, page_routes
from monitor.web.parts import WebParts
from monitor.web.problems import MEDIA_TYPE, Problem, on_defect, on_error, on_http, on_invalid, on_problem
from monitor.web.reading import Reader
from monitor.web.unwell import Unwell

_EXAMPLE = {
    "type": "urn:scarpwatch:problem:unknown-event",
    "title": "Not Found",
    "status": 404,
    "detail": "there is no alert of this id that you may see",
    "item": "E9",
    "remedy": "Lists and feeds show the ids there are; what is not released needs a token.",
    "reason": "unknown-event",
}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": words, "content": {MEDIA_TYPE: {"example": _EXAMPLE}}}
    for status, words in (
        (400, "A cursor or tag that nobody gave."),
        (401, "A token is needed, or the one given is not valid."),
        (403, "The token's role may not do this."),
        (404, "There is no such thing, or it may not be seen."),
        (409, "It has changed since it was seen, or does not take this now; the detail says what others did."),
        (413, "The body is too large."),
        (422, "The request does not fit its description."),
        (428, "Which step was seen is not said."),
        (429, "Too many requests; Retry-After says when to come again."),
        (503, "The database is busy or away; Retry-After says when to come again."),
    )
}


def make_app(parts: WebParts, monotonic: Callable[[], float] = time.monotonic) -> FastAPI:
    """The application. It keeps nothing that another process would miss."""
    app = FastAPI(
        title="Scarpwatch",
        version=installed_version(),
        description="Landslide alerts from satellite evidence, and what was not observed. See docs/api.md.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # these would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=_ERRORS,
        dependencies=[Security(HTTPBearer(auto_error=False, description="scarpwatch tokens add NAME"))],
    )
    door = Door(parts.tokens, parts.settings.serve.public_feeds, parts.clock, parts.refusals)
    board = CoverageBoard(parts.coverage, parts.clock, parts.troubled, parts.unwell)
    reader = Reader(parts)
    features = Features(parts.lists, parts.settings.addresses)
    app.include_router(feed_routes(FeedApi(parts, door, board, features)))
    app.include_router(alert_routes(AlertApi(parts, door, board, reader, features)))
    app.include_router(_ground_routes(parts, door, board))
    situations = Situations(parts, board)
    app.include_router(declaration_routes(DeclarationApi(parts, door, situations)))
    pages = Pages(parts, door, board, reader, situations)
    app.include_router(page_routes(pages))
    app.include_router(declare_routes(DeclarePages(parts, door, situations, pages)))
    app.include_router(acknowledge_routes(AcknowledgePages(parts, door, reader)))
    app.state.board = board
    _handlers(app, pages, parts.unwell)
    _around(app, parts, monotonic)
    return app


def _handlers(app: FastAPI, pages: Pages, unwell: Unwell) -> None:
    """Errors are problems for programs, and pages for people."""
    for kind, handler in (
        (Problem, on_problem),
        (ScarpwatchError, partial(on_error, unwell)),
        (RequestValidationError, on_invalid),
        (HTTPException, on_http),
        (Exception, on_defect),
    ):
        app.add_exception_handler(kind, partial(_told, pages, handler))


def _told(
    pages: Pages, handler: Callable[[Request, Exception], Response], request: Request, error: Exception
) -> Response:
    response = handler(request, error)
    return pages.problem(request, response, json.loads(bytes(response.body))) if is_page(request) else response


def _around(app: FastAPI, parts: WebParts, monotonic: Callable[[], float]) -> None:
    """What stands before the routes; the last added is the first asked."""
    serve = parts.settings.serve
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["Authorization", "Content-Type", "If-None-Match", "If-Match"],
        expose_headers=["ETag", "Last-Modified", "Retry-After"],
        max_age=3600,
    )
    limits = Limits(requests_per_s=serve.requests_per_s, burst=serve.burst, largest_body=serve.largest_body_kib * 1024)
    app.add_middleware(LimitMiddleware, limits=limits, monotonic=monotonic, refusals=parts.refusals)
    app.add_middleware(HeadMiddleware)


def _ground_routes(parts: WebParts, door: Door, board: CoverageBoard) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["ground"])

    def regions(request: Request) -> Response:
        """The watched regions, as GeoJSON."""
        viewer = door.viewer(request)
        return answer(
            request, document(as_json(parts.regions), GEOJSON_TYPE, parts.clock()), public=viewer.access is None
        )

    def coverage(request: Request) -> Response:
        """Of every region what was not observed: without it, no alert means nothing."""
        viewer = door.viewer(request)
        body = {"regions": board.read(tuple(sorted(parts.settings.regions)))}
        return answer(request, document(as_json(body), "application/json", parts.clock()), public=viewer.access is None)

    def precision(request: Request) -> Response:
        """How many of the alerts that people judged were landslides, by region, tier and detector."""
        door.person(request, Role.READER)
        now = parts.clock()
        judged = parts.people.judged(now - timedelta(days=max(WINDOWS_DAYS)))
        body: Json = {region: precision_json(region, judged, now) for region in sorted(parts.settings.regions)}
        return answer(request, document(as_json({"regions": body}), "application/json", now), public=False)

    def passes(request: Request, region: str, days: Annotated[int, Query(ge=1, le=366)] = 30) -> Response:
        """Passes of satellites over a region, so many days back and ahead: seen, missing, awaited, coming."""
        viewer = door.viewer(request)
        if region not in parts.settings.regions:
            raise _no_region(region)
        now, span = parts.clock(), timedelta(days=days)
        passed = parts.declarations.passes(region, now - span - MEMORY, now)
        found = pass_calendar(passed, now, now - span, now + span, parts.settings.fleet)
        body: Json = {"region": region, "days": days, "passes": calendar_json(found)}
        return answer(request, document(as_json(body), "application/json", now), public=viewer.access is None)

    for path, handler in (
        ("/regions", regions),
        ("/regions/{region}/passes", passes),
        ("/coverage", coverage),
        ("/precision", precision),
    ):
        router.add_api_route(path, handler, methods=["GET"], response_class=Response)
    return router


def _no_region(region: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        "there is no region of this name",
        item=region,
        remedy="/api/v1/regions lists those there are.",
        reason="unknown-region",
    )


class HeadMiddleware:
    """HEAD is GET without a body, and every response says that its type is what it says it is."""

    def __init__(self, app: ASGIApp) -> None:
        """Around an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
                message["headers"] = [*message.get("headers", []), *extra]
            elif head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await self._app({**scope, "method": "GET"} if head else scope, receive, said)
