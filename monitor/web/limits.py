"""How much anybody may ask: sizes of bodies and rates of requests, decided before anything is read or looked up."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from threading import Lock

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.web.auth import COOKIE
from monitor.web.problems import LARGE_REMEDY, Problem
from monitor.web.refusals import Refusal, Refusals

_KEPT = 10_000
"""Callers remembered; one forgotten starts anew."""
_WRONG_TOKEN = 10.0
"""Requests that one with a token nobody has counts for, so that guessing does not pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one caller may."""

    requests_per_s: float
    burst: int
    largest_body: int
    """Bytes."""


class Buckets:
    """A bucket of requests for each caller, filled again at a constant rate."""

    def __init__(self, limits: Limits, monotonic: Callable[[], float]) -> None:
        """`monotonic` in seconds."""
        self._limits = limits
        self._monotonic = monotonic
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, cost: float = 1.0, least: float = 0.0) -> float:
        """Seconds to wait before `cost` can be had; 0: it was taken.

        Args:
            least: what may be left afterwards; below 0 takes on credit.
        """
        with self._lock:
            now = self._monotonic()
            level, then = self._kept.get(caller, (float(self._limits.burst), now))
            level = min(self._limits.burst, level + (now - then) * self._limits.requests_per_s) - cost
            if level < least:
                return (least - level) / self._limits.requests_per_s
            self._kept[caller] = (level, now)
            self._kept.move_to_end(caller)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return 0.0


class LimitMiddleware:
    """Answers 429 and 413 before the application hears of the request."""

    def __init__(
        self, app: ASGIApp, limits: Limits, monotonic: Callable[[], float], refusals: Refusals | None = None
    ) -> None:
        """`monotonic` in seconds; `refusals` counts what was not let through."""
        self._app = app
        self._limits = limits
        self._refusals = refusals or Refusals()
        self._buckets = Buckets(limits, monotonic)
        self._known: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        address = str((scope.get("client") or ("unknown",))[0])
        caller = _caller(headers, address)
        # Who has shown a token of ours pays for nothing that others at the address do: they may all be behind one gate.
        wait = 0.0 if caller in self._known else self._buckets.take(address, 0.0)
        # A cookie that nobody knows costs nothing to make up: it does not buy a bucket.
        own = caller in self._known or "authorization" in headers
        wait = wait or self._buckets.take(caller if own else address)
        refused = _too_many(wait, address) if wait else self._too_large(headers, scope)
        if refused is not None:
            self._refusals.add(Refusal.TOO_MANY if wait else Refusal.TOO_LARGE)
            await refused.response()(scope, receive, send)
            return

        async def heard(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._learn(caller, address, message["status"], bool(shared.get("known")))
            await send(message)

        shared = scope.setdefault("state", {})

        too_large = partial(self._refusals.add, Refusal.TOO_LARGE)
        await self._app(scope, _measured(receive, self._limits.largest_body, too_large), heard)

    def _learn(self, caller: str, address: str, status: int, known: bool) -> None:
        if known and caller != address:
            self._known[caller] = None
            self._known.move_to_end(caller)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        elif status == HTTPStatus.UNAUTHORIZED:
            self._known.pop(caller, None)
            self._buckets.take(address, _WRONG_TOKEN, least=-math.inf)

    def _too_large(self, headers: Headers, scope: Scope) -> Problem | None:
        given = headers.get("content-length", "0")
        if not given.isdecimal() or int(given[:20]) > self._limits.largest_body:
            return _large(self._limits.largest_body, scope)
        return None


def _measured(receive: Receive, most: int, too_large: Callable[[], None]) -> Receive:
    """For a body that does not say its size. Its reader passes on no other kind of error than the framework's."""
    got = 0

    async def measured() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > most:
            too_large()
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most} bytes")
        return message

    return measured


def _caller(headers: Headers, address: str) -> str:
    """Who it is as far as limits go: a token, else the token in a cookie, else an address."""
    given = headers.get("authorization") or _cookie(headers)
    return hashlib.sha256(given.encode()).hexdigest() if given else address


def _cookie(headers: Headers) -> str | None:
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def _too_many(wait_s: float, address: str) -> Problem:
    seconds = max(1, math.ceil(wait_s))
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too many requests",
        item=address,
        remedy=f"Wait {seconds} s. Feeds change once a minute at most: ask with If-None-Match.",
        reason="too-many-requests",
        headers={"Retry-After": str(seconds)},
    )


def _large(most: int, scope: Scope) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {most} bytes",
        item=str(scope["path"])[:300],
        remedy=LARGE_REMEDY,
        reason="body-too-large",
        headers={"Connection": "close"},
    )
