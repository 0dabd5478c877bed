"""Who asks: a bearer token, or its cookie in a browser; without either, everybody."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request

from monitor.records import Access, Role
from monitor.web.problems import Problem
from monitor.web.refusals import Refusal, Refusals

COOKIE = "scarpwatch"
_NEW_TOKEN = "Ask whoever runs the watch for a token: scarpwatch tokens add NAME --role reader."


class Tokens(Protocol):
    """Where tokens are known (`monitor.adapters.store.tokens`)."""

    def bearer(self, secret: str, now: datetime) -> Access | None:
        """Whose token it is; None when it is nobody's, or was revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who may see something."""

    access: Access | None
    """None: everybody."""

    @property
    def released(self) -> bool | None:
        """True: released alerts only; None: all."""
        return True if self.access is None else None

    def may(self, role: Role) -> bool:
        """Whether they have this role."""
        return self.access is not None and self.access.role.covers(role)


class Door:
    """Lets people in. Every request asks the database anew, so that a revoked token ends at once."""

    def __init__(
        self, tokens: Tokens, public: bool, clock: Callable[[], datetime], refusals: Refusals | None = None
    ) -> None:
        """`public`: whether everybody may see what was released; `refusals` counts who was not let in."""
        self._tokens = tokens
        self._public = public
        self._clock = clock
        self._refusals = refusals or Refusals()

    def viewer(self, request: Request) -> Viewer:
        """Who asks to see something.

        Raises:
            Problem: 401 for a token that is nobody's, and without one where nothing is public.
        """
        secret = _given(request)
        if secret is None:
            if not self._public:
                self._refusals.add(Refusal.NO_TOKEN)
                raise _unauthorized("a token is needed here")
            return Viewer(access=None)
        access = self._tokens.bearer(secret, self._clock())
        if access is None:
            self._refusals.add(Refusal.UNKNOWN_TOKEN)
            raise _unauthorized("nobody has this token, or it was revoked")
        request.state.known = True  # for limits (`monitor.web.limits`)
        return Viewer(access=access)

    def person(self, request: Request, role: Role) -> Access:
        """Who asks to do something.

        Raises:
            Problem: 401 without a valid token, 403 without the role, or from a page that is not ours.
        """
        viewer = self.viewer(request)
        if viewer.access is None:
            self._refusals.add(Refusal.NO_TOKEN)
            raise _unauthorized("a token is needed here")
        if "authorization" not in request.headers and not _same_site(request):
            self._refusals.add(Refusal.FORBIDDEN)
            raise _forbidden("the form was not sent by a page of this watch", viewer.access, "Open the page anew.")
        if not viewer.may(role):
            self._refusals.add(Refusal.FORBIDDEN)
            remedy = f"It needs the role {role.value}: ask whoever runs the watch."
            raise _forbidden(f"the role {viewer.access.role.value} may not do this", viewer.access, remedy)
        return viewer.access

    def known(self, secret: str) -> Access | None:
        """Whose token it is, for the form in which people give it."""
        access = self._tokens.bearer(secret, self._clock())
        if access is None:
            self._refusals.add(Refusal.UNKNOWN_TOKEN)
        return access


def _given(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return request.cookies.get(COOKIE)
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _same_site(request: Request) -> bool:
    """Browsers say where a form comes from; a cookie alone proves nothing."""
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        return said in ("same-origin", "none")
    origin = request.headers.get("origin", "")
    return origin.partition("://")[2] == request.headers.get("host", "")


def _unauthorized(detail: str) -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        detail,
        item="Authorization",
        remedy=_NEW_TOKEN,
        reason="unauthorized",
        headers={"WWW-Authenticate": 'Bearer realm="scarpwatch"'},
    )


def _forbidden(detail: str, access: Access, remedy: str) -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, detail, item=access.name, remedy=remedy, reason="forbidden")
