"""/livez, /readyz and /metrics: they answer whatever the rest does, with threads of their own and no limits."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from http import HTTPStatus

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_PATHS = ("/livez", "/readyz", "/metrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must be so for the service to do its job."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the server asks before it answers. Called from its threads."""

    alive: Callable[[], tuple[Check, ...]]
    """Not passed: restart the process."""
    ready: Callable[[], tuple[Check, ...]]
    """Not passed: the watch is not watching; a restart may not help."""
    registry: CollectorRegistry


class HealthApp:
    """Answers the three paths itself and hands everything else on."""

    def __init__(self, answers: Answers, other: ASGIApp | None) -> None:
        """`other`: the API, or None where there is none."""
        self._answers = answers
        self._other = other or PlainTextResponse(" ".join(_PATHS) + "\n", HTTPStatus.NOT_FOUND)
        # Not the threads of the API: those may all wait for the database.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="health")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] not in _PATHS:
            await self._other(scope, receive, send)
            return
        found = await asyncio.get_running_loop().run_in_executor(self._threads, partial(self._find, scope["path"]))
        await found(scope, receive, send)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _find(self, path: str) -> Response:
        if path == "/metrics":
            return Response(generate_latest(self._answers.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
        checks = self._answers.alive() if path == "/livez" else self._answers.ready()
        passed = all(check.passed for check in checks)
        body = json.dumps({"passed": passed, "checks": [asdict(check) for check in checks]}, indent=1) + "\n"
        status = HTTPStatus.OK if passed else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(body, status, media_type="application/json")
