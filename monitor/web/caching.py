"""Documents kept as they were sent: with an ETag, a time, and a compressed copy."""

import gzip
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

_LEAST_GZIP = 1000
"""Bytes; below, compressing gains nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One representation."""

    body: bytes
    zipped: bytes | None
    etag: str
    media_type: str
    modified: datetime
    """When its content was first made, to the second."""

    def tagged(self, prefix: str) -> "Document":
        """The same with an ETag that says more."""
        return replace(self, etag=self.etag.replace('"', f'"{prefix}', 1))


def document(body: bytes, media_type: str, now: datetime) -> Document:
    """A representation made now."""
    tag = hashlib.sha256(body).hexdigest()[:24]
    zipped = gzip.compress(body, 3, mtime=0) if len(body) >= _LEAST_GZIP else None
    modified = now.astimezone(UTC).replace(microsecond=0)
    return Document(body=body, zipped=zipped, etag=f'W/"{tag}"', media_type=media_type, modified=modified)


def as_json(body: Mapping[str, object]) -> bytes:
    """JSON as it is sent: compact, UTF-8, without NaN."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def answer(request: Request, found: Document, *, public: bool) -> Response:
    """The document, or 304 where the caller has it (RFC 9110, 13.1)."""
    headers = {
        "ETag": found.etag,
        "Last-Modified": format_datetime(found.modified, usegmt=True),
        "Cache-Control": f"{'public' if public else 'private'}, no-cache",
        "Vary": "Accept-Encoding, Authorization, Cookie",
    }
    if _has(request, found):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.media_type)
    return Response(found.body, headers=headers, media_type=found.media_type)


def _has(request: Request, found: Document) -> bool:
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = {one.strip().removeprefix("W/") for one in known.split(",")}
        return known.strip() == "*" or found.etag.removeprefix("W/") in tags
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        time = parsedate_to_datetime(since)
        # Only the very time that was told: a clock that was set back makes newer documents of earlier times.
        return found.modified == (time if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return False


class Shelf:
    """Documents at hand, the least asked for dropped first. One that is made is made once, however many wait."""

    def __init__(self, size: int) -> None:
        """At most `size` documents."""
        self._size = size
        self._lock = Lock()
        self._kept: OrderedDict[object, tuple[object, Document]] = OrderedDict()
        self._making: dict[object, tuple[Lock, int]] = {}
        """A lock for each key that is being made, and how many are at it."""

    def get(self, key: object, version: object, make: Callable[[], Document]) -> Document:
        """The document of a key as of a version. Made anew with the same content, it keeps its time."""
        found = self._find(key, version)
        if found is not None:
            return found
        with self._alone(key):
            found = self._find(key, version)
            if found is None:
                found = self._put(key, version, make())
        return found

    @contextmanager
    def _alone(self, key: object) -> Iterator[None]:
        """One at a time for each key; what nobody is making any more is forgotten, also when making failed."""
        with self._lock:
            lock, count = self._making.get(key, (Lock(), 0))
            self._making[key] = lock, count + 1
        try:
            with lock:
                yield
        finally:
            with self._lock:
                count = self._making[key][1]
                if count == 1:
                    del self._making[key]
                else:
                    self._making[key] = lock, count - 1

    def _find(self, key: object, version: object) -> Document | None:
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept[0] != version:
                return None
            self._kept.move_to_end(key)
            return kept[1]

    def _put(self, key: object, version: object, new: Document) -> Document:
        with self._lock:
            old = self._kept.get(key)
            if old is not None and old[1].etag == new.etag:
                new = old[1]
            elif old is not None and new.modified <= old[1].modified:
                # Times of one document rise, whatever the clock does and however soon it changes.
                new = replace(new, modified=old[1].modified + timedelta(seconds=1))
            self._kept[key] = (version, new)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return new
