"""The form in which a person declares an event, and the button that ends one."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.core.addresses import quoted
from monitor.core.declared import LONGEST_DAYS
from monitor.errors import Refused
from monitor.records import DeclarationKind, Role
from monitor.web.asking import Name
from monitor.web.auth import Door, Viewer
from monitor.web.declarations import NewDeclaration, Situations
from monitor.web.pages import Pages, fields
from monitor.web.parts import WebParts
from monitor.web.problems import Problem

_PATH = "/declare"
_LABELS = {
    "region": "Region",
    "at": "When it happened, in UTC",
    "kind": "What it was",
    "name": "What people call it",
    "bbox": "Only this ground",
    "days": "For how many days",
}
"""What the fields of a declaration are called in the form."""


class DeclarePages:
    """The handlers."""

    def __init__(self, parts: WebParts, door: Door, situations: Situations, pages: Pages) -> None:
        """`pages` renders, `situations` keeps what is declared."""
        self._parts = parts
        self._door = door
        self._situations = situations
        self._pages = pages

    def form(self, request: Request) -> Response:
        """The empty form."""
        viewer = self._door.viewer(request)
        if viewer.access is None:
            return RedirectResponse(f"/login?{urlencode({'to': _PATH})}", HTTPStatus.SEE_OTHER)
        if not viewer.may(Role.RESPONDER):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                f"the role {viewer.access.role.value} may not declare events",
                item=viewer.access.name,
                remedy=f"It needs the role {Role.RESPONDER.value}: ask whoever runs the watch.",
                reason="forbidden",
            )
        return self._form(viewer, {}, [])

    async def declare(self, request: Request) -> Response:
        """Declare what the form says, then show its situation; the form again, as it was, with what is wrong."""
        given = await fields(request)
        return await run_in_threadpool(self._declare, request, given)

    def _declare(self, request: Request, given: Mapping[str, str]) -> Response:
        access = self._door.person(request, Role.RESPONDER)
        try:
            one = self._situations.declare(_read(given), access.name)
        except ValidationError as err:
            wrong = _mistakes(err)
        except Refused as err:
            wrong = [f"{err.message}. {err.remedy}"]
        else:
            return RedirectResponse(f"/situations/{quoted(one.storm)}", HTTPStatus.SEE_OTHER)
        page = self._form(Viewer(access=access), given, wrong)
        page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return page

    def end(self, request: Request, storm: Name) -> Response:
        """End the declared event of a situation, then show it; somebody else may have ended it meanwhile."""
        access = self._door.person(request, Role.RESPONDER)
        known = self._situations.of_storm(storm)
        if known is not None:
            self._parts.declarations.end_declaration(known.declaration.id, access.name, self._parts.clock())
        return RedirectResponse(f"/situations/{quoted(storm)}", HTTPStatus.SEE_OTHER)

    def _form(self, viewer: Viewer, given: Mapping[str, str], wrong: list[str]) -> Response:
        return self._pages.page(
            "declare.html",
            viewer,
            given=given,
            wrong=wrong,
            labels=_LABELS,
            regions=sorted(self._parts.settings.regions),
            kinds=[kind.value for kind in DeclarationKind],
            days=self._parts.settings.tiers.declared.days,
            longest=LONGEST_DAYS,
            now=self._parts.clock(),
        )


def _read(given: Mapping[str, str]) -> NewDeclaration:
    """What a form says.

    Raises:
        ValidationError: with every mistake.
        Refused: the area is too large, or crosses the antimeridian.
    """
    said: dict[str, object] = {name: value.strip() for name, value in given.items() if value.strip()}
    if "at" in said:
        said["at"] = f"{said['at']}Z"  # the label asks for UTC, and browsers send no offset
    if "bbox" in said:
        said["bbox"] = str(said["bbox"]).replace(",", " ").split()
    return NewDeclaration.model_validate(said)


def _mistakes(error: ValidationError) -> list[str]:
    """A line for each field, in the words of the form."""
    found = {}
    for one in error.errors():
        field, *part = one["loc"] or ("bbox",)
        said = "give four numbers: west, south, east, north" if field == "bbox" and part else one["msg"]
        found[field] = f"{_LABELS.get(str(field), field)}: {said}"
    return list(found.values())


def declare_routes(pages: DeclarePages) -> APIRouter:
    """The form's paths. They are for people, so the description of the API leaves them out."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    router.add_api_route(_PATH, pages.form, methods=["GET"], response_model=None)
    router.add_api_route(_PATH, pages.declare, methods=["POST"], response_model=None)
    router.add_api_route("/situations/{storm}/end", pages.end, methods=["POST"], response_model=None)
    return router
