"""Errors as people and programs read them: problem+json (RFC 9457), each with its item and what to do next."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from monitor.errors import ScarpwatchError, Transient
from monitor.web.unwell import Unwell

MEDIA_TYPE = "application/problem+json"
_STATUS = {
    "unknown-event": HTTPStatus.NOT_FOUND,
    "changed-meanwhile": HTTPStatus.CONFLICT,
    "not-now": HTTPStatus.CONFLICT,
    "unknown-reason": HTTPStatus.UNPROCESSABLE_ENTITY,
    "already-declared": HTTPStatus.CONFLICT,
    "in-the-future": HTTPStatus.UNPROCESSABLE_ENTITY,
    "too-long-ago": HTTPStatus.UNPROCESSABLE_ENTITY,
    "outside-region": HTTPStatus.UNPROCESSABLE_ENTITY,
    "area-too-large": HTTPStatus.UNPROCESSABLE_ENTITY,
    "crosses-180": HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Of what people may not do, by reason."""
LARGE_REMEDY = "Send less, or raise serve.largest_body_kib."
_REMEDIES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: LARGE_REMEDY,
    HTTPStatus.NOT_FOUND: "See /api/v1/openapi.json for the paths there are.",
    HTTPStatus.METHOD_NOT_ALLOWED: "See /api/v1/openapi.json for what the path takes.",
}
_WAIT_S = 5


class Problem(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        item: str,
        remedy: str,
        reason: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`item` is what it is about, `remedy` what to do next, `reason` a stable word for programs."""
        super().__init__(detail)
        self.status = status
        self.body = {
            "type": f"urn:scarpwatch:problem:{reason}",
            "title": status.phrase,
            "status": status.value,
            "detail": detail,
            "item": item,
            "remedy": remedy,
            "reason": reason,
        }
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        return JSONResponse(self.body, self.status.value, self.headers, media_type=MEDIA_TYPE)


def on_problem(_request: Request, error: Exception) -> Response:
    """What the code said."""
    return error.response() if isinstance(error, Problem) else on_defect(_request, error)


def on_error(unwell: Unwell, _request: Request, error: Exception) -> Response:
    """An error of the tree: what may pass is 503, what a person may not do 4xx."""
    if not isinstance(error, ScarpwatchError):
        return on_defect(_request, error)
    told = unwell.told(error)
    status = _STATUS.get(error.reason, HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {}
    if isinstance(error, Transient) or error.reason == "bad-config":
        status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(_WAIT_S)}
    return Problem(
        status, told.message, item=told.item, remedy=told.remedy, reason=told.reason, headers=headers
    ).response()


def on_invalid(request: Request, error: Exception) -> Response:
    """A request that does not fit its description; every mistake is named."""
    if not isinstance(error, RequestValidationError):
        return on_defect(request, error)
    mistakes = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "; ".join(mistakes)[:2000],
        item=request.url.path[:300],
        remedy="See /api/v1/openapi.json for what is taken.",
        reason="invalid-request",
    ).response()


def on_http(request: Request, error: Exception) -> Response:
    """What the framework answers by itself: no such path, no such method."""
    if not isinstance(error, HTTPException):
        return on_defect(request, error)
    status = HTTPStatus(error.status_code)
    return Problem(
        status,
        str(error.detail),
        item=request.url.path[:300],
        remedy=_REMEDIES.get(status, "Mend the request."),
        reason=status.phrase.lower().replace(" ", "-"),
        headers=error.headers,
    ).response()


def on_defect(request: Request, _error: Exception) -> Response:
    """Ours. What happened stands in the log, not in the answer."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "a defect",
        item=request.url.path[:300],
        remedy="Please report it with the log of the service.",
        reason="defect",
    ).response()
