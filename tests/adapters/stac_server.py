"""A real HTTP server on a free port that plays a catalog, well or badly."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.adapters.serving import serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says to one request."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(document: object) -> Answer:
    """A document, sent as a catalog would."""
    return Answer(body=json.dumps(document).encode(), headers={"Content-Type": "application/geo+json"})


HTML = Answer(body=b"<!DOCTYPE html><html><body>Maintenance</body></html>", headers={"Content-Type": "text/html"})


class CatalogServer:
    """Answers by path: the answers of a path in turn, then its last one for ever; 404 elsewhere."""

    def __init__(self) -> None:
        self.routes: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and body of everything asked so far."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """Address without trailing slash."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["CatalogServer"]:
        """Serve until the block ends; afterwards the port refuses connections."""
        with serving(self._server):
            yield self

    def play_api(self, pages: list[list[object]], landing: Mapping[str, object] | None = None) -> None:
        """Be a STAC API whose search answers these pages of features."""
        self.routes["/"] = [as_json(landing or self._landing())]
        self.routes["/search"] = []
        for number, features in enumerate(pages, start=1):
            onward = {
                "rel": "next",
                "method": "POST",
                "href": f"{self.url}/search",
                "body": {"token": f"page-{number}"},
            }
            links = [{**onward, "merge": True}] if number < len(pages) else []
            page = {"type": "FeatureCollection", "features": features, "links": links}
            self.routes["/search"].append(as_json(page))

    def _landing(self) -> dict[str, object]:
        core = "https://api.stacspec.org/v1.0.0/core"
        return {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "played",
            "description": "a played STAC API",
            "conformsTo": [core, "https://api.stacspec.org/v1.0.0/item-search"],
            "links": [
                {"rel": "self", "href": f"{self.url}/"},
                {"rel": "root", "href": f"{self.url}/"},
                {"rel": "search", "href": f"{self.url}/search", "method": "POST", "type": "application/geo+json"},
            ],
        }

    def _answer(self, method: str, path: str, body: str) -> Answer:
        self.requests.append((method, path, body))
        answers = self.routes.get(path, [Answer(body=b"nothing here", status=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(played) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (`self` is the handler below)
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply("GET")

            def do_POST(self) -> None:
                self._reply("POST")

            def _reply(self, method: str) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                answer = played._answer(method, self.path.partition("?")[0], sent)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, format: str, *args: object) -> None:
                """Silence."""

        return Handler
