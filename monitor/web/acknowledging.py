"""The button that acknowledges all open alerts of a situation that its page shows."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.core.addresses import quoted
from monitor.errors import Refused
from monitor.records import Action, ActionKind, Role
from monitor.web.asking import Name
from monitor.web.auth import Door, Viewer
from monitor.web.pages import fields
from monitor.web.parts import WebParts
from monitor.web.problems import Problem
from monitor.web.reading import Reader

_SEEN = TypeAdapter(dict[str, Annotated[int, Field(ge=0, le=1_000_000)]])


class AcknowledgePages:
    """The handlers."""

    def __init__(self, parts: WebParts, door: Door, reader: Reader) -> None:
        """`reader` knows which alerts somebody may see."""
        self._parts = parts
        self._door = door
        self._reader = reader

    async def acknowledge(self, request: Request, storm: Name) -> Response:
        """Acknowledge each alert that the form names, then show the situation anew."""
        form = await fields(request)
        return await run_in_threadpool(self._acknowledge, request, storm, form.get("seen", ""))

    def _acknowledge(self, request: Request, storm: str, said: str) -> Response:
        access = self._door.person(request, Role.RESPONDER)
        now, refused = self._parts.clock(), []
        seen = _read(said, storm)
        for event_id, step in seen.items():
            action = Action(at=now, by=access.name, kind=ActionKind.ACKNOWLEDGE)
            try:
                self._reader.visible(event_id, Viewer(access=access))
                self._parts.people.act(event_id, action, now, step)
            except Refused as error:  # of one alert: the others are acknowledged all the same
                refused.append(f"{error.item}: {error.message}")
            except Problem as error:
                refused.append(f"{event_id}: {error.body['detail']}")
        if refused:
            raise Problem(
                HTTPStatus.CONFLICT,
                f"{len(seen) - len(refused)} acknowledged, not these: {'; '.join(refused)}",
                item=storm,
                remedy="Look at them again, then decide anew.",
                reason="changed-meanwhile",
            )
        return RedirectResponse(f"/situations/{quoted(storm)}", HTTPStatus.SEE_OTHER)


def _read(said: str, storm: str) -> dict[str, int]:
    """The alerts of a form, each with the number of the newest step that the person saw."""
    try:
        return _SEEN.validate_json(said)
    except ValidationError as err:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "the form does not say which alerts were seen",
            item=storm,
            remedy="Load the page of the situation again, and use its button.",
            reason="invalid-request",
        ) from err


def acknowledge_routes(pages: AcknowledgePages) -> APIRouter:
    """The form's path. It is for people, so the description of the API leaves it out."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    router.add_api_route("/situations/{storm}/acknowledge", pages.acknowledge, methods=["POST"], response_model=None)
    return router
