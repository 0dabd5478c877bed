"""Pages for people, rendered here: no script, nothing from elsewhere, of use on a phone and on paper."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path as FilePath
from threading import Lock
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from monitor.adapters.store.listing import Wanted
from monitor.core import held_words
from monitor.core.addresses import PDF_TYPE, quoted
from monitor.core.declared import title as named_of
from monitor.core.lifecycle import ALERT_STATES
from monitor.core.people import takes
from monitor.core.precision import told
from monitor.core.situations import Situation, lines
from monitor.core.standing import waiting
from monitor.core.telling import deed, deeds, description, drawn_before, instruction, moment
from monitor.core.telling import title as headline_of
from monitor.core.words import LANGUAGES, Words
from monitor.records import Action, ActionKind, DismissalReason, Event, Role
from monitor.web.alerts import DEEDS, Deed
from monitor.web.asking import Cursor, EventId, Name, read_place, written
from monitor.web.auth import COOKIE, Door, Viewer
from monitor.web.caching import Document, Shelf, document
from monitor.web.coverage import CoverageBoard
from monitor.web.declarations import Situations
from monitor.web.parts import WebParts
from monitor.web.problems import Problem
from monitor.web.reading import Reader
from monitor.web.sheet import sheet
from monitor.web.showing import looks, row, unseen

_FOLDER = FilePath(__file__).parent
_STYLE, _ICON = _FOLDER / "static" / "style.css", _FOLDER / "static" / "icon.svg"
_ROWS = 50
_WHOLE = "Of the whole look-back of the region, not since this situation began:"
_YEAR_DAYS = 365
_SHEETS = 32
_SESSION_S = 12 * 3600
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Authorization",
}


class Pages:
    """The handlers."""

    def __init__(
        self, parts: WebParts, door: Door, board: CoverageBoard, reader: Reader, situations: Situations
    ) -> None:
        """`board` knows what was not observed, `situations` what people have declared."""
        self._parts = parts
        self._door = door
        self._board = board
        self._reader = reader
        self._situations = situations
        self._language = parts.settings.alert_languages[0]
        self._secure = parts.settings.addresses.base.startswith("https:")
        self._sheets = Shelf(_SHEETS)
        self._printing = Lock()  # drawing takes a second of a processor: the watch needs the others
        self._templates = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["moment"] = moment
        self._templates.filters["deed"] = deed

    def home(self, request: Request, cursor: Annotated[Cursor | None, Query()] = None) -> Response:
        """Open alerts, worst first, and what was not observed."""
        viewer = self._door.viewer(request)
        wanted = Wanted(states=ALERT_STATES, released=viewer.released)
        return self._list(viewer, "Open alerts", wanted, "/", cursor, home=True)

    def situation(self, request: Request, storm: Name, cursor: Annotated[Cursor | None, Query()] = None) -> Response:
        """All alerts of a storm, worst first, also those that ended."""
        viewer = self._door.viewer(request)
        wanted = Wanted(storm=storm, released=viewer.released)
        # What people have declared is for people with a token: an alert of it may be released, or not.
        known = self._situations.of_storm(storm) if viewer.access else None
        if known is None and not self._parts.lists.count(wanted):
            raise Problem(
                HTTPStatus.NOT_FOUND,
                "there is no such situation, or none that you may see",
                item=storm,
                remedy="The page of an alert links its situation.",
                reason="unknown-storm",
            )
        heading = f"Situation {storm}" if known is None else f"Situation: {named_of(known.declaration)}"
        return self._list(viewer, heading, wanted, f"/situations/{quoted(storm)}", cursor, known=known)

    def alert(self, request: Request, event_id: EventId, language: Annotated[Name | None, Query()] = None) -> Response:
        """One alert."""
        viewer = self._door.viewer(request)
        event, told = self._reader.visible(event_id, viewer)
        words = self._words(language)
        may = [
            kind.value
            for kind in DEEDS
            if takes(event, kind)
            and viewer.may(Role.ADMIN if kind is ActionKind.RELEASE else Role.RESPONDER)
            and not (kind is ActionKind.RELEASE and event.released)
            and not (kind is ActionKind.ACKNOWLEDGE and any(one.kind is kind for one in event.actions))
        ]
        return self.page(
            "alert.html",
            viewer,
            language=language or self._language,
            event=event,
            headline=headline_of(event, words),
            description=description(event, words, self._reader.coming(event.region)).splitlines(),
            instruction=instruction(event, words),
            picture=event.picture is not None,
            drawn_before=drawn_before(event),
            base=f"/api/v1/alerts/{quoted(event.id)}",
            looks=looks(event),
            told=told,
            step=len(event.transitions) - 1,
            deeds=may,
            done=deeds(event),
            reasons=[reason.value for reason in DismissalReason],
            not_observed=unseen(self._unseen((event.region,))),
        )

    def sheet(self, request: Request, event_id: EventId) -> Response:
        """One alert on one page to print."""
        viewer = self._door.viewer(request)
        event, _told = self._reader.visible(event_id, viewer)
        person = viewer.access is not None
        missed = tuple(unseen(self._unseen((event.region,))))
        coming = self._reader.coming(event.region)

        def make() -> Document:
            with self._printing:
                body = sheet(
                    event, self._picture(event), self._reader.addresses.page(event.id), missed, coming, person=person
                )
            return document(body, PDF_TYPE, self._parts.clock())

        # By what it shows of the event itself: others change all the time.
        version = (hashlib.sha256(repr(event).encode("utf-8", "replace")).digest(), missed, coming)
        found = self._sheets.get((event.id, person), version, make)
        return Response(found.body, headers={"Cache-Control": "private, no-cache"}, media_type=PDF_TYPE)

    def _picture(self, event: Event) -> FilePath | None:
        try:
            return self._reader.file(event, None)
        except Problem:
            return None

    async def act(self, request: Request, event_id: EventId) -> Response:
        """The form of an alert's page; afterwards the page anew."""
        form = await fields(request)
        return await run_in_threadpool(self._act, request, event_id, form)

    def _act(self, request: Request, event_id: str, form: dict[str, str]) -> Response:
        # Who sees the form may be signed out by now: the role is asked before the form is read.
        access = self._door.person(request, Role.RESPONDER)
        try:
            deed = Deed.model_validate({name: value for name, value in form.items() if value})
        except ValidationError as err:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in err.errors())
            remedy = "Go back and mend the form."
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY, wrong, item=event_id, remedy=remedy, reason="invalid-request"
            ) from err
        kind = ActionKind(deed.kind)
        if kind is ActionKind.RELEASE:
            access = self._door.person(request, Role.ADMIN)
        self._reader.visible(event_id, Viewer(access=access))
        now = self._parts.clock()
        action = Action(at=now, by=access.name, kind=kind, reason=deed.reason or "", text=deed.text)
        self._parts.people.act(event_id, action, now, deed.step)
        return RedirectResponse(f"/alerts/{quoted(event_id)}", HTTPStatus.SEE_OTHER)

    def login(self, to: Annotated[Name | None, Query()] = None) -> Response:
        """Where people give their token."""
        return self.page("login.html", Viewer(access=None), wrong=False, to=_local(to))

    async def enter(self, request: Request) -> Response:
        """Keep the token in a cookie that no script can read."""
        form = await fields(request)
        secret, to = form.get("token", "").strip(), _local(form.get("to"))
        if await run_in_threadpool(self._door.known, secret) is None:
            page = self.page("login.html", Viewer(access=None), wrong=True, to=to)
            page.status_code = HTTPStatus.UNAUTHORIZED
            return page
        answer = RedirectResponse(to, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            COOKIE, secret, max_age=_SESSION_S, httponly=True, samesite="strict", secure=self._secure, path="/"
        )
        return answer

    def leave(self) -> Response:
        """Forget the token in this browser."""
        answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    def style(self) -> Response:
        """The one style sheet."""
        return FileResponse(_STYLE, headers={"Cache-Control": "public, max-age=3600"}, media_type="text/css")

    def icon(self) -> Response:
        """The sign of a tab."""
        return FileResponse(_ICON, headers={"Cache-Control": "public, max-age=3600"}, media_type="image/svg+xml")

    def problem(self, request: Request, response: Response, body: dict[str, object]) -> Response:
        """An error as a page; who is not signed in is asked to."""
        if response.status_code == HTTPStatus.UNAUTHORIZED and request.method == "GET":
            return RedirectResponse(f"/login?{urlencode({'to': request.url.path})}", HTTPStatus.SEE_OTHER)
        back = request.url.path.removesuffix("/actions").removesuffix("/end").removesuffix("/acknowledge")
        page = self.page("problem.html", Viewer(access=None), problem=body, back=back)
        page.status_code = response.status_code
        if "retry-after" in response.headers:
            page.headers["Retry-After"] = response.headers["retry-after"]
        return page

    def _list(
        self,
        viewer: Viewer,
        title: str,
        wanted: Wanted,
        path: str,
        cursor: str | None,
        *,
        home: bool = False,
        known: Situation | None = None,
    ) -> Response:
        page = self._parts.lists.worst(wanted, _ROWS, read_place(cursor))
        words = self._words(None)
        named = {one.event.storm: one.event.storm for one in page.listed if one.event.storm} if home else {}
        named |= self._situations.titles() if home and viewer.access else {}
        more = f"{path}?{urlencode({'cursor': written(page.following)})}" if page.following else None
        listed = {one.event.region for one in page.listed}
        watched = set(self._parts.settings.regions) if known is None else {known.declaration.region}
        note, counted = "" if home else _WHOLE, self._unseen(tuple(sorted(listed | watched)))
        if known is not None and known.is_counted:
            note = f"Since it happened, {moment(known.declaration.at)}:"
            counted = {known.declaration.region: known.observed}
        return self.page(
            "alerts.html",
            viewer,
            title=title,
            summary=f"worst first, {len(page.listed)} of {self._parts.lists.count(wanted)}",
            rows=[row(one, words) for one in page.listed],
            storms=sorted(named.items()),
            situation=lines(known) if known else [],
            may_declare=home and viewer.may(Role.RESPONDER),
            waiting=waiting(one.event for one in page.listed) if not home and viewer.may(Role.RESPONDER) else {},
            may_end=known is not None and known.now < known.declaration.end and viewer.may(Role.RESPONDER),
            path=path,
            judged=self._judged() if home and viewer.access else [],
            silences=self._silences() if home and viewer.access else [],
            more=more,
            not_observed=unseen(counted),
            note=note,
        )

    def _silences(self) -> list[str]:
        """What keeps alerts from the channels: people who read the page must not take it for told."""
        return [held_words.told(one) for one in self._parts.people.held_back(self._parts.clock())]

    def _judged(self) -> list[str]:
        """What people said of the alerts of a year, a line for each region that had any."""
        now = self._parts.clock()
        alerts = self._parts.people.judged(now - timedelta(days=_YEAR_DAYS))
        said = (told(region, alerts, now, _YEAR_DAYS) for region in sorted(self._parts.settings.regions))
        return [line for line in said if line]

    def _unseen(self, regions: tuple[str, ...]) -> dict[str, object]:
        return self._board.read(regions)

    def _words(self, language: str | None) -> Words:
        return LANGUAGES.get(language or self._language, LANGUAGES["en"])

    def page(self, template: str, viewer: Viewer, **values: object) -> HTMLResponse:
        """A template with what it shows."""
        shown = {"language": self._language, "person": viewer.access} | values
        return HTMLResponse(self._templates.get_template(template).render(shown), headers=_HEADERS)


async def fields(request: Request) -> dict[str, str]:
    """What a form says."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(body, max_num_fields=20).items()}


def _local(to: str | None) -> str:
    """A path of ours: a link to the form must not lead elsewhere."""
    return to if to and to.startswith("/") and not to.startswith(("//", "/\\")) else "/"


def page_routes(pages: Pages) -> APIRouter:
    """All pages. They are for people, so the description of the API leaves them out."""
    router = APIRouter(include_in_schema=False)
    routes: tuple[tuple[str, Callable[..., object], str], ...] = (
        ("/", pages.home, "GET"),
        ("/situations/{storm}", pages.situation, "GET"),
        ("/alerts/{event_id}.pdf", pages.sheet, "GET"),
        ("/alerts/{event_id}", pages.alert, "GET"),
        ("/alerts/{event_id}/actions", pages.act, "POST"),
        ("/login", pages.login, "GET"),
        ("/login", pages.enter, "POST"),
        ("/logout", pages.leave, "POST"),
        ("/static/style.css", pages.style, "GET"),
        ("/static/icon.svg", pages.icon, "GET"),
    )
    for path, handler, method in routes:
        router.add_api_route(path, handler, methods=[method], response_class=HTMLResponse, response_model=None)
    return router


def is_page(request: Request) -> bool:
    """Whether an answer is for a person with a browser."""
    return not request.url.path.startswith(("/api/", "/feeds/")) and "text/html" in request.headers.get("accept", "")
